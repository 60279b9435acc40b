"""Tasks: as many as desired, asked only while healthy, drained before they are stopped."""

from dataclasses import replace

import pytest

from tests.support.builders import T0, app_of, fold, release, service
from tests.support.small_world import Nature, World, moving, serving
from tidegate.core import decision as d
from tidegate.core import tasks
from tidegate.core.fold import advance_all
from tidegate.core.model import Colour
from tidegate.core.progress import Progress, TaskPhase
from tidegate.core.requests import Scale
from tidegate.core.seen import (
    ActionFailure,
    BalancerSeen,
    Health,
    Seen,
    Target,
    TaskSeen,
    TaskState,
)

CATS = service(count=2)
STABLE: tuple[d.Event, ...] = (
    d.AppAccepted(app_of(CATS)),
    d.ReleaseMade(release(1, CATS)),
    d.DeploymentQueued("cats", 1, "e1", "me"),
    d.DeploymentStarted("d1", "cats", None, 1, Colour.BLUE),
    d.StablePromoted("d1", "cats", 1),
    d.DeploymentFinished("d1", d.Outcome.SUCCEEDED, ""),
)
STARTED = d.TaskStarted("t1", "cats", 1, Colour.BLUE, "")
UP = TaskSeen("t1", "cats", 1, "sha256:cats1", TaskState.RUNNING, Health.HEALTHY, "127.0.0.1:1")
TARGET = Target("cats", Colour.BLUE, "t1")


def after(*events: d.Event, at: int = T0) -> Progress:
    """A service of one release, and then these events."""
    return advance_all(fold(*STABLE), events, at)


def look(
    progress: Progress, *seen: TaskSeen, target: Target | None = None, now: int = T0
) -> d.Decision:
    """One look with these containers, and this target."""
    balancer = BalancerSeen((target,) if target else (), {})
    return tasks.decide(progress, Seen(tasks=seen, balancer=balancer), now)


def about(decision: d.Decision, task: str = "t1") -> tuple[object, ...]:
    """The actions and events that are about one task."""
    both = (*decision.actions, *decision.events)
    return tuple(one for one in both if getattr(one, "task", None) == task)


# --- starts --------------------------------------------------------------------------------------


def test_each_missing_task_is_started_by_the_digest_of_its_release() -> None:
    decision = look(after())
    reason = "desired count is 2"
    assert decision.events == tuple(
        d.TaskStarted(task, "cats", 1, Colour.BLUE, reason) for task in ("t1", "t2")
    )
    assert decision.actions == tuple(
        d.StartTask(task, CATS, 1, "sha256:cats1") for task in ("t1", "t2")
    )


@pytest.mark.parametrize("verdict", ["refused", "unknown", ""])
def test_an_image_whose_verdict_may_not_run_is_never_started(verdict: str) -> None:
    unjudged = release(1, CATS, verdict=verdict)
    progress = replace(after(), releases={1: unjudged})
    assert look(progress) == d.Decision()


def test_nothing_is_started_while_the_engine_cannot_be_read() -> None:
    assert tasks.decide(after(), Seen(), T0) == d.Decision()


def test_a_start_that_the_engine_does_not_show_is_asked_for_again() -> None:
    start = d.StartTask("t1", CATS, 1, "sha256:cats1")
    assert about(look(after(STARTED))) == (start,)


def test_a_container_that_was_made_but_not_started_is_started() -> None:
    made = replace(UP, state=TaskState.PENDING, health=Health.UNKNOWN, address=None)
    assert about(look(after(STARTED), made)) == (d.StartTask("t1", CATS, 1, "sha256:cats1"),)


@pytest.mark.parametrize("there", [False, True])
def test_a_start_that_the_engine_refuses_is_a_failed_task(there: bool) -> None:
    made = replace(UP, state=TaskState.PENDING)
    refused = ActionFailure("StartTask/t1", "port is taken")
    seen = Seen((made,) if there else (), BalancerSeen(), failures=(refused,))
    stopped = d.TaskStopped("t1", "CannotStartContainer: port is taken", failed=True)
    assert about(tasks.decide(after(STARTED), seen, T0)) == (stopped,)


def test_a_start_that_met_no_engine_is_asked_for_again_and_is_no_failed_task() -> None:
    outage = ActionFailure("StartTask/t1", "the engine does not answer", unreachable=True)
    seen = Seen((), BalancerSeen(), failures=(outage,))
    start = d.StartTask("t1", CATS, 1, "sha256:cats1")
    assert about(tasks.decide(after(STARTED), seen, T0)) == (start,)


