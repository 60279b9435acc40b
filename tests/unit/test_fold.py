"""The fold remembers what the journal says, all of it, and of what ended only the newest."""

import pickle
from dataclasses import replace

import pytest

from tests.support.builders import T0, app_of, fold, release, service
from tests.support.small_world import World, moving
from tidegate.core import decision as d
from tidegate.core.fold import advance, advance_all
from tidegate.core.fold_pipeline import KEPT
from tidegate.core.model import Colour, RollbackEvent, TaskCount
from tidegate.core.model import LifecycleStage as Stage
from tidegate.core.progress import Deployment, FailureRow, Progress, TaskPhase

STARTED: tuple[d.Event, ...] = (
    d.AppAccepted(app_of()),
    d.ReleaseMade(release(1, service())),
    d.DeploymentQueued("cats", 1, "e1", "me"),
    d.DeploymentStarted("d1", "cats", None, 1, Colour.BLUE),
)


def d1(*events: tuple[int, d.Event]) -> Deployment:
    """The first deployment after these events, each so many ms after its start."""
    progress = fold(*STARTED)
    for after_ms, event in events:
        progress = advance(progress, event, T0 + after_ms)
    return progress.deployments["d1"]


def test_a_progress_is_never_changed_only_followed_by_another() -> None:
    world = moving(app_of())
    progress = Progress()
    for at, event in world.journal:
        before = pickle.dumps(progress)
        following = advance(progress, event, at)
        assert pickle.dumps(progress) == before
        progress = following
    assert progress == world.progress


# --- the app file --------------------------------------------------------------------------------


def test_a_new_service_begins_at_the_file_s_count_and_a_known_one_keeps_its_own() -> None:
    progress = fold(d.AppAccepted(app_of()), d.DesiredChanged("cats", 7, "me", ""))
    progress = advance(progress, d.AppAccepted(app_of(service(), service("dogs", 3))), T0)
    desired = {s.name: s.desired for s in progress.services.values()}
    assert desired == {"cats": 7, "dogs": 3}


@pytest.mark.parametrize(("bounds", "desired"), [((1, 2, 5), 5), ((8, 8, 9), 8), ((1, 2, 9), 7)])
def test_a_count_stays_within_the_bounds_of_a_new_file(
    bounds: tuple[int, int, int], desired: int
) -> None:
    progress = fold(d.AppAccepted(app_of()), d.DesiredChanged("cats", 7, "me", ""))
    tighter = replace(service(), count=TaskCount(*bounds))
    progress = advance(progress, d.AppAccepted(app_of(tighter)), T0)
    assert progress.services["cats"].desired == desired


def test_a_service_that_left_the_file_is_still_known() -> None:
    progress = fold(*STARTED, d.AppAccepted(app_of(service("dogs"))))
    assert progress.services.keys() == {"cats", "dogs"}


# --- deployments ---------------------------------------------------------------------------------


def test_a_started_deployment_takes_the_place_of_what_waited() -> None:
    known = fold(*STARTED).services["cats"]
    assert (known.deployment, known.waiting) == ("d1", None)
    assert fold(*STARTED[:-1]).services["cats"].waiting is not None


def test_a_promotion_moves_the_service_to_the_candidate_and_its_colour() -> None:
    progress = fold(*STARTED, d.StablePromoted("d1", "cats", 1))
    known = progress.services["cats"]
    assert (known.stable, known.colour, known.good) == (1, Colour.BLUE, (1,))


def test_a_good_release_that_is_promoted_again_becomes_the_latest() -> None:
    progress = fold(*STARTED)
    for number in (1, 2, 1):
        progress = advance(progress, d.StablePromoted("d1", "cats", number), T0)
    assert progress.services["cats"].good == (2, 1)


def test_a_finished_deployment_frees_its_service() -> None:
    progress = fold(*STARTED, d.DeploymentFinished("d1", d.Outcome.FAILED, "why"))
    assert progress.deployment_of("cats") is None
    ended = progress.deployments["d1"]
    assert (ended.live, ended.outcome, ended.reason) == (False, d.Outcome.FAILED, "why")


def test_a_shift_is_observed_anew_and_keeps_the_time_of_the_first() -> None:
    moved = d1(
        (100, d.TrafficShifted("d1", 0, 1_000, "")),
        (200, d.TrafficObserved("d1", 1_000)),
        (300, d.TrafficShifted("d1", 1, 2_000, "")),
    )
    assert (moved.step, moved.weight_bp, moved.observed_at) == (1, 2_000, None)
    assert (moved.shifted_at, moved.asked_at) == (T0 + 100, T0 + 300)


def test_a_rollback_takes_the_weight() -> None:
    shifted = d.TrafficShifted("d1", 0, 1_000, "")
    rolled = d1((1, shifted), (2, d.RollbackStarted("d1", RollbackEvent.ALARM, "bad", 10, 3)))
    assert (rolled.weight_bp, rolled.observed_at) == (0, None)
    assert rolled.rollback is not None
    assert (rolled.rollback.requests, rolled.rollback.errors) == (10, 3)


def test_a_stage_forgets_a_promotion_that_was_asked_for_in_the_one_before() -> None:
    promote = d.PromoteRequested("d1", "me")
    assert d1((1, promote)).promoted_by == "me"
    assert d1((1, promote), (2, d.StageEntered("d1", Stage.SCALE_UP, ""))).promoted_by is None


