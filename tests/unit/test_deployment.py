"""A deployment goes through ECS's stages, ends well or goes back, and survives every crash."""

from dataclasses import replace
from itertools import pairwise

import pytest

from tests.support.builders import AT_ONCE, ERRORS, app_of, fold, release, service
from tests.support.small_world import Nature, World, moving, serving
from tidegate.core import decision as d
from tidegate.core import deployment
from tidegate.core.fold import advance
from tidegate.core.model import (
    Alarm,
    AnalysisPolicy,
    Colour,
    Hook,
    MissingData,
    RollbackEvent,
    TrafficCheck,
)
from tidegate.core.model import LifecycleStage as Stage
from tidegate.core.progress import Progress
from tidegate.core.requests import RollBack
from tidegate.core.seen import Health, Routing, Seen, TaskState

CHECKED = service(checks=(TrafficCheck("/"),))
STAGES = tuple(Stage)


def reason_of(world: World) -> str:
    """What the deployment that is under way says now."""
    moving = world.progress.deployment_of("cats")
    assert moving is not None
    return deployment.decide(world.progress, moving, world.seen(), world.now).reason


# --- the happy path ------------------------------------------------------------------------------


def test_a_deployment_goes_through_every_stage_in_order_and_succeeds() -> None:
    world = moving(app_of(CHECKED, alarms=(ERRORS,)))
    world.until_quiet()
    entered = [e.stage for e in world.events(d.StageEntered) if e.deployment == "d2"]
    assert entered == list(STAGES[1:])
    assert world.last.outcome is d.Outcome.SUCCEEDED
    assert world.last.reason == "v2 serves"
    assert world.progress.services["cats"].stable == 2
    assert world.running(1) == []
    assert len(world.running(2)) == 4


def test_the_tasks_that_were_tested_are_the_ones_that_are_promoted() -> None:
    world = moving(app_of()).until_stage(Stage.TEST_TRAFFIC_SHIFT)
    tested = world.running(2)
    world.until_quiet()
    assert world.running(2) == tested


def test_the_weight_takes_each_step_of_the_timetable_for_its_time() -> None:
    world = moving(app_of()).until_quiet()
    shifts = [(at, e) for at, e in world.journal if isinstance(e, d.TrafficShifted)]
    shifts = [(at, e) for at, e in shifts if e.deployment == "d2"]
    assert [e.weight_bp for _, e in shifts] == [2_500, 5_000, 7_500, 10_000]
    assert [e.reason for _, e in shifts] == [
        "0 % → 25 %",
        "25 % → 50 %",
        "50 % → 75 %",
        "75 % → 100 %",
    ]
    times = [at for at, _ in shifts]
    assert all(later - at >= 2_000 for at, later in pairwise(times))


def test_stable_stays_at_full_size_until_the_bake_is_over() -> None:
    world = moving(app_of()).until_stage(Stage.BAKE_TIME)
    for _ in range(19):
        world.tick()
        assert world.last.stage is Stage.BAKE_TIME
        assert len(world.running(1)) == 4
    assert reason_of(world).startswith("cats v2: bakes for ")


def test_a_first_deployment_takes_all_traffic_at_once_and_does_not_bake() -> None:
    world = World()
    world.push(app_of())
    world.until_quiet()
    shifts = [e.weight_bp for e in world.events(d.TrafficShifted)]
    assert shifts == [10_000]
    assert world.progress.services["cats"].colour is Colour.BLUE
    baked = [at for at, e in world.journal if isinstance(e, d.StageEntered)][-2:]
    assert baked[1] - baked[0] < 1_000


def test_a_first_deployment_that_fails_ends_as_failed_and_leaves_nothing() -> None:
    world = World(natures={1: Nature(health=Health.UNHEALTHY)})
    world.push(app_of())
    world.until_quiet()
    assert world.last.outcome is d.Outcome.FAILED
    assert world.last.reason == (
        "4 candidate tasks failed (the breaker's limit is 3), the last one: "
        "failed container health checks before it was ever healthy"
    )
    assert world.tasks == {}
    assert world.progress.services["cats"].stable is None


def test_the_second_deployment_after_a_failed_first_one_takes_the_service() -> None:
    world = World(natures={1: Nature(crashes=True)})
    world.push(app_of())
    world.until_quiet()
    world.push(app_of())
    world.until_quiet()
    assert world.progress.services["cats"].stable == 2


