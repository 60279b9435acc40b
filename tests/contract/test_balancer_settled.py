"""The short way of requests: taken while nothing shifts, and never one that leads elsewhere."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.backends import Backend
from tests.support.dataplane import SHOP, Plane
from tidegate.core.model import ALL_BP, Colour, Header, Route, Service
from tidegate.core.seen import Routing
from tidegate.local.haproxy.place import WORKER, Place
from tidegate.local.haproxy.runtime import Runtime
from tidegate.local.haproxy.settled import SETTLE

pytestmark = pytest.mark.haproxy

PETS = (
    Service("home", routes=(Route("/"),)),
    Service("cats", routes=(Route("/cats"), Route("/kittens"), Route("/cats;\\x"))),
)
PATHS = ("/cats", "/cats/1", "/kittens/2?x=/", "/cats;\\x/3")


class Told(Runtime):
    """A runtime that stops, as a crash would, before a chosen command is sent."""

    stop_before = "nothing"

    def _ask(self, name: str, command: str, until: float) -> str:
        if command.startswith(self.stop_before):
            raise KeyboardInterrupt
        return super()._ask(name, command, until)


class Pets(Plane):
    """Each service has a target in both groups, which answers with the group's name."""

    def __init__(self, *services: Service) -> None:
        super().__init__(*(services or PETS))
        self.backends = [Backend(f"{s.name}-{c}") for s in self.app.services for c in Colour]
        self.runtime = Told(Place(self.directory))
        self.balancer._runtime = self.runtime

    def __enter__(self) -> "Pets":
        super().__enter__()
        for backend in self.backends:
            backend.__enter__()
            service, _, colour = backend.name.rpartition("-")
            self.register(backend, Colour(colour), service)
        return self

    def close(self) -> None:
        super().close()
        for backend in self.backends:
            backend.__exit__(None, None, None)

    def settled(self) -> bool:
        state = self.runtime._ask(WORKER, "show servers state settled", time.monotonic() + 5)
        return state.splitlines()[2].split()[5] != "0"

    def answers(self, *paths: str) -> set[str]:
        client = self.client()
        return {client.get(path).body for path in paths}


@pytest.fixture
def pets() -> Iterator[Pets]:
    with Pets() as plane:
        yield plane


def test_all_paths_of_a_service_lead_to_the_group_that_has_all_traffic(pets: Pets) -> None:
    for green_bp, name in ((0, "cats-blue"), (ALL_BP, "cats-green"), (0, "cats-blue")):
        pets.balancer.route(Routing("cats", green_bp))
        assert pets.settled()
        assert pets.answers(*PATHS) == {name}
        assert pets.answers("/", "/dogs", "/catsup") == {"home-blue"}


def test_a_shift_of_one_service_is_followed_and_the_others_stay(pets: Pets) -> None:
    pets.balancer.route(Routing("cats", 5_000))
    assert not pets.settled()
    assert pets.answers(*PATHS * 10) == {"cats-blue", "cats-green"}
    pets.balancer.route(Routing("home", ALL_BP))
    assert not pets.settled()
    assert pets.answers("/") == {"home-green"}
    pets.balancer.route(Routing("cats", ALL_BP))
    assert pets.settled()
    assert (pets.answers(*PATHS), pets.answers("/")) == ({"cats-green"}, {"home-green"})


def test_tests_alone_keep_it_unsettled(pets: Pets) -> None:
    pets.balancer.route(Routing("cats", 0, Colour.GREEN))
    assert not pets.settled()
    assert pets.client().get("/cats", x_tidegate_test="1").body == "cats-green"
    assert pets.answers(*PATHS) == {"cats-blue"}


@pytest.mark.parametrize("stop_before", ["set map services", "set map ./", SETTLE])
@pytest.mark.parametrize("then", ["looked at", "killed"])
def test_a_change_that_breaks_off_is_followed_whole_or_not_at_all(
    pets: Pets, stop_before: str, then: str
) -> None:
    pets.balancer.route(Routing("cats", 0))
    breaks = Told(Place(pets.directory))
    breaks.stop_before = stop_before
    pets.balancer._runtime = breaks
    with pytest.raises(KeyboardInterrupt):
        pets.balancer.route(Routing("cats", ALL_BP))
    pets.balancer._runtime = pets.runtime
    assert not pets.settled()
    seen = pets.balancer.observe()
    assert seen is not None
    held = seen.routing["cats"].green_bp
    assert pets.answers(*PATHS) == {"cats-green" if held else "cats-blue"}
    if then == "killed":
        pets.balancer.stop()
    pets.balancer.serve(pets.app)
    assert pets.settled()
    known = ALL_BP if then == "killed" else held  # a cold start reads what was to be
    assert pets.answers(*PATHS) == {"cats-green" if known else "cats-blue"}


def test_a_reload_ends_settled_with_the_new_paths(pets: Pets) -> None:
    client = pets.client()
    assert client.get("/kittens").body == "cats-blue"
    fewer = replace(PETS[1], routes=(Route("/cats"),))
    pets.balancer.serve(pets.with_services(PETS[0], fewer))
    assert pets.settled()
    assert (pets.answers("/cats"), pets.answers("/kittens")) == ({"cats-blue"}, {"home-blue"})
    assert client.get("/kittens").body == "home-blue", "its connection is the old worker's"


def test_header_rules_are_asked_always() -> None:
    beta = Service("beta", routes=(Route("/cats", (Header("x-beta", "1"),)),))
    with Pets(*PETS, beta) as pets:
        pets.balancer.route(Routing("cats", ALL_BP))
        assert not pets.settled()
        client = pets.client()
        assert client.get("/cats", x_beta="1").body == "beta-blue"
        assert client.get("/cats").body == "cats-green"


@pytest.mark.parametrize(
    ("size", "status"), [(15_000, 200), (16_000, 400)], ids=["fifteen", "sixteen"]
)
@pytest.mark.parametrize("green_bp", [0, 5_000])
def test_headers_of_15_kib_pass_and_longer_ones_are_refused(
    size: int, status: int, green_bp: int
) -> None:
    with Plane(replace(SHOP, sticky=True)) as plane, Backend("t1") as one, Backend("t2") as two:
        plane.register(one, Colour.BLUE)
        plane.register(two, Colour.GREEN)
        plane.balancer.route(Routing("shop", green_bp))
        assert plane.client().get("/", x_long="x" * size).status == status
