"""Production weight rises only on what was observed, and goes back when it cannot be carried."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import AT_ONCE, ERRORS, app_of, service
from tests.support.small_world import Nature, World, moving, serving
from tidegate.core import decision as d
from tidegate.core import deployment
from tidegate.core.model import Colour, OnUnknown
from tidegate.core.model import LifecycleStage as Stage
from tidegate.core.requests import Scale
from tidegate.core.seen import Health, Routing, TaskState
from tidegate.core.shift import needed_for


def look_now(world: World) -> d.Decision:
    """What the rules of the deployment say of the world as it is."""
    moving = world.progress.deployment_of("cats")
    assert moving is not None
    return deployment.decide(world.progress, moving, world.seen(), world.now)


def lose(world: World, count: int, number: int = 2) -> None:
    """So many tasks of the release die, and those that replace them never come up."""
    for task in world.running(number)[:count]:
        world.change(task, state=TaskState.STOPPED, exit_code=137)
    world.nature(number).health = Health.UNKNOWN


@pytest.mark.parametrize(
    ("desired", "weight_bp", "needed"),
    [(4, 1, 1), (4, 2_500, 1), (4, 2_501, 2), (4, 10_000, 4), (1, 1, 1), (10, 9_000, 9), (3, 0, 0)],
)
def test_a_share_of_traffic_needs_that_share_of_the_tasks_rounded_up(
    desired: int, weight_bp: int, needed: int
) -> None:
    assert needed_for(desired, weight_bp) == needed


@given(st.integers(0, 50), st.integers(0, 10_000))
def test_the_tasks_that_are_needed_carry_the_share_and_one_less_would_not(
    desired: int, weight_bp: int
) -> None:
    needed = needed_for(desired, weight_bp)
    assert needed * 10_000 >= desired * weight_bp
    assert needed == 0 or (needed - 1) * 10_000 < desired * weight_bp


# --- up ------------------------------------------------------------------------------------------


def test_the_next_step_waits_until_the_last_weight_is_observed() -> None:
    world = moving(app_of()).until_weight(2_500)
    world.deaf = True
    world.until(lambda w: w.last.weight_bp == 5_000)
    for _ in range(40):
        world.tick()
    assert world.last.weight_bp == 5_000
    assert look_now(world).reason == "cats v2: waiting to see 50 % in the balancer"


def test_a_balancer_that_lost_its_weight_since_is_brought_back_before_the_next_step() -> None:
    world = moving(app_of()).until_weight(2_500)
    world.routing["cats"] = Routing("cats", 0, Colour.GREEN)  # restarted
    world.deaf = True
    for _ in range(20):
        world.tick()
    assert world.last.weight_bp == 2_500
    assert look_now(world).reason == "cats v2: waiting to see 25 % in the balancer"


def test_a_balancer_that_cannot_be_read_holds_the_weight() -> None:
    world = moving(app_of()).until_weight(2_500)
    world.blind = {"balancer"}
    for _ in range(40):
        world.tick()
    assert world.last.weight_bp == 2_500


def test_a_step_lasts_from_when_it_is_observed() -> None:
    world = moving(app_of()).until(lambda w: w.last.weight_bp == 2_500)
    world.blind = {"balancer"}
    for _ in range(12):
        world.tick()
    world.blind = set()
    world.until_weight(2_500)
    assert look_now(world).reason == "cats v2: 25 % for 2.0 s more"
    assert look_now(world).look_again_at == world.now + 2_000


def test_the_weight_is_held_while_healthy_tasks_cannot_carry_more() -> None:
    world = moving(app_of()).until_weight(5_000)
    for task in world.running(2)[:2]:
        world.change(task, health=Health.UNKNOWN)  # the health checks have just been restarted
    for _ in range(12):
        world.tick()
    assert look_now(world).reason == (
        "cats v2: held at 50 %: 2 healthy tasks cannot carry 75 % (3 can)"
    )


@pytest.mark.parametrize(
    ("blind", "why"),
    [
        ({"metrics"}, "the data plane's metrics cannot be read"),
        ({"tasks"}, "0 healthy tasks cannot carry 50 % (2 can)"),
    ],
)
def test_the_weight_is_held_while_the_evidence_is_unknown(blind: set[str], why: str) -> None:
    world = moving(app_of()).until_weight(2_500)
    world.blind = blind
    for _ in range(40):
        world.tick()
    assert look_now(world).reason == f"cats v2: held at 25 %: {why}"
    assert world.candidate_bp() == 2_500


def test_an_alarm_without_data_holds_the_weight() -> None:
    world = moving(app_of(alarms=(ERRORS,))).until_weight(2_500)
    world.rate = 0
    for _ in range(40):
        world.tick()
    assert look_now(world).reason.startswith(
        "cats v2: held at 25 %: alarm errors is INSUFFICIENT_DATA: no datapoint"
    )


def test_the_weight_is_held_while_evidence_grows_against_the_candidate() -> None:
    world = serving(app_of(), rate=400)
    world.natures[2] = Nature(latency_ms=30)
    world.push(app_of())
    world.until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK
    shifts = [event.weight_bp for event in world.events(d.TrafficShifted)]
    assert max(shifts[1:]) == 5_000  # by its timetable it would have had everything by then


def test_a_suspicion_holds_the_timetable_and_not_the_person_who_promotes() -> None:
    world = moving(app_of(), rate=400).until_weight(2_500)
    world.natures[2] = Nature(latency_ms=30)
    world.until(lambda w: "held at" in look_now(w).reason)
    held = look_now(world).reason
    assert held.startswith("cats v2: held at 50 %: the candidate may be worse: share slower than ")
    assert held.endswith(" of the 200 needed")
    world.promote()
    world.until(lambda w: w.last.weight_bp == 10_000)


def test_the_file_may_say_that_what_is_unknown_does_not_hold() -> None:
    world = moving(app_of(service(on_unknown=OnUnknown.PROCEED), alarms=(ERRORS,)))
    world.until_stage(Stage.TEST_TRAFFIC_SHIFT)
    world.blind = {"metrics"}
    world.until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED


def test_a_shift_that_is_held_for_too_long_is_rolled_back() -> None:
    world = moving(app_of(service(scale_up_timeout_ms=10_000))).until_weight(2_500)
    world.blind = {"metrics"}
    world.until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK
    assert world.last.reason == "PRODUCTION_TRAFFIC_SHIFT got no further in 10 s"


# --- a person ------------------------------------------------------------------------------------


def test_promote_takes_all_the_traffic_at_once_and_ends_the_bake_at_the_next() -> None:
    world = moving(app_of()).until_weight(2_500)
    world.promote()
    world.tick()
    assert world.last.weight_bp == 10_000
    world.until_stage(Stage.BAKE_TIME)
    assert "bakes for" in world.tick().reason
    world.promote()
    world.tick()
    assert world.last.promoted


def test_promote_does_not_overrule_what_the_tasks_can_carry() -> None:
    world = moving(app_of()).until_weight(2_500)
    for task in world.running(2)[:2]:
        world.change(task, health=Health.UNKNOWN)
    world.promote()
    world.tick()
    assert look_now(world).reason == (
        "cats v2: held at 25 %: 2 healthy tasks cannot carry 100 % (4 can)"
    )


def test_a_pause_holds_the_weight_and_does_not_count_for_the_step() -> None:
    world = moving(app_of()).until_weight(2_500)
    world.tick(500)
    world.pause()
    assert world.tick().reason == "cats v2: paused by me"
    for _ in range(400):
        world.tick()
    assert world.last.weight_bp == 2_500
    world.resume()
    assert look_now(world).reason == "cats v2: 25 % for 1.5 s more"


def test_a_pause_before_the_weight_was_seen_does_not_make_the_shift_overdue() -> None:
    world = moving(app_of(service(scale_up_timeout_ms=10_000)))
    world.until(lambda w: w.last.weight_bp == 7_500)
    assert world.last.observed_at is None
    world.pause()
    for _ in range(400):
        world.tick()
    world.resume()
    world.until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED


# --- down again ----------------------------------------------------------------------------------


def test_traffic_that_the_candidate_lost_the_tasks_for_goes_back_to_stable() -> None:
    world = moving(app_of()).until_weight(5_000)
    lose(world, 3)
    world.until(lambda w: w.last.weight_bp != 5_000)
    shifted = world.events(d.TrafficShifted)[-1]
    assert shifted == d.TrafficShifted("d2", 0, 2_500, "50 % → 25 %: 1 task cannot carry 50 %")


def test_a_candidate_without_any_task_gets_no_traffic() -> None:
    world = moving(app_of()).until_weight(5_000)
    for task in world.running(2):
        world.change(task, health=Health.UNHEALTHY)
    world.nature(2).health = Health.UNKNOWN
    world.tick()
    assert world.candidate_bp() == 0
    assert world.last.rollback is None


def test_the_shift_goes_on_from_there_once_the_tasks_are_replaced() -> None:
    world = moving(app_of()).until_weight(5_000)
    lose(world, 2)
    for _ in range(8):
        world.tick()
    assert world.last.weight_bp == 5_000
    world.nature(2).health = Health.HEALTHY
    for task in world.running(2):
        world.change(task, health=Health.HEALTHY)
    world.until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED


def test_a_task_lost_in_the_bake_gives_its_share_back_and_the_bake_begins_anew() -> None:
    world = moving(app_of(service(shift=AT_ONCE))).until_stage(Stage.BAKE_TIME)
    world.change(world.running(2)[0], health=Health.UNHEALTHY)
    world.tick()
    assert world.last.stage is Stage.PRODUCTION_TRAFFIC_SHIFT
    assert world.candidate_bp() == 7_500
    began = world.now
    world.until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED
    promoted = next(at for at, e in world.journal[::-1] if isinstance(e, d.StablePromoted))
    assert promoted - began >= 5_000


def test_a_paused_deployment_gives_back_what_it_cannot_carry_too() -> None:
    world = moving(app_of()).until_weight(5_000)
    world.pause()
    world.tick()
    lose(world, 4)
    world.until(lambda w: w.candidate_bp() == 0)
    assert world.last.paused_by == "me"


def test_when_both_sides_are_short_of_tasks_each_carries_its_part() -> None:
    world = moving(app_of()).until_weight(7_500)
    for task in world.running(2)[:3] + world.running(1)[:2]:
        world.change(task, health=Health.UNHEALTHY)
    world.tick()
    assert world.candidate_bp() == 3_333


def test_no_traffic_goes_to_a_stable_release_that_has_no_task_either() -> None:
    world = moving(app_of()).until_weight(5_000)
    for task in world.running(2)[:3] + world.running(1):
        world.change(task, health=Health.UNHEALTHY)
    world.tick()
    assert world.candidate_bp() == 5_000


@pytest.mark.parametrize("blind", ["tasks", "balancer"])
def test_what_cannot_be_read_takes_nothing_back(blind: str) -> None:
    world = moving(app_of()).until_weight(5_000)
    world.blind = {blind}
    for _ in range(8):
        world.tick()
    assert world.last.weight_bp == 5_000
    assert world.candidate_bp() == 5_000


def test_health_that_is_not_known_yet_takes_nothing_back() -> None:
    world = moving(app_of()).until_weight(5_000)
    for task in world.tasks:
        world.change(task, health=Health.UNKNOWN)
    for _ in range(8):
        world.tick()
    assert world.candidate_bp() == 5_000


def test_more_desired_tasks_mid_shift_hold_the_weight_until_they_are_there() -> None:
    world = moving(app_of()).until_weight(5_000)
    world.ask(Scale("cats", 8, "me"))
    world.nature(2).health = Health.UNKNOWN
    for _ in range(12):
        world.tick()
    assert look_now(world).reason == (
        "cats v2: held at 50 %: 4 healthy tasks cannot carry 75 % (6 can)"
    )
    assert len(world.running(1)) == 8


def test_a_stable_task_that_falls_ill_mid_shift_is_replaced_and_the_shift_goes_on() -> None:
    world = moving(app_of()).until_weight(5_000)
    world.change(world.running(1)[0], health=Health.UNHEALTHY)
    world.until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED
    assert world.last.failed_tasks == 0


def test_a_clock_that_jumps_ahead_skips_no_more_than_the_rest_of_one_step() -> None:
    world = moving(app_of()).until_weight(2_500)
    until = world.now // 1000 * 1000
    world.now += 3 * 3_600_000  # and the metrics end before the jump
    world.blind = {"metrics"}
    seen = replace(world.seen(), metrics={}, metrics_until=until)
    found = world.progress.deployment_of("cats")
    assert found is not None
    decision = deployment.decide(world.progress, found, seen, world.now)
    assert not any(isinstance(e, d.TrafficShifted) for e in decision.events)


def test_serving_alone_shifts_nothing() -> None:
    assert [e.weight_bp for e in serving(app_of()).events(d.TrafficShifted)] == [10_000]
