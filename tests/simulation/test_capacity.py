"""Capacity in the simulator: storms drop nothing, and each checker of its promises can fail."""

from dataclasses import replace

import pytest

from tests.simulation.test_checkers import said
from tidegate.core import decision as d
from tidegate.core import fold_capacity
from tidegate.core.capacity import assigning, ordering, room
from tidegate.core.capacity import decide as capacity
from tidegate.core.instance import InstancePhase, Spent
from tidegate.core.model import App, LifecycleStage
from tidegate.core.provider import Placement, PlacementField, PlacementType, StrategyItem
from tidegate.simulator import behaviour as b
from tidegate.simulator import run
from tidegate.simulator.batch import simulate_all
from tidegate.simulator.checkers import CHECKERS
from tidegate.simulator.faults import Chances, CrashPoint, Mishap
from tidegate.simulator.options import Ask, Options, Verb
from tidegate.simulator.run import simulate
from tidegate.simulator.scenarios import CLOUDY, QUICKLY, SCENARIOS, SERVICE, change
from tidegate.simulator.swarm import draw

CLOUDY_APP = replace(QUICKLY, capacity=CLOUDY)
CALM = change(1, b.GOOD, CLOUDY_APP)
STORMS = replace(CALM, chances=Chances(mishaps=((Mishap.SPOT_STORM, 5_000),)), faulty_ms=30_000)


def test_storms_on_spot_drop_no_request_and_no_deployment() -> None:
    runs = [SCENARIOS["spot-storms"].options(seed) for seed in range(8)]
    struck = 0
    for result in simulate_all(runs, jobs=2):
        assert result.broken is None, result.seed
        assert result.dropped == result.failed == result.cut_at_deadline == 0
        assert not result.excused.total() - result.excused["before the first release"]
        assert [one.outcome for one in result.deployments] == [d.Outcome.SUCCEEDED] * 2
        struck += result.faults[Mishap.SPOT_STORM.value]
    assert struck > 20


def test_a_run_has_the_same_journal_every_time_and_its_cost_is_in_it() -> None:
    seeds = [seed for seed in range(40) if draw(seed).app.capacity is not None][:3]
    once, again = (list(simulate_all(map(draw, seeds))) for _ in range(2))
    assert [one.digest for one in once] == [two.digest for two in again]


def test_a_crash_at_any_effect_of_a_deployment_on_instances_changes_no_outcome() -> None:
    calm = replace(CALM, requests_per_second=40)
    calls = simulate(calm).calls
    points = [CrashPoint(call, after=call % 2 == 0) for call in range(1, calls, 5)]
    for result in simulate_all([replace(calm, crash=point) for point in points], jobs=2):
        assert result.broken is None
        assert [one.outcome for one in result.deployments] == [d.Outcome.SUCCEEDED] * 2


# --- each checker can fail -----------------------------------------------------------------------


def test_9_a_task_on_an_instance_that_is_leaving_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def anywhere(rooms: list[room.Room], provider: str) -> list[room.Room]:
        mine = [one for one in rooms if one.instance.provider == provider]
        return sorted(mine, key=lambda one: one.instance.phase is not InstancePhase.DRAINING)

    def first(rooms: list[room.Room], _: str, need: room.Need, __: object) -> room.Room | None:
        return next((one for one in rooms if one.fits(need)), None)

    monkeypatch.setattr(assigning, "open_rooms", lambda rooms, name: anywhere(list(rooms), name))
    monkeypatch.setattr(assigning, "choose", first)
    fewer = (Ask(Verb.SCALE, SERVICE, 7_000, desired=4),)
    promise, sentence = said(replace(STORMS, asks=fewer))
    assert promise == 9
    assert "which is leaving" in sentence


def test_9_an_instance_with_too_much_on_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.Room, "fits", lambda *_: True)
    packed = (Placement(PlacementType.BINPACK, PlacementField.MEMORY),)
    app = replace(CLOUDY_APP, capacity=replace(CLOUDY, placement=packed))
    promise, sentence = said(_scaled(app, 6))
    assert promise == 9
    assert "CPU units and" in sentence


def test_9_more_instances_than_the_most_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    true = ordering.pool_of

    def generous(*words: object) -> ordering.Pool:
        pool = true(*words)  # type: ignore[arg-type]
        return replace(pool, provider=replace(pool.provider, maximum=99, minimum=5))

    monkeypatch.setattr(capacity, "pool_of", generous)
    few = tuple(replace(one, maximum=4) for one in CLOUDY.providers)
    promise, sentence = said(_of(replace(CLOUDY_APP, capacity=replace(CLOUDY, providers=few))))
    assert promise == 9
    assert "has 5 of 4" in sentence


def test_9_a_base_that_is_passed_over_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assigning, "next_provider", lambda *_: "spot")
    promise, sentence = said(CALM)
    assert promise == 9
    assert "went to spot with" in sentence


