"""A run in numbers: rates, percentiles, failures by kind, second by second, and a verdict.

Latency runs from the intended send time to the last byte of the reply. It covers every request
that was answered, whatever the status, and those that timed out, as the time that they had waited.
"""

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from operator import sub
from typing import Any

from tidegate.core.errors import UsageError
from tidegate.load.histogram import Histogram, histogram
from tidegate.load.result import Counts, Failure, Mark, Records, Result, Tally, count, kind, tags_of
from tidegate.load.undisturbed import Share

FORMAT = "tidegate-load-1"
SECOND_US = 1_000_000
MAX_LATE_US = 1_000
MAX_LATE_SHARE = 0.1
"""A sender that is later than both, this share of the latency too, has measured itself (p99)."""
MIN_RATE_SHARE = 0.99
PERCENTS = (50.0, 90.0, 95.0, 99.0, 99.9, 100.0)


@dataclass(frozen=True, slots=True)
class Second:
    """One second of a run. `due`, `failures` and percentiles go by the intended time; `sent` and
    `answered` by the time when that happened. Percentiles are 0 where nothing was measured."""

    at_s: int
    due: int
    sent: int
    answered: int
    failures: Mapping[str, int]
    p50_us: int
    p95_us: int
    p99_us: int
    max_us: int


@dataclass(frozen=True, slots=True)
class Act:
    """What became of the requests of one act; `tags` counts the replies by tag."""

    name: str
    at_us: int
    counts: Counts
    tags: Mapping[str, int]
    latency: Histogram


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that text, JSON, page and comparison show. `limits` is empty for a sound run."""

    title: str
    profile: str
    targets: tuple[str, ...]
    started_ms: int
    length_us: int
    ended_us: int
    counts: Counts
    sent_in_time: int
    answered: int
    statuses: Mapping[str, int]
    latency: Histogram
    scheduling: Histogram
    opened: int
    resent: int
    received_bytes: int
    limits: tuple[str, ...]
    acts: tuple[Act, ...]
    seconds: tuple[Second, ...]
    sender: Share = field(default_factory=Share)

    @property
    def intended_rps(self) -> float:
        """Requests that fell due, per second of the run."""
        return self._per_second(self.counts.requests)

    @property
    def sent_rps(self) -> float:
        """Requests that were sent before the run's end, per second of it."""
        return self._per_second(self.sent_in_time)

    @property
    def answered_rps(self) -> float:
        """Replies of whatever status, per second until the last request had ended."""
        return self.answered * 1e6 / self.ended_us if self.ended_us else 0.0

    @property
    def sound(self) -> bool:
        """Whether the target was measured, and not the machine that sent."""
        return not self.limits

    def _per_second(self, n: int) -> float:
        return n * 1e6 / self.length_us if self.length_us else 0.0

    def to_json(self) -> str:
        """As JSON that `from_json` reads."""
        return json.dumps({"format": FORMAT} | _shape(self), separators=(",", ":"), default=_shape)


