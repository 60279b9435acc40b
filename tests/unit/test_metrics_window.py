"""Lines of the data plane, counted: groups, seconds, errors, completeness, and nonsense."""

from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.metrics import Second, bucket_of, merge
from tidegate.core.model import Colour
from tidegate.local.haproxy.tables import GroupLoad, Worker
from tidegate.local.metrics.loss import Loss
from tidegate.local.metrics.window import Window

BLUE = ("shop", Colour.BLUE)


def line(status: str = "200", ending: str = "--", second: int = 10, us: str = "900") -> bytes:
    return f"W shop-blue {status} {ending} {second} {us}".encode()


def counted(*lines: bytes) -> Second:
    window = Window(b"W")
    window.feed(lines)
    window.close(10**9)
    return merge(window.since(0).get(BLUE, ()))


def test_a_second_holds_its_requests_latencies_and_classes() -> None:
    got = counted(line(), line(), line("404", us="5000"), line("301", us="50"))
    assert got == Second(
        10_000, 4, 0, ((0, 1), (bucket_of(900), 2), (bucket_of(5000), 1)), ((2, 2), (3, 1), (4, 1))
    )


def test_a_request_of_the_test_listener_is_read_and_in_no_group_s_counts() -> None:
    window = Window(b"W")
    window.feed([b"W test:shop-blue 500 -- 10 900"])
    assert window.lines() == 1
    assert window.close(10**9) == ()
    assert (window.since(0), window.lines()) == ({}, 1)


def test_5xx_and_no_answer_are_errors() -> None:
    for one in (line("500"), line("503", "SC"), line("-1", "SH")):
        assert (counted(one).errors, counted(one).status) == (1, ((5, 1),))


def test_a_client_that_goes_is_no_error_of_the_target() -> None:
    gone = counted(line("-1", "CH"))
    assert (gone.requests, gone.errors, gone.status) == (1, 0, ((4, 1),))


def test_a_second_is_given_out_once_it_is_complete_and_not_before() -> None:
    window = Window(b"W")
    window.feed([line(second=10), line(second=11)])
    window.close(11_000)
    assert [s.at_ms for s in window.since(0)[BLUE]] == [10_000]
    window.close(12_000)
    assert [s.at_ms for s in window.since(0)[BLUE]] == [10_000, 11_000]
    assert [s.at_ms for s in window.since(10_001)[BLUE]] == [11_000]
    assert window.since(11_001) == {}


def test_a_late_line_is_added_to_its_second_and_counted_as_late() -> None:
    window = Window(b"W")
    window.feed([line(second=10)])
    window.close(12_000)
    window.feed([line(second=10), line(second=9)])
    window.close(12_000)
    assert [(s.at_ms, s.requests) for s in window.since(0)[BLUE]] == [(9_000, 1), (10_000, 2)]
    assert window.late == 2


def test_the_last_heartbeat_tells_how_far_the_lines_have_come() -> None:
    beat = b"W heartbeat 200 LR %d -"
    window = Window(b"W")
    assert window.feed([beat % 10, line(), beat % 11, line()]) == 11_000
    assert window.feed([line()]) == 0
    assert window.lines() == 3
    window.close(11_000)
    assert window.lines() == 3


def test_old_seconds_are_forgotten() -> None:
    window = Window(b"W")
    window.feed([line(second=10), line(second=20)])
    window.close(30_000)
    window.forget(20_000)
    assert [s.at_ms for s in window.since(0)[BLUE]] == [20_000]


def test_lines_that_are_no_requests_of_a_group_count_for_nothing() -> None:
    others = [
        b"",
        b"Server shop-blue/t1 is DOWN, reason: Layer4 connection problem, check duration: 0ms.",
        b"W no-service 404 LR 10 9",
        b"W production 400 PR 10 -",
        b"W shop-blue 200 -- ten 9",
        b"W 7 shop-blue 200 -- 10 9",
        b"W shop-red 200 -- 10 9",
        b"FORGED shop-blue 200 -- 10 9",
        b"FORGED heartbeat 200 LR 10 -",
    ]
    window = Window(b"W")
    assert (window.feed(others), window.lines()) == (0, 0)
    assert counted(*others).requests == 0


WORDS = st.sampled_from([b"W", b"shop-blue", b"200", b"-1", b"--", b"10", b"", b"-", b"x"])


@given(st.lists(st.binary(max_size=60) | st.lists(WORDS | st.binary(max_size=3)).map(b" ".join)))
def test_no_bytes_whatever_make_it_stumble(lines: list[bytes]) -> None:
    window = Window(b"W")
    window.feed([*lines, line()])
    window.close(10**12)
    assert merge(window.since(0)[BLUE]).requests >= 1


def worker(requests: int, under_way: int = 0, pid: int = 7) -> Worker:
    return Worker(pid, {}, {"shop-blue": GroupLoad(requests, under_way)})


def test_what_is_on_its_way_is_not_lost() -> None:
    loss = Loss()
    for requests, under_way, lines in [(100, 4, 90), (200, 4, 180), (300, 0, 280), (300, 0, 300)]:
        loss.look(worker(requests, under_way), lines)
        assert loss.lines == 0


def test_lines_that_never_came_are_lost() -> None:
    loss = Loss()
    loss.look(worker(1_000), 0)  # what was before the first look is not known
    loss.look(worker(1_100), 100)
    loss.look(worker(1_300), 270)
    loss.look(worker(1_300), 270)
    assert loss.lines == 30
    loss.look(worker(50, pid=8), 315)
    loss.look(worker(50, pid=8), 315)
    assert loss.lines == 30


def test_late_lines_of_the_worker_before_are_no_loss_and_hide_none_for_ever() -> None:
    loss = Loss()
    loss.look(worker(100), 100)
    loss.look(worker(10, pid=8), 110)
    loss.look(worker(20, pid=8), 125)  # five of them are the first worker's
    assert loss.lines == 0
    for _ in range(2):
        loss.look(worker(120, pid=8), 195)
    assert loss.lines == 30


def test_seconds_are_told_in_the_controllers_time_when_the_machines_clock_was_set_back() -> None:
    """An hour back: the lines' seconds, and how far they are complete, go on as if it was not."""
    ahead_ms = 0
    window = Window(b"W", lambda: ahead_ms)
    window.feed([line(second=7_200), b"W heartbeat 200 -- 7201 1"])
    window.close(7_201_000)
    ahead_ms = 3_600_000 + 40
    beat = window.feed([line(second=3_601), b"W heartbeat 200 -- 3602 1"])
    window.close(beat)
    assert window.until_ms == 7_202_000
    assert [s.at_ms for s in window.since(0)[BLUE]] == [7_200_000, 7_201_000]
    assert window.late == 0
