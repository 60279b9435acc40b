"""Bin-packing and placement: as few instances as that takes, and none over-filled."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.capacity.room import Room, choose, new_instances
from tidegate.core.instance import InstancePhase, InstanceRecord
from tidegate.core.provider import Placement, PlacementField, PlacementType, ProviderKind

SIZE = (1_024, 1_024)
needs = st.lists(st.tuples(st.integers(1, 1_024), st.integers(1, 1_024)), max_size=30)
ONE = InstanceRecord(
    "i1", "od", ProviderKind.ON_DEMAND, "a", *SIZE, 0, 0, 0, phase=InstancePhase.READY
)
placements = st.lists(
    st.sampled_from(
        [
            Placement(PlacementType.SPREAD, PlacementField.ZONE),
            Placement(PlacementType.SPREAD, PlacementField.INSTANCE),
            Placement(PlacementType.BINPACK, PlacementField.MEMORY),
            Placement(PlacementType.BINPACK, PlacementField.CPU),
        ]
    ),
    max_size=3,
).map(tuple)


@given(needs)
def test_packing_takes_at_least_the_sum_and_never_twice_as_many_and_one(
    tasks: list[tuple[int, int]],
) -> None:
    least = max((-(-sum(task[n] for task in tasks) // SIZE[n]) for n in (0, 1)), default=0)
    taken = new_instances(tasks, [], SIZE)
    assert (
        least
        <= taken
        <= 2 * (sum(task[0] for task in tasks) + sum(task[1] for task in tasks)) // SIZE[0] + 1
    )


@given(needs, st.integers(0, 5))
def test_free_instances_never_make_it_more(tasks: list[tuple[int, int]], free: int) -> None:
    assert new_instances(tasks, [SIZE] * free, SIZE) == max(
        0, new_instances(tasks, [], SIZE) - free
    )


def test_a_task_that_is_larger_than_an_instance_is_left_out_as_ecs_does() -> None:
    assert new_instances([(2_048, 1), (512, 512)], [], SIZE) == 1


def test_two_that_fit_together_share_an_instance_whatever_their_order() -> None:
    assert new_instances([(256, 900), (700, 100), (256, 100)], [], SIZE) == 2


@given(needs, placements, st.integers(1, 6))
def test_whatever_the_strategy_no_room_is_overfilled_and_none_is_refused_that_fits(
    tasks: list[tuple[int, int]], placement: tuple[Placement, ...], count: int
) -> None:
    rooms = [Room(replace(ONE, id=f"i{n}", zone="ab"[n % 2]), *SIZE) for n in range(1, count + 1)]
    for task in tasks:
        fits = any(room.fits(task) for room in rooms)
        room = choose(rooms, "cats", task, placement)
        assert (room is not None) == fits
        if room:
            room.take("cats", task)
    assert all(room.cpu_units >= 0 and room.memory_mib >= 0 for room in rooms)


def test_spread_takes_the_emptier_zone_and_binpack_the_fuller_instance() -> None:
    full = Room(replace(ONE, id="i1", zone="a"), 512, 512)
    full.services["cats"] = 1
    empty = Room(replace(ONE, id="i2", zone="b"), *SIZE)
    spread = (Placement(PlacementType.SPREAD, PlacementField.ZONE),)
    pack = (Placement(PlacementType.BINPACK, PlacementField.MEMORY),)
    assert choose([full, empty], "cats", (256, 256), spread) is empty
    assert choose([full, empty], "cats", (256, 256), pack) is full
