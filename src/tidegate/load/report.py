"""A run in numbers: rates, percentiles, failures by kind, second by second, and a verdict.

Latency runs from the intended send time to the last byte of the reply. It covers every request
that was answered, whatever the status, and those that timed out, as the time that they had waited.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tidegate.core.errors import UsageError
from tidegate.load.histogram import Histogram, histogram
from tidegate.load.result import Counts, Failure, Mark, Records, Result, Tally, count, kind, tags_of

FORMAT = "tidegate-load-1"
MAX_SCHEDULING_P99_US = 5_000
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
        return json.dumps({"format": FORMAT} | asdict(self), separators=(",", ":"))


def from_json(text: str) -> Report:
    """Read a report. Raises `UsageError` for anything else."""
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
        return Report(**data)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(
            "this is no report of a load",
            cause=f"{type(error).__name__}: {error}",
            remedy="give a file that `--json` wrote",
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
    scheduling = histogram(
        sent - due for sent, due in zip(records.sent, records.intended, strict=True) if sent >= 0
    )
    sent_in_time = sum(0 <= sent <= result.length_us for sent in records.sent)
    counts = count(tally)
    return Report(
        title=result.title,
        profile=result.profile,
        targets=result.targets,
        started_ms=result.started_ms,
        length_us=result.length_us,
        ended_us=max(result.length_us, max(records.end, default=0)),
        counts=counts,
        sent_in_time=sent_in_time,
        answered=sum(outcome > 0 for outcome in records.outcome),
        statuses=_statuses(records),
        latency=latency_of(records),
        scheduling=scheduling,
        opened=result.opened,
        resent=result.resent,
        received_bytes=result.received_bytes,
        limits=_limits(result, counts, sent_in_time, scheduling),
        acts=tuple(_act(result, mark, tally) for mark, _ in result.acts()),
        seconds=_seconds(records),
    )


def _act(result: Result, mark: Mark, tally: Tally) -> Act:
    latency = latency_of(result.act(mark.name))
    return Act(mark.name, mark.at_us, count(tally, mark.name), tags_of(tally, mark.name), latency)


def latency_of(records: Records) -> Histogram:
    """From the intended time to the end, of the answered and the timed out."""
    return histogram(
        end - due
        for end, due, outcome in zip(records.end, records.intended, records.outcome, strict=True)
        if outcome > 0 or outcome == Failure.TIMEOUT
    )


def _statuses(records: Records) -> dict[str, int]:
    codes = Counter(outcome for outcome in records.outcome if outcome > 0)
    return {str(code): n for code, n in sorted(codes.items())}


def _limits(
    result: Result, counts: Counts, sent_in_time: int, scheduling: Histogram
) -> tuple[str, ...]:
    """Why the numbers tell of the sender rather than of the target; empty when they don't."""
    found = []
    late_us = scheduling.percentile_us(99)
    if late_us > MAX_SCHEDULING_P99_US:
        found.append(f"1 % of the requests left more than {late_us / 1000:.1f} ms late")
    if found and result.waited:
        held = f"{result.waited} requests found all {result.connections_limit} connections in use"
        found.append(held)
    if sent_in_time < MIN_RATE_SHARE * counts.requests:
        share = sent_in_time / counts.requests
        found.append(f"only {share:.1%} of the intended rate was sent")
    if counts.failures.get("local"):
        found.append(f"{counts.failures['local']} requests found no free socket or port")
    return tuple(found)


def _seconds(records: Records) -> tuple[Second, ...]:
    due, sent, answered = Counter[int](), Counter[int](), Counter[int]()
    failures: dict[int, Counter[str]] = {}
    latencies: dict[int, list[int]] = {}
    columns = zip(records.intended, records.sent, records.end, records.outcome, strict=True)
    for due_us, sent_us, end_us, outcome in columns:
        at_s = due_us // 1_000_000
        due[at_s] += 1
        if sent_us >= 0:
            sent[sent_us // 1_000_000] += 1
        if outcome > 0:
            answered[end_us // 1_000_000] += 1
        if outcome > 0 or outcome == Failure.TIMEOUT:
            latencies.setdefault(at_s, []).append(end_us - due_us)
        its_kind = kind(outcome)
        if its_kind not in ("ok", "pending"):
            failures.setdefault(at_s, Counter())[its_kind] += 1
    last_s = max((due | sent | answered), default=-1)
    return tuple(
        Second(
            at_s,
            due[at_s],
            sent[at_s],
            answered[at_s],
            dict(failures.get(at_s, {})),
            *histogram(latencies.get(at_s, ())).percentiles_us((50, 95, 99, 100)),
        )
        for at_s in range(last_s + 1)
    )