def test_two_services_of_one_execution_deploy_side_by_side() -> None:
    world = moving(app_of(service("cats"), service("dogs")))
    assert {m.service for m in world.progress.deployments.values() if m.live} == {"cats", "dogs"}
    world.until_quiet()
    assert [world.progress.services[n].stable for n in ("cats", "dogs")] == [3, 4]


def test_one_service_rolls_back_while_the_other_succeeds() -> None:
    world = serving(app_of(service("cats"), service("dogs")))
    world.natures[4] = Nature(crashes=True)
    world.push(app_of(service("cats"), service("dogs")))
    world.until_quiet()
    assert [world.progress.services[n].stable for n in ("cats", "dogs")] == [3, 2]
    ended = world.progress.executions["e2"]
    assert ended.outcome is d.Outcome.ROLLED_BACK
    assert ended.reason.startswith("cats v3 serves; dogs v4 rolled back: ")


def test_a_free_service_starts_what_waits_in_the_other_colour() -> None:
    stable = fold(
        d.AppAccepted(app_of()),
        d.ReleaseMade(release(1, service())),
        d.DeploymentQueued("cats", 1, "e1", "me"),
        d.DeploymentStarted("d1", "cats", None, 1, Colour.BLUE),
        d.StablePromoted("d1", "cats", 1),
        d.DeploymentFinished("d1", d.Outcome.SUCCEEDED, ""),
        d.ReleaseMade(release(2, service())),
        d.DeploymentQueued("cats", 2, "e2", "me"),
    )
    decision = deployment.start(stable)
    assert decision.events == (d.DeploymentStarted("d2", "cats", 1, 2, Colour.GREEN),)
    assert decision.reason == "cats: deployment d2 of v2 starts"


def test_a_service_that_moves_starts_nothing_else() -> None:
    world = moving(app_of())
    world.push(app_of())
    world.until(lambda w: w.progress.services["cats"].waiting)
    assert deployment.start(world.progress) == d.Decision()


# --- each stage waits for what it needs ----------------------------------------------------------


def test_scale_up_waits_until_every_task_is_healthy_in_the_balancer() -> None:
    world = serving(app_of())
    world.natures[2] = Nature(health=Health.UNKNOWN)
    world.push(app_of())
    world.until_stage(Stage.SCALE_UP)
    world.tick()
    for task in world.running(2)[:3]:
        world.change(task, health=Health.HEALTHY)
    world.tick()
    world.tick()
    assert reason_of(world) == "cats v2: 3 of 4 tasks healthy"
    assert world.last.stage is Stage.SCALE_UP


def test_the_smoke_checks_wait_for_the_test_listener_to_be_seen_open() -> None:
    world = moving(app_of(CHECKED)).until_stage(Stage.POST_SCALE_UP)
    world.deaf = True
    world.until_stage(Stage.TEST_TRAFFIC_SHIFT)
    world.tick()
    assert reason_of(world) == "cats v2: opening the test listener"
    assert "d2/checks" not in world.jobs
    world.deaf = False
    world.until(lambda w: "d2/checks" in w.jobs)
    assert world.routing["cats"] == Routing("cats", 0, Colour.GREEN)


def test_a_failed_smoke_check_rolls_back_before_any_traffic() -> None:
    world = serving(app_of(CHECKED))
    world.broken = {"/checks"}
    world.push(app_of(CHECKED))
    world.until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK
    assert world.last.reason == "smoke checks failed: it broke"
    assert world.last.shifted_at is None


def test_the_bake_ends_only_when_the_balancer_is_seen_to_hold_all_traffic() -> None:
    world = moving(app_of()).until_stage(Stage.BAKE_TIME)
    world.routing["cats"] = Routing("cats", 0)  # it was restarted from an old file
    world.deaf = True
    for _ in range(40):
        world.tick()
    assert reason_of(world) == (
        "cats v2: baked, but the balancer is not seen to send all traffic here"
    )
    assert world.running(1) != []
    world.deaf = False
    world.until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED


def test_old_tasks_are_not_drained_before_the_traffic_is_seen_to_be_away() -> None:
    world = moving(app_of()).until(lambda w: w.last.promoted)
    world.routing["cats"] = Routing("cats", 0)
    world.blind = {"balancer"}
    for _ in range(10):
        world.tick()
    assert not any(e.task in world.running(1) for e in world.events(d.TaskDraining))
    assert len(world.running(1)) == 4


