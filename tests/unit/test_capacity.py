"""Instances come with the tasks that wait, go when nobody needs them, and no request is lost."""

from dataclasses import replace

import pytest

from tests.support.builders import app_of, service
from tests.support.cloud_world import NOTICE_MS, OD, SPOT, CloudWorld, capacity, cloudy
from tests.support.small_world import serving
from tidegate.core import decision as d
from tidegate.core.capacity.measures import (
    capacity_provider_reservation,
    memory_reservation,
)
from tidegate.core.capacity.ordering import reservation
from tidegate.core.cost import altogether, so_far
from tidegate.core.model import App
from tidegate.core.model import LifecycleStage as Stage
from tidegate.core.progress import TaskPhase
from tidegate.core.provider import Capacity, Provider, StrategyItem
from tidegate.core.requests import Scale

CATS = service(count=4, bake_ms=1_000)


def running(app: App) -> CloudWorld:
    """A world in which v1 is stable and at rest."""
    world = CloudWorld()
    world.push(app)
    world.until_quiet()
    return world


def rested(world: CloudWorld, seconds: int = 30) -> CloudWorld:
    """After a while in which nothing is asked."""
    for _ in range(4 * seconds):
        world.tick()
    return world


# --- scale-out -----------------------------------------------------------------------------------


def test_tasks_wait_in_provisioning_and_their_number_orders_the_instances() -> None:
    world = CloudWorld()
    world.push(cloudy(CATS))
    world.until(lambda w: w.events(d.InstanceLaunched))
    waiting = [t for t in world.progress.tasks.values() if t.phase is TaskPhase.PROVISIONING]
    assert len(waiting) == 4
    assert [e.provider for e in world.events(d.InstanceLaunched)] == ["od", "spot"]
    assert "2 tasks wait for od (1 instances on their way)" in world.tick().reason
    world.until_quiet()
    assert (world.on("od"), world.on("spot")) == (2, 2)
    assert len(world.instances) == 2


def test_the_wait_is_told_in_the_words_of_ecs_once_and_once_when_it_is_over() -> None:
    world = running(cloudy(CATS))
    told = [event.reason for event in world.events(d.PlacementWaits)]
    nothing = "Reason: No Container Instances were found in your capacity provider."
    assert told[:2] == [nothing, ""]


def test_instances_on_their_way_are_counted_so_nothing_is_ordered_twice() -> None:
    world = CloudWorld()
    world.push(cloudy(CATS))
    world.until_quiet()
    assert len(world.events(d.InstanceLaunched)) == 2


def test_a_provider_never_has_more_than_its_most_and_the_rest_waits() -> None:
    world = CloudWorld()
    world.push(_only(1))
    for _ in range(200):
        world.tick()
    assert len(world.instances) == 1
    assert world.on("od") == 2
    closest = "The closest matching (container-instance i1) has insufficient CPU units available."
    assert world.progress.fleet.waiting == {"cats": closest}
    assert world.last.live  # it waits, and nothing failed
    assert world.last.short_since is not None


def _only(maximum: int) -> App:
    limited = replace(OD, maximum=maximum)
    return app_of(CATS, capacity=capacity(limited, default_strategy=()))


def test_the_least_is_kept_and_spares_stand_by_below_full_target_capacity() -> None:
    kept = replace(OD, minimum=2, target_capacity_percent=50)
    world = CloudWorld()
    world.push(app_of(service(count=6), capacity=capacity(kept, default_strategy=())))
    world.until_quiet()
    rested(world)
    assert len(world.instances) == 6  # 3 with tasks, 3 spare


def test_a_step_is_no_larger_than_the_most_and_the_next_waits_until_it_is_ready() -> None:
    small = replace(OD, step_max=1)
    world = CloudWorld()
    world.push(app_of(CATS, capacity=capacity(small, default_strategy=())))
    world.until_quiet()
    ordered = [at for at, e in world.journal if isinstance(e, d.InstanceLaunched)]
    ready = [at for at, e in world.journal if isinstance(e, d.InstanceReady)]
    assert len(ordered) == 2
    assert ordered[1] >= ready[0]


@pytest.mark.parametrize(
    ("needed", "there", "percent"), [(0, 0, 100), (3, 0, 200), (3, 3, 100), (4, 2, 200), (1, 2, 50)]
)
def test_the_reservation_is_m_over_n_as_aws_has_it(needed: int, there: int, percent: int) -> None:
    assert reservation(needed, there) == percent


