"""Metrics, alarms, scaling and service events: from the engine, over the API, on the terminal."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.builders import T0
from tests.support.scaled import Plant, scaled
from tests.support.served import FILE, Served, served, source
from tests.unit.test_scaling_aws import BY_TWO, SCALE_UP
from tidegate.cli.main import call
from tidegate.cli.render.numbers import number, sparkline
from tidegate.core.errors import NotFound
from tidegate.core.scaling.policy import Scaling
from tidegate.engine.journal import Entry
from tidegate.engine.views.service_events import service_events

SCALED = FILE + (
    "    scaling: {target: {requests: 50}}\n"
    "alarms:\n"
    "  busy: {metric: RequestCount, threshold: 100, period: 10s, scope: service, guards: false}\n"
    "  hosts: {metric: HealthyHostCount, threshold: 2, statistic: Minimum,\n"
    "          comparison: LessThanThreshold, scope: service}\n"
)
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A hundred requests a second on two tasks that should have fifty each; 90 s of it."""
    with served(tmp_path_factory.mktemp("app")) as made:
        made.push(text=SCALED)
        made.until_quiet()
        for _ in range(90):
            made.tick(1_000)
        yield made


@pytest.fixture
def run(daemon: Served, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line against the daemon: its exit code, stdout, stderr."""

    def line(*words: str) -> tuple[int, str, str]:
        with daemon.listening():
            code = call(["-C", str(daemon.home.path.parent), *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return line


def latest(daemon: Served, metric: str) -> float | None:
    (service,) = daemon.operations.metrics("cats").services
    return next(row.latest for row in service.metrics if row.name == metric)


def test_each_metric_of_the_walk_through_has_its_value(daemon: Served) -> None:
    """Periods of 10 s, at 100 requests a second."""
    assert latest(daemon, "RequestCount") == 1_000
    assert latest(daemon, "RequestCountPerTarget") == 500
    assert latest(daemon, "TargetResponseTime") == pytest.approx(0.01, rel=0.06)
    assert latest(daemon, "HTTPCode_Target_2XX_Count") == 1_000
    assert latest(daemon, "HTTPCode_Target_5XX_Count") == 0
    assert latest(daemon, "HealthyHostCount") == 2
    assert latest(daemon, "UnHealthyHostCount") == 0
    assert latest(daemon, "Concurrency") == 0
    assert latest(daemon, "CPUUtilization") is None  # nothing measures it in this world
    assert latest(daemon, "CapacityProviderReservation") is None


def test_the_period_follows_from_how_far_back_one_looks(daemon: Served) -> None:
    assert daemon.operations.metrics(since_ms=60_000).period_ms == 5_000
    hour = daemon.operations.metrics(since_ms=3_600_000)
    assert hour.period_ms == 60_000
    assert len(hour.services[0].metrics[0].points) == 60


def test_an_alarm_on_healthy_hosts_works(daemon: Served) -> None:
    busy, hosts = daemon.operations.alarms()
    assert (hosts.state, hosts.guards, hosts.points[-1]) == ("OK", True, 2)
    assert hosts.reason == (
        "the last datapoint (2) was not less than the threshold 2; ALARM needs 1"
    )
    assert (busy.state, busy.guards) == ("ALARM", False)


def test_an_alarm_that_does_not_guard_holds_no_deployment(tmp_path: Path) -> None:
    """`busy` is in ALARM, and the next release goes through."""
    with served(tmp_path) as made:
        made.push(text=SCALED)
        made.until_quiet()
        for _ in range(30):
            made.tick(1_000)
        assert made.operations.alarms()[0].state == "ALARM"
        made.push(commit="b" * 40, text=SCALED)
        made.until_quiet()
        assert made.operations.execution("e2").outcome == "succeeded"


def test_scaling_shows_what_each_policy_sees(daemon: Served) -> None:
    (view,) = daemon.operations.scaling("cats")
    assert (view.minimum, view.desired, view.maximum, view.running) == (1, 2, 10, 2)
    assert [(p.name, p.now) for p in view.policies] == [
        ("totals", "100 requests/s: 2.0 tasks"),
    ]
    assert view.activities == ()


def test_a_load_that_rises_is_seen_as_activities_and_events(tmp_path: Path) -> None:
    with served(tmp_path) as made:
        made.push(text=SCALED)
        made.until_quiet()
        for _ in range(30):
            made.tick(1_000)
        made.world.rate = 200
        for _ in range(40):
            made.tick(1_000)
        (view,) = made.operations.scaling()
        assert [(one.before, one.after) for one in view.activities] == [(2, 4)]
        assert view.activities[0].status == (
            "Successfully set desired count to 4. Change successfully fulfilled by ecs."
        )
        texts = [event.text for event in made.operations.service_events("cats")]
    assert texts[:3] == [
        "(service cats) has started 2 tasks: (task t1) (task t2).",
        "(service cats) registered 2 targets.",
        "(service cats) (deployment d1) deployment completed.",
    ]
    assert texts[3] == "(service cats) has reached a steady state."
    assert texts[4].startswith(
        "Successfully set desired count to 4. Waiting for change to be fulfilled by ecs. Cause: "
    )
    assert texts[5:] == [
        "(service cats) has started 2 tasks: (task t3) (task t4).",
        "(service cats) registered 2 targets.",
        "Successfully set desired count to 4. Change successfully fulfilled by ecs.",
        "(service cats) has reached a steady state.",
    ]


def test_service_events_tell_of_a_scale_in() -> None:
    made = Plant(scaled(Scaling(step=(BY_TWO,))), lambda s: 4_000, alarms=(SCALE_UP,)).run(200)
    entries = [Entry(seq, at, event) for seq, (at, event) in enumerate(made.journal, 1)]
    events = service_events("cats", entries)
    assert events[-1].text == "(service cats) has reached a steady state."
    assert events[-1].at > T0
    assert {event.service for event in events} == {"cats"}


def test_the_answers_are_the_same_from_another_process(daemon: Served) -> None:
    here = daemon.operations
    with daemon.listening() as there:
        assert there.metrics("cats", 60_000) == here.metrics("cats", 60_000)
        assert there.metrics() == here.metrics()
        assert there.alarms() == here.alarms()
        assert there.scaling() == here.scaling()
        assert there.scaling("cats") == here.scaling("cats")
        assert there.service_events("cats") == here.service_events("cats")


@pytest.mark.parametrize("question", ["metrics", "scaling", "service_events"])
def test_a_service_that_is_not_there_is_not_found(daemon: Served, question: str) -> None:
    with pytest.raises(NotFound, match="no service cows"):
        getattr(daemon.operations, question)("cows")


def test_metrics_on_the_terminal(run: Run) -> None:
    code, out, _ = run("metrics", "cats", "--since", "60s")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].strip() == "cats  every 5.0 s"
    row = next(line.split() for line in lines if line.startswith("RequestCount "))
    assert row[:3] == ["RequestCount", "Sum", "500"]
    assert "█" in row[3]
    assert not any(line.startswith("CPUUtilization") for line in lines)  # nothing to show


def test_alarms_on_the_terminal(run: Run) -> None:
    _, out, _ = run("alarms")
    assert "cats/busy  ✗ ALARM for " in out
    assert "Sum of RequestCount > 100, 1 of 1 periods of 10.0 s\n" in out
    assert "Minimum of HealthyHostCount < 2, 1 of 1 periods of 10.0 s; guards deployments" in out


def test_scaling_on_the_terminal(run: Run) -> None:
    _, out, _ = run("scaling")
    assert "cats  1 ≤ 2 ≤ 10, 2 running" in out
    assert "totals (totals)  100 requests/s: 2.0 tasks" in out


def test_service_events_on_the_terminal(run: Run) -> None:
    _, out, _ = run("events", "--service", "cats")
    assert "(service cats) has reached a steady state." in out


@pytest.mark.parametrize("words", [("metrics",), ("alarms",), ("scaling",)])
def test_each_speaks_json(run: Run, words: tuple[str, ...]) -> None:
    code, out, _ = run(*words, "--json")
    assert code == 0
    assert json.loads(out)


def test_a_time_that_is_none_or_too_long_ago_is_refused(run: Run) -> None:
    code, _, err = run("metrics", "--since", "yesterday")
    assert code == 2 and "TG138" in err
    code, _, err = run("metrics", "--since", "61m")
    assert code == 2 and "error TG164: metrics are kept for 60 min, not for 61" in err
    assert run("metrics", "--since", "1h")[0] == 0


def test_a_sparkline_goes_from_nothing_to_the_largest() -> None:
    assert sparkline([0, 5, 10, None]) == "▁▅█·"
    assert sparkline([None, None]) == "··"
    assert sparkline([0, 0]) == "▁▁"
    assert [number(v) for v in (None, 0.012345, 12_345.6)] == ["-", "0.01235", "12,346"]


def test_the_source_of_these_tests_loads() -> None:
    assert source(SCALED).read()