def test_a_healthy_task_is_put_into_the_balancer() -> None:
    register = d.RegisterTarget("t1", "cats", Colour.BLUE, "127.0.0.1:1")
    assert about(look(after(STARTED), UP)) == (register, d.TaskHealthy("t1"))


def test_a_task_that_is_not_known_to_be_healthy_gets_no_traffic() -> None:
    assert about(look(after(STARTED), replace(UP, health=Health.UNKNOWN))) == ()


def test_a_task_that_runs_another_image_than_was_judged_gets_no_traffic() -> None:
    other = replace(UP, digest="sha256:other")
    reason = "it runs sha256:other, not the image that was judged, sha256:cats1"
    assert about(look(after(STARTED), other)) == (d.TaskStopped("t1", reason, failed=True),)


# --- failures and the pause before the next start ------------------------------------------------


def crashes(count: int) -> Progress:
    """So many crashes, a second apart, the last one at T0."""
    progress = after()
    for index in range(count):
        task, at = f"t{index + 1}", T0 - (count - 1 - index) * 1000
        events = (
            replace(STARTED, task=task),
            d.TaskStopped(task, "", failed=True),
            d.TaskRemoved(task),
        )
        progress = advance_all(progress, events, at)
    return progress


@pytest.mark.parametrize(
    ("count", "pause_ms"), [(1, 0), (2, 500), (3, 1_000), (5, 4_000), (9, 60_000), (40, 60_000)]
)
def test_each_failure_in_a_row_doubles_the_pause_up_to_a_minute(count: int, pause_ms: int) -> None:
    progress = crashes(count)
    if pause_ms:
        early = look(progress, now=T0 + pause_ms - 1)
        assert early == d.Decision(look_again_at=T0 + pause_ms)
    assert len(look(progress, now=T0 + pause_ms).events) == 2


def test_failures_a_minute_apart_are_no_row() -> None:
    progress = crashes(9)
    assert progress.services["cats"].failures[1].count == 9
    again = (replace(STARTED, task="t99"), d.TaskStopped("t99", "", failed=True))
    progress = advance_all(progress, again, T0 + 61_000)
    assert progress.services["cats"].failures[1].count == 1


def test_what_fails_in_this_look_counts_before_its_replacement_is_started() -> None:
    both = (STARTED, replace(STARTED, task="t2"))
    dead = [replace(UP, id=t, state=TaskState.STOPPED, exit_code=1) for t in ("t1", "t2")]
    decision = look(after(*both), *dead)
    assert [type(e) for e in decision.events] == [d.TaskStopped, d.TaskStopped]
    assert decision.look_again_at == T0 + 500


def test_a_crashing_candidate_does_not_hold_up_a_replacement_of_stable() -> None:
    cats = service(rollback_on=frozenset(), bake_ms=600_000)
    world = moving(app_of(cats), app_of(), natures={2: Nature(crashes=True)})
    world.until(lambda w: w.last.failed_tasks > 12)
    dead = world.running(1)[0]
    world.change(dead, state=TaskState.STOPPED, exit_code=1)
    world.tick()
    world.tick()
    assert len(world.running(1)) == 4


def test_a_task_that_stops_by_itself_is_taken_out_and_replaced() -> None:
    dead = replace(UP, state=TaskState.STOPPED, exit_code=3)
    decision = look(after(STARTED, d.TaskHealthy("t1")), dead, target=TARGET)
    assert about(decision) == (
        d.DeregisterTarget("t1", "cats", Colour.BLUE, force=True),
        d.TaskStopped("t1", "EssentialContainer exited with code 3", True, 3),
    )
    assert len([e for e in decision.events if isinstance(e, d.TaskStarted)]) == 2


def test_a_container_that_vanished_is_replaced_and_counts_as_failed() -> None:
    decision = look(after(STARTED, d.TaskHealthy("t1")))
    assert about(decision) == (d.TaskDraining("t1", "the container is gone", failed=True),)
    assert len([e for e in decision.events if isinstance(e, d.TaskStarted)]) == 2


def test_a_sick_task_serves_until_its_replacement_is_seen_in_the_balancer() -> None:
    world = serving(app_of(service(count=1)))
    (sick,) = world.running(1)
    world.change(sick, health=Health.UNHEALTHY)
    world.deaf = True
    for _ in range(8):
        world.tick()
    assert len(world.running(1)) == 2
    assert sick in world.targets
    assert not world.targets[sick].draining
    world.deaf = False
    world.until(lambda w: sick not in w.tasks)
    assert len(world.targets) == 1
    assert world.progress.services["cats"].failures[1].count == 1


