"""Each checker speaks when its promise is broken: a controller rigged to break it is found out."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import pytest

from tidegate.core import decision as d
from tidegate.core import evidence, gate, judging, rematch, requests, shift, tasks, weighing
from tidegate.core.findings import Finding
from tidegate.core.grounds import Weighed
from tidegate.core.look import Look
from tidegate.core.model import ALL_BP, Colour, LifecycleStage
from tidegate.core.ports import World
from tidegate.core.seen import Routing
from tidegate.engine.execute import Inline
from tidegate.simulator import behaviour as b
from tidegate.simulator import run
from tidegate.simulator.checkers import CHECKERS
from tidegate.simulator.faults import Chances, Mishap
from tidegate.simulator.fleet import Cause
from tidegate.simulator.options import Ask, Content, Options, Push, Scan, Verb
from tidegate.simulator.run import PromiseBroken, RunnerOf, Simulation, simulate
from tidegate.simulator.scenarios import QUICKLY, SCENARIOS, SERVICE, change

Rig = Callable[[World, d.Action], Iterable[d.Action]]
STAGE = LifecycleStage
GOOD = change(1, b.GOOD, QUICKLY)


def rigged(rig: Rig) -> RunnerOf:
    """A runner that does what the rig makes of each action."""

    class Rigged(Inline):
        def submit(self, actions: Iterable[d.Action]) -> None:
            for action in actions:
                super().submit(rig(self._world, action))

    return Rigged


def said(options: Options, rig: Rig | None = None) -> tuple[int, str]:
    """The promise that is found broken, and the checker's sentence."""
    result = simulate(options, rigged(rig)) if rig else simulate(options)
    assert result.broken is not None, "nobody found out"
    return result.broken.promise, result.broken.sentence


def weight(action: d.Action) -> int:
    """What the second release, which is green, gets by this action; -1 when it is another."""
    return action.routing.green_bp if isinstance(action, d.ApplyRouting) else -1


def held(world: World) -> int:
    """What the second release is seen to get."""
    seen = world.balancer.observe()
    return seen.routing[SERVICE].green_bp if seen and SERVICE in seen.routing else 0


def targets(world: World, colour: Colour) -> list[str]:
    """The tasks in a target group."""
    seen = world.balancer.observe()
    return [t.task for t in seen.targets if t.colour is colour] if seen else []


def test_every_promise_of_a_deployment_has_a_checker() -> None:
    assert list(CHECKERS) == list(range(1, 10))
    for kinds in CHECKERS.values():
        assert all(kind.__doc__ for kind in kinds)


def test_1_a_task_that_is_stopped_without_a_drain_drops_requests() -> None:
    def rig(world: World, action: d.Action) -> Iterator[d.Action]:
        yield d.StopTask(action.task, 5_000) if isinstance(action, d.DrainTarget) else action

    fewer = replace(GOOD, asks=(Ask(Verb.SCALE, SERVICE, 4_000, desired=1),))
    promise, sentence = said(fewer, rig)
    assert promise == 1
    assert "was stopped while it had traffic" in sentence


def test_1_a_drain_that_is_cut_short_drops_requests() -> None:
    hasty = b.Behaviour(median_us=900_000, graceful=False)
    pushes = (Push(0, ((SERVICE, Content("one", hasty)),)), *GOOD.pushes[1:])

    def rig(world: World, action: d.Action) -> Iterator[d.Action]:
        yield action
        if isinstance(action, d.DrainTarget):
            yield d.StopTask(action.task, 5_000)

    promise, sentence = said(replace(GOOD, pushes=pushes), rig)
    assert promise == 1
    assert "was cut 0 ms into a drain" in sentence


def test_1_weight_without_a_target_drops_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    def rig(world: World, action: d.Action) -> Iterator[d.Action]:
        if not (isinstance(action, d.RegisterTarget) and action.colour is Colour.GREEN):
            yield action
        if isinstance(action, d.RegisterTarget) and action.colour is Colour.GREEN:
            yield d.ApplyRouting(Routing(SERVICE, ALL_BP))

    monkeypatch.setattr(run, "CHECKERS", {1: CHECKERS[1]})
    promise, sentence = said(GOOD, rig)
    assert promise == 1
    assert "has weight and no target" in sentence


def test_2_an_image_that_no_scan_has_passed_is_found_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def blind(*_: object) -> gate.Judgement:
        return gate.Judgement(d.VerdictKind.PASSED, "not looked at")

    monkeypatch.setattr(gate, "judge", blind)
    promise, sentence = said(change(1, Content("two", scan=Scan.UNKNOWN), QUICKLY))
    assert promise == 2
    assert "an image that no scan has passed" in sentence


