"""The port `Balancer`, for every implementation: what is asked for is what is then seen."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.support.dataplane import Plane
from tests.support.simulated import simulated_balancer
from tidegate.core.actions import DeregisterTarget, DrainTarget, RegisterTarget
from tidegate.core.errors import EffectFailed
from tidegate.core.model import App, Colour, Listener, Route, Service
from tidegate.core.ports import Balancer
from tidegate.core.routing import listener_key
from tidegate.core.seen import BalancerSeen, Routing, Target

CATS = Service("cats", routes=(Route("/cats"),))
DOGS = Service("dogs", routes=(Route("/dogs"),))
T1 = RegisterTarget("t1", "cats", Colour.BLUE, "127.0.0.1:9")


@contextmanager
def haproxy() -> Iterator[tuple[Balancer, Listener]]:
    """The real one. Nothing is served yet."""
    plane = Plane()
    try:
        yield plane.balancer, plane.app.listener
    finally:
        plane.close()


BALANCERS = [
    pytest.param(haproxy, id="haproxy", marks=pytest.mark.haproxy),
    pytest.param(simulated_balancer, id="simulator"),
]


class Fixture:
    """A balancer that serves `cats`, and what it shows."""

    def __init__(self, balancer: Balancer, listener: Listener) -> None:
        self.balancer = balancer
        self.app = App("test", (CATS,), listener)
        self.both = App("test", (CATS, DOGS), listener)
        balancer.serve(self.app)

    def seen(self) -> BalancerSeen:
        seen = self.balancer.observe()
        assert seen is not None
        return seen

    def target(self, task: str) -> Target | None:
        return next((t for t in self.seen().targets if t.task == task), None)


@pytest.fixture(params=BALANCERS)
def served(request: pytest.FixtureRequest) -> Iterator[Fixture]:
    with request.param() as (balancer, listener):
        yield Fixture(balancer, listener)


@pytest.mark.parametrize("make", BALANCERS)
def test_a_balancer_that_was_never_started_gives_no_answer(
    make: Callable[[], AbstractContextManager[tuple[Balancer, Listener]]],
) -> None:
    with make() as (balancer, _):
        assert balancer.observe() is None


def test_what_is_served_is_seen_with_the_key_of_its_listener(served: Fixture) -> None:
    seen = served.seen()
    assert seen.listener == listener_key(served.app)
    assert seen.routing == {"cats": Routing("cats", 0)}
    assert seen.targets == ()


def test_a_routing_is_seen_exactly_as_it_was_set(served: Fixture) -> None:
    for test in (None, *Colour):
        for green_bp in (0, 1, 2_500, 9_999, 10_000, 10_000):
            wanted = Routing("cats", green_bp, test)
            served.balancer.route(wanted)
            assert served.seen().routing["cats"] == wanted


def test_a_registered_target_is_seen_once_however_often_it_is_registered(served: Fixture) -> None:
    for _ in range(3):
        served.balancer.register(T1)
    assert served.seen().targets == (Target("cats", Colour.BLUE, "t1"),)


def test_a_drained_target_is_seen_draining_and_can_be_made_ready_again(served: Fixture) -> None:
    served.balancer.register(T1)
    for _ in range(2):
        served.balancer.drain(DrainTarget("t1", "cats", Colour.BLUE))
        assert served.target("t1") == Target("cats", Colour.BLUE, "t1", draining=True)
    served.balancer.register(T1)
    assert served.target("t1") == Target("cats", Colour.BLUE, "t1")


def test_a_deregistered_target_is_gone_and_may_come_back(served: Fixture) -> None:
    for _ in range(3):
        served.balancer.register(T1)
        served.balancer.deregister(DeregisterTarget("t1", "cats", Colour.BLUE))
        served.balancer.deregister(DeregisterTarget("t1", "cats", Colour.BLUE, force=True))
        assert served.seen().targets == ()


def test_to_drain_or_deregister_a_target_that_is_not_there_does_nothing(served: Fixture) -> None:
    served.balancer.drain(DrainTarget("t9", "cats", Colour.GREEN))
    served.balancer.deregister(DeregisterTarget("t9", "cats", Colour.GREEN))
    served.balancer.deregister(DeregisterTarget("t9", "gone", Colour.GREEN, force=True))
    assert served.seen().targets == ()


def test_a_service_that_is_added_leaves_the_others_as_they_are(served: Fixture) -> None:
    served.balancer.register(T1)
    served.balancer.register(RegisterTarget("t2", "cats", Colour.GREEN, "127.0.0.1:9"))
    served.balancer.drain(DrainTarget("t2", "cats", Colour.GREEN))
    served.balancer.route(Routing("cats", 3_000, Colour.GREEN))
    before = served.seen()
    served.balancer.serve(served.both)
    after = served.seen()
    assert after.listener == listener_key(served.both)
    assert after.targets == before.targets
    assert after.routing == {**before.routing, "dogs": Routing("dogs", 0)}


def test_a_service_that_is_taken_away_is_seen_no_more(served: Fixture) -> None:
    served.balancer.serve(served.both)
    served.balancer.register(RegisterTarget("t2", "dogs", Colour.BLUE, "127.0.0.1:9"))
    served.balancer.serve(served.app)
    assert served.seen() == BalancerSeen((), {"cats": Routing("cats", 0)}, listener_key(served.app))


def test_a_service_that_is_not_served_cannot_be_routed_nor_given_targets(served: Fixture) -> None:
    with pytest.raises(EffectFailed):
        served.balancer.route(Routing("dogs", 0))
    with pytest.raises(EffectFailed):
        served.balancer.register(RegisterTarget("t2", "dogs", Colour.BLUE, "127.0.0.1:9"))
    assert set(served.seen().routing) == {"cats"}
