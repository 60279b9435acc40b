"""The port `Metrics` on a real HAProxy: every request is counted once, in its second."""

import contextlib
import os
import re
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.backends import Backend, Load
from tests.support.dataplane import SHOP, Plane, eventually
from tidegate.core.metrics import Second, merge, percentile_us
from tidegate.core.model import Colour, Route, Service
from tidegate.core.seen import Routing
from tidegate.local.haproxy.place import Place
from tidegate.local.haproxy.reports import reports
from tidegate.local.metrics.collector import Collector
from tidegate.local.metrics.scrape import Scrape

pytestmark = pytest.mark.haproxy


class Measured(Plane):
    """A plane with a collector; t1 is blue and t2 is green."""

    def __init__(self) -> None:
        super().__init__(replace(SHOP, routes=(Route("/shop"),)))
        self.collector = Collector(self.directory).start()

    def close(self) -> None:
        self.collector.close()
        super().close()

    def until(self) -> int:
        """The time up to which the collector says that all is counted."""
        found = self.collector.observe(0)
        return found[1] if found else 0

    def complete(self) -> dict[tuple[str, Colour], tuple[Second, ...]]:
        """Everything that was answered up to now."""
        now = time.time() * 1000
        assert eventually(lambda: self.until() > now), "the metrics are not complete in time"
        found = self.collector.observe(0)
        assert found is not None
        return dict(found[0])


@pytest.fixture
def measured() -> Iterator[Measured]:
    with Measured() as plane, Backend("t1") as blue, Backend("t2") as green:
        plane.register(blue, Colour.BLUE)
        plane.register(green, Colour.GREEN)
        yield plane


def test_the_counts_equal_the_clients_ledger_exactly(measured: Measured) -> None:
    measured.balancer.route(Routing("shop", 3_000))
    loads = [Load(measured.app.listener.port, path) for path in ("/shop", "/shop/status/503")]
    with loads[0], loads[1]:
        assert eventually(lambda: sum(load.ledger.sent for load in loads) > 1_000, 60)
    ledger = loads[0].ledger.answers + loads[1].ledger.answers
    assert [load.ledger.failed for load in loads] == [[], []]
    seconds = measured.complete()
    for name, colour in (("t1", Colour.BLUE), ("t2", Colour.GREEN)):
        got = merge(seconds["shop", colour])
        assert got.status == ((2, ledger[name, 200]), (5, ledger[name, 503]))
        assert got.errors == ledger[name, 503]
        assert got.requests == sum(n for _, n in got.latency) == sum(n for _, n in got.status)


def test_seconds_are_given_out_soon_after_their_end_and_never_change(measured: Measured) -> None:
    with Load(measured.app.listener.port, "/shop", clients=1) as load:
        assert eventually(lambda: load.ledger.sent > 20)
        first = measured.complete()
        time.sleep(0.5)
        second = measured.complete()
    known = first["shop", Colour.BLUE]
    assert second["shop", Colour.BLUE][: len(known)] == known
    assert measured.collector.counted().late == 0


def test_only_requests_of_a_group_count_and_a_client_that_goes_is_no_error(
    measured: Measured,
) -> None:
    client = measured.client()
    for path in ("/shop", "/", "/shop/status/404", "/other", "/shop/status/500"):
        client.get(path)
    client.send("/shop/slow/5000")
    time.sleep(0.1)
    client.close()
    got = merge(measured.complete()["shop", Colour.BLUE])
    assert (got.requests, got.errors) == (4, 1)
    assert dict(got.status) == {2: 1, 4: 2, 5: 1}


def test_test_traffic_by_port_or_header_is_no_part_of_what_a_release_answered(
    measured: Measured,
) -> None:
    measured.balancer.route(Routing("shop", 0, test=Colour.GREEN))
    listener = measured.app.listener
    by_port, by_header = measured.client(listener.test_port), measured.client()
    answers = [by_port.get("/shop/status/500")]
    answers.append(by_header.get("/shop/status/500", **{listener.test_header: "1"}))
    assert [(a.status, a.body) for a in answers] == [(500, "t2"), (500, "t2")]
    assert by_header.get("/shop").body == "t1"
    seconds = measured.complete()
    assert merge(seconds["shop", Colour.BLUE]).requests == 1
    assert ("shop", Colour.GREEN) not in seconds
    assert measured.collector.counted().lines == 3, "they are read all the same"