def test_a_bake_is_held_while_a_task_is_missing() -> None:
    world = moving(app_of(service(shift=AT_ONCE))).until_stage(Stage.BAKE_TIME)
    look = replace(world.seen(), tasks=None)
    moved = world.progress.deployment_of("cats")
    assert moved is not None
    over = deployment.decide(world.progress, moved, look, world.now + 6_000)
    assert over.reason == ("cats v2: baked, but held: 0 healthy tasks cannot carry 100 % (4 can)")


def test_while_a_step_is_held_nothing_troubles_it_until_something_does() -> None:
    world = moving(app_of()).until_weight(5_000)
    waited = 0
    for _ in range(6):
        world.tick()
        moved = world.progress.deployment_of("cats")
        assert moved is not None
        found = deployment.decide(world.progress, moved, world.seen(), world.now)
        if found.look_again_at is not None and not found.events:
            waited += 1
            assert not deployment.troubled(world.progress, moved, world.seen(), world.now)
    assert waited, "it was held"
    world.abort()
    aborted = world.progress.deployment_of("cats")
    assert aborted is not None
    assert deployment.troubled(world.progress, aborted, world.seen(), world.now)


# --- abort, from everywhere ----------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES[:-1])
def test_an_abort_wins_from_every_stage(stage: Stage) -> None:
    hook = Hook(Stage.PRE_SCALE_UP, "wait", pause=True)
    slow = service(checks=CHECKED.deployment.checks, hooks=(hook,))
    world = moving(app_of(slow if stage is Stage.PRE_SCALE_UP else CHECKED), app_of())
    world.until(lambda w: w.last.stage is stage)
    world.abort()
    asked_at = world.now
    world.until(lambda w: w.last.rollback)
    world.until(lambda w: w.candidate_bp() == 0)
    assert world.now - asked_at <= 500
    world.until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK
    assert world.last.reason == "aborted by me"
    assert world.running(2) == []
    assert len(world.running(1)) == 4
    assert world.routing["cats"] == Routing("cats", 0)


@pytest.mark.parametrize("what", [{"tasks"}, {"metrics"}, {"tasks", "metrics"}])
def test_an_abort_needs_neither_the_engine_nor_the_metrics(what: set[str]) -> None:
    world = moving(app_of()).until_weight(5_000)
    world.blind, world.hung, world.broken = what, {"d2"}, {"e"}
    world.abort()
    world.tick()
    world.tick()
    assert world.candidate_bp() == 0


def test_an_abort_is_carried_out_as_soon_as_the_balancer_can_be_read_again() -> None:
    world = moving(app_of()).until_weight(5_000)
    world.blind, world.deaf = {"balancer"}, True
    world.abort()
    for _ in range(8):
        world.tick()
    assert reason_of(world) == "cats v2: taking all traffic back to stable"
    assert len(world.running(2)) == 4
    world.blind, world.deaf = set(), False
    world.until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK


def test_an_aborted_candidate_is_drained_only_once_its_traffic_is_seen_to_be_gone() -> None:
    world = moving(app_of()).until_weight(5_000)
    world.deaf = True
    world.abort()
    for _ in range(8):
        world.tick()
    assert world.events(d.TaskDraining) == []
    world.deaf = False
    world.until(lambda w: w.events(d.TaskDraining))
    assert world.candidate_bp() == 0


def test_an_abort_wins_over_a_pause() -> None:
    world = moving(app_of()).until_weight(5_000)
    world.pause()
    world.tick()
    world.abort()
    world.until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK


def test_an_abort_while_stable_is_dead_still_brings_the_traffic_back_and_stable_up() -> None:
    world = moving(app_of()).until_weight(5_000)
    for task in world.running(1):
        world.change(task, state=TaskState.STOPPED, exit_code=1)
    world.abort()
    world.until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK
    assert len(world.running(1)) == 4
    assert world.routing["cats"] == Routing("cats", 0)


# --- fail closed ---------------------------------------------------------------------------------