def test_2_a_release_on_the_word_of_a_waiver_that_ended_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(judging, "lapsed", lambda *_: "")
    promise, sentence = said(SCENARIOS["waiver-ends-while-it-waits"].options(1))
    assert promise == 2
    assert sentence == "v2 was made although the waiver of CVE-2024-0001 had ended"


def test_2_an_exploited_finding_that_is_let_through_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = weighing.weigh

    def blind(scale: weighing.Scale, finding: Finding) -> Weighed:
        return plain(scale, replace(finding, exploited=False))

    monkeypatch.setattr(gate, "weigh", blind)
    promise, sentence = said(SCENARIOS["inherited-and-exploited"].options(1))
    assert promise == 2
    assert "an image that no scan has passed" in sentence


def test_liveness_news_of_what_runs_that_nobody_is_told_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rematch, "decide", lambda *_: d.Decision())
    promise, sentence = said(SCENARIOS["inherited-vulnerability"].options(1))
    assert promise == 0
    assert "is vulnerable, and that is untold" in sentence


def test_2_another_image_than_the_judged_one_is_found_running() -> None:
    def rig(world: World, action: d.Action) -> Iterator[d.Action]:
        if isinstance(action, d.StartTask) and action.release == 2:
            running = world.tasks.observe() or ()
            action = replace(action, digest=next(task.digest for task in running))
        yield action

    promise, sentence = said(GOOD, rig)
    assert promise == 2
    assert "another image than its release" in sentence


def test_3_more_weight_than_was_recorded_is_found() -> None:
    def rig(world: World, action: d.Action) -> Iterator[d.Action]:
        if weight(action) > 0:
            action = d.ApplyRouting(Routing(SERVICE, ALL_BP, Colour.GREEN))
        yield action

    promise, sentence = said(GOOD, rig)
    assert promise == 3
    assert "got 10000 bp when only 5000 had been recorded" in sentence


def test_3_weight_on_tasks_that_are_not_there_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    true = Look.carrying

    def claimed(look: Look, release: int) -> int:
        return true(look, release) if look.trusted else look.desired

    monkeypatch.setattr(Look, "carrying", claimed)
    monkeypatch.setattr(
        Look, "healthy", property(lambda look: claimed(look, look.deployment.candidate))
    )
    promise, sentence = said(GOOD)
    assert promise == 3
    assert "on 0 tasks and needs 1" in sentence


def test_3_a_step_before_the_last_one_is_held_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def assume(look: Look) -> d.Decision | None:
        if look.deployment.observed_at is not None:
            return None
        observed = d.TrafficObserved(look.deployment.id, look.deployment.weight_bp)
        return d.Decision(events=(observed,), reason="surely")

    monkeypatch.setattr(shift, "_await_weight", assume)

    def rig(world: World, action: d.Action) -> Iterator[d.Action]:
        if weight(action) != 5_000:
            yield action

    promise, sentence = said(GOOD, rig)
    assert promise == 3
    assert "took the next step before 5000 bp was held" in sentence


def test_3_a_stable_task_that_is_taken_away_too_early_is_found() -> None:
    def rig(world: World, action: d.Action) -> Iterator[d.Action]:
        yield action
        if weight(action) > 0:
            yield d.DrainTarget(targets(world, Colour.BLUE)[0], SERVICE, Colour.BLUE)

    promise, sentence = said(GOOD, rig)
    assert promise == 3
    assert "of the stable release was taken away" in sentence


def test_4_a_candidate_that_keeps_its_traffic_after_an_abort_is_found() -> None:
    def rig(world: World, action: d.Action) -> Iterator[d.Action]:
        if not (weight(action) == 0 and held(world) > 0):
            yield action

    aborted = replace(GOOD, asks=(Ask(Verb.ABORT, SERVICE, stage=STAGE.BAKE_TIME),))
    promise, sentence = said(aborted, rig)
    assert promise == 4
    assert "still has 10000 bp" in sentence


def test_4_a_candidate_that_gets_more_traffic_after_an_abort_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def rig(world: World, action: d.Action) -> Iterator[d.Action]:
        if weight(action) == 0 and held(world) > 0:
            action = d.ApplyRouting(Routing(SERVICE, 9_000))
        yield action

    monkeypatch.setattr(run, "CHECKERS", {4: CHECKERS[4]})
    halfway = replace(GOOD, asks=(Ask(Verb.ABORT, SERVICE, 12_000),))
    promise, sentence = said(halfway, rig)
    assert promise == 4
    assert "got more traffic, 9000 bp, after it was given up" in sentence