def test_the_metrics_of_aws_see_what_waits_and_what_is_reserved() -> None:
    world = CloudWorld()
    assert memory_reservation(world.progress) is None
    world.push(cloudy(CATS))
    world.until(lambda w: w.events(d.InstanceLaunched))
    assert capacity_provider_reservation(world.progress, "spot", world.now) == 100
    world.until_quiet()
    assert capacity_provider_reservation(world.progress, "spot", world.now) == 100
    assert memory_reservation(world.progress) == 50  # 4 × 128 MiB of 2 × 512
    assert capacity_provider_reservation(world.progress, "none", world.now) is None


# --- placement -----------------------------------------------------------------------------------


def test_tasks_are_spread_over_zones_and_instances_and_none_is_overfilled() -> None:
    zoned = replace(OD, zones=("a", "b"))
    world = CloudWorld()
    world.push(app_of(CATS, capacity=capacity(zoned, default_strategy=())))
    world.until_quiet()
    zones = {i.id: i.zone for i in world.progress.fleet.instances.values()}
    assert sorted(zones[t.instance or ""] for t in world.progress.tasks.values()) == list("aabb")


# --- scale-in ------------------------------------------------------------------------------------


def test_an_instance_that_is_empty_for_a_while_is_given_back_and_the_base_is_kept() -> None:
    world = running(cloudy(CATS))
    world.ask(Scale("cats", 1, "me"))
    rested(world)
    assert (world.on("od"), world.on("spot")) == (1, 0)
    assert len(world.instances) == 1
    assert "it was empty for 5 s" in {e.reason for e in world.events(d.InstanceTerminated)}


def test_what_is_empty_is_given_back_though_a_task_waits_for_a_provider_at_its_most() -> None:
    cats = replace(service("cats", count=2), capacity_provider_strategy=(StrategyItem("spot"),))
    dogs = replace(service("dogs", count=4), capacity_provider_strategy=(StrategyItem("od"),))
    world = running(app_of(cats, dogs, capacity=capacity(OD, replace(SPOT, maximum=1))))
    world.ask(Scale("cats", 3, "me"))
    world.ask(Scale("dogs", 2, "me"))
    rested(world)
    assert set(world.progress.fleet.waiting) == {"cats"}
    assert (world.on("od"), world.on("spot")) == (2, 2)
    assert len(world.instances) == 2


def test_half_empty_instances_are_joined_and_every_task_is_replaced_first() -> None:
    world = _scattered(replace(OD, cpu_units=1_024, memory_mib=1_024))
    assert len(world.instances) == 1
    assert (
        world.events(d.InstanceDraining)[-1].reason == "what is on it (1 task) fits on the others"
    )
    assert world.on("od") == 4


def _scattered(provider: Provider) -> CloudWorld:
    """Three tasks on the first of two instances of four, and one that is left on the second."""
    world = CloudWorld()
    shop = (service("cats", count=4), service("dogs", count=4))
    world.push(app_of(*shop, capacity=capacity(provider, default_strategy=())))
    world.until_quiet()
    assert len(world.instances) == 2
    for name, desired in (("cats", 2), ("dogs", 3), ("cats", 1)):
        world.ask(Scale(name, desired, "me"))
        world.until_quiet()
    return rested(world)


def test_with_termination_protection_only_empty_instances_go() -> None:
    wide = replace(OD, cpu_units=1_024, memory_mib=1_024, termination_protection=True)
    assert len(_scattered(wide).instances) == 2


def test_nothing_is_taken_away_during_a_deployment() -> None:
    world = running(cloudy(service(count=4, bake_ms=40_000)))
    world.push(cloudy(service(count=4, bake_ms=40_000)))
    world.until_stage(Stage.BAKE_TIME)
    seen = len(world.events(d.InstanceDraining))
    rested(world, 20)
    assert world.last.stage is Stage.BAKE_TIME
    assert len(world.events(d.InstanceDraining)) == seen


# --- spot ----------------------------------------------------------------------------------------


def test_a_notice_orders_replacements_at_once_and_the_tasks_serve_until_those_are_ready() -> None:
    world = running(cloudy(CATS))
    struck = world.spot()[0]
    leaving = [t.id for t in world.progress.tasks.values() if t.instance == struck]
    world.notice(struck)
    world.until(lambda w: w.events(d.TaskStarted)[-1].reason and len(w.events(d.TaskStarted)) > 4)
    assert not [e for e in world.events(d.TaskDraining) if e.task in leaving]
    world.until(lambda w: w.events(d.InstanceTerminated))
    drained = [e for e in world.events(d.TaskDraining) if e.task in leaving]
    assert {e.task for e in drained} == set(leaving)
    assert all("is taken back" in e.reason and not e.failed for e in drained)
    assert world.events(d.InstanceTerminated)[-1].instance == struck
    assert world.on("od") + world.on("spot") == 4


