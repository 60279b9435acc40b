"""Hooks run in their stage, one after the other, and a pause waits for a person."""

import pytest

from tests.support.builders import app_of, service
from tests.support.small_world import World, moving
from tidegate.core import decision as d
from tidegate.core.model import Hook
from tidegate.core.model import LifecycleStage as Stage
from tidegate.core.requests import RollBack

HOOK_STAGES = (
    Stage.PRE_SCALE_UP,
    Stage.POST_SCALE_UP,
    Stage.TEST_TRAFFIC_SHIFT,
    Stage.POST_TEST_TRAFFIC_SHIFT,
    Stage.PRE_PRODUCTION_TRAFFIC_SHIFT,
    Stage.POST_PRODUCTION_TRAFFIC_SHIFT,
)


def with_hooks(*hooks: Hook, **world: object) -> World:
    """A world into whose v2 these hooks have been pushed."""
    return moving(app_of(service(hooks=hooks)), app_of(), **world)


@pytest.mark.parametrize("stage", HOOK_STAGES)
def test_a_command_runs_in_its_stage_and_holds_it_until_it_succeeds(stage: Stage) -> None:
    hook = Hook(stage, "look", command=("true",))
    world = with_hooks(hook, hung={"look"})
    world.until(lambda w: f"d2/{stage}/look" in w.jobs)
    assert world.tick().reason == "cats v2: look running"
    assert world.last.stage is stage
    world.hung, world.jobs = set(), {}
    world.until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED
    assert d.StepPassed("d2", f"d2/{stage}/look", "done") in world.events(d.StepPassed)


@pytest.mark.parametrize("stage", HOOK_STAGES)
def test_a_failed_hook_rolls_back(stage: Stage) -> None:
    world = with_hooks(Hook(stage, "look", url="http://127.0.0.1/"), broken={"look"})
    world.until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK
    assert world.last.reason == "look failed: it broke"


def test_hooks_of_one_stage_run_one_after_the_other() -> None:
    one, two = (Hook(Stage.POST_SCALE_UP, name, command=("true",)) for name in ("one", "two"))
    world = with_hooks(one, two).until_quiet()
    passed = [e.step for e in world.events(d.StepPassed)]
    assert passed == ["d2/POST_SCALE_UP/one", "d2/POST_SCALE_UP/two"]


def test_a_hook_of_the_shift_runs_at_every_step_with_the_weight() -> None:
    hook = Hook(Stage.PRODUCTION_TRAFFIC_SHIFT, "measure", command=("true",))
    world = with_hooks(hook)
    asked: list[d.RunHook] = []
    while world.moves():
        for action in world.tick().actions:
            if isinstance(action, d.StartJob) and isinstance(action.job, d.RunHook):
                asked.append(action.job)
    assert [job.weight_bp for job in asked] == [2_500, 5_000, 7_500, 10_000]
    assert len({job.id for job in asked}) == 4
    assert {(job.deployment, job.service, job.release) for job in asked} == {("d2", "cats", 2)}


def test_a_failed_hook_at_a_step_takes_the_traffic_back() -> None:
    hook = Hook(Stage.PRODUCTION_TRAFFIC_SHIFT, "measure", command=("true",))
    world = with_hooks(hook, broken={"measure/1"}).until_quiet()
    assert world.last.outcome is d.Outcome.ROLLED_BACK
    assert [e.weight_bp for e in world.events(d.TrafficShifted)][-2:] == [2_500, 5_000]


def test_a_pause_waits_for_promote_and_then_the_shift_takes_its_usual_steps() -> None:
    world = with_hooks(Hook(Stage.POST_TEST_TRAFFIC_SHIFT, "look at it", pause=True))
    world.until_stage(Stage.POST_TEST_TRAFFIC_SHIFT)
    decision = world.tick()
    assert decision.reason == "cats v2: waits at look at it for: tidegate promote cats"
    assert decision.look_again_at == world.last.stage_since + 60_000
    world.promote()
    world.until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED
    shifts = [e.weight_bp for e in world.events(d.TrafficShifted) if e.deployment == "d2"]
    assert shifts == [2_500, 5_000, 7_500, 10_000]


def test_a_promote_ends_one_pause_and_the_next_waits_for_another() -> None:
    stage = Stage.PRE_PRODUCTION_TRAFFIC_SHIFT
    first, second = (Hook(stage, name, pause=True) for name in ("first", "second"))
    world = with_hooks(first, second)
    world.until(lambda w: w.last.stage is stage)
    world.promote()
    for _ in range(5):
        world.tick()
    assert [e.step for e in world.events(d.StepPassed)] == [f"d2/{stage}/first"]
    assert world.tick().reason == "cats v2: waits at second for: tidegate promote cats"
    world.promote()
    world.until_quiet()
    assert world.last.outcome is d.Outcome.SUCCEEDED


def test_a_pause_that_nobody_ends_rolls_back_at_its_timeout() -> None:
    hook = Hook(Stage.PRE_PRODUCTION_TRAFFIC_SHIFT, "look at it", pause=True, timeout_ms=20_000)
    world = with_hooks(hook).until_stage(Stage.PRE_PRODUCTION_TRAFFIC_SHIFT)
    since = world.now
    world.until(lambda w: w.last.rollback)
    assert 20_000 <= world.now - since <= 20_500
    world.until_quiet()
    assert world.last.reason == "nobody promoted it at the pause look at it in time"


def test_a_hook_that_never_ends_is_rolled_back_by_the_clock() -> None:
    hook = Hook(Stage.POST_SCALE_UP, "look", command=("sleep",), timeout_ms=5_000)
    cats = service(hooks=(hook,), scale_up_timeout_ms=10_000)
    world = moving(app_of(cats), app_of(), hung={"look"}).until_quiet()
    assert world.last.reason == "POST_SCALE_UP got no further in 15 s"


def test_a_known_good_release_runs_no_hooks() -> None:
    hook = Hook(Stage.POST_SCALE_UP, "look", command=("true",))
    world = with_hooks(hook).until_quiet()
    world.push(app_of())
    world.until_quiet()
    world.jobs = {}
    world.ask(RollBack("cats", 2, "me"))
    world.until_quiet()
    assert world.progress.services["cats"].stable == 2
    assert not any("d4" in job for job in world.jobs)