def test_an_alarm_that_fires_at_the_start_stops_it_before_anything_is_changed() -> None:
    world = serving(app_of(alarms=(ERRORS,)))
    world.natures[1] = Nature(error_share=0.1)
    world.until(lambda w: any(a.state is d.AlarmState.ALARM for a in w.progress.alarms.values()))
    world.push(app_of(alarms=(ERRORS,)))
    world.until_quiet()
    assert world.last.outcome is d.Outcome.FAILED
    assert world.last.reason.startswith("not started: alarm errors: the last datapoint ")
    assert world.last.reason.endswith(" before anything was changed")
    assert world.progress.tasks_of("cats", 2) == ()


def test_a_new_alarm_that_would_fire_at_once_stops_the_deployment_that_brings_it() -> None:
    world = serving(app_of(), natures={1: Nature(error_share=0.1)})
    world.push(app_of(alarms=(ERRORS,)))
    world.until_quiet()
    assert world.last.outcome is d.Outcome.FAILED
    assert world.progress.tasks_of("cats", 2) == ()


def test_an_alarm_on_missing_data_does_not_forbid_the_first_deployment() -> None:
    strict = replace(ERRORS, treat_missing_data=MissingData.BREACHING)
    world = World(rate=0)
    world.push(app_of(alarms=(strict,)))
    world.until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED


def test_an_alarm_on_missing_data_does_not_convict_a_candidate_before_it_could_have_any() -> None:
    strict = replace(ERRORS, treat_missing_data=MissingData.BREACHING, evaluation_periods=2)
    world = moving(app_of(alarms=(strict,))).until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED


def test_an_alarm_on_missing_data_rolls_back_a_candidate_whose_data_stays_out() -> None:
    strict = replace(ERRORS, treat_missing_data=MissingData.BREACHING)
    world = moving(app_of(alarms=(strict,))).until_weight(2_500)
    world.rate = 1  # of which the candidate's quarter is none
    world.until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK
    assert "no datapoint in the last" in world.last.reason


def test_an_alarm_on_the_candidate_rolls_it_back_and_counts_what_it_touched() -> None:
    world = serving(app_of(service(analysis=AnalysisPolicy(False)), alarms=(ERRORS,)))
    world.natures[2] = Nature(error_share=0.2)
    world.push(app_of(service(analysis=AnalysisPolicy(False)), alarms=(ERRORS,)))
    world.until_quiet()
    (rolled,) = world.events(d.RollbackStarted)
    assert rolled.event is RollbackEvent.ALARM
    assert rolled.reason.startswith("alarm errors: the last datapoint (20) was greater")
    assert rolled.requests >= 50
    assert rolled.errors == rolled.requests // 5
    assert world.last.outcome is d.Outcome.ROLLED_BACK


def test_the_comparison_with_stable_rolls_back_without_any_alarm() -> None:
    world = serving(app_of(), rate=400)
    world.natures[2] = Nature(error_share=0.06)
    world.push(app_of())
    world.until_quiet()
    (rolled,) = world.events(d.RollbackStarted)
    assert rolled.event is RollbackEvent.ALARM
    assert rolled.reason.startswith("5xx share 6.0 % on the candidate against 0.0 % on stable")


# --- a way back ----------------------------------------------------------------------------------


def test_a_rollback_to_a_known_good_release_skips_what_it_has_earned() -> None:
    world = moving(app_of(CHECKED, alarms=(ERRORS,))).until_quiet()
    world.natures[2] = Nature(error_share=0.5)
    world.until(lambda w: any(a.state is d.AlarmState.ALARM for a in w.progress.alarms.values()))
    world.ask(RollBack("cats", None, "me"))
    asked_at = world.now
    jobs = dict(world.jobs)
    world.until(lambda w: w.progress.services["cats"].stable == 1)
    assert world.now - asked_at < 5_000
    assert world.jobs == jobs
    world.until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED
    assert [e.weight_bp for e in world.events(d.TrafficShifted)][-1:] == [10_000]


def test_a_rollback_to_a_release_that_crashes_now_goes_back_itself() -> None:
    world = moving(app_of()).until_quiet()
    world.natures[1] = Nature(crashes=True)
    world.ask(RollBack("cats", 1, "me"))
    world.until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK
    assert world.progress.services["cats"].stable == 2