def test_a_long_answer_counts_when_its_headers_have_come(measured: Measured) -> None:
    client = measured.client()
    client.send("/shop/stream/30")
    got = merge(measured.complete()["shop", Colour.BLUE])
    assert (got.requests, got.status) == (1, ((2, 1),))
    assert (percentile_us(got, 100) or 0) < 2_000_000
    target = measured.target("t1")
    assert target is not None
    assert target.active == 1


def test_a_group_without_a_target_answers_503_and_that_is_an_error() -> None:
    with Measured() as plane:
        assert plane.client().get("/shop").status == 503
        got = merge(plane.complete()["shop", Colour.BLUE])
        assert (got.requests, got.errors, got.status) == (1, 1, ((5, 1),))


def test_hostile_requests_neither_stop_the_counting_nor_falsify_it(measured: Measured) -> None:
    word = reports(Place(measured.directory)).word.encode()  # even if it were known
    hostile = [
        b"GET /shop?WORD 7 shop-green 200 -- 10 9 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /shop/%0aWORD%207%20shop-green%20200%20--%2010%209 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /shop/\x00\xff\n HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /shop HTTP/1.1\r\nHost: x\r\nX: \r\n WORD 7 shop-green 200 -- 10 9\r\n\r\n",
        b"\x16\x03\x01" * 50,
        b"GET /shop/" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"WORD 7 shop-green 200 -- 10 9\n" * 5,
    ]
    for data in (data.replace(b"WORD", word) for data in hostile):
        with socket.create_connection(("127.0.0.1", measured.app.listener.port)) as raw:
            raw.settimeout(5)
            with contextlib.suppress(OSError):  # HAProxy may hang up at once
                raw.sendall(data)
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(65536):
                    pass
    answers = Counter(measured.client().get("/shop").status for _ in range(10))
    seconds = measured.complete()
    assert answers == {200: 10}
    assert ("shop", Colour.GREEN) not in seconds
    assert 10 <= merge(seconds["shop", Colour.BLUE]).requests <= 13


def test_what_was_answered_while_nobody_counted_is_counted_in_its_second(
    measured: Measured,
) -> None:
    measured.client().get("/shop")
    measured.complete()
    measured.collector.close()
    client, sent = measured.client(), Counter[int]()
    for _ in range(2):
        time.sleep(1.3 - time.time() % 1)  # well within a second
        at_ms = int(time.time()) * 1000
        sent[at_ms] += sum(client.get("/shop").status == 200 for _ in range(20))
    measured.collector = Collector(measured.directory).start()
    counted = measured.complete()["shop", Colour.BLUE]
    assert {second.at_ms: second.requests for second in counted} == sent


def test_lines_from_anybody_else_count_for_nothing(measured: Measured) -> None:
    port = reports(Place(measured.directory)).port
    with socket.create_connection(("127.0.0.1", port)) as forger:
        forger.sendall(b"GUESS 7 shop-green 500 -- 10 9\n\xff\n" * 100)
        measured.client().get("/shop")
        assert set(measured.complete()) == {("shop", Colour.BLUE)}


def test_haproxy_does_not_burn_the_processor_while_nobody_counts(measured: Measured) -> None:
    measured.complete()
    measured.collector.close()
    before = processor_time_s(measured.pids()[1])
    time.sleep(1.5)
    assert processor_time_s(measured.pids()[1]) - before < 0.15
    measured.collector = Collector(measured.directory).start()


