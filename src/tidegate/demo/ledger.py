"""The stream of real requests, each one counted at the client, by act and by the page's colour."""

import math
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tidegate.demo.story import Window
from tidegate.load import Generator, Limits, Plan, Tag, Target, constant

RATE_RPS = 400
CATS = "/cats"
_WEIGHTS = {"/": 1, CATS: 2, "/dogs": 1}
_EDGE_MS = 100
"""Left out at both ends of a window, where a request may be sent under one weight or the next."""


@dataclass(frozen=True, slots=True)
class Counts:
    """An act's requests. `dropped`: failed, and no answer of a faulty release says why."""

    requests: int
    failed: int
    dropped: int
    failures: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Share:
    """What part of the answers was of the candidate's colour in a window, and what was planned."""

    planned_bp: int
    seen: int
    requests: int

    @property
    def error_points(self) -> float:
        """How far off, in percentage points."""
        return abs(100 * self.seen / self.requests - self.planned_bp / 100)

    @property
    def plausible(self) -> bool:
        """Whether honest draws could give this: within 4.5 standard errors of the plan."""
        p = self.planned_bp / 10_000
        return self.error_points <= 450 * math.sqrt(p * (1 - p) / self.requests) + 0.01

    def __str__(self) -> str:
        measured = 100 * self.seen / self.requests
        return (
            f"{self.planned_bp / 100:g} % planned, {measured:.1f} % seen "
            f"({self.seen} of {self.requests:,} answers)"
        )


class Ledger:
    """Open loop, keep-alive, nothing sent twice: a request that fails has failed."""

    def __init__(self, port: int) -> None:
        base = f"http://127.0.0.1:{port}"
        targets = [Target(base + path, weight=weight) for path, weight in _WEIGHTS.items()]
        plan = Plan(
            tuple(targets), constant(RATE_RPS), tag=Tag(header="x-colour"), limits=Limits(10)
        )
        self._generator = Generator(plan)
        self._thread = threading.Thread(target=self._generator.run, name="clients")
        self._acts: list[tuple[str, int]] = []
        self._zero_ms = 0.0

    def start(self, act: str) -> None:
        """The clients come; they stay until `stop`."""
        self._thread.start()
        while not len(self._generator.records):
            time.sleep(0.001)
        self._zero_ms = time.time() * 1000 - self._generator.now_us() / 1000
        self._acts.append((act, 0))

    def mark(self, act: str) -> None:
        """An act begins."""
        self._acts.append((act, self.requests()))

    def stop(self) -> None:
        """The clients go; what they asked for is waited for."""
        if self._thread.is_alive():
            self._generator.stop()
            self._thread.join()

    def requests(self) -> int:
        """How many so far."""
        return len(self._generator.records)

    def counts(self, act: str, faulty: str) -> Counts:
        """What became of the act's requests, those in flight waited for.

        Answers with a 5xx by a release of the colour `faulty` are that release's own fault.
        """
        rows = self._rows(act)
        self._await(rows)
        records, names = self._generator.records, self._generator.tags.names
        failures: Counter[str] = Counter()
        dropped = 0
        for row in rows:
            outcome = records.outcome[row]
            if 200 <= outcome < 400:
                continue
            failures[str(outcome)] += 1
            dropped += not (outcome >= 500 and names[records.tag[row]] == faulty)
        return Counts(len(rows), failures.total(), dropped, dict(sorted(failures.items())))

    def answers(self) -> dict[str, int]:
        """Good answers by path."""
        records = self._generator.records
        paths = list(_WEIGHTS)
        good = (row for row in range(len(records)) if records.outcome[row] == 200)
        return Counter(paths[records.target[row]] for row in good)

    def answers_of(self, colour: str) -> int:
        """How many answers of cats were of that colour, good or bad."""
        return sum(1 for _, its in self._cats(range(self.requests())) if its == colour)

    def last_answer_ms(self, colour: str) -> int | None:
        """When the last answer of that colour came (Unix time, ms), or None without one."""
        ends = [end for end, its in self._cats(range(self.requests())) if its == colour]
        return round(self._zero_ms + max(ends) / 1000) if ends else None

    def only(self, colour: str, last_s: float) -> bool:
        """Whether every answer of cats in the last seconds was of that colour."""
        return set(self.colours(last_s)) == {colour}

    def colours(self, last_s: float) -> dict[str, int]:
        """The colours of cats' answers in the last seconds, the most frequent first."""
        since_us = self._generator.now_us() - last_s * 1e6
        first = max(0, self.requests() - int(RATE_RPS * (last_s + 10)))
        recent = [its for end, its in self._cats(range(first, self.requests())) if end >= since_us]
        return dict(Counter(recent).most_common())

    def shares(self, colour: str, windows: Iterable[Window]) -> list[Share]:
        """The share of `colour` among the answers of cats that were sent in each window."""
        found = []
        for window in windows:
            begin_us = (window.begin_ms - self._zero_ms + _EDGE_MS) * 1000
            end_us = (window.end_ms - self._zero_ms - _EDGE_MS) * 1000
            sent = self._generator.records.sent
            rows = [r for r in range(self.requests()) if begin_us <= sent[r] <= end_us]
            colours = [its for _, its in self._cats(rows)]
            if colours:
                found.append(Share(window.weight_bp, colours.count(colour), len(colours)))
        return found

    def _cats(self, rows: Iterable[int]) -> Iterator[tuple[int, str]]:
        """(when it came in µs, its colour) of each answer of cats among the rows."""
        records, names = self._generator.records, self._generator.tags.names
        cats = list(_WEIGHTS).index(CATS)
        for row in rows:
            if records.target[row] == cats and records.outcome[row] > 0:
                yield records.end[row], names[records.tag[row]]

    def _rows(self, act: str) -> range:
        names = [name for name, _ in self._acts]
        index = names.index(act)
        after = self._acts[index + 1][1] if index + 1 < len(names) else self.requests()
        return range(self._acts[index][1], after)

    def _await(self, rows: range) -> None:
        deadline = time.monotonic() + 15
        records = self._generator.records
        while rows and any(records.outcome[row] == 0 for row in rows):
            if time.monotonic() > deadline:
                return  # what has no outcome by then counts as failed
            time.sleep(0.05)