# --- the file changes on the way -----------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES[1:-1])
def test_a_service_that_leaves_the_file_mid_deployment_is_drained_and_ends(stage: Stage) -> None:
    both = app_of(service("cats", rollback_on=frozenset()), service("dogs"))
    world = moving(both)
    world.until(lambda w: w.progress.deployments["d3"].stage is stage)
    world.record((d.AppAccepted(app_of(service("dogs"))),))
    world.until_quiet()
    ended = world.progress.deployments["d3"]
    assert ended.outcome is d.Outcome.ROLLED_BACK
    assert ended.reason == "cats is not in the app file any more"
    assert world.progress.tasks_of("cats") == ()
    assert "cats" not in world.routing


def test_a_service_that_leaves_the_file_during_clean_up_ends_as_well() -> None:
    world = moving(app_of(service("cats"), service("dogs")))
    world.until(lambda w: w.progress.deployments["d3"].promoted)
    world.record((d.AppAccepted(app_of(service("dogs"))),))
    world.until_quiet()
    assert world.progress.tasks_of("cats") == ()
    assert not world.moves()


# --- crashes -------------------------------------------------------------------------------------


def end_of(world: World) -> tuple[object, ...]:
    """What must be the same however often the controller died."""
    known = world.progress.services["cats"]
    outcomes = [m.outcome for m in world.progress.deployments.values()]
    running = [(t.release, t.state) for t in world.tasks.values()]
    return (
        known.stable,
        known.colour,
        outcomes,
        sorted(running),
        world.routing,
        world.targets.keys(),
    )


@pytest.mark.parametrize("fate", ["good", "bad", "aborted"])
def test_a_crash_between_the_journal_and_the_actions_changes_nothing_of_the_end(fate: str) -> None:
    """Run it once; from every look of that run, lose the look's actions, and run it to its end."""
    app = app_of(CHECKED, alarms=(ERRORS,))
    world = serving(app, natures={2: Nature(error_share=0.3)} if fate == "bad" else {})
    world.push(app)
    crashed = []
    while world.moves():
        if fate == "aborted" and world.last.weight_bp == 5_000 and not world.last.aborted_by:
            world.abort()
        if fate != "aborted" or world.last.aborted_by:
            crashed.append(world.fork())
        world.tick()
    wanted = d.Outcome.SUCCEEDED if fate == "good" else d.Outcome.ROLLED_BACK
    assert world.last.outcome is wanted
    for other in crashed:
        other.look(lose_actions=True)
        other.jobs = {k: j for k, j in other.jobs.items() if "d2" not in k}
        other.record((d.ControllerStarted("me", "1"),))
        assert fold_again(other) == other.progress
        other.until_quiet()
        assert end_of(other) == end_of(world)


def fold_again(world: World) -> Progress:
    """A new controller's progress, from the journal alone."""
    progress = Progress()
    for at, event in world.journal:
        progress = advance(progress, event, at)
    return progress


def test_time_without_a_controller_counts_for_no_bake() -> None:
    world = moving(app_of()).until_stage(Stage.BAKE_TIME)
    world.now += 3_600_000
    world.record((d.ControllerStarted("me", "1"),))
    for _ in range(16):
        world.tick()
        assert world.last.stage is Stage.BAKE_TIME
        assert world.last.rollback is None
    world.until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED


def test_after_a_restart_the_weight_is_observed_anew_before_it_rises() -> None:
    world = moving(app_of()).until_weight(2_500)
    world.now += 600_000
    world.record((d.ControllerStarted("me", "1"),))
    world.deaf, world.routing["cats"] = True, Routing("cats", 0, Colour.GREEN)
    for _ in range(12):
        world.tick()
    assert world.last.weight_bp == 2_500
    assert reason_of(world) == "cats v2: waiting to see 25 % in the balancer"


def test_an_alarm_by_another_service_is_none_of_this_one() -> None:
    dogs = Alarm("dogs only", "ErrorPercent", 2, period_ms=2_000, service="dogs")
    world = serving(app_of(service("cats"), service("dogs"), alarms=(dogs,)))
    world.natures[2] = Nature(error_share=0.5)  # v2 is the dogs'
    for _ in range(16):
        world.tick()
    world.images = {"dogs": "sha256:dogs-e1"}
    world.push(app_of(service("cats"), service("dogs"), alarms=(dogs,)))
    world.until_quiet()
    assert world.last.service == "cats"
    assert world.last.outcome is d.Outcome.SUCCEEDED


def test_nothing_at_all_is_nothing_to_do() -> None:
    assert deployment.start(Progress()) == d.Decision()
    assert Seen().task("t1") is None