def _shape(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def from_json(text: str, where: str = "") -> Report:
    """Read a report. Raises `UsageError` for anything else, which was found at `where`."""
    try:
        data = json.loads(text)
        if data.pop("format") != FORMAT:
            raise ValueError("not the format " + FORMAT)
        data["targets"] = tuple(data["targets"])
        data["limits"] = tuple(data["limits"])
        data["counts"] = Counts(**data["counts"])
        data["latency"] = _histogram(data["latency"])
        data["scheduling"] = _histogram(data["scheduling"])
        data["seconds"] = tuple(Second(**second) for second in data["seconds"])
        data["acts"] = tuple(_act_from(act) for act in data["acts"])
        data["sender"] = Share(**data.get("sender", {}))
        return Report(**data)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UsageError(
            "this is no report of a load",
            cause=f"{type(error).__name__}: {error}",
            where=where,
            remedy="give a file that `--out` or `--json` wrote",
            code="TG157",
        ) from error


def _histogram(data: Mapping[str, Any]) -> Histogram:
    buckets = tuple((low, n) for low, n in data["buckets"])
    return Histogram(buckets, data["max_us"], data["sum_us"])


def _act_from(data: Mapping[str, Any]) -> Act:
    parts = {"counts": Counts(**data["counts"]), "latency": _histogram(data["latency"])}
    return Act(**{**data, **parts})


def summarise(result: Result) -> Report:
    """Reckon a run. Requests still open count as `pending`."""
    records, tally = result.records, result.tally()
    late = _late(records)
    sent_in_time = sum(0 <= sent <= result.length_us for sent in records.sent)
    statuses = {code: n for code, n in Counter(records.outcome).items() if code > 0}
    latency = latency_of(records)
    counts = count(tally)
    return Report(
        title=result.title,
        profile=result.profile,
        targets=result.targets,
        started_ms=result.started_ms,
        length_us=result.length_us,
        ended_us=_ended_us(result),
        counts=counts,
        sent_in_time=sent_in_time,
        answered=sum(statuses.values()),
        statuses={str(code): n for code, n in sorted(statuses.items())},
        latency=latency,
        scheduling=late,
        opened=result.opened,
        resent=result.resent,
        received_bytes=result.received_bytes,
        limits=tuple(_limits(result, counts, sent_in_time, late, latency)),
        acts=tuple(_act(result, mark, tally) for mark, _ in result.acts()),
        seconds=_seconds(records),
        sender=result.sender,
    )


def _act(result: Result, mark: Mark, tally: Tally) -> Act:
    latency = latency_of(result.act(mark.name))
    return Act(mark.name, mark.at_us, count(tally, mark.name), tags_of(tally, mark.name), latency)


def latency_of(records: Records) -> Histogram:
    """From the intended time to the end, of the answered and the timed out."""
    latencies, outcomes = map(sub, records.end, records.intended), records.outcome
    if not outcomes or min(outcomes) > 0:
        return histogram(latencies)
    pairs = zip(latencies, outcomes, strict=True)
    return histogram(us for us, how in pairs if how > 0 or how == Failure.TIMEOUT)


def _late(records: Records) -> Histogram:
    late = map(sub, records.sent, records.intended)
    if -1 not in records.sent:
        return histogram(late)
    return histogram(us for us, sent in zip(late, records.sent, strict=True) if sent >= 0)


def _ended_us(result: Result) -> int:
    return max(result.length_us, max(result.records.end, default=0))


def _limits(
    result: Result, counts: Counts, sent_in_time: int, late: Histogram, latency: Histogram
) -> Iterator[str]:
    """Why the numbers tell of the sender rather than of the target; none when they don't."""
    late_us = late.percentile_us(99)
    if late_us > max(MAX_LATE_US, MAX_LATE_SHARE * latency.percentile_us(99)):
        yield f"1 % of the requests left more than {late_us / 1000:.1f} ms late{_why(result)}"
        if result.waited:
            limit = result.connections_limit
            yield f"{result.waited} requests found all {limit} connections in use"
    if sent_in_time < MIN_RATE_SHARE * counts.requests:
        yield f"only {100 * sent_in_time / counts.requests:.1f} % of the intended rate was sent"
    if counts.failures.get("local"):
        yield f"{counts.failures['local']} requests found no free socket or port"


def _why(result: Result) -> str:
    """What the sender had of the machine meanwhile, where that is known."""
    sender, ended_us = result.sender, _ended_us(result)
    if not sender.cpu_us or not ended_us:
        return ""
    worked, waited = 100 * sender.cpu_us / ended_us, 100 * sender.waited_us / ended_us
    words = f"; the sender worked {worked:.0f} % of the time"
    return f"{words}, and waited {waited:.0f} % of it for a processor"


def _seconds(records: Records) -> tuple[Second, ...]:
    sent = Counter(us // SECOND_US for us in records.sent)
    ends = zip(records.end, records.outcome, strict=True)
    answered = Counter(us // SECOND_US for us, outcome in ends if outcome > 0)
    last_s = max((*sent, *answered, *(us // SECOND_US for us in records.intended[-1:])), default=-1)
    found, first = [], 0
    for at_s in range(last_s + 1):
        after = bisect_left(records.intended, (at_s + 1) * SECOND_US, first)
        rows = records.slice(first, after)
        first = after
        percentiles = latency_of(rows).percentiles_us((50, 95, 99, 100))
        counts = sent[at_s], answered[at_s], _failures(rows)
        found.append(Second(at_s, len(rows), *counts, *percentiles))
    return tuple(found)


def _failures(records: Records) -> dict[str, int]:
    kinds = Counter[str]()
    for outcome, n in Counter(records.outcome).items():
        kinds[kind(outcome)] += n
    return {its_kind: n for its_kind, n in kinds.items() if its_kind not in ("ok", "pending")}
