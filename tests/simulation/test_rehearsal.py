"""A rehearsal runs the real decisions, and tells what they would have come to."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest

from tidegate.core import decision as d
from tidegate.core.errors import UsageError
from tidegate.core.model import Alarm, AlarmScope, MissingData, TaskCount
from tidegate.engine.codec import encode
from tidegate.load.profile import constant, ramp
from tidegate.simulator.behaviour import failing
from tidegate.simulator.queueing import Work
from tidegate.simulator.rehearse.assume import (
    Assumptions,
    Capability,
    calibration_text,
    read_calibration,
)
from tidegate.simulator.rehearse.compare import compare
from tidegate.simulator.rehearse.outcome import outcome_of, rehearse
from tidegate.simulator.rehearse.page import page
from tidegate.simulator.rehearse.plan import Rehearsal
from tidegate.simulator.rehearse.run import play, told
from tidegate.simulator.rehearse.scenarios import (
    SCENARIOS,
    Change,
    Loss,
    Scenario,
    scenario_of,
    trace_of,
)
from tidegate.simulator.rehearse.text import as_text, compared_text
from tidegate.simulator.scenarios import SLOWLY

BUSY = Alarm("busy", "RequestCount", threshold=9_000, period_ms=60_000, scope=AlarmScope.SERVICE,
             treat_missing_data=MissingData.NOT_BREACHING)  # fmt: skip
APP = replace(SLOWLY, alarms=(*SLOWLY.alarms, BUSY))
SHORT = Scenario("short", "ten minutes of rising load", ramp(0.5, 1.5, 600))
"""One service, three tasks of 200 requests/s, so a base rate of 240."""
BRIEF = replace(SHORT, demand=ramp(0.5, 1.5, 120))


def recorded(rehearsal: Rehearsal) -> list[str]:
    """The journal since the story began."""
    return [f"{entry.at} {encode(entry.event)}" for entry in play(rehearsal).entries]


@pytest.mark.parametrize(
    "scenario",
    [
        SHORT,
        replace(SHORT, changes=(Change(200, failing(0.1)), Change(400))),
        replace(SHORT, losses=(Loss(100.3, 0.6), Loss(201, 1.0))),
    ],
    ids=["quiet", "changes", "losses"],
)
def test_looks_that_decide_nothing_can_be_left_out(scenario: Scenario) -> None:
    rehearsal = Rehearsal(APP, scenario)
    every = recorded(replace(rehearsal, skip=False))
    assert recorded(rehearsal) == every
    assert any("AlarmChanged" in line for line in every)


def test_at_rest_most_looks_are_left_out() -> None:
    stage = play(Rehearsal(APP, replace(SHORT, demand=constant(1, 900))))
    assert stage.looks < 550  # one for each datapoint of the 2 s alarm; 900 with all


def test_the_same_seed_gives_the_same_outcome_and_another_another() -> None:
    first, again, other = (rehearse(Rehearsal(APP, BRIEF, seed=s)) for s in (1, 1, 2))
    assert first == again
    assert first.services[0].requests != other.services[0].requests


def test_a_flow_and_its_single_requests_come_to_the_same() -> None:
    flow, each = (rehearse(Rehearsal(APP, BRIEF, each=e)).services[0] for e in (False, True))
    assert flow.requests == pytest.approx(each.requests, rel=0.02)
    assert (flow.failed, each.failed) == (0, 0)
    assert flow.p95_ms == pytest.approx(each.p95_ms, rel=0.20)
    assert flow.p99_ms == pytest.approx(each.p99_ms, rel=0.20)


def test_a_bad_release_is_rolled_back_and_costs_a_second_task_set_for_so_long() -> None:
    stage = play(Rehearsal(APP, replace(SHORT, changes=(Change(120, failing(0.2)),))))
    (rolled_back,) = (e for _, e in told(stage) if isinstance(e, d.DeploymentFinished))
    assert rolled_back.outcome is d.Outcome.ROLLED_BACK
    found = outcome_of(stage).services[0]
    assert 0 < found.failed < 300
    assert 0 < found.second_hours < found.task_hours - 3 * 600 / 3600 + 0.01


def test_more_than_the_tasks_can_answer_is_saturated_and_has_no_latency() -> None:
    found = rehearse(Rehearsal(APP, replace(SHORT, demand=constant(3.0, 300)))).services[0]
    assert (found.saturated, found.lost, found.short_minutes) == (5, 5, 5)
    assert (found.p50_ms, found.p99_ms) == (None, None)
    assert found.headroom == pytest.approx(1 - 3 * 0.4, abs=0.01)
    assert found.failed > found.requests / 3


def test_a_backlog_is_worked_off_before_answers_are_quick_again() -> None:
    demand = constant(1, 60) + constant(4, 20) + constant(0.2, 280)
    minutes = rehearse(Rehearsal(APP, replace(SHORT, demand=demand))).services[0].minutes
    p99 = [minute.p99_ms or 0 for minute in minutes]
    assert p99[0] < 300 < p99[1]
    assert p99[-1] < 300


def test_tasks_that_are_lost_come_back_and_cost_what_they_ran() -> None:
    stage = play(Rehearsal(APP, replace(SHORT, demand=constant(1, 300), losses=(Loss(90, 0.6),))))
    tracks = stage.tracks["cats"]
    assert [minute.tasks for minute in tracks.minutes] == [3, 3, 3, 3, 3]
    assert tracks.minutes[1].utilisation > 2 * tracks.minutes[0].utilisation
    assert tracks.task_s == pytest.approx(900, abs=15)


def test_cold_tasks_answer_more_slowly_until_they_are_warm() -> None:
    def utilisation(cold_ms: int) -> list[float]:
        work = Work(20_000, 4, cold_ms=cold_ms, cold_factor=3.0)
        assumed = Assumptions(MappingProxyType({"cats": Capability(work)}))
        scenario = replace(SHORT, demand=constant(0.5, 240), losses=(Loss(90, 1.0),))
        found = rehearse(Rehearsal(APP, scenario, assumed)).services[0]
        return [round(minute.utilisation, 2) for minute in found.minutes]

    warm, cold = utilisation(0), utilisation(30_000)
    assert warm[0] == warm[3] == cold[3]
    assert cold[0] == pytest.approx(3 * warm[0], rel=0.05)  # the first release has just started
    assert cold[1] == pytest.approx(3 * warm[0], rel=0.05)


def test_the_report_states_what_it_assumes_and_says_saturated_instead_of_a_number() -> None:
    found = rehearse(Rehearsal(APP, replace(SHORT, demand=constant(3.0, 120)),
                               Assumptions(task_hour_price=2.0)))  # fmt: skip
    text = as_text(found)
    assert "saturated" in text and "at most 200 requests/s" in text
    assert found.services[0].cost == pytest.approx(0.2, rel=0.02)
    html = page([found])
    assert "saturated all the time: no number to tell" in html and "<svg" in html
    assert "<script" not in html


def test_two_files_are_compared_seed_by_seed_and_no_difference_is_said_so() -> None:
    bigger = replace(APP, services=(replace(APP.services[0], count=TaskCount(1, 4, 6)),))
    runs = [[rehearse(Rehearsal(app, BRIEF, seed=seed, base_rps=300)) for seed in (1, 2)]
            for app in (APP, bigger)]  # fmt: skip
    found = {one.name: one for one in compare(*runs)}
    hours = found["task-hours"]
    assert hours.sure and hours.mean == pytest.approx(1 / 30, rel=0.05)
    assert not found["scaling actions"].sure
    assert found["minutes saturated"].mean <= 0
    text = compared_text(("a.yaml", "b.yaml"), list(found.values()), 2)
    assert "the same 2 seeds for both" in text and "~ there may be no difference at all" in text
    alone = compare(runs[0][:1], runs[1][:1])
    assert not any(one.sure or one.known for one in alone)


def test_every_scenario_runs_to_its_end_with_nothing_dropped_by_the_controller() -> None:
    for scenario in SCENARIOS.values():
        demand = replace(scenario.demand, segments=tuple(
            replace(s, seconds=s.seconds / 10) for s in scenario.demand.segments))  # fmt: skip
        if demand.seconds > 1_000:
            continue  # a day says no more than an hour
        changes = tuple(replace(c, at_s=c.at_s / 10) for c in scenario.changes)
        losses = tuple(replace(one, at_s=one.at_s / 10) for one in scenario.losses)
        storms = tuple(replace(one, at_s=one.at_s / 10) for one in scenario.storms)
        short = replace(scenario, demand=demand, changes=changes, losses=losses, storms=storms)
        found = rehearse(Rehearsal(APP, short))
        assert found.dropped == 0, scenario.name
        assert found.sent == pytest.approx(240 * demand.expected, rel=0.02), scenario.name


def test_an_unknown_scenario_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="no scenario 'flood'") as refused:
        scenario_of("flood")
    assert "flash-crowd" in refused.value.remedy


def test_a_trace_is_counts_per_minute_shared_by_the_services(tmp_path: Path) -> None:
    file = tmp_path / "counts"
    file.write_text("600\n1200\n0\n")
    found = rehearse(Rehearsal(APP, trace_of(file, scale=2.0))).services[0]
    assert [round(minute.wanted_rps) for minute in found.minutes] == [20, 40, 0]
    assert found.requests == pytest.approx(3_600, rel=0.1)


def test_a_trace_may_be_an_access_log_and_what_was_left_out_is_said(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    line = 'host - - [13/Jul/1995:00:0{}:30 -0400] "GET / HTTP/1.0" 200 1\n'
    file.write_text("".join(line.format(minute) for minute in (1, 1, 3)) + "cut of\n")
    story = trace_of(file, scale=2.0, day="1995-07-13")
    assert [s.from_rps * 60 for s in story.demand.segments[:5]] == [0, 4, 0, 2, 0]
    assert story.says == (
        "access.log: 3 requests in 1,440 minutes from 1995-07-13 04:00 UTC; 1 of 4 lines could "
        "not be read and are left out, the first is line 4, all of 1995-07-13"
    )


def test_a_calibration_is_read_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "calibration.json"
    known = {"cats": Capability(Work(1_234, 7, 0.5, 10, 2.0), 900, "measured")}
    file.write_text(calibration_text(known))
    assert read_calibration(file) == known
    file.write_text("{}")
    with pytest.raises(UsageError, match="is no calibration"):
        read_calibration(file)
