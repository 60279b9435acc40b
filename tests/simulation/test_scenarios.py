"""The named stories end as they must, whatever the seed."""

import pytest

from tidegate.core.decision import Outcome
from tidegate.simulator import behaviour as b
from tidegate.simulator.options import Content, Push
from tidegate.simulator.run import simulate
from tidegate.simulator.scenarios import PUSHED_AT_MS, SCENARIOS, SERVICE, change


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_story_ends_as_it_must(name: str) -> None:
    scenario = SCENARIOS[name]
    for seed in range(3):
        result = simulate(scenario.options(seed))
        assert result.broken is None, f"seed {seed}"
        outcomes = [deployment.outcome for deployment in result.deployments]
        if scenario.outcome:
            assert outcomes == [Outcome.SUCCEEDED, scenario.outcome], f"seed {seed}"


def test_a_bad_release_is_found_before_it_has_all_the_traffic() -> None:
    for name in ("failing-release", "slow-release", "weak-under-load-release"):
        result = simulate(SCENARIOS[name].options(1))
        candidate = result.deployments[-1]
        assert candidate.outcome is Outcome.ROLLED_BACK
        assert candidate.detected_ms is not None and candidate.detected_ms < 18_000
        assert '"weight_bp":10000' not in "".join(result.journal).partition('"d2"')[2]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("vulnerable-release", "cats is refused: too many findings: 1 CRITICAL (limit 0)"),
        ("unknown-release", "nothing is known of this image: its packages cannot be read"),
        ("waiver-ends-while-it-waits", "approve: the verdict on cats held until"),
        ("inherited-and-exploited", "known to be exploited: CVE-2024-0003 in openssl"),
    ],
)
def test_a_release_that_the_gate_refuses_is_never_started(name: str, reason: str) -> None:
    result = simulate(SCENARIOS[name].options(0))
    assert result.broken is None
    assert len(result.deployments) == 1
    (end,) = [entry for entry in result.journal if '"outcome":"refused"' in entry]
    assert reason in end


@pytest.mark.parametrize("name", ["inherited-vulnerability", "inherited-and-exploited"])
def test_news_of_what_runs_raise_an_alarm_and_roll_nothing_back(name: str) -> None:
    result = simulate(SCENARIOS[name].options(0))
    alarms = [e for e in result.journal if '"alarm":"cats/NewVulnerabilities"' in e]
    assert '"state":"ALARM"' in alarms[-1]
    assert not any('"type":"RollbackStarted"' in entry for entry in result.journal)


def test_the_alarm_ends_with_the_release_that_had_the_vulnerability() -> None:
    result = simulate(SCENARIOS["news-of-what-runs"].options(0))
    alarms = [e for e in result.journal if '"alarm":"cats/NewVulnerabilities"' in e]
    assert ['"state":"ALARM"' in alarm for alarm in alarms] == [True, False]


def test_an_alarm_that_fires_before_the_start_stops_the_deployment() -> None:
    """What is stable fails from the beginning: nothing better may be shifted onto it either."""
    calm = change(0)
    first = Content("one", b.failing(0.9))
    options = change(0)
    options = type(options)(
        0,
        calm.app,
        (Push(0, ((SERVICE, first),)), *calm.pushes[1:]),
        faulty_ms=PUSHED_AT_MS + 1_000,
    )
    result = simulate(options)
    last = result.deployments[-1]
    assert last.outcome is Outcome.FAILED
    assert last.reason.startswith("not started: alarm errors")
    assert last.requests == 0
