"""Running releases are matched again when data or policy change; an alarm tells, nothing stops."""

from dataclasses import replace

import pytest

from tests.support.builders import app_of, service
from tests.support.findings import finding, waiver
from tests.support.small_world import World, serving
from tidegate.core import decision as d
from tidegate.core.decision import AlarmState, Outcome, VerdictKind
from tidegate.core.findings import Finding
from tidegate.core.model import DAY_MS, App, GateMode, GatePolicy
from tidegate.core.rematch import RETRY_MS, alarm_of
from tidegate.core.requests import AcceptApp, RollBack
from tidegate.core.seen import AdvisoriesSeen, JobSeen, JobState

V1 = "sha256:cats-e1"
ALARM = alarm_of("cats")


def data(name: str) -> AdvisoriesSeen:
    return AdvisoriesSeen(f"sha256:{name}", 0)


def news(world: World, name: str, *found: Finding, of: str = V1) -> World:
    """New data, by which this is found in the running image; ticked until it is at rest."""
    world.findings[of] = found
    world.advisories = data(name)
    for _ in range(8):
        world.tick()
    return world


def alarm(world: World) -> AlarmState | None:
    known = world.progress.alarms.get(ALARM)
    return known.state if known else None


def rematched(app: App | None = None) -> World:
    """v1 serves, and has been matched with the first data."""
    return news(serving(app or app_of()), "one")


def test_without_anybody_who_looks_at_the_data_nothing_is_matched_again() -> None:
    world = serving(app_of())
    assert world.events(d.ReleaseRejudged) == []


def test_data_that_changes_nothing_is_noted_and_raises_no_alarm() -> None:
    world = rematched()
    (said,) = world.events(d.ReleaseRejudged)
    assert (said.service, said.release, said.digest) == ("cats", 1, V1)
    assert (said.verdict, said.reason) == (VerdictKind.PASSED, "within the limits: no findings")
    assert alarm(world) is None


def test_the_same_data_is_looked_at_once() -> None:
    world = rematched()
    for _ in range(20):
        world.tick()
    assert len(world.events(d.ReleaseRejudged)) == 1


def test_news_of_what_runs_raise_an_alarm_and_touch_neither_tasks_nor_traffic() -> None:
    world = rematched()
    tasks, routing = dict(world.tasks), dict(world.routing)
    news(world, "two", finding())
    assert alarm(world) is AlarmState.ALARM
    reason = world.progress.alarms[ALARM].reason
    assert reason.startswith("the running v1 is refused: too many findings: 1 HIGH (limit 0)")
    assert (world.tasks, world.routing) == (tasks, routing)
    assert world.progress.services["cats"].stable == 1


def test_the_alarm_ends_when_the_running_release_is_clean_again() -> None:
    world = news(rematched(), "two", finding())
    news(world, "three")
    assert alarm(world) is AlarmState.OK


def test_more_news_are_told_while_the_alarm_stands() -> None:
    world = news(rematched(), "two", finding())
    news(world, "three", finding(), finding("CVE-2", "CRITICAL"))
    assert "1 CRITICAL" in world.progress.alarms[ALARM].reason


def test_all_services_are_matched_in_one_job() -> None:
    world = news(serving(app_of(service("cats"), service("dogs"))), "one")
    jobs = [job for job in world.jobs if job.startswith("rematch/")]
    assert len(jobs) == 1
    assert [e.service for e in world.events(d.ReleaseRejudged)] == ["cats", "dogs"]


def test_a_running_release_is_never_excused_by_what_runs() -> None:
    """`new_only` would compare it with itself."""
    assert app_of().gate.new_only
    assert alarm(news(rematched(), "two", finding())) is AlarmState.ALARM


def test_a_waiver_that_comes_with_a_new_file_ends_the_alarm() -> None:
    world = news(rematched(), "two", finding())
    world.ask(AcceptApp(app_of(gate=GatePolicy(waivers=(waiver(),))), "me"))
    news(world, "two", finding())
    assert alarm(world) is AlarmState.OK