def processor_time_s(pid: int) -> float:
    """What a process has used, from `proc(5)`."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def test_a_collector_whose_port_was_taken_gets_the_lines_after_the_next_serve() -> None:
    plane = Measured()
    try:
        plane.collector.close()
        place = Place(plane.directory)
        with socket.create_server(("127.0.0.1", reports(place).port)):
            plane.balancer.serve(plane.app)
            assert plane.balancer.observe()
            plane.collector = Collector(plane.directory).start()
            seen = plane.balancer.observe()
            assert seen is not None
            assert seen.listener == ""  # so the engine asks to serve again
            plane.balancer.serve(plane.app)
            assert plane.client().get("/shop").status == 503
            assert merge(plane.complete()["shop", Colour.BLUE]).requests == 1
    finally:
        plane.close()


def test_requests_of_an_idle_connection_are_counted_after_a_reload_too(measured: Measured) -> None:
    idle = [measured.client() for _ in range(5)]
    for client in idle:
        client.get("/shop")
    other = Service("other", routes=(Route("/other"),))
    measured.balancer.serve(measured.with_services(*measured.app.services, other))
    for client in idle:
        client.get("/shop")
    assert merge(measured.complete()["shop", Colour.BLUE]).requests == 10


def test_without_a_data_plane_there_are_no_metrics(measured: Measured) -> None:
    measured.complete()
    os.kill(measured.pids()[0], signal.SIGKILL)
    assert eventually(lambda: measured.collector.observe(0) is None, 4)
    measured.balancer.serve(measured.app)
    measured.client().get("/shop")
    assert measured.complete()


def test_a_collector_that_never_heard_of_a_data_plane_has_no_metrics() -> None:
    plane = Measured()
    try:
        assert plane.collector.observe(0) is None
    finally:
        plane.close()


SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="[^"\\\n]*",?)+)\})? (-?[0-9.e+]+)')


def parse(page: str) -> dict[tuple[str, str], float]:
    """Samples by name and labels. Every line must be in the format, every name declared once."""
    kinds: dict[str, str] = {}
    samples: dict[tuple[str, str], float] = {}
    assert page.endswith("\n")
    for line in page.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            assert name not in kinds
            kinds[name] = kind
        elif not line.startswith("# HELP "):
            found = SAMPLE.fullmatch(line)
            assert found, line
            name, labels, number = found.groups(default="")
            family = re.sub("_(bucket|sum|count)$", "", name)
            assert kinds.get(name) or kinds[family] == "histogram"
            assert (name, labels) not in samples
            samples[name, labels] = float(number)
    return samples


def test_the_page_for_prometheus_is_valid_and_says_what_was_counted(measured: Measured) -> None:
    scrape = Scrape(measured.collector, measured.balancer)
    measured.balancer.route(Routing("shop", 2_500))
    client = measured.client()
    for path in ("/shop", "/shop", "/shop/status/500", "/shop/slow/60"):
        client.get(path, Cookie="x")
    slow = measured.client()
    slow.send("/shop/stream/30")
    measured.complete()
    samples = parse(scrape.page())
    by_class = {
        labels: number for (name, labels), number in samples.items() if "requests_total" in name
    }
    assert sum(by_class.values()) == 5  # the one under way has its headers
    assert sum(number for labels, number in by_class.items() if '"5xx"' in labels) == 1
    for colour, weight in (("blue", 0.75), ("green", 0.25)):
        group = f'service="shop",colour="{colour}"'
        assert samples["tidegate_weight_ratio", group] == weight
        assert samples["tidegate_targets_healthy", group] == 1
        buckets = [n for (name, _), n in samples.items() if name.endswith("_bucket")]
        assert buckets
    under_way = [n for (name, _), n in samples.items() if name == "tidegate_requests_under_way"]
    assert sum(under_way) == 1
    assert samples["tidegate_metrics_lost_lines_total", ""] == 0


def test_no_line_is_lost_under_load(measured: Measured) -> None:
    scrape = Scrape(measured.collector, measured.balancer)
    with Load(measured.app.listener.port, "/shop"):
        for _ in range(3):
            time.sleep(1.1)
            assert parse(scrape.page())["tidegate_metrics_lost_lines_total", ""] == 0
    time.sleep(1.1)
    assert parse(scrape.page())["tidegate_metrics_lost_lines_total", ""] == 0
