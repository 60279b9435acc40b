"""Traffic that was counted: requests per minute, one a line, or a server's own access log.

An access log in the Common Log Format (`host ident user [13/Jul/1995:09:31:05 -0400] "GET / …`), or
one that begins like it, as Apache's and nginx's combined format does; compressed by gzip or not.
It is read line by line: what is kept is a number for each minute, however long the log is. Nothing
but the time of a line is read, so no address of a client gets any further.
"""

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from tidegate.core.errors import UsageError

LONGEST_LINE = 65_536
"""Bytes; a longer line is a bad one, and is never held whole."""
MOST_MINUTES = 400 * 1_440
"""A trace is no longer than this: a clock that was wrong once must not make years of silence."""

_TIME = re.compile(rb'\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d):\d\d ([+-]\d{4})\] "')
_FORMAT = "%d/%b/%Y:%H:%M %z"
_MINUTE = timedelta(minutes=1)
_LOOKED_AT = 20  # lines that are asked whether the file is a log


@dataclass(frozen=True, slots=True)
class Trace:
    """Requests in each minute, from `began` on (UTC; None for bare counts).

    `lines` were read, of which `bad` could not be, the first of them line `first_bad` (0: none).
    """

    counts: tuple[float, ...]
    began: datetime | None = None
    lines: int = 0
    bad: int = 0
    first_bad: int = 0

    def says(self) -> str:
        """What it is, and what was left out, for a person."""
        if self.began is None:
            return f"{len(self.counts):,} minutes of counts"
        text = (
            f"{sum(self.counts):,.0f} requests in {len(self.counts):,} minutes from "
            f"{self.began:%Y-%m-%d %H:%M} UTC"
        )
        if self.bad:
            text += (
                f"; {self.bad:,} of {self.lines:,} lines could not be read and are left out, "
                f"the first is line {self.first_bad:,}"
            )
        return text


def read_trace(path: Path, day: str | None = None) -> Trace:
    """The whole file, or one `day` (YYYY-MM-DD, by the log's own clock) of an access log.

    Raises `UsageError` for a file that cannot be read, has no counts, or spans too long.
    """
    wanted = _day(day)
    try:
        if _is_log(path):
            return _of_log(path, wanted)
        counts = tuple(_counts(path))
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path} cannot be read", cause=str(error), code="TG173") from error
    if not counts:
        raise UsageError(
            f"{path} has no counts",
            remedy="give requests per minute, one a line, or an access log",
            code="TG173",
        )
    if wanted is not None:
        raise UsageError(
            f"{path} has counts without dates, so no {day} in it",
            remedy="leave --day out",
            code="TG173",
        )
    return Trace(counts)


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no day", remedy="write YYYY-MM-DD", code="TG173") from error


def _open(path: Path) -> BinaryIO:
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")  # type: ignore[return-value]


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Each line, one that is too long cut off; what is cut is read and forgotten."""
    while line := file.readline(LONGEST_LINE):
        yield line
        while line and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE)


def _is_log(path: Path) -> bool:
    """Whether one of the first lines has a log's time in it."""
    with _open(path) as file:
        first = (line for _, line in zip(range(_LOOKED_AT), _lines(file), strict=False))
        return any(_TIME.search(line) for line in first)


def _of_log(path: Path, day: date | None) -> Trace:
    counts: Counter[datetime] = Counter()
    lines = bad = first_bad = 0
    with _open(path) as file:
        for line in _lines(file):
            lines += 1
            at = _minute_of(line)
            if at is None and line.strip():
                bad += 1
                first_bad = first_bad or lines
            elif at is not None and day in (None, at.date()):
                counts[at] += 1  # one minute, whatever the zones that tell it
    if not counts:
        raise _nothing(path, day)
    first, last = min(counts), max(counts)
    if day is not None:
        midnight = datetime.combine(day, datetime.min.time())
        first = midnight.replace(tzinfo=first.tzinfo)
        last = (midnight + timedelta(days=1)).replace(tzinfo=last.tzinfo) - _MINUTE
    first, last = first.astimezone(UTC), last.astimezone(UTC)
    return Trace(_rows(path, counts, first, last), first, lines, bad, first_bad)


def _nothing(path: Path, day: date | None) -> UsageError:
    what, remedy = "no line that can be read", "give an access log in the Common Log Format"
    if day is not None:
        what, remedy = f"no request of {day}", "choose a --day that is in it"
    return UsageError(f"{path} has {what}", remedy=remedy, code="TG173")


def _rows(
    path: Path, counts: Counter[datetime], first: datetime, last: datetime
) -> tuple[float, ...]:
    length = (last - first) // _MINUTE + 1
    if length > MOST_MINUTES:
        raise UsageError(
            f"{path} spans {length // 1_440:,} days",
            cause=f"the first request is of {first:%Y-%m-%d}, the last of {last:%Y-%m-%d}",
            remedy="choose a day of it with --day",
            code="TG173",
        )
    return tuple(float(counts.get(first + n * _MINUTE, 0)) for n in range(length))


def _minute_of(line: bytes) -> datetime | None:
    """The minute of a line, by its own clock and zone; None for a bad one."""
    found = _TIME.search(line)
    return _parsed(found[1], found[2]) if found else None


@lru_cache(maxsize=8)
def _parsed(minute: bytes, zone: bytes) -> datetime | None:
    try:
        return datetime.strptime(f"{minute.decode()} {zone.decode()}", _FORMAT)
    except ValueError:
        return None


def _counts(path: Path) -> Sequence[float]:
    """The last field of each line, so that a time may stand before it; `#` begins a comment."""
    found: list[float] = []
    with _open(path) as file:
        for number, raw in enumerate(_lines(file), 1):
            line = raw.decode("utf-8", "replace").strip()
            if not line or line[0] == "#":
                continue
            try:
                count = float(line.rpartition(",")[2])
            except ValueError:
                count = -1.0
            if not 0 <= count < float("inf") or len(found) == MOST_MINUTES:
                raise UsageError(
                    f"{path} has a line without a count",
                    cause=f"line {number}: {line[:80]!r}",
                    remedy="give requests per minute, one a line, or an access log",
                    code="TG173",
                )
            found.append(count)
    return found