def test_5_a_tested_task_that_is_taken_away_is_found() -> None:
    def rig(world: World, action: d.Action) -> Iterator[d.Action]:
        if isinstance(action, d.DrainTarget) and action.colour is Colour.BLUE:
            action = d.DrainTarget(targets(world, Colour.GREEN)[0], SERVICE, Colour.GREEN)
        yield action

    promise, sentence = said(GOOD, rig)
    assert promise == 5
    assert "was tested, promoted in d2 and then taken away" in sentence


def test_6_a_rise_on_metrics_that_cannot_be_read_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "unknown", lambda *_: None)
    lost = Chances(mishaps=((Mishap.METRICS_LOST, 300),))
    promise, sentence = said(replace(GOOD, chances=lost, faulty_ms=30_000))
    assert promise == 6
    assert "though the metrics could not be read" in sentence


def test_6_a_rise_against_an_alarm_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "firing", lambda *_: None)
    monkeypatch.setattr(evidence, "worse", lambda *_: None)
    monkeypatch.setattr(evidence, "unknown", lambda *_: None)
    promise, sentence = said(change(1, b.failing(1.0), QUICKLY))
    assert promise == 6
    assert "though alarm errors is over its threshold" in sentence


def test_7_an_image_that_is_the_way_back_is_missed() -> None:
    def rig(world: World, action: d.Action) -> Iterator[d.Action]:
        yield d.PruneImages(()) if isinstance(action, d.PruneImages) else action

    promise, sentence = said(GOOD, rig)
    assert promise == 7
    assert "good release v1 was removed" in sentence


def test_8_two_releases_in_one_target_group_are_found() -> None:
    def rig(world: World, action: d.Action) -> Iterator[d.Action]:
        if isinstance(action, d.RegisterTarget):
            action = replace(action, colour=Colour.BLUE)
        yield action

    promise, sentence = said(GOOD, rig)
    assert promise == 8
    assert "blue group sends to releases [1, 2]" in sentence


def test_9_a_desired_count_out_of_bounds_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def grant(_: object, name: str, desired: int, by: str) -> tuple[d.Event, ...]:
        return (d.DesiredChanged(name, desired, by, "as asked"),)

    monkeypatch.setattr(requests, "_scale", grant)
    promise, sentence = said(replace(GOOD, asks=(Ask(Verb.SCALE, SERVICE, 4_000, desired=7),)))
    assert promise == 9
    assert "cats is to have 7 tasks" in sentence


def test_liveness_a_task_that_is_never_removed_is_found() -> None:
    def rig(world: World, action: d.Action) -> Iterator[d.Action]:
        if not isinstance(action, d.RemoveTask):
            yield action

    promise, sentence = said(GOOD, rig)
    assert promise == 0
    assert "execution e2 is still in deploy" in sentence


def test_liveness_an_orphan_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "_clear_orphans", lambda *_: [])

    def rig(world: World, action: d.Action) -> Iterator[d.Action]:
        yield action
        if isinstance(action, d.StartTask):
            yield replace(action, task="t99")

    promise, sentence = said(GOOD, rig)
    assert promise == 0
    assert "t99 is an orphan container" in sentence


def test_liveness_a_service_that_never_rests_is_found() -> None:
    simulation = Simulation(GOOD)
    clock, fleet = simulation.world.clock, simulation.world.fleet

    def strike() -> None:
        if fleet.alive():
            fleet.end(fleet.alive()[0], Cause.MISHAP, 1)
        clock.after(9_000, strike)

    clock.after(9_000, strike)
    with pytest.raises(PromiseBroken, match="has 1 healthy tasks of 2"):
        simulation.run()


def test_liveness_what_is_recorded_at_rest_is_found() -> None:
    simulation = Simulation(GOOD)
    fickle = iter(range(2, 1_000))

    def change_its_mind() -> None:
        desired = d.DesiredChanged(SERVICE, 2, "nobody", f"thought {next(fickle)}")
        simulation.journal.append((desired,), simulation.world.clock.now())
        simulation.world.clock.after(9_000, change_its_mind)

    simulation.world.clock.after(9_000, change_its_mind)
    with pytest.raises(PromiseBroken, match="does not stay at rest"):
        simulation.run()