@pytest.mark.parametrize("struck", [1, 2])
def test_a_second_storm_on_the_replacements_of_the_first_has_its_own_ordered_at_once(
    struck: int,
) -> None:
    slow = replace(SPOT, launch_ms=10_000)
    only = (StrategyItem("spot"),)
    world = running(app_of(CATS, capacity=capacity(slow, default_strategy=only)))
    world.notice(*world.spot())
    world.until(lambda w: len(w.events(d.TaskHealthy)) == 8)
    fresh = [name for name in world.spot() if world.instances[name].deadline is None]
    world.notice(*fresh[:struck])
    ordered = len(world.events(d.TaskStarted))
    for _ in range(200):
        world.tick()
        up = [t for t in world.progress.tasks.values() if t.phase is TaskPhase.HEALTHY]
        assert len(up) >= 4
    at = [at for at, e in world.journal if isinstance(e, d.TaskStarted)][ordered]
    second = [at for at, e in world.journal if isinstance(e, d.InterruptionNoticed)][-1]
    assert at - second <= 500
    assert world.on("spot") == 4


def test_without_capacity_for_a_replacement_a_task_is_drained_before_the_deadline() -> None:
    world = running(_only(2))
    world.dry = {"od"}
    struck = next(iter(world.instances))
    world.notice(struck)
    at = world.now
    world.until(lambda w: w.events(d.TaskDraining))
    drained_after_ms = world.now - at
    world.until(lambda _: struck not in world.instances)
    assert 14_000 <= drained_after_ms < 20_000  # 30 s less 10 s to stop, less 5 s to drain
    assert world.events(d.TaskStopping)
    assert world.events(d.TaskStopped)[-1].failed is False


def test_on_demand_stands_in_for_spot_that_is_not_to_be_had_and_spot_gets_its_tasks_back() -> None:
    world = CloudWorld(dry={"spot"})
    world.push(cloudy(CATS))
    world.until_quiet()
    closed = world.events(d.ProviderClosed)[0]
    assert "InsufficientInstanceCapacity" in closed.reason
    assert (world.on("od"), world.on("spot")) == (4, 0)
    world.dry = set()
    rested(world, 90)
    assert (world.on("od"), world.on("spot")) == (2, 2)
    assert len(world.events(d.TaskRelocated)) == 2
    assert len(world.instances) == 2


def test_no_task_moves_back_to_spot_that_has_no_place_for_it() -> None:
    """The file lowers spot's most while on-demand stands in: what spot cannot hold stays there."""
    many = service(count=8, bake_ms=1_000)
    world = CloudWorld(dry={"spot"})
    world.push(cloudy(many))
    world.until_quiet()
    smaller = app_of(many, capacity=capacity(OD, replace(SPOT, maximum=1)))
    world.record((d.AppAccepted(smaller),))
    world.dry = set()
    rested(world, 90)
    assert (world.on("od"), world.on("spot")) == (6, 2)
    assert len(world.events(d.TaskRelocated)) == 2
    assert not world.progress.fleet.waiting


def test_a_provider_that_fails_again_is_closed_for_twice_as_long_up_to_a_limit() -> None:
    world = CloudWorld(dry={"od"})
    world.push(_only(2))
    for _ in range(800):
        world.tick()
    at = [(when, e.until) for when, e in world.journal if isinstance(e, d.ProviderClosed)]
    assert [until - when for when, until in at][:3] == [5_000, 10_000, 10_000]


def test_an_instance_that_goes_without_a_notice_is_nobodys_failure() -> None:
    world = running(cloudy(CATS))
    lost = world.spot()[0]
    world.take(lost)
    rested(world)
    assert world.events(d.InstanceTerminated)[0].lost
    assert not any(e.failed for e in world.events(d.TaskStopped))
    reasons = {e.reason for e in world.events(d.TaskStopped)}
    assert f"Host EC2 (instance {lost}) terminated" in reasons
    assert world.on("od") + world.on("spot") == 4


def test_a_false_notice_empties_the_instance_and_gives_it_back() -> None:
    world = running(cloudy(CATS))
    struck = world.spot()[0]
    world.notice(struck, in_ms=10_000_000)
    rested(world)
    assert struck not in world.instances
    assert world.on("od") + world.on("spot") == 4


# --- deployments ---------------------------------------------------------------------------------


def test_a_shift_waits_for_capacity_keeps_its_weight_and_goes_on() -> None:
    world = running(cloudy(service(count=4, bake_ms=1_000, scale_up_timeout_ms=5_000)))
    world.push(cloudy(service(count=4, bake_ms=1_000, scale_up_timeout_ms=5_000)))
    world.until_weight(5_000)
    world.dry = {"spot", "od"}
    world.notice(*world.spot(), in_ms=120_000)
    held = world.candidate_bp()
    rested(world, 20)
    assert world.candidate_bp() == held
    assert world.last.short_since is not None
    assert "waits for capacity" in world.look().reason
    world.dry = set()
    world.until_quiet(300)
    assert world.last.outcome is d.Outcome.SUCCEEDED
    assert not world.events(d.RollbackStarted)


