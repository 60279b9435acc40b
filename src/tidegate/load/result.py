"""What happened to every request of a run: columns of plain numbers, cut into acts by marks."""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from tidegate.core.errors import UsageError
from tidegate.load.undisturbed import Share


class Failure(IntEnum):
    """Why a request has no reply. Negative, so that it shares a column with status codes."""

    REFUSED = -1  # the connection could not be made
    RESET = -2  # the other side reset the connection
    CLOSED = -3  # the connection ended before the reply was whole
    TIMEOUT = -4  # no whole reply in time
    MALFORMED = -5  # the reply is no HTTP/1.1
    UNSENT = -6  # no connection came free in time: the limit of connections
    LOCAL = -7  # this machine had no socket or port left


PENDING = 0


def kind(outcome: int) -> str:
    """`ok` for 200 to 399, else what to count it as: `http-4xx`, `reset`, `timeout` …"""
    if 200 <= outcome < 400:
        return "ok"
    if outcome > 0:
        return f"http-{outcome // 100}xx"
    return Failure(outcome).name.lower() if outcome else "pending"


@dataclass(frozen=True, slots=True)
class Counts:
    """How many requests were released, how many of them are still open, ok, and failed by kind."""

    requests: int
    pending: int
    ok: int
    failures: Mapping[str, int]

    @property
    def failed(self) -> int:
        """All failures, of whatever kind."""
        return sum(self.failures.values())


Key = tuple[str, str, str]
Tally = Mapping[Key, int]
"""Requests by (act, kind, tag); `pending` is a kind."""


def count(tally: Tally, act: str | None = None, tag: str | None = None) -> Counts:
    """The counts of an act, of a tag, of both or (None) of everything."""
    kinds = Counter[str]()
    for (its_act, its_kind, its_tag), n in tally.items():
        if act in (None, its_act) and tag in (None, its_tag):
            kinds[its_kind] += n
    failures = {k: n for k, n in sorted(kinds.items()) if n and k not in ("ok", "pending")}
    return Counts(kinds.total(), kinds["pending"], kinds["ok"], failures)


def tags_of(tally: Tally, act: str | None = None) -> dict[str, int]:
    """How many replies carried each tag, whatever their status; no reply, no entry."""
    found = Counter[str]()
    for (its_act, _, tag), n in tally.items():
        if tag and act in (None, its_act):
            found[tag] += n
    return dict(sorted(found.items()))


def _numbers() -> "array[int]":
    return array("q")


def _small_numbers() -> "array[int]":
    return array("h")


@dataclass(frozen=True, slots=True)
class Records:
    """One row a request, in the order of release. Times are µs since the start of the run.

    `sent` is when the request, or the connect that it waits for, was handed to the kernel; -1 when
    it never was. `end` is when the outcome was known; -1 while it is not. `outcome` is a status
    code or a `Failure`. `target` and `tag` are indices into the names in `Result`.
    """

    intended: "array[int]" = field(default_factory=_numbers)
    sent: "array[int]" = field(default_factory=_numbers)
    end: "array[int]" = field(default_factory=_numbers)
    outcome: "array[int]" = field(default_factory=_small_numbers)
    target: "array[int]" = field(default_factory=_small_numbers)
    tag: "array[int]" = field(default_factory=_small_numbers)

    def __len__(self) -> int:
        return len(self.intended)

    def add(self, intended_us: int, target: int) -> int:
        """A request falls due; its index. Other threads may read a row once `len` counts it."""
        self.sent.append(-1)
        self.end.append(-1)
        self.outcome.append(PENDING)
        self.target.append(target)
        self.tag.append(0)
        self.intended.append(intended_us)
        return len(self.intended) - 1

    def slice(self, first: int, last: int) -> "Records":
        """The rows from `first` up to, not with, `last`."""
        rows = slice(first, last)
        return Records(
            self.intended[rows],
            self.sent[rows],
            self.end[rows],
            self.outcome[rows],
            self.target[rows],
            self.tag[rows],
        )


@dataclass(frozen=True, slots=True)
class Mark:
    """An act begins: its first request is number `first`; every later one is its own."""

    name: str
    first: int
    at_us: int


@dataclass(frozen=True, slots=True)
class Result:
    """A whole run, or one act of it. `started_ms` is Unix time of the run's time 0.

    `length_us` is how long requests were released. `tags[0]` is "", for replies without one.
    `waited` requests were sent late because all `connections_limit` connections were in use.
    """

    title: str
    profile: str
    targets: tuple[str, ...]
    started_ms: int
    length_us: int
    records: Records
    tags: tuple[str, ...] = ("",)
    marks: tuple[Mark, ...] = ()
    opened: int = 0
    resent: int = 0
    waited: int = 0
    connections_limit: int = 0
    received_bytes: int = 0
    sender: Share = field(default_factory=Share)

    def acts(self) -> Iterator[tuple[Mark, int]]:
        """Each with the row after its last; rows before any mark are act ""."""
        marks = [Mark("", 0, 0), *self.marks]
        ends = [mark.first for mark in marks[1:]] + [len(self.records)]
        for mark, end in zip(marks, ends, strict=True):
            if mark.name or end > mark.first:
                yield mark, end

    def act(self, name: str) -> Records:
        """The rows of one act. Raises `UsageError` when nothing was marked so."""
        for mark, end in self.acts():
            if mark.name == name:
                return self.records.slice(mark.first, end)
        raise UsageError(f"no act of the run is called {name!r}", code="TG155")

    def tally(self) -> Tally:
        """Every request by act, kind and tag."""
        found = Counter[Key]()
        for mark, end in self.acts():
            rows = self.records.slice(mark.first, end)
            for (outcome, tag), n in Counter(zip(rows.outcome, rows.tag, strict=True)).items():
                found[mark.name, kind(outcome), self.tags[tag]] += n
        return found

    def counts(self, act: str | None = None, tag: str | None = None) -> Counts:
        """The counts of an act, of a tag, of both or (None) of everything."""
        return count(self.tally(), act, tag)
