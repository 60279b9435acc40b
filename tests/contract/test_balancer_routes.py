"""Which target answers a request: by path, header, weight, test traffic and cookie."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.support.backends import Backend
from tests.support.dataplane import SHOP, Plane
from tidegate.core.model import Colour, Header, Route, Service
from tidegate.core.seen import Routing

pytestmark = pytest.mark.haproxy

SERVICES = (
    Service("home", routes=(Route("/"),)),
    Service("cats", routes=(Route("/cats"), Route("/kittens/"))),
    Service("tom", routes=(Route("/cats/tom"),)),
    Service("beta", routes=(Route("/cats", (Header("x-beta", "yes"),)),)),
    Service(
        "odd",
        routes=(
            Route("/", (Header("x-odd", 'a "b" \\ $HOME, {c} #d'),)),
            Route("/odd", (Header("x-one", "1"), Header("x-two", "2"))),
        ),
    ),
    Service("one", routes=(Route("/odd", (Header("x-one", "1"),)),)),
)


@pytest.fixture(scope="module")
def site() -> Iterator[Plane]:
    """Each service has one blue target, which answers the service's name."""
    with Plane(*SERVICES) as plane:
        backends = [Backend(service.name) for service in SERVICES]
        for backend in backends:
            backend.__enter__()
            plane.register(backend, Colour.BLUE, backend.name)
        yield plane
        for backend in backends:
            backend.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "home"),
        ("/catsup", "home"),
        ("/cats", "cats"),
        ("/cats/", "cats"),
        ("/cats/1?x=/cats/tom", "cats"),
        ("/cats?x=1", "cats"),
        ("/kittens", "cats"),
        ("/kittens/2", "cats"),
        ("/cats/tom", "tom"),
        ("/cats/tom/2", "tom"),
        ("/cats/tomcat", "cats"),
        ("/Cats", "home"),
        ("/odd", "home"),
    ],
)
def test_the_longest_path_that_holds_the_request_wins(site: Plane, path: str, name: str) -> None:
    assert site.client().get(path).body == name


@pytest.mark.parametrize(
    ("path", "headers", "name"),
    [
        ("/cats", {"X_Beta": "yes"}, "beta"),
        ("/cats", {"x_beta": "no"}, "cats"),
        ("/cats", {"x_beta": "yes, no"}, "cats"),
        ("/cats/tom", {"x_beta": "yes"}, "tom"),
        ("/", {"x_odd": 'a "b" \\ $HOME, {c} #d'}, "odd"),
        ("/any", {"x_odd": 'a "b" \\ $HOME, {c} #d'}, "odd"),
        ("/cats", {"x_odd": 'a "b" \\ $HOME, {c} #d'}, "cats"),
        ("/odd", {"x_one": "1", "x_two": "2"}, "odd"),
        ("/odd", {"x_one": "1"}, "one"),
        ("/odd", {"x_two": "2"}, "home"),
    ],
)
def test_on_one_path_a_rule_with_more_headers_goes_first(
    site: Plane, path: str, headers: dict[str, str], name: str
) -> None:
    assert site.client().get(path, **headers).body == name


def test_a_header_rule_is_followed_during_a_shift_too(site: Plane) -> None:
    site.balancer.route(Routing("beta", 0, Colour.GREEN))
    try:
        assert site.client().get("/cats", x_beta="yes").body == "beta"
        assert site.client().get("/cats").body == "cats"
    finally:
        site.balancer.route(Routing("beta", 0))


def test_a_path_of_no_service_is_answered_404_and_one_without_a_target_503() -> None:
    with Plane(replace(SHOP, routes=(Route("/shop"),))) as plane:
        client = plane.client()
        missing = client.get("/other")
        assert (missing.status, missing.body) == (404, "404: no such service\n")
        empty = client.get("/shop")
        assert (empty.status, empty.body) == (503, "503: no healthy target\n")


def test_a_target_learns_the_clients_address_and_keeps_its_connections() -> None:
    with Plane() as plane, Backend("t1") as backend:
        plane.register(backend, Colour.BLUE)
        client = plane.client()
        for _ in range(20):
            client.get("/")
        assert backend.headers["x-forwarded-for"] == "127.0.0.1"
        assert backend.connections <= 5  # one for the requests, the others are HAProxy's looks


@pytest.fixture(scope="module")
def shift() -> Iterator[Plane]:
    """`shop` with one target per colour: t1 is blue, t2 is green."""
    with Plane(replace(SHOP, sticky=True)) as plane, Backend("t1") as blue, Backend("t2") as green:
        plane.register(blue, Colour.BLUE)
        plane.register(green, Colour.GREEN)
        yield plane


@pytest.mark.parametrize("green_bp", [100, 2_500, 9_900])
def test_the_split_is_an_honest_draw(shift: Plane, green_bp: int) -> None:
    shift.balancer.route(Routing("shop", green_bp))
    client, sent = shift.client(), 500
    got = Counter(client.get("/").body for _ in range(sent))
    share = green_bp / 10_000
    deviation = (sent * share * (1 - share)) ** 0.5
    assert abs(got["t2"] - sent * share) <= 5 * deviation  # missed once in a million runs
    assert got["t1"] + got["t2"] == sent


@pytest.mark.parametrize("test", [None, Colour.GREEN])
@pytest.mark.parametrize(("green_bp", "only"), [(0, "t1"), (10_000, "t2")])
def test_no_traffic_and_all_traffic_are_exact(
    shift: Plane, green_bp: int, only: str, test: Colour | None
) -> None:
    shift.balancer.route(Routing("shop", green_bp, test))
    client = shift.client()
    assert Counter(client.get("/").body for _ in range(100)) == {only: 100}


def test_test_traffic_reaches_the_test_colour_by_port_and_by_header(shift: Plane) -> None:
    tests = shift.tests()
    shift.balancer.route(Routing("shop", 0, Colour.GREEN))
    assert tests.get("/").body == "t2"
    assert shift.client().get("/", x_tidegate_test="1").body == "t2"
    assert shift.client().get("/").body == "t1"
    shift.balancer.route(Routing("shop", 10_000, Colour.BLUE))
    assert tests.get("/").body == "t1"
    assert shift.client().get("/", X_Tidegate_Test="").body == "t1"


def test_without_a_test_colour_test_traffic_goes_where_all_traffic_goes(shift: Plane) -> None:
    shift.balancer.route(Routing("shop", 10_000))
    assert shift.tests().get("/").body == "t2"
    assert shift.client().get("/", x_tidegate_test="1").body == "t2"


def test_a_client_stays_with_its_colour_during_a_shift_and_no_longer(shift: Plane) -> None:
    shift.balancer.route(Routing("shop", 5_000))
    client = shift.client()
    first = client.get("/")
    cookie = first.headers["set-cookie"].partition(";")[0]
    for _ in range(30):
        again = client.get("/", Cookie=cookie)
        assert (again.body, "set-cookie" in again.headers) == (first.body, False)
    other = 10_000 if first.body == "t1" else 0
    shift.balancer.route(Routing("shop", other, Colour.GREEN))
    assert {client.get("/", Cookie=cookie).body for _ in range(30)} == {"t1", "t2"} - {first.body}


def test_the_cookie_says_nothing_when_no_deployment_runs(shift: Plane) -> None:
    shift.balancer.route(Routing("shop", 0))
    answer = shift.client().get("/", Cookie="tidegate-shop=green")
    assert (answer.body, "set-cookie" in answer.headers) == ("t1", False)
