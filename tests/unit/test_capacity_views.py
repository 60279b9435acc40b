"""What `tidegate capacity` shows, what a drill strikes, and the words for what happened."""

from io import StringIO

import pytest
from rich.console import Console

from tests.support.builders import app_of, service
from tests.support.cloud_world import CloudWorld, cloudy
from tidegate.cli.render.capacity import capacity
from tidegate.core import decision as d
from tidegate.core.ending import ended
from tidegate.core.errors import NotFound, UsageError
from tidegate.core.fold import advance_all
from tidegate.core.plain import plain
from tidegate.core.progress import Progress
from tidegate.engine.codec import restore
from tidegate.engine.drills import Drill, struck
from tidegate.engine.views.capacity import CapacityView, view_capacity
from tidegate.engine.views.sentences import sentence

NOTE = "instances are accounting only here: the engine is elsewhere"


@pytest.fixture(scope="module")
def world() -> CloudWorld:
    """Four tasks on one on-demand and one spot instance, for a minute."""
    made = CloudWorld()
    made.push(cloudy(service(count=4, bake_ms=1_000)))
    made.until_quiet()
    for _ in range(240):
        made.tick()
    return made


def shown(view: CapacityView) -> str:
    """The view as text."""
    console = Console(file=StringIO(), width=200)
    console.print(capacity(view))
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    return written


def test_it_shows_what_is_reserved_and_what_it_costs(world: CloudWorld) -> None:
    view = view_capacity(world.progress, world.now)
    text = shown(view)
    assert "od on-demand  1 ready of 0 to 10  CPU 512/512  memory 256/512 MiB" in text
    assert "CapacityProviderReservation 100" in text
    assert "i2  ✓ ready  zone a  CPU 512/512  memory 256/512 MiB" in text
    assert " so far (all on-demand: $" in text
    assert text.splitlines()[0].endswith(", $0.0500 an hour")
    assert view.cost.micros == sum(p.cost_micros for p in view.providers)
    assert restore(CapacityView, plain(view)) == view


def test_instances_that_go_with_the_whole_app_are_not_paid_for_afterwards(
    world: CloudWorld,
) -> None:
    before = view_capacity(world.progress, world.now)
    events = tuple(ended(world.progress))
    assert not [e for e in events if isinstance(e, d.InstanceTerminated) and e.lost]
    after = view_capacity(advance_all(world.progress, events, world.now), world.now + 3_600_000)
    assert before.instances and not after.instances
    assert after.cost.micros == before.cost.micros > 0
    assert after.cost.per_hour_micros == 0


def test_it_says_what_waits_what_is_taken_back_and_what_is_accounting_only(
    world: CloudWorld,
) -> None:
    events = (
        d.InterruptionNoticed("i2", world.now + 90_000, "a drill of ann"),
        d.PlacementWaits("cats", "Reason: none."),
        d.ProviderClosed("spot", world.now + 60_000, "none"),
    )
    told = advance_all(world.progress, events, world.now)
    text = shown(view_capacity(told, world.now, NOTE))
    assert "taken back in 1m30s" in text
    assert "tasks of cats: Reason: none." in text
    assert "closed for 1m00s" in text
    assert f"! {NOTE}" in text


def test_an_app_without_capacity_has_none_to_show() -> None:
    progress = Progress(app=app_of())
    assert "tasks run on this machine as it is" in shown(view_capacity(progress, 0))


def test_a_storm_strikes_a_share_of_the_spot_instances_rounded_up(world: CloudWorld) -> None:
    assert struck(world.progress, Drill(storm_percent=1)) == ("i2",)
    assert struck(world.progress, Drill(("i2",))) == ("i2",)
    with pytest.raises(UsageError, match="only spot"):
        struck(world.progress, Drill(("i1",)))
    with pytest.raises(NotFound, match="no instance i9"):
        struck(world.progress, Drill(("i9",)))
    with pytest.raises(NotFound, match="no spot instance of od"):
        struck(world.progress, Drill(storm_percent=50, provider="od"))


def test_an_instance_that_goes_already_cannot_be_taken_back(world: CloudWorld) -> None:
    told = advance_all(world.progress, (d.InstanceDraining("i2", "not needed"),), world.now)
    with pytest.raises(UsageError, match="i2 cannot be taken back: it is draining") as refused:
        struck(told, Drill(("i2",)))
    assert refused.value.number == "TG161"


def test_a_task_that_finds_no_place_is_told_in_the_words_of_ecs() -> None:
    closest = "The closest matching (container-instance i1) has insufficient memory available."
    assert sentence(d.PlacementWaits("cats", closest)) == (
        "(service cats) was unable to place a task because no container instance met all of its "
        "requirements. The closest matching (container-instance i1) has insufficient memory "
        "available"
    )