def test_sick_tasks_never_make_more_than_twice_the_desired_count() -> None:
    world = serving(app_of(service(count=2)), natures={1: Nature()})
    world.nature(1).health = Health.UNKNOWN
    for task in world.running(1):
        world.change(task, health=Health.UNHEALTHY)
    for _ in range(40):
        world.tick()
    assert len(world.running(1)) == 4


def test_a_sick_task_that_recovers_stays_and_the_extra_one_goes() -> None:
    world = serving(app_of(service(count=1)))
    (old,) = world.running(1)
    world.nature(1).health = Health.UNKNOWN
    world.change(old, health=Health.UNHEALTHY)
    world.tick()
    world.change(old, health=Health.HEALTHY)
    world.until(lambda w: len(w.tasks) == 1)
    assert world.running(1) == [old]


# --- the way out ---------------------------------------------------------------------------------

GOING = (STARTED, d.TaskHealthy("t1"), d.TaskDraining("t1", "old"))
DRAIN = d.DrainTarget("t1", "cats", Colour.BLUE)
DRAINED = replace(TARGET, draining=True)


def test_a_task_that_is_to_go_is_drained_first() -> None:
    assert about(look(after(*GOING), UP, target=TARGET)) == (DRAIN,)


def test_a_drain_waits_for_what_is_under_way() -> None:
    assert about(look(after(*GOING), UP, target=replace(DRAINED, active=1))) == ()


def test_a_drained_task_is_stopped() -> None:
    assert about(look(after(*GOING), UP, target=DRAINED)) == (d.TaskStopping("t1"),)


def test_a_drain_has_a_deadline() -> None:
    busy = replace(DRAINED, active=1)
    at_most = T0 + CATS.drain_timeout_ms
    assert about(look(after(*GOING), UP, target=busy, now=at_most - 1)) == ()
    assert about(look(after(*GOING), UP, target=busy, now=at_most)) == (d.TaskStopping("t1"),)


def test_nothing_is_stopped_while_the_balancer_cannot_be_read() -> None:
    late = T0 + 10 * CATS.drain_timeout_ms
    decision = tasks.decide(after(*GOING), Seen(tasks=(UP,)), late)
    assert about(decision) == (DRAIN,)


def test_a_task_that_the_balancer_does_not_show_might_still_be_on_its_way_into_it() -> None:
    assert about(look(after(*GOING), UP, now=T0 + 1_999)) == (DRAIN,)
    assert about(look(after(*GOING), UP, now=T0 + 2_000)) == (d.TaskStopping("t1"),)


def test_a_drain_goes_on_while_the_engine_cannot_be_read() -> None:
    seen = Seen(balancer=BalancerSeen((DRAINED,)))
    assert about(tasks.decide(after(*GOING), seen, T0)) == (d.TaskStopping("t1"),)


def test_a_stopping_task_is_stopped_with_its_grace() -> None:
    progress = after(*GOING, d.TaskStopping("t1"))
    assert about(look(progress, UP)) == (d.StopTask("t1", CATS.stop_grace_ms),)


def test_a_stopping_task_that_came_late_into_the_balancer_is_drained_there() -> None:
    progress = after(*GOING, d.TaskStopping("t1"))
    assert DRAIN in about(look(progress, UP, target=TARGET))


@pytest.mark.parametrize("there", [True, False])
def test_a_task_that_ended_as_asked_is_no_failure(there: bool) -> None:
    progress = after(*GOING, d.TaskStopping("t1"))
    gone = (replace(UP, state=TaskState.STOPPED, exit_code=143),) if there else ()
    stopped = d.TaskStopped("t1", "stopped by Tidegate", failed=False)
    assert about(look(progress, *gone)) == (stopped,)


def test_a_task_that_vanishes_while_it_drains_ends_without_a_failure() -> None:
    world = serving(app_of())
    world.ask(Scale("cats", 3, "me"))
    world.until(lambda w: w.events(d.TaskDraining))
    (leaving,) = world.events(d.TaskDraining)
    del world.tasks[leaving.task]
    world.until(lambda w: leaving.task not in w.progress.tasks)
    assert not any(e.failed for e in world.events(d.TaskStopped))
    assert len(world.running(1)) == 3


def test_what_is_left_of_a_stopped_task_is_cleared_away() -> None:
    progress = after(*GOING, d.TaskStopping("t1"), d.TaskStopped("t1", "", failed=False))
    left = replace(UP, state=TaskState.STOPPED)
    out = d.DeregisterTarget("t1", "cats", Colour.BLUE, force=True)
    assert about(look(progress, left, target=DRAINED)) == (out, d.RemoveTask("t1"))
    assert about(look(progress)) == (d.TaskRemoved("t1"),)


