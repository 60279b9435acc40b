"""Which tasks a service should have, from its first deployment to its leaving the file."""

from dataclasses import replace

from tests.support.builders import app_of, service
from tests.support.small_world import World, moving, serving
from tidegate.core import decision as d
from tidegate.core.model import Colour, Hook
from tidegate.core.model import LifecycleStage as Stage
from tidegate.core.progress import Progress
from tidegate.core.seen import Routing, Seen
from tidegate.core.wants import traffic_is_back, wants


def wanted(world: World) -> list[tuple[int, Colour, int, bool]]:
    """Release, colour, count, and whether missing ones are started."""
    found = wants(world.progress, world.seen())
    return [(w.release.number, w.colour, w.count, w.start) for w in found]


BLUE, GREEN = Colour.BLUE, Colour.GREEN


def test_nothing_is_wanted_of_an_empty_journal() -> None:
    assert wants(Progress(), Seen()) == ()


def test_a_service_at_rest_wants_its_stable_release() -> None:
    assert wanted(serving(app_of())) == [(1, BLUE, 4, True)]


def test_a_candidate_is_wanted_from_scale_up_on_beside_a_full_stable() -> None:
    hook = Hook(Stage.PRE_SCALE_UP, "wait", pause=True)
    world = moving(app_of(service(hooks=(hook,))), app_of())
    assert wanted(world) == [(1, BLUE, 4, True)]
    world.promote()
    world.until_stage(Stage.BAKE_TIME)
    assert wanted(world) == [(1, BLUE, 4, True), (2, GREEN, 4, True)]


def test_a_rolled_back_candidate_is_kept_but_not_replaced_until_its_traffic_is_seen_away() -> None:
    world = moving(app_of()).until_weight(5_000)
    world.abort()
    world.look(lose_actions=True)
    assert wanted(world) == [(1, BLUE, 4, True), (2, GREEN, 0, False)]
    world.tick()
    assert wanted(world) == [(1, BLUE, 4, True)]


def test_the_old_release_is_kept_until_all_traffic_is_seen_on_the_new_one() -> None:
    world = moving(app_of()).until(lambda w: w.last.promoted)
    world.routing["cats"] = Routing("cats", 5_000)
    assert wanted(world) == [(2, GREEN, 4, True), (1, BLUE, 0, False)]
    world.look()
    assert wanted(world) == [(2, GREEN, 4, True)]


def test_a_service_that_left_the_file_keeps_its_tasks_until_the_balancer_lets_it_go() -> None:
    world = serving(app_of(service("cats"), service("dogs")))
    world.record((d.AppAccepted(app_of(service("dogs"))),))
    assert [w[0] for w in wanted(world)] == [1, 2]
    world.look()
    assert [w[0] for w in wanted(world)] == [2]
    world.until(lambda w: not w.progress.tasks_of("cats"))
    assert len(world.running(2)) == 4


def test_a_balancer_that_cannot_be_read_lets_no_service_go() -> None:
    world = serving(app_of(service("cats"), service("dogs")))
    world.record((d.AppAccepted(app_of(service("dogs"))),))
    seen = replace(world.seen(), balancer=None)
    assert len(wants(world.progress, seen)) == 2


def test_a_service_that_comes_back_into_the_file_gets_its_stable_release_back() -> None:
    both = app_of(service("cats"), service("dogs"))
    world = serving(both)
    world.record((d.AppAccepted(app_of(service("dogs"))),))
    world.until(lambda w: not w.progress.tasks_of("cats"))
    world.record((d.AppAccepted(both),))
    world.until(lambda w: len(w.targets) == 8)
    assert len(world.running(1)) == 4


def test_traffic_without_a_stable_release_has_nowhere_to_go_back_to() -> None:
    world = World()
    world.push(app_of())
    world.until(lambda w: w.progress.deployments)
    assert traffic_is_back(world.progress, world.last, Seen())
