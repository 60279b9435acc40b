"""All controllers together: the same look gives the same decision, and no promise is ever broken.

The small world checks the promises of a deployment at every look: no task is stopped that may
still be asked, no weight rises that cannot be carried or was not observed, no unjudged image runs.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.builders import ERRORS, T0, app_of, service
from tests.support.small_world import World, moving, serving
from tidegate.core import decision as d
from tidegate.core import requests as r
from tidegate.core.decide import decide
from tidegate.core.errors import TidegateError
from tidegate.core.fold import advance, advance_all
from tidegate.core.model import Colour, TrafficCheck
from tidegate.core.progress import Progress
from tidegate.core.seen import (
    BalancerSeen,
    Health,
    JobSeen,
    JobState,
    Routing,
    Seen,
    Target,
    TaskSeen,
    TaskState,
)

APP = app_of(service("cats", 3, checks=(TrafficCheck("/"),)), service("dogs", 2), alarms=(ERRORS,))
ONLY_CATS = app_of(APP.services[0])

# --- one look ------------------------------------------------------------------------------------


def test_a_world_at_rest_needs_nothing() -> None:
    world = serving(app_of())
    assert decide(world.progress, world.seen(), world.now) == d.Decision(
        reason="everything is as it should be"
    )


def test_an_empty_journal_needs_nothing() -> None:
    assert decide(Progress(), Seen(), T0).actions == ()


def test_the_next_look_is_due_at_once_after_anything_was_recorded() -> None:
    world = World()
    world.push(app_of())
    decision = world.look()
    assert decision.events
    assert decision.look_again_at == world.now


def test_the_next_look_is_due_when_the_first_of_all_timers_runs_out() -> None:
    world = moving(APP).until_weight(2_500, "cats")
    due = [m.observed_at for m in world.progress.deployments.values() if m.live]
    decision = decide(world.progress, world.seen(), world.now)
    assert decision.events == ()
    assert decision.look_again_at == min(at + 2_000 for at in due if at is not None)


def test_a_rollback_reaches_the_balancer_in_the_look_that_decides_on_it() -> None:
    world = moving(app_of()).until_weight(5_000)
    world.abort()
    decision = world.look()
    assert [type(e) for e in decision.events] == [d.RollbackStarted]
    assert decision.actions == (d.ApplyRouting(Routing("cats", 0)),)
    assert decision.reason == "cats v2: rolls back: aborted by me"


# --- images --------------------------------------------------------------------------------------


def test_after_a_deployment_only_the_images_that_one_can_go_back_to_are_kept() -> None:
    world = serving(app_of(retention=2))
    for _ in range(3):
        world.push(app_of(retention=2))
        world.until_quiet()
    assert world.pruned[-1] == ("sha256:cats-e3", "sha256:cats-e4")


def test_a_rollback_keeps_the_stable_image() -> None:
    world = moving(app_of(retention=1)).until_weight(2_500)
    world.abort()
    world.until_quiet()
    assert "sha256:cats-e1" in world.pruned[-1]


def test_nothing_is_pruned_while_an_execution_builds() -> None:
    world = moving(app_of())
    before = len(world.pruned)
    world.hung = {"e3/build"}
    world.push(app_of())
    world.until(lambda w: w.progress.deployments["d2"].outcome)
    assert len(world.pruned) == before


# --- any world -----------------------------------------------------------------------------------

Mishap = Callable[[World, int], None]


def _ask(make: Callable[[str], r.Request]) -> Mishap:
    def mishap(world: World, n: int) -> None:
        with suppress(TidegateError):  # what cannot be granted records nothing
            world.ask(make(("cats", "dogs")[n % 2]))

    return mishap


def _hit(**changes: object) -> Mishap:
    def mishap(world: World, n: int) -> None:
        if world.tasks:
            world.change(sorted(world.tasks)[n % len(world.tasks)], **changes)

    return mishap


def _vanish(world: World, n: int) -> None:
    if world.tasks:
        del world.tasks[sorted(world.tasks)[n % len(world.tasks)]]


def _blind(world: World, n: int) -> None:
    world.blind ^= {("tasks", "balancer", "metrics")[n % 3]}


def _restart_balancer(world: World, _: int) -> None:
    world.targets, world.routing, world.listener = {}, {}, ""


def _restart_controller(world: World, n: int) -> None:
    world.look(lose_actions=True)
    world.now += n * 1_000
    world.jobs = {k: j for k, j in world.jobs.items() if j.state is not JobState.RUNNING}
    world.record((d.ControllerStarted("me", "1"),))


def _lose(world: World, _: int) -> None:
    world.look(lose_actions=True)


def _deafen(world: World, _: int) -> None:
    world.deaf = not world.deaf


def _push(world: World, _: int) -> None:
    world.push(APP)


def _change_the_file(world: World, n: int) -> None:
    world.ask(r.AcceptApp((ONLY_CATS, APP)[n % 2], "me"))


def _spoil(world: World, n: int) -> None:
    nature = world.nature(world.progress.next_id("release") - 1)
    match n % 4:
        case 0:
            nature.health = Health.UNHEALTHY
        case 1:
            nature.crashes = True
        case 2:
            nature.error_share = 0.3
        case 3:
            nature.start_error = "no space left"


def _jump(world: World, n: int) -> None:
    world.now += n * 60_000


def _busy(world: World, n: int) -> None:
    world.busy ^= {f"t{n}"}


def _go_on(world: World, n: int) -> None:
    for _ in range(2 * n):
        world.tick()


MISHAPS: tuple[Mishap, ...] = (
    _go_on,
    _go_on,
    _go_on,
    _push,
    _push,
    _change_the_file,
    _ask(lambda name: r.Abort(name, "me")),
    _ask(lambda name: r.Pause(name, "me")),
    _ask(lambda name: r.Resume(name, "me")),
    _ask(lambda name: r.Promote(name, "me")),
    _ask(lambda name: r.RollBack(name, None, "me")),
    _ask(lambda name: r.Scale(name, 1, "me")),
    _ask(lambda name: r.Scale(name, 5, "me")),
    _hit(state=TaskState.STOPPED, exit_code=137),
    _hit(health=Health.UNHEALTHY),
    _hit(health=Health.UNKNOWN),
    _vanish,
    _blind,
    _restart_balancer,
    _restart_controller,
    _lose,
    _deafen,
    _spoil,
    _jump,
    _busy,
)
stories = st.lists(st.tuples(st.sampled_from(MISHAPS), st.integers(0, 23)), max_size=25)


def heal(world: World) -> None:
    """The faults stop: all that still runs is well, and nobody holds anything up any more."""
    world.blind, world.busy, world.deaf = set(), set(), False
    world.natures = {}
    for task in world.tasks.values():
        if task.health is not Health.HEALTHY:
            world.change(task.id, health=Health.HEALTHY)
    for name in ("cats", "dogs"):
        _ask(lambda name: r.Resume(name, "me"))(world, ("cats", "dogs").index(name))


@settings(max_examples=50, deadline=None)
@given(stories)
def test_whatever_happens_no_promise_is_broken_and_in_the_end_all_is_well(
    story: list[tuple[Mishap, int]],
) -> None:
    world = moving(APP)
    for mishap, n in story:
        mishap(world, n)
        world.tick()
    heal(world)
    world.until_quiet(limit_s=1_800)
    world.until(all_is_well)


def all_is_well(world: World) -> bool:
    """As many tasks as desired, all of the stable releases, all in the balancer, and no others."""
    assert world.progress.app is not None
    served = {s.name for s in world.progress.app.services}
    wanted = {(n, s.stable): s.desired for n, s in world.progress.services.items() if n in served}
    running = Counter((t.service, t.release) for t in world.tasks.values())
    return (
        running == wanted
        and world.targets.keys() == world.tasks.keys()
        and world.routing.keys() == served
    )


# --- any look ------------------------------------------------------------------------------------

task_ids = st.sampled_from([f"t{n}" for n in range(1, 14)])
names = st.sampled_from(["cats", "dogs"])
colours = st.sampled_from(Colour)
task_seen = st.builds(
    TaskSeen,
    task_ids,
    names,
    st.integers(1, 4),
    st.sampled_from([f"sha256:{n}-e{e}" for n in ("cats", "dogs") for e in (1, 2)]),
    st.sampled_from(TaskState),
    st.sampled_from(Health),
    st.sampled_from([None, "127.0.0.1:1"]),
    st.sampled_from([None, 0, 1]),
    st.booleans(),
)
targets = st.builds(Target, names, colours, task_ids, st.booleans(), st.integers(0, 2))
routings = st.builds(Routing, names, st.integers(0, 10_000), st.sampled_from([None, *Colour]))
balancers = st.builds(
    BalancerSeen,
    st.lists(targets, max_size=12, unique_by=lambda t: t.task).map(tuple),
    st.lists(routings, max_size=2).map(lambda held: {one.service: one for one in held}),
    st.sampled_from(["", "another"]),
)
jobs = st.dictionaries(
    st.sampled_from(["e2/build", "e2/scan", "e3/build", "d3/checks"]),
    st.builds(JobSeen, st.just("job"), st.sampled_from(JobState), st.just("said")),
)
looks = st.builds(
    Seen,
    st.one_of(st.none(), st.lists(task_seen, max_size=12, unique_by=lambda t: t.id).map(tuple)),
    st.one_of(st.none(), balancers),
    st.one_of(st.none(), st.just({})),
    st.integers(T0, T0 + 100_000),
    jobs,
)

WHOLE = moving(APP).until_quiet()
KNOWN_TASKS = {e.task for e in WHOLE.events(d.TaskStarted)}
moments = st.sampled_from(sorted(set(WHOLE.entries)))


def stand(moment: int) -> tuple[Progress, int]:
    """Where everything stood after so many events of the whole run, and when."""
    progress = Progress()
    for at, event in WHOLE.journal[:moment]:
        progress = advance(progress, event, at)
    return progress, WHOLE.journal[moment - 1][0]


@settings(max_examples=300, deadline=None)
@given(moments, looks, st.integers(0, 100_000))
def test_any_look_at_any_moment_gives_one_decision_that_folds_and_asks_for_nothing_unknown(
    moment: int, seen: Seen, later_ms: int
) -> None:
    progress, at = stand(moment)
    now = at + later_ms
    decision = decide(progress, seen, now)
    assert decision == decide(progress, replace(seen), now)
    assert decision.reason
    following = advance_all(progress, decision.events, now)
    known = {t.id for t in seen.tasks or ()} | following.tasks.keys() | KNOWN_TASKS
    known |= {t.task for t in seen.balancer.targets} if seen.balancer else set()
    for action in decision.actions:
        named = getattr(action, "service", None)
        assert getattr(named, "name", named) in (None, "cats", "dogs")
        assert getattr(action, "task", None) in (None, *known)
    for event in decision.events:
        if isinstance(event, d.TrafficShifted):
            moved = progress.deployments[event.deployment]
            desired = progress.services[moved.service].desired
            able = sum(
                t.health is Health.HEALTHY and t.state is TaskState.RUNNING
                for t in seen.tasks or ()
            )
            assert event.weight_bp <= moved.weight_bp or able * 10_000 >= (
                event.weight_bp * desired
            )


@settings(max_examples=50, deadline=None)
@given(moments)
def test_what_runs_was_judged(moment: int) -> None:
    progress, _ = stand(moment)
    judged = {
        (v.service, v.digest)
        for execution in progress.executions.values()
        for v in execution.verdicts
        if v.verdict is d.VerdictKind.PASSED
    }
    for action in decide(progress, Seen(tasks=()), T0).actions:
        if isinstance(action, d.StartTask):
            assert (action.service.name, action.digest) in judged