def test_a_waiver_that_ends_raises_the_alarm_though_the_data_is_the_same() -> None:
    world = serving(app_of())
    ends = replace(waiver(), until=world.now + 20_000)
    world.ask(AcceptApp(app_of(gate=GatePolicy(waivers=(ends,))), "me"))
    news(world, "one", finding())
    assert alarm(world) is None
    for _ in range(80):
        world.tick()
    assert alarm(world) is AlarmState.ALARM
    assert "the waiver of CVE-1 counted until" in world.progress.alarms[ALARM].reason


def test_data_that_nobody_renews_raises_the_alarm_once_it_is_too_old() -> None:
    world = rematched()
    report = replace(world._report(V1), data_at=world.now)
    world._report = lambda digest: report  # type: ignore[method-assign]
    world.now += 14 * DAY_MS
    for _ in range(8):
        world.look()
    assert alarm(world) is AlarmState.ALARM
    assert "the vulnerability data is 14 days old" in world.progress.alarms[ALARM].reason


def test_a_scan_that_fails_is_an_alarm_and_is_tried_again_later() -> None:
    world = rematched()
    world.broken = {"rematch/"}
    news(world, "two")
    assert alarm(world) is AlarmState.ALARM
    assert world.progress.rejudged["cats"].reason == "nothing is known of this image: it broke"
    world.broken = set()
    news(world, "two")
    assert alarm(world) is AlarmState.ALARM
    world.now += RETRY_MS
    news(world, "two")
    assert alarm(world) is AlarmState.OK


def test_a_scan_that_a_crash_forgot_is_started_again() -> None:
    world = rematched()
    world.hung = {"rematch/"}
    news(world, "two", finding())
    assert alarm(world) is None
    world.hung, world.jobs = set(), {}
    news(world, "two", finding())
    assert alarm(world) is AlarmState.ALARM


def test_a_result_without_the_image_is_unknown_and_an_alarm() -> None:
    world = rematched()
    world.hung = {"rematch/"}
    news(world, "two")
    job = list(world.jobs)[-1]
    world.jobs[job] = JobSeen(job, JobState.SUCCEEDED)
    world.tick()
    assert world.progress.rejudged["cats"].verdict is VerdictKind.UNKNOWN
    assert alarm(world) is AlarmState.ALARM


def test_a_new_release_is_matched_again_and_ends_the_alarm_of_the_old_one() -> None:
    world = news(rematched(), "two", finding())
    world.push(app_of())
    world.until_quiet()
    for _ in range(8):
        world.tick()
    assert world.progress.services["cats"].stable == 2
    assert alarm(world) is AlarmState.OK


def test_a_rollback_to_a_release_that_once_passed_is_never_blocked_only_reported() -> None:
    world = rematched()
    world.push(app_of())
    world.until_quiet()
    news(world, "two", finding(exploited=True, severity="CRITICAL"))
    assert alarm(world) is None
    world.ask(RollBack("cats", 1, "me"))
    world.until_quiet()
    assert world.last.outcome is Outcome.SUCCEEDED
    assert world.progress.services["cats"].stable == 1
    for _ in range(8):
        world.tick()
    assert alarm(world) is AlarmState.ALARM
    assert "known to be exploited: CVE-1" in world.progress.alarms[ALARM].reason


def test_a_gate_that_is_switched_off_says_nothing_more() -> None:
    world = news(rematched(), "two", finding())
    world.ask(AcceptApp(app_of(gate=GatePolicy(GateMode.OFF)), "me"))
    news(world, "three", finding())
    assert alarm(world) is AlarmState.OK
    assert len(world.events(d.ReleaseRejudged)) == 2


@pytest.mark.parametrize("lost", [True, False])
def test_a_lost_action_is_done_at_the_next_look(lost: bool) -> None:
    world = rematched()
    world.findings[V1], world.advisories = (finding(),), data("two")
    world.look(lose_actions=lost)
    news(world, "two", finding())
    assert alarm(world) is AlarmState.ALARM
    assert len(world.events(d.ReleaseRejudged)) == 2
