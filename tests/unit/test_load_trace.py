"""A trace out of somebody's own log: streamed, in its own time zone, with bad lines counted."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from tidegate.core.errors import UsageError
from tidegate.load import trace
from tidegate.load.__main__ import COMMANDS
from tidegate.load.options import parser, plan_of
from tidegate.load.trace import read_trace

Write = Callable[..., Path]


def line(at: str, zone: str = "+0000", rest: str = '"GET /cats HTTP/1.1" 200 512') -> str:
    """A line of the Common Log Format."""
    return f"192.0.2.7 - - [{at} {zone}] {rest}"


@pytest.fixture
def log(tmp_path: Path) -> Write:
    """Write these lines as a log."""

    def write(*lines: str, name: str = "access.log") -> Path:
        file = tmp_path / name
        data = "".join(f"{one}\n" for one in lines).encode("latin-1")
        file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return file

    return write


def test_each_minute_counts_its_requests_and_silence_counts_as_none(log: Write) -> None:
    found = read_trace(log(
        line("25/Nov/2026:23:58:01"), line("25/Nov/2026:23:58:59"), line("26/Nov/2026:00:01:00"),
    ))  # fmt: skip
    assert found.counts == (2, 0, 0, 1)
    assert found.says() == "3 requests in 4 minutes from 2026-11-25 23:58 UTC"


def test_the_combined_format_and_lines_out_of_order_are_read_as_well(log: Write) -> None:
    combined = '"GET / HTTP/1.1" 200 5 "https://example.org/" "Mozilla/5.0 (X11)"'
    found = read_trace(log(
        line("26/Nov/2026:10:01:00", rest=combined), line("26/Nov/2026:10:00:00", rest=combined),
        'host - "ann lee" [26/Nov/2026:10:01:30 +0000] "POST /[x] HTTP/1.1" 500 -',
    ))  # fmt: skip
    assert found.counts == (1, 2)


def test_bad_lines_are_counted_and_told_and_empty_ones_are_nothing(log: Write) -> None:
    found = read_trace(log(
        line("26/Nov/2026:10:00:00"), "", "Segmentation fault", line("31/Feb/2026:10:00:00"),
        line("26/Nov/2026:99:00:00"), line("26/Nov/2026:10:00:10"),
    ))  # fmt: skip
    assert (found.counts, found.lines, found.bad, found.first_bad) == ((2,), 6, 3, 3)
    assert found.says().endswith(
        "3 of 6 lines could not be read and are left out, the first is line 3"
    )


def test_a_log_may_begin_with_a_bad_line(log: Write) -> None:
    assert read_trace(log("-- rotated --", line("26/Nov/2026:10:00:00"))).counts == (1,)


def test_a_day_is_the_logs_own_day_whatever_its_zone(log: Write) -> None:
    file = log(
        line("12/Jul/1995:23:59:59", "-0400"), line("13/Jul/1995:00:00:00", "-0400"),
        line("13/Jul/1995:23:59:59", "-0400"), line("14/Jul/1995:00:00:00", "-0400"),
    )  # fmt: skip
    found = read_trace(file, "1995-07-13")
    assert len(found.counts) == 1_440
    assert (found.counts[0], found.counts[-1], sum(found.counts)) == (1, 1, 2)
    assert found.began is not None and f"{found.began:%d %H:%M}" == "13 04:00"


def test_a_change_of_the_zone_neither_doubles_nor_loses_an_hour(log: Write) -> None:
    """The night in which clocks in Berlin go back: 02:30 comes twice, and the day has 25 hours."""
    file = log(
        line("25/Oct/2026:01:59:00", "+0200"), line("25/Oct/2026:02:30:00", "+0200"),
        line("25/Oct/2026:02:30:00", "+0100"), line("25/Oct/2026:23:59:00", "+0100"),
    )  # fmt: skip
    assert len(read_trace(file, "2026-10-25").counts) == 25 * 60
    backwards = log(*reversed(file.read_text().splitlines()), name="backwards.log")
    assert read_trace(backwards, "2026-10-25") == read_trace(file, "2026-10-25")
    whole = read_trace(file).counts
    assert [n for n, count in enumerate(whole) if count] == [0, 31, 91, 1_380]


def test_a_compressed_log_is_read_as_it_is(log: Write) -> None:
    file = log(line("26/Nov/2026:10:00:00"), name="access.log.1.gz")
    assert read_trace(file).counts == (1,)
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(UsageError, match="cannot be read"):
        read_trace(file)


def test_a_compressed_log_that_was_damaged_is_refused(log: Write) -> None:
    file = log(*(line(f"26/Nov/2026:10:00:{n % 60:02}") for n in range(400)), name="a.log.gz")
    whole = file.read_bytes()
    for at in range(10, len(whole) - 8, 7):
        file.write_bytes(whole[:at] + b"\xff\xff\xff" + whole[at + 3 :])
        with pytest.raises(UsageError, match=r"cannot be read|no line|no counts|without a count"):
            read_trace(file)


def test_a_line_without_end_is_never_held_whole(
    log: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "LONGEST_LINE", 100)
    file = log(line("26/Nov/2026:10:00:00"), "x" * 1_000, line("26/Nov/2026:10:00:01"))
    found = read_trace(file)
    assert (found.counts, found.lines, found.bad) == ((2,), 3, 1)


def test_a_clock_that_was_wrong_once_makes_no_years_of_silence(log: Write) -> None:
    file = log(line("01/Jan/1970:00:00:00"), line("26/Nov/2026:10:00:00"))
    with pytest.raises(UsageError, match="spans 20,783 days") as refused:
        read_trace(file)
    assert "the first request is of 1970-01-01" in refused.value.cause
    assert read_trace(file, "2026-11-26").counts.count(1) == 1


@pytest.mark.parametrize(
    ("text", "day", "says"),
    [
        ("", None, "has no counts"),
        ("# nothing\n", None, "has no counts"),
        ("12\n-1\n", None, "line without a count"),
        ("12\ninf\n", None, "line without a count"),
        ("12\nnan\n", None, "line without a count"),
        ("12\n", "2026-11-26", "has counts without dates"),
        ("12\n", "yesterday", "is no day"),
    ],
    ids=["empty", "comment", "negative", "infinite", "nan", "undated", "no-day"],
)
def test_what_is_no_trace_is_refused(text: str, day: str | None, says: str, tmp_path: Path) -> None:
    file = tmp_path / "counts"
    file.write_text(text)
    with pytest.raises(UsageError, match=says) as refused:
        read_trace(file, day)
    assert refused.value.number == "TG173"


def test_a_day_that_is_not_in_the_log_is_refused(log: Write) -> None:
    with pytest.raises(UsageError, match="no request of 2026-11-27") as refused:
        read_trace(log(line("26/Nov/2026:10:00:00")), "2026-11-27")
    assert "--day" in refused.value.remedy


def test_a_log_without_one_good_line_is_refused(log: Write) -> None:
    with pytest.raises(UsageError, match="no line that can be read") as refused:
        read_trace(log(line("31/Feb/2026:10:00:00")))
    assert refused.value.remedy == "give an access log in the Common Log Format"


def test_bare_counts_may_have_a_time_before_them(tmp_path: Path) -> None:
    file = tmp_path / "counts.csv"
    file.write_text("# minute, requests\n10:00,600\n10:01,1200.5\n\n")
    assert read_trace(file).counts == (600, 1200.5)


def test_a_load_replays_an_access_log_and_says_what_it_read(
    log: Write,
) -> None:
    file = log(line("26/Nov/2026:10:00:00"), line("26/Nov/2026:10:01:00"), "bad")
    words = [COMMANDS[0], "http://127.0.0.1/", "--replay", str(file), "--scale", "60"]
    plan = plan_of(parser("load").parse_args(words))
    assert [segment.from_rps for segment in plan.profile.segments] == [1, 1]
    assert "1 of 3 lines could not be read" in plan.note
