"""The simulated ports keep the word of `core.ports`, and the traffic goes where they say."""

from dataclasses import replace
from functools import partial

import pytest

from tidegate.core import decision as d
from tidegate.core.errors import EffectFailed
from tidegate.core.model import Colour
from tidegate.core.seen import Health, Routing, TaskState
from tidegate.simulator import behaviour as b
from tidegate.simulator.faults import Chances, ControllerCrash, CrashPoint, Fate, Faults, Wire
from tidegate.simulator.options import Options
from tidegate.simulator.rng import Rng
from tidegate.simulator.scenarios import QUICKLY, SERVICE, change
from tidegate.simulator.world import SimulatedWorld

CATS = QUICKLY.services[0]
CALM = change(1, app=QUICKLY)


def started(behaviour: b.Behaviour = b.GOOD, options: Options = CALM) -> SimulatedWorld:
    """A world in which the app is served, and task t1 of this behaviour runs in blue."""
    world = SimulatedWorld(options)
    world.workshop.images["sha256:1"] = behaviour
    world.balancer.serve(QUICKLY)
    world.balancer.route(Routing(SERVICE, 0))
    start(world, "t1", Colour.BLUE)
    world.traffic.established.add(SERVICE)
    return world


def start(world: SimulatedWorld, task: str, colour: Colour) -> None:
    """Start the task and put it into a target group once it is healthy."""
    world.fleet.start(d.StartTask(task, CATS, 1, "sha256:1"))
    world.clock.run_for(2_000)
    seen = {seen.id: seen for seen in world.fleet.observe() or ()}[task]
    world.balancer.register(d.RegisterTarget(task, SERVICE, colour, seen.address or ""))


def test_a_task_is_started_once_and_becomes_healthy() -> None:
    world = started()
    world.fleet.start(d.StartTask("t1", CATS, 1, "sha256:1"))
    seen = world.fleet.observe()
    assert seen is not None
    assert [(t.id, t.state, t.health) for t in seen] == [("t1", TaskState.RUNNING, Health.HEALTHY)]


def test_a_task_without_its_image_does_not_start() -> None:
    with pytest.raises(EffectFailed, match="no image sha256:2"):
        started().fleet.start(d.StartTask("t2", CATS, 1, "sha256:2"))


def test_a_running_task_is_not_removed() -> None:
    world = started()
    with pytest.raises(EffectFailed, match="still runs"):
        world.fleet.remove("t1")
    world.fleet.stop("t1", 1_000)
    world.clock.run_for(1_000)
    world.fleet.remove("t1")
    assert world.fleet.observe() == ()


def test_a_busy_target_is_taken_out_only_by_force() -> None:
    world = started(b.Behaviour(median_us=5_000_000))
    world.traffic.begin(SERVICE, 100)
    world.clock.run_for(1_000)
    world.settle()
    leave = d.DeregisterTarget("t1", SERVICE, Colour.BLUE)
    with pytest.raises(EffectFailed, match="busy"):
        world.balancer.deregister(leave)
    world.balancer.deregister(replace(leave, force=True))
    assert world.balancer.targets == {}
    assert len(world.traffic.ledger.dropped) > 50


def test_a_draining_task_gets_no_new_requests() -> None:
    world = started()
    start(world, "t2", Colour.BLUE)
    world.traffic.begin(SERVICE, 200)
    world.balancer.drain(d.DrainTarget("t1", SERVICE, Colour.BLUE))
    world.clock.run_for(2_000)
    world.settle()
    assert world.fleet.tasks["t1"].requests == []
    assert world.traffic.ledger.by_release[1][0] > 300
    assert not world.traffic.ledger.dropped


def test_requests_are_shared_by_the_weights_that_are_held() -> None:
    world = started()
    start(world, "t2", Colour.GREEN)
    world.traffic.begin(SERVICE, 500)
    world.balancer.route(Routing(SERVICE, 2_500))
    world.clock.run_for(20_000)
    world.settle()
    seen = world.meter.observe(0)
    assert seen is not None
    green, blue = (
        sum(second.requests for second in seen[0][SERVICE, colour])
        for colour in (Colour.GREEN, Colour.BLUE)
    )
    assert green / (green + blue) == pytest.approx(0.25, abs=0.02)