def test_a_task_counted_as_failed_that_still_runs_is_stopped_and_then_removed() -> None:
    progress = after(STARTED, d.TaskStopped("t1", "sick", failed=True))
    assert d.StopTask("t1", CATS.stop_grace_ms) in about(look(progress, UP))
    assert "t1" in progress.tasks


# --- how many ------------------------------------------------------------------------------------


@pytest.mark.parametrize("desired", [1, 2, 7, 10])
def test_the_count_follows_what_was_asked_for_without_stopping_a_busy_task(desired: int) -> None:
    world = serving(app_of())
    world.ask(Scale("cats", desired, "me"))
    world.until(lambda w: len(w.tasks) == len(w.targets) == desired, limit_s=30)


def test_the_oldest_tasks_stay_when_the_count_goes_down() -> None:
    world = serving(app_of())
    oldest = world.running(1)[:2]
    world.ask(Scale("cats", 2, "me"))
    world.until(lambda w: len(w.tasks) == 2)
    assert world.running(1) == oldest
    reasons = {e.reason for e in world.events(d.TaskDraining)}
    assert reasons == {"desired count is 2"}


def test_scaling_in_waits_for_as_many_ready_tasks_as_are_to_stay() -> None:
    world = serving(app_of())
    for task in world.running(1)[1:]:
        world.change(task, health=Health.UNKNOWN)
    world.ask(Scale("cats", 2, "me"))
    for _ in range(8):
        world.tick()
    assert world.events(d.TaskDraining) == []


def test_a_balancer_that_was_restarted_gets_its_targets_and_weights_back() -> None:
    world = moving(app_of()).until_weight(5_000)
    world.targets, world.routing, world.listener = {}, {}, ""
    world.tick()
    world.tick()
    assert len(world.targets) == 8
    assert world.candidate_bp() == 5_000


def test_a_draining_target_of_a_task_that_is_to_stay_is_made_ready_again() -> None:
    world = serving(app_of())
    task = world.running(1)[0]
    world.targets[task] = replace(world.targets[task], draining=True)
    world.tick()
    assert not world.targets[task].draining


# --- what nobody knows of ------------------------------------------------------------------------


def test_an_unknown_container_serves_until_the_service_s_own_tasks_are_ready() -> None:
    world = serving(app_of())
    strange = replace(UP, id="t77"), replace(TARGET, task="t77")
    only = Seen((strange[0],), BalancerSeen((strange[1],)))
    drain = d.DrainTarget("t77", "cats", Colour.BLUE)
    assert drain not in tasks.decide(world.progress, only, T0).actions
    world.tasks["t77"], world.targets["t77"] = strange
    assert drain in tasks.decide(world.progress, world.seen(), T0).actions


def test_an_unknown_container_is_drained_then_stopped_then_removed() -> None:
    world = serving(app_of())
    world.tasks["t77"] = replace(UP, id="t77")
    world.targets["t77"] = replace(TARGET, task="t77")
    world.busy = {"t77"}
    for _ in range(8):
        world.tick()
    assert world.targets["t77"].draining
    assert world.tasks["t77"].state is TaskState.RUNNING
    world.busy = set()
    world.until(lambda w: "t77" not in w.tasks and "t77" not in w.targets, limit_s=5)


def test_a_target_without_a_container_is_taken_out() -> None:
    world = serving(app_of())
    world.targets["t77"] = replace(TARGET, task="t77")
    world.tick()
    assert "t77" not in world.targets


def test_an_unknown_container_is_left_alone_while_the_balancer_cannot_be_read() -> None:
    unknown = replace(UP, id="t77")
    decision = tasks.decide(after(), Seen(tasks=(unknown,)), T0)
    assert about(decision, "t77") == ()


def test_the_engine_that_cannot_be_read_stops_and_starts_nothing() -> None:
    world = moving(app_of()).until_weight(5_000)
    world.blind = {"tasks"}
    for _ in range(40):
        decision = world.tick()
        assert not any(isinstance(a, d.StartTask | d.StopTask) for a in decision.actions)
    assert all(t.phase is TaskPhase.HEALTHY for t in world.progress.tasks.values())


def test_a_world_at_rest_has_nothing_to_do() -> None:
    world: World = serving(app_of())
    assert tasks.decide(world.progress, world.seen(), world.now) == d.Decision()
