"""HAProxy's files as text: targets in the configuration, routings in the map, routes and quotes."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.errors import SetupError
from tidegate.core.model import App, Colour, Header, Listener, Route, Service
from tidegate.core.routing import listener_key
from tidegate.core.seen import Routing
from tidegate.local.haproxy.configuration import bound, listener_of, mark, render
from tidegate.local.haproxy.place import Place
from tidegate.local.haproxy.quoting import quoted
from tidegate.local.haproxy.reports import Reports
from tidegate.local.haproxy.routes import path_rules
from tidegate.local.haproxy.routing import group, map_text, of_group, read_map, routing, value
from tidegate.local.haproxy.servers import Server, read_servers, with_servers
from tidegate.local.haproxy.state import State
from tidegate.local.haproxy.tables import parse_rows, parse_sessions, parse_workers

CATS, DOGS = Service("cats"), Service("dogs", routes=(Route("/dogs"),), sticky=True)
REPORTS = Reports(20_000, "word")
APP = App("test", (CATS, DOGS), Listener(port=8000, test_port=8001))


@given(st.integers(0, 10_000), st.sampled_from([None, *Colour]))
def test_a_routing_is_read_from_its_map_entry_as_it_was_written(
    green_bp: int, test: Colour | None
) -> None:
    written = Routing("a-green", green_bp, test)
    assert routing("a-green", value(written)) == written


@pytest.mark.parametrize(
    ("entry", "written"),
    [("shift:2500:green", Routing("cats", 2_500, Colour.GREEN)), ("shift:0:-", Routing("cats", 0))],
)
def test_a_shift_that_an_earlier_version_began_is_understood_and_written_anew(
    entry: str, written: Routing, tmp_path: Path
) -> None:
    assert routing("cats", entry) == written
    state = State(Place(tmp_path))
    (tmp_path / "services.map").write_text(map_text({"cats": entry}))
    state.prepare(replace(APP, services=(CATS,)), lambda _: None)
    assert read_map((tmp_path / "services.map").read_text()) == {"cats": value(written)}


def test_a_shift_names_the_groups_that_its_rules_choose_from() -> None:
    assert value(Routing("cats", 1, Colour.BLUE)) == "shift:1:cats-blue:cats-green:cats-blue"
    assert value(Routing("cats", 2_500)) == "shift:2500:cats-blue:cats-green:-"


def test_a_map_is_read_as_it_was_written() -> None:
    entries = {"cats": "cats-blue", "dogs": value(Routing("dogs", 1))}
    assert read_map(map_text(entries)) == entries


def test_the_name_of_a_group_tells_service_and_colour() -> None:
    assert of_group(group("a-blue-b", Colour.GREEN)) == ("a-blue-b", Colour.GREEN)
    for name in ("no-service", "heartbeat", "-blue", "blue", "shop-red"):
        assert of_group(name) is None


def test_the_configuration_keeps_its_targets_when_it_is_made_anew() -> None:
    servers = {
        "cats-blue": (Server("t1", "127.0.0.1:1"), Server("t2", "127.0.0.1:2", draining=True)),
        "dogs-green": (Server("t3", "[::1]:3"),),
        "gone-blue": (Server("t4", "127.0.0.1:4"),),
    }
    text = render(APP, servers, REPORTS, 100).text
    found = read_servers(text)
    assert found == {
        **{group(s.name, colour): () for s in APP.services for colour in Colour},
        "cats-blue": servers["cats-blue"],
        "dogs-green": servers["dogs-green"],
    }
    assert with_servers(text, found) == text
    assert render(APP, found, REPORTS, 100).text == text


def test_the_configuration_names_its_listener_and_what_it_is_bound_to() -> None:
    text = render(APP, {}, REPORTS, 100).text
    assert listener_of(text) == listener_key(APP)
    assert bound(text) == {"127.0.0.1:8000", "127.0.0.1:8001"}
    assert f"description {mark(listener_key(APP), REPORTS)}" in text
    assert listener_of("") == ""


def test_a_configuration_and_its_routes_change_together() -> None:
    one = render(APP, {}, REPORTS, 100)
    other = render(replace(APP, services=(CATS,)), {}, REPORTS, 100)
    assert one.routes_name in one.text
    assert other.routes_name != one.routes_name
    assert render(
        replace(APP, services=(replace(CATS, sticky=True), DOGS)), {}, REPORTS, 100
    ).routes_name


def test_paths_without_header_rules_cost_no_rule() -> None:
    rules = path_rules([CATS, DOGS])
    assert (rules.map, rules.choices) == ("/ cats\n/dogs/ dogs\n", ())


def test_a_path_without_a_rule_of_its_own_falls_back_to_the_path_above() -> None:
    beta = Service("beta", routes=(Route("/dogs/x", (Header("x", "1"),)),))
    rules = path_rules([CATS, DOGS, beta])
    assert rules.map == "/ cats\n/dogs/ dogs\n/dogs/x/ ?1\n"
    assert [choice.service for choice in rules.choices[0]] == ["beta", "dogs"]


@pytest.mark.parametrize(
    "service",
    [
        Service("two words"),
        Service("cats", routes=(Route("/a b"),)),
        Service("cats", routes=(Route("/a\nb"),)),
        Service("cats", routes=(Route("/", (Header("x y", "1"),)),)),
        Service("cats", routes=(Route("/", (Header("x", "1\n  stats enable"),)),)),
    ],
)
def test_what_would_become_another_line_or_word_is_refused(service: Service) -> None:
    with pytest.raises(SetupError) as caught:
        render(replace(APP, services=(service,)), {}, REPORTS, 100)
    assert caught.value.number == "TG226"


def test_quotes_dollars_and_backslashes_are_escaped() -> None:
    assert quoted('a "b" $HOME \\ c') == '"a \\"b\\" \\$HOME \\\\ c"'


def test_the_workers_are_read_with_the_serving_one_first() -> None:
    text = (
        "#<PID> <type> <reloads>\n10 master 2\n# workers\n30 worker 0\n"
        "# old workers\n20 worker 2\n25 worker 1\n# programs\n"
    )
    assert parse_workers(text) == (30, 20, 25)
    with pytest.raises(ValueError, match="no worker"):
        parse_workers("10 master 2\n# workers\n# old workers\n20 worker 2\n")


def test_only_the_sessions_of_one_target_are_cut() -> None:
    text = (
        "0x1: proto=tcpv4 src=127.0.0.1:1 fe=production be=shop-blue srv=t1 ts=00\n"
        "0x2: proto=tcpv4 src=127.0.0.1:2 fe=production be=shop-blue srv=t11 ts=00\n"
        "0x3: proto=tcpv4 src=127.0.0.1:2 fe=production be=shop-green srv=t1 ts=00\n"
    )
    assert parse_sessions(text, ("shop-blue", "t1")) == ("0x1",)


def test_the_wanted_columns_of_a_table() -> None:
    text = "1\n# a,b,c\n1,2,3\n\n4,5,6\n"
    assert parse_rows(text, ",", ("c", "a")) == [{"c": "3", "a": "1"}, {"c": "6", "a": "4"}]


@pytest.mark.parametrize("text", ["# a,b,c\n1,2\n", "# a,b\n1,2\n"])
def test_a_table_that_is_cut_short_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"cells|not in list"):
        parse_rows(text, ",", ("a", "c"))