def test_metrics_show_whole_seconds_up_to_what_is_complete() -> None:
    world = started(b.failing(0.2))
    world.traffic.begin(SERVICE, 100)
    world.clock.run_for(10_300)
    world.settle()
    seen = world.meter.observe(0)
    assert seen is not None
    seconds, until_ms = seen[0][SERVICE, Colour.BLUE], seen[1]
    assert until_ms % 1_000 == 0 and until_ms <= world.clock.now()
    assert all(second.at_ms + 1_000 <= until_ms for second in seconds)
    assert all(sum(n for _, n in second.latency) == second.requests for second in seconds)
    errors = sum(second.errors for second in seconds) / sum(s.requests for s in seconds)
    assert errors == pytest.approx(0.2, abs=0.05)


def test_the_meter_counts_the_requests_of_a_time_in_both_groups() -> None:
    world = started()
    start(world, "t2", Colour.GREEN)
    world.balancer.route(Routing(SERVICE, 4_000))
    world.traffic.begin(SERVICE, 50)
    world.clock.run_for(20_000)
    world.settle()
    now = world.clock.now() // 1000 * 1000
    for from_ms, until_ms in ((now - 5_000, now), (now - 9_000, now - 3_000)):
        both = [world.meter.truth((SERVICE, c), from_ms, until_ms) for c in Colour]
        assert all(both), "each group had its part"
        counted = sum(second.requests for group in both for second in group)
        assert world.meter.requests(SERVICE, from_ms, until_ms) == counted
    assert world.meter.requests("nobody", now - 5_000, now) == 0


def test_a_request_to_a_task_that_crashes_by_itself_is_nobodys_drop() -> None:
    world = started(b.leaking(3_000))
    world.traffic.begin(SERVICE, 100)
    world.clock.run_for(5_000)
    world.settle()
    assert world.traffic.ledger.failed > 50
    assert not world.traffic.ledger.dropped


def test_what_a_watcher_has_not_seen_for_two_seconds_is_unknown() -> None:
    world = started()
    world.balancer.observe()
    world.balancer.watcher.blind_until = world.clock.elapsed + 5_000
    world.clock.run_for(1_900)
    assert world.balancer.observe() is not None
    world.clock.run_for(200)
    assert world.balancer.observe() is None


def test_a_restarted_balancer_has_forgotten_what_was_set_at_run_time() -> None:
    world = started()
    world.balancer.restart()
    world.clock.run_for(1_000)
    seen = world.balancer.observe()
    assert seen is not None
    assert (seen.targets, seen.routing) == ((), {})
    assert seen.listener


def wire_of(fate: Fate, *, ordered: bool) -> tuple[SimulatedWorld, Wire]:
    """A wire on which every call has this fate, in a world without any other fault."""
    world = SimulatedWorld(CALM)
    faults = Faults(Chances(((fate, 1_000),)), Rng(1)("faults"), world.clock)
    return world, Wire("part", faults, world.clock, ordered=ordered)


@pytest.mark.parametrize(
    ("fate", "error", "times"),
    [
        (Fate.DONE, None, 1),
        (Fate.LOST, EffectFailed, 0),
        (Fate.SILENTLY_LOST, None, 0),
        (Fate.UNTOLD, EffectFailed, 1),
        (Fate.LATE, None, 1),
        (Fate.TWICE, None, 2),
        (Fate.CRASH_BEFORE, ControllerCrash, 0),
        (Fate.CRASH_AFTER, ControllerCrash, 1),
    ],
)
def test_each_fate_is_what_its_name_says(
    fate: Fate, error: type[BaseException] | None, times: int
) -> None:
    world, wire = wire_of(fate, ordered=True)
    done: list[int] = []
    if error:
        with pytest.raises(error):
            wire.send(lambda: done.append(1))
    else:
        wire.send(lambda: done.append(1))
    world.clock.run_for(5_000)
    assert len(done) == times


def test_an_ordered_wire_keeps_the_order_of_late_calls() -> None:
    world, wire = wire_of(Fate.LATE, ordered=True)
    done: list[int] = []
    for number in range(20):
        wire.send(partial(done.append, number))
    world.clock.run_for(60_000)
    assert done == list(range(20))


def test_a_crash_point_hits_the_call_that_it_names() -> None:
    world = SimulatedWorld(replace(CALM, crash=CrashPoint(2)))
    world.balancer.serve(QUICKLY)
    with pytest.raises(ControllerCrash):
        world.balancer.route(Routing(SERVICE, 2_500))
    assert world.balancer.held == {SERVICE: Routing(SERVICE, 0)}
    world.balancer.route(Routing(SERVICE, 2_500))
    assert world.balancer.held == {SERVICE: Routing(SERVICE, 2_500)}