def test_9_disruption_over_the_budget_and_in_a_deployment_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def eager(progress: object, _: object, pool: ordering.Pool, now: int) -> d.Event | None:
        ready = [one for one in pool.wanted if one.phase is InstancePhase.READY]
        return d.InstanceDraining(ready[0].id, "because") if ready and now else None

    monkeypatch.setattr(capacity, "surplus", eager)
    monkeypatch.setattr(capacity, "app_moves", lambda _: False)
    promise, sentence = said(CALM)
    assert promise == 9
    assert "was drained during d" in sentence
    monkeypatch.undo()
    monkeypatch.setattr(capacity, "surplus", eager)
    strategy = (StrategyItem("spot"),)
    spread = replace(CLOUDY, default_strategy=strategy)
    promise, sentence = said(_scaled(replace(CLOUDY_APP, capacity=spread), 6))
    assert promise == 9
    assert "are drained at a time" in sentence


def test_9_a_cost_that_decreases_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold_capacity, "plus", lambda *_: Spent())
    monkeypatch.setattr(run, "CHECKERS", {9: CHECKERS[9]})
    priced = tuple(replace(one, price_micros=10**9) for one in CLOUDY.providers)
    app = replace(CLOUDY_APP, capacity=replace(CLOUDY, providers=priced))
    promise, sentence = said(replace(STORMS, app=app))
    assert promise == 9
    assert "the cost went from" in sentence


def test_liveness_an_instance_that_is_never_given_back_is_found() -> None:
    def rig(_: object, action: d.Action) -> list[d.Action]:
        return [] if isinstance(action, d.TerminateInstance) else [action]

    fewer = Ask(Verb.SCALE, SERVICE, 24_000, desired=1)
    grown = _scaled(CLOUDY_APP, 6)
    grown = replace(grown, asks=(*grown.asks, fewer), faulty_ms=26_000)
    promise, sentence = said(grown, rig)
    assert promise == 0
    assert "is still terminating" in sentence


def test_9_an_instance_that_is_paid_for_nothing_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "surplus", lambda *_: None)
    fewer = Ask(Verb.SCALE, SERVICE, 24_000, desired=1)
    grown = _scaled(CLOUDY_APP, 6)
    promise, sentence = said(replace(grown, asks=(*grown.asks, fewer), faulty_ms=50_000))
    assert promise == 9
    assert "is paid for" in sentence and "ms without a task" in sentence


def test_liveness_instances_that_hold_nothing_at_rest_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capacity, "surplus", lambda *_: None)
    monkeypatch.setattr(run, "CHECKERS", {})
    fewer = Ask(Verb.SCALE, SERVICE, 24_000, desired=1)
    grown = _scaled(CLOUDY_APP, 6)
    promise, sentence = said(replace(grown, asks=(*grown.asks, fewer), faulty_ms=26_000))
    assert promise == 0
    assert "are paid for that hold nothing" in sentence


DRY = replace(CALM, chances=Chances(mishaps=((Mishap.POOL_DRY, 2_000), (Mishap.SPOT_STORM, 9_000))),
              faulty_ms=40_000)  # fmt: skip


def test_tasks_fall_back_to_on_demand_while_the_market_is_dry_and_return_after_it() -> None:
    simulation = run.Simulation(replace(DRY, asks=(Ask(Verb.SCALE, SERVICE, 4_000, desired=6),)))
    simulation.run()
    providers: dict[str, str] = {}
    most = 0
    for entry in simulation.journal.entries:
        if isinstance(entry.event, d.TaskPlaced):
            providers[entry.event.task] = entry.event.provider
            alive = simulation.case.progress.tasks
            most = max(most, sum(one == "on-demand" for one in providers.values()))
        elif isinstance(entry.event, d.TaskRemoved):
            providers.pop(entry.event.task, None)
    assert most >= 4
    left = sorted(task.provider for task in alive.values())
    assert left == ["on-demand"] * 2 + ["spot"] * 4


def test_liveness_a_spot_share_that_does_not_return_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capacity, "relocate", lambda *_: None)
    promise, sentence = said(replace(DRY, asks=(Ask(Verb.SCALE, SERVICE, 4_000, desired=6),)))
    assert promise == 0
    assert "and base and weights want more on spot" in sentence


def test_launches_that_fail_or_are_slow_drop_nothing() -> None:
    faults = ((Mishap.LAUNCHES_FAIL, 8_000), (Mishap.LAUNCHES_SLOW, 6_000))
    grown = replace(_scaled(CLOUDY_APP, 6), chances=Chances(mishaps=faults), faulty_ms=40_000)
    for result in simulate_all([replace(grown, seed=seed) for seed in range(6)]):
        assert result.broken is None
        assert result.dropped == 0


def test_storms_at_each_stage_of_a_deployment_break_no_promise() -> None:
    runs = [replace(CALM, strikes=(stage,)) for stage in LifecycleStage]
    for result in simulate_all(runs, jobs=2):
        assert result.broken is None, result.broken
        assert result.dropped == 0
        assert [one.outcome for one in result.deployments] == [d.Outcome.SUCCEEDED] * 2


def _of(app: App) -> Options:
    return change(1, b.GOOD, app)


def _scaled(app: App, desired: int) -> Options:
    return replace(_of(app), asks=(Ask(Verb.SCALE, SERVICE, 4_000, desired=desired),))
