"""Weights and listener follow from the journal alone, so that they mend themselves."""

from dataclasses import replace

import pytest

from tests.support.builders import app_of, fold, release, service
from tests.support.small_world import World, moving, serving
from tidegate.core import decision as d
from tidegate.core import routing
from tidegate.core.model import App, Colour, Header, Listener, Route
from tidegate.core.model import LifecycleStage as Stage
from tidegate.core.progress import Progress
from tidegate.core.seen import BalancerSeen, Routing, Seen, Target

GREEN = Colour.GREEN


def test_without_an_app_file_nothing_is_routed() -> None:
    assert routing.decide(Progress(), Seen()) == d.Decision()


def test_a_balancer_that_shows_nothing_is_told_everything() -> None:
    app = app_of()
    decision = routing.decide(fold(d.AppAccepted(app)), Seen())
    assert decision.actions == (d.ApplyListener(app), d.ApplyRouting(Routing("cats", 0)))


def test_a_balancer_that_holds_what_it_should_is_left_alone() -> None:
    world = serving(app_of())
    assert routing.decide(world.progress, world.seen()) == d.Decision()


def test_a_weight_that_went_astray_is_set_again() -> None:
    world = moving(app_of()).until_weight(5_000)
    world.routing["cats"] = Routing("cats", 9_999)
    decision = routing.decide(world.progress, world.seen())
    assert decision.actions == (d.ApplyRouting(Routing("cats", 5_000, GREEN)),)


def test_traffic_stays_on_tasks_the_journal_does_not_know_until_ours_can_take_it() -> None:
    world = serving(app_of())
    strange = Target("cats", GREEN, "t77")
    held = {"cats": Routing("cats", 10_000)}
    alone = BalancerSeen((strange,), held, routing.listener_key(app_of()))
    assert routing.decide(world.progress, Seen(balancer=alone)) == d.Decision()
    ours = replace(alone, targets=(strange, Target("cats", Colour.BLUE, "t1")))
    decision = routing.decide(world.progress, Seen(balancer=ours))
    assert decision.actions == (d.ApplyRouting(Routing("cats", 0)),)


@pytest.mark.parametrize(
    ("stage", "test"),
    [(Stage.POST_SCALE_UP, None), (Stage.TEST_TRAFFIC_SHIFT, GREEN), (Stage.BAKE_TIME, GREEN)],
)
def test_the_test_listener_reaches_the_candidate_from_its_stage_to_the_end_of_the_bake(
    stage: Stage, test: Colour | None
) -> None:
    world = moving(app_of()).until_stage(stage)
    assert routing.wanted_routing(world.progress, "cats").test is test
    world.until_quiet()
    assert world.routing["cats"] == Routing("cats", 10_000)


def test_a_rollback_takes_the_weight_and_the_test_listener_at_once() -> None:
    world = moving(app_of()).until_weight(5_000)
    world.abort()
    decision = world.look()
    assert d.ApplyRouting(Routing("cats", 0)) in decision.actions


def test_a_second_deployment_shifts_from_green_to_blue() -> None:
    world = moving(app_of()).until_quiet()
    world.push(app_of())
    world.until_weight(2_500)
    assert world.routing["cats"] == Routing("cats", 7_500, Colour.BLUE)


def test_a_first_deployment_has_nobody_else_to_ask() -> None:
    world = World()
    world.push(app_of())
    world.until_stage(Stage.SCALE_UP)
    assert routing.wanted_routing(world.progress, "cats") == Routing("cats", 0)


@pytest.mark.parametrize(
    "other",
    [
        app_of(replace(service(), routes=(Route("/cats"),))),
        app_of(replace(service(), routes=(Route("/", (Header("x-beta", "1"),)),))),
        app_of(replace(service(), sticky=True)),
        app_of(replace(service(), retry_unsafe=True)),
        app_of(service(), service("dogs")),
        app_of(listener=Listener(port=9_090)),
        app_of(listener=Listener(certificate="a.pem")),
    ],
)
def test_what_the_balancer_takes_from_the_file_is_applied_when_it_changes(other: App) -> None:
    world = serving(app_of())
    world.record((d.AppAccepted(other),))
    decision = routing.decide(world.progress, world.seen())
    assert decision.actions[0] == d.ApplyListener(other)
    assert d.identity(d.ApplyListener(other)) != d.identity(d.ApplyListener(app_of()))


def test_what_the_balancer_does_not_take_from_the_file_is_not() -> None:
    world = serving(app_of())
    world.record((d.AppAccepted(app_of(service(count=7, bake_ms=1))),))
    assert routing.decide(world.progress, world.seen()) == d.Decision()


def test_a_service_is_settled_when_the_balancer_holds_what_it_should() -> None:
    world = moving(app_of()).until_weight(5_000)
    assert routing.settled(world.progress, world.seen(), "cats")
    assert not routing.settled(world.progress, Seen(), "cats")
    world.routing["cats"] = Routing("cats", 5_000)
    assert not routing.settled(world.progress, world.seen(), "cats")


def test_a_service_that_left_the_file_is_settled_when_the_balancer_has_let_it_go() -> None:
    progress = fold(d.AppAccepted(app_of()), d.AppAccepted(app_of(service("dogs"))))
    progress = replace(progress, releases={1: release(1, service())})
    held = Seen(balancer=BalancerSeen(routing={"cats": Routing("cats", 0)}))
    assert not routing.settled(progress, held, "cats")
    assert routing.settled(progress, Seen(balancer=BalancerSeen()), "cats")