def test_the_scale_up_of_a_candidate_is_not_overdue_while_its_instances_come() -> None:
    slow = replace(OD, launch_ms=20_000)
    app = app_of(
        service(count=4, scale_up_timeout_ms=5_000), capacity=capacity(slow, default_strategy=())
    )
    world = running(app)
    assert world.last.outcome is d.Outcome.SUCCEEDED


# --- files that change ---------------------------------------------------------------------------


def test_an_app_that_loses_its_capacity_gives_every_instance_back() -> None:
    world = running(cloudy(CATS))
    world.record((d.AppAccepted(app_of(CATS)),))
    rested(world)
    assert not world.instances
    assert len(world.running(1)) == 4
    assert {t.instance for t in world.progress.tasks.values()} == {None}


def test_a_provider_that_a_push_renames_keeps_its_instances_until_the_deployment_is_over() -> None:
    """The candidate goes to the new one; stable would be moved for nothing."""
    world = running(cloudy(CATS))
    renamed = replace(OD, name="new")
    world.push(app_of(replace(CATS, port=81), capacity=capacity(renamed, default_strategy=())))
    world.until_stage(Stage.BAKE_TIME)
    assert not world.events(d.InstanceDraining)
    rested(world)
    assert world.last.outcome is d.Outcome.SUCCEEDED
    assert len(world.events(d.TaskStarted)) == 8
    assert {one.provider for one in world.progress.fleet.instances.values()} == {"new"}


@pytest.mark.parametrize("left", [None, capacity(interruption_notice_ms=3_000)])
def test_a_file_without_capacity_or_with_a_shorter_notice_takes_no_time_from_a_notice_given(
    left: Capacity | None,
) -> None:
    world = running(_only(2))
    world.dry = {"od", "spot"}
    world.busy = set(world.tasks)
    world.notice(*world.instances)
    noticed_at = world.now
    world.tick()
    world.record((d.AppAccepted(app_of(CATS, capacity=left)),))
    rested(world, 40)
    stops = [at for at, e in world.journal if isinstance(e, d.TaskStopping)]
    assert len(stops) == 4
    assert max(stops) <= noticed_at + NOTICE_MS - 9_500  # 10 s to stop, less a look or two


def test_an_app_that_gets_capacity_moves_its_tasks_onto_instances() -> None:
    world = running(cloudy(CATS))
    world.record((d.AppAccepted(app_of(CATS)),))
    rested(world)
    world.record((d.AppAccepted(cloudy(CATS)),))
    rested(world)
    assert len(world.running(1)) == 4
    assert all(task.instance for task in world.progress.tasks.values())


def test_without_capacity_in_the_file_tasks_have_no_instance_and_nothing_is_ordered() -> None:
    world = serving(app_of(CATS))
    assert not world.events(d.InstanceLaunched)
    assert not world.events(d.TaskPlaced)
    assert {t.instance for t in world.progress.tasks.values()} == {None}


def test_nothing_is_placed_ordered_or_given_back_while_instances_cannot_be_read() -> None:
    world = running(cloudy(CATS))
    world.ask(Scale("cats", 8, "me"))
    world.blind = {"instances"}
    before = len(world.instances)
    rested(world, 10)
    assert len(world.instances) == before
    assert not [e for e in world.journal[-40:] if isinstance(e, d.TaskPlaced)]


# --- money ---------------------------------------------------------------------------------------


def test_the_cost_is_seconds_times_price_of_each_instance_and_never_decreases() -> None:
    world = running(cloudy(CATS))
    last = 0
    for _ in range(400):
        world.tick()
        spent = altogether(so_far(world.progress.fleet, world.now)).micros
        assert spent >= last
        last = spent
    by_hand = 0
    for instance in world.progress.fleet.instances.values():
        assert instance.ready_at is not None
        by_hand += (world.now - instance.ready_at) // 1_000 * instance.price_micros // 3_600
    gone = sum(one.micros for one in world.progress.fleet.spent.values())
    assert abs(last - by_hand - gone) <= len(world.progress.fleet.instances)


def test_spot_is_cheaper_than_the_same_on_demand() -> None:
    world = rested(running(cloudy(CATS)), 60)
    spent = altogether(so_far(world.progress.fleet, world.now))
    assert 0 < spent.micros < spent.on_demand_micros