@pytest.mark.parametrize("end", [d.DeploymentResumed("d1", "me"), d.PromoteRequested("d1", "me")])
def test_the_time_of_a_pause_is_taken_out_of_every_clock(end: d.Event) -> None:
    moved = d1(
        (100, d.StageEntered("d1", Stage.PRODUCTION_TRAFFIC_SHIFT, "")),
        (200, d.TrafficShifted("d1", 0, 1_000, "")),
        (300, d.TrafficObserved("d1", 1_000)),
        (1_000, d.DeploymentPaused("d1", "me")),
        (1_500, d.DeploymentPaused("d1", "ada")),
        (6_000, end),
    )
    assert moved.paused_by is None
    since = (moved.stage_since, moved.asked_at, moved.observed_at)
    assert since == (T0 + 5_100, T0 + 5_200, T0 + 5_300)


def test_the_end_of_no_pause_moves_no_clock() -> None:
    moved = d1((100, d.TrafficShifted("d1", 0, 1, "")), (900, d.PromoteRequested("d1", "me")))
    assert (moved.stage_since, moved.asked_at) == (T0, T0 + 100)


def test_a_new_controller_starts_every_clock_of_a_live_deployment_anew() -> None:
    moved = d1(
        (100, d.TrafficShifted("d1", 0, 1_000, "")),
        (200, d.TrafficObserved("d1", 1_000)),
        (9_000, d.ControllerStarted("me", "1")),
    )
    assert (moved.stage_since, moved.asked_at, moved.observed_at) == (T0 + 9_000, T0 + 9_000, None)
    assert moved.weight_bp == 1_000


def test_a_pause_over_a_restart_counts_only_once() -> None:
    moved = d1(
        (1_000, d.DeploymentPaused("d1", "me")),
        (9_000, d.ControllerStarted("me", "1")),
        (10_000, d.DeploymentResumed("d1", "me")),
    )
    assert moved.stage_since == T0 + 10_000


def test_a_new_controller_leaves_what_has_ended_alone() -> None:
    ended = d.DeploymentFinished("d1", d.Outcome.SUCCEEDED, "")
    assert d1((5, ended), (9, d.ControllerStarted("me", "1"))) == d1((5, ended))


# --- tasks ---------------------------------------------------------------------------------------

TASK = d.TaskStarted("t1", "cats", 1, Colour.BLUE, "")


@pytest.mark.parametrize(
    ("event", "phase"),
    [
        (d.TaskHealthy("t1"), TaskPhase.HEALTHY),
        (d.TaskDraining("t1", ""), TaskPhase.DRAINING),
        (d.TaskStopping("t1"), TaskPhase.STOPPING),
        (d.TaskStopped("t1", "", failed=False), TaskPhase.STOPPED),
    ],
)
def test_a_task_goes_from_phase_to_phase(event: d.Event, phase: TaskPhase) -> None:
    progress = advance(fold(*STARTED, TASK), event, T0 + 7)
    record = progress.tasks["t1"]
    assert (record.phase, record.since, record.started_at) == (phase, T0 + 7, T0)


def test_a_removed_task_is_forgotten_but_its_number_is_not_used_again() -> None:
    progress = fold(*STARTED, TASK, d.TaskRemoved("t1"))
    assert progress.tasks == {}
    assert progress.next_id("task") == 2


def test_a_failed_task_counts_for_its_release_and_for_the_deployment_of_it() -> None:
    failed = d.TaskStopped("t1", "crash", failed=True)
    progress = fold(*STARTED, TASK, failed)
    assert progress.deployments["d1"].failed_tasks == 1
    assert progress.services["cats"].failures == {1: FailureRow(1, T0)}
    other = fold(*STARTED, replace(TASK, release=9), failed)
    assert other.deployments["d1"].failed_tasks == 0


def test_a_task_that_was_asked_to_go_does_not_count() -> None:
    progress = fold(*STARTED, TASK, d.TaskStopped("t1", "", failed=False))
    assert progress.deployments["d1"].failed_tasks == 0
    assert progress.services["cats"].failures == {}


# --- memory --------------------------------------------------------------------------------------


def test_what_ended_long_ago_is_forgotten_and_what_lives_is_not() -> None:
    progress = fold(d.AppAccepted(app_of()))
    for number in range(1, KEPT + 50):
        started = d.ExecutionStarted(f"e{number}", "c", "", "push", "me", app_of())
        progress = advance(progress, started, T0)
        if number != 3:
            end = d.ExecutionFinished(f"e{number}", d.Outcome.FAILED, "")
            progress = advance(progress, end, T0)
    assert progress.executions["e3"].live
    assert len(progress.executions) <= KEPT + 2
    assert progress.next_id("execution") == KEPT + 50


def test_the_stages_of_an_execution_keep_their_times_and_words() -> None:
    events = (
        d.ExecutionStarted("e1", "c0ffee", "work", "push", "me", app_of()),
        d.StageStarted("e1", d.PipelineStage.BUILD),
    )
    progress = advance_all(Progress(), events, T0)
    ended = d.StageFailed("e1", d.PipelineStage.BUILD, "no Dockerfile")
    progress = advance(progress, ended, T0 + 9)
    (stage,) = progress.executions["e1"].stages
    assert (stage.started_at, stage.ended_at, stage.ok) == (T0, T0 + 9, False)
    assert stage.summary == "no Dockerfile"


def test_an_alarm_keeps_since_when_it_is_so() -> None:
    changed = d.AlarmChanged("cats/errors", d.AlarmState.ALARM, "bad")
    alarmed = fold(changed).alarms["cats/errors"]
    assert (alarmed.state, alarmed.since, alarmed.reason) == (d.AlarmState.ALARM, T0, "bad")


def test_the_whole_journal_of_a_world_folds_to_its_progress() -> None:
    world: World = moving(app_of()).until_quiet()
    progress = Progress()
    for at, event in world.journal:
        progress = advance(progress, event, at)
    assert progress == world.progress
