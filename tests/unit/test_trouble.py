"""What ends a deployment, and what only pauses it because the file says so."""

import pytest

from tests.support.builders import ERRORS, app_of, service
from tests.support.small_world import Nature, World, moving, serving
from tidegate.core import decision as d
from tidegate.core.model import AnalysisPolicy, Breaker, Hook, RollbackEvent, TaskCount
from tidegate.core.model import LifecycleStage as Stage
from tidegate.core.seen import Health, TaskState
from tidegate.core.trouble import breaker_limit

ALONE = AnalysisPolicy(enabled=False)


EXITED = "EssentialContainer exited with code 1"


@pytest.mark.parametrize(
    ("desired", "limit"), [(1, 3), (4, 3), (6, 3), (7, 4), (25, 13), (400, 200), (1_000, 200)]
)
def test_the_breaker_trips_at_half_of_the_desired_count_between_3_and_200(
    desired: int, limit: int
) -> None:
    assert breaker_limit(Breaker(), desired) == limit


@pytest.mark.parametrize(
    ("nature", "why"),
    [
        (Nature(crashes=True), "EssentialContainer exited with code 1"),
        (Nature(start_error="no such image"), "CannotStartContainer: no such image"),
        (
            Nature(health=Health.UNHEALTHY),
            "failed container health checks before it was ever healthy",
        ),
    ],
)
def test_a_candidate_whose_tasks_fail_is_rolled_back_by_the_breaker(
    nature: Nature, why: str
) -> None:
    world = serving(app_of(), natures={2: nature})
    world.push(app_of())
    world.until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK
    breaker = "4 candidate tasks failed (the breaker's limit is 3)"
    assert world.last.reason == f"{breaker}, the last one: {why}"
    assert [e.reason for e in world.events(d.TaskStopped) if e.failed] == [why] * 4


def test_a_candidate_that_runs_out_of_memory_says_so() -> None:
    world = moving(app_of()).until_weight(5_000)
    for task in world.running(2)[:3]:
        world.change(task, state=TaskState.STOPPED, exit_code=137, out_of_memory=True)
    world.until_quiet()
    oom = "OutOfMemoryError: container killed, exit code 137"
    breaker = "3 candidate tasks failed (the breaker's limit is 3)"
    assert world.last.reason == f"{breaker}, the last one: {oom}"
    stopped = world.events(d.TaskStopped)[0]
    assert stopped.reason == "OutOfMemoryError: container killed, exit code 137"
    assert stopped.out_of_memory


def test_candidate_tasks_that_die_one_by_one_in_the_bake_trip_the_breaker_too() -> None:
    world = moving(app_of(service(bake_ms=60_000))).until_stage(Stage.BAKE_TIME)
    for _ in range(3):
        world.until_stage(Stage.BAKE_TIME)
        world.change(world.running(2)[0], state=TaskState.STOPPED, exit_code=1)
        world.tick()
    world.until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK
    assert world.last.failed_tasks >= 3


def test_the_stable_release_s_own_failures_do_not_count() -> None:
    world = moving(app_of()).until_weight(2_500)
    for task in world.running(1)[:3]:
        world.change(task, state=TaskState.STOPPED, exit_code=1)
    world.until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED


def test_a_candidate_that_never_comes_up_is_rolled_back_in_time() -> None:
    never = service(scale_up_timeout_ms=30_000)
    world = serving(app_of(never), natures={2: Nature(health=Health.UNKNOWN)})
    world.push(app_of(never))
    world.until_quiet()
    assert world.last.reason == "SCALE_UP got no further in 30 s"
    assert world.running(2) == []


def without(*events: RollbackEvent) -> World:
    """A world whose cats do not roll back on these events."""
    rollback_on = frozenset(RollbackEvent) - set(events)
    cats = service(rollback_on=rollback_on, analysis=ALONE, bake_ms=60_000)
    return moving(app_of(cats, alarms=(ERRORS,)))


def test_an_alarm_that_is_not_among_the_rollback_events_pauses_instead() -> None:
    world = without(RollbackEvent.ALARM).until_weight(2_500)
    world.nature(2).error_share = 0.2
    world.until(lambda w: w.last.paused_by)
    assert world.last.paused_by is not None
    assert world.last.paused_by.startswith("alarm errors: ")
    assert world.last.paused_by.endswith(
        "(DEPLOYMENT_STOP_ON_ALARM is not among its rollback events)"
    )
    for _ in range(40):
        world.tick()
    assert world.candidate_bp() == 2_500
    assert len(world.events(d.DeploymentPaused)) == 1


def test_it_cannot_be_resumed_while_the_alarm_fires_but_after() -> None:
    world = without(RollbackEvent.ALARM).until_weight(2_500)
    world.nature(2).error_share = 0.2
    world.until(lambda w: w.last.paused_by)
    world.resume()
    world.tick()
    assert world.last.paused_by is not None
    world.nature(2).error_share = 0
    world.until(lambda w: w.progress.alarms["cats/errors"].state is d.AlarmState.OK)
    world.resume()
    world.until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED


def test_a_failure_that_is_not_among_the_rollback_events_pauses_instead() -> None:
    cats = service(rollback_on=frozenset({RollbackEvent.ALARM}))
    world = moving(app_of(cats), app_of(), natures={2: Nature(crashes=True)})
    world.until(lambda w: w.last.paused_by)
    for _ in range(400):
        world.tick()
    assert world.last.rollback is None
    assert len(world.running(1)) == 4


def test_a_failed_hook_pauses_as_well_where_failures_do_not_roll_back() -> None:
    hook = Hook(Stage.POST_SCALE_UP, "migrate", command=("false",))
    cats = service(rollback_on=frozenset(), hooks=(hook,))
    world = moving(app_of(cats), app_of(), broken={"migrate"})
    world.until(lambda w: w.last.paused_by)
    assert world.last.paused_by == (
        "migrate failed: it broke (DEPLOYMENT_FAILURE is not among its rollback events)"
    )
    world.abort()
    world.until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK


def test_a_request_always_rolls_back() -> None:
    world = without(*RollbackEvent).until_weight(2_500)
    world.abort()
    world.until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK


def test_what_pauses_once_still_lets_what_rolls_back_win() -> None:
    world = without(RollbackEvent.ALARM).until_weight(2_500)
    world.nature(2).error_share = 0.2
    world.until(lambda w: w.last.paused_by)
    for task in world.running(2)[:3]:
        world.change(task, state=TaskState.STOPPED, exit_code=1)
    world.until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK
    breaker = "3 candidate tasks failed (the breaker's limit is 3)"
    assert world.last.reason == f"{breaker}, the last one: {EXITED}"


def test_a_controller_that_comes_back_after_hours_does_not_call_the_stage_overdue() -> None:
    world = moving(app_of(service(scale_up_timeout_ms=10_000))).until_weight(2_500)
    world.now += 7_200_000
    world.record((d.ControllerStarted("me", "1"),))
    world.until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED


def test_more_tasks_desired_raise_the_breaker_with_them() -> None:
    many = service(count=8)
    assert many.count == TaskCount(1, 8, 10)
    world = serving(app_of(many), natures={2: Nature(crashes=True)})
    world.push(app_of(many))
    world.until_quiet()
    breaker = "8 candidate tasks failed (the breaker's limit is 4)"
    assert world.last.reason == f"{breaker}, the last one: {EXITED}"
