"""How soon a worse candidate is found, and how often an equal one is blamed, against two peers.

    python bench/analysis.py [--runs 1000] [--seed 1] [--json]

Simulated traffic: 500 requests/s, 10 % of it on the candidate, 0.5 % errors that drift, lognormal
latencies with noise that both sides share, and pauses that each side has for itself. Every method
looks at the same streams, every second:

    tidegate   `core.analysis.compare` with its default policy
    alarm      fixed thresholds on 1 of 1 period of 10 s: errors > 2 %, p95 > 1.5 x its usual value
    z and U    two-proportion z-test on errors and Mann-Whitney U on latencies, all data so far,
               each at 0.5 % significance, looked at again and again as a dashboard does
"""

import argparse
import json
import math
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.core.alarms import judge
from tidegate.core.analysis import compare
from tidegate.core.decision import AlarmState
from tidegate.core.metrics import Second, bucket_of, merge, percentile_us
from tidegate.core.model import Alarm, AnalysisPolicy

RATE, SHARE, ERRORS = 500, 0.10, 0.005
BASELINE_S, SHIFTED_S = 30, 120
START_MS = 1_700_000_000_000
Z_LIMIT = 2.5758  # one-sided 0.5 %
METHODS = ("tidegate", "alarm", "z and U")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the candidate: more errors (a share), or latency times a factor."""

    name: str
    errors: float = 0.0
    slower: float = 1.0


EQUAL = Fault("equal")
FAULTS = (
    Fault("+5 points of errors", errors=0.05),
    Fault("+1 point of errors", errors=0.01),
    Fault("latency x2", slower=2.0),
    Fault("latency x3", slower=3.0),
)


@dataclass(frozen=True, slots=True)
class Stream:
    """Seconds of both sides; the candidate's begin at `since_ms`."""

    stable: tuple[Second, ...]
    candidate: tuple[Second, ...]
    since_ms: int
    until_ms: int


@dataclass(slots=True)
class Weather:
    """What both sides share: an error rate that drifts and a machine that is slow at times."""

    rng: random.Random
    failing: float = 0.0
    slow: float = 0.0

    @property
    def errors(self) -> float:
        """The error share of this second: three quarters of the time 0.3 to 0.9 %."""
        return ERRORS * math.exp(self.failing)

    def next_second(self) -> None:
        """Drift by a second, and back towards the usual."""
        self.failing = 0.95 * self.failing + self.rng.gauss(0, 0.15)
        self.slow = 0.8 * self.slow + self.rng.gauss(0, 0.12)


def side(weather: Weather, pool: Sequence[int], at_ms: int, requests: int, fault: Fault) -> Second:
    """One second of one side: its share of the weather, and pauses of its own."""
    rng = weather.rng
    shift = round((weather.slow + rng.gauss(0, 0.03) + math.log(fault.slower)) / math.log(1.05))
    counts = Counter(bucket + shift for bucket in rng.choices(pool, k=requests))
    if rng.random() < 0.03:
        paused = Counter[int]()
        hit = rng.uniform(0.05, 0.4)
        for bucket, count in list(counts.items()):
            moved = round(count * hit)
            counts[bucket] -= moved
            paused[bucket + 30] += moved
        counts.update(paused)
    share = weather.errors + fault.errors
    errors = successes(rng, requests, share)
    latency = tuple(sorted((bucket, n) for bucket, n in counts.items() if n))
    return Second(at_ms, requests, errors, latency, ((2, requests - errors), (5, errors)))


def successes(rng: random.Random, n: int, share: float) -> int:
    """A binomial draw, by skipping from success to success."""
    found, at = 0, 0
    while True:
        at += int(math.log(1 - rng.random()) / math.log1p(-share)) + 1
        if at > n:
            return found
        found += 1


def stream(rng: random.Random, pool: Sequence[int], fault: Fault) -> Stream:
    """Half a minute's history of stable, then both sides for two minutes."""
    weather = Weather(rng)
    since_ms = START_MS + 1_000 * rng.randrange(10)  # any phase of the alarm's periods
    stable, candidate = [], []
    for index in range(-BASELINE_S, SHIFTED_S):
        weather.next_second()
        at_ms = since_ms + 1_000 * index
        total = max(1, round(rng.gauss(RATE, math.sqrt(RATE))))
        if index < 0:
            stable.append(side(weather, pool, at_ms, total, EQUAL))
            continue
        few = successes(rng, total, SHARE)
        stable.append(side(weather, pool, at_ms, total - few, EQUAL))
        if few:
            candidate.append(side(weather, pool, at_ms, few, fault))
    return Stream(tuple(stable), tuple(candidate), since_ms, since_ms + 1_000 * SHIFTED_S)


# --- the methods: each answers after how many ms it blames the candidate, or None ---------------


def by_tidegate(s: Stream) -> int | None:
    """One pass: a verdict that fell at some second is the one that a look then would have given."""
    at_ms = compare(AnalysisPolicy(), s.stable, s.candidate, s.since_ms, s.until_ms).worse_at_ms
    return None if at_ms is None else at_ms - s.since_ms


def by_alarm(s: Stream, usual_p95_s: float) -> int | None:
    """The first end of a period at which one of two alarms is in ALARM."""
    alarms = (
        Alarm("errors", "ErrorPercent", threshold=2.0),
        Alarm("slow", "TargetResponseTime", threshold=1.5 * usual_p95_s, statistic="p95"),
    )
    for at_ms in range(s.since_ms // 10_000 * 10_000 + 10_000, s.until_ms + 1, 10_000):
        for alarm in alarms:
            state, _ = judge(alarm, alarm.name, s.candidate, at_ms, AlarmState.INSUFFICIENT_DATA)
            if state is AlarmState.ALARM:
                return at_ms - s.since_ms
    return None


def by_z_and_u(s: Stream) -> int | None:
    """The first second at which one of the classical tests on all data so far is significant."""
    stable_at = {second.at_ms: second for second in s.stable}
    mine, theirs = Counter[int](), Counter[int]()
    bad = [0, 0]
    for candidate in s.candidate:
        stable = stable_at[candidate.at_ms]
        mine.update(dict(candidate.latency))
        theirs.update(dict(stable.latency))
        bad = [bad[0] + candidate.errors, bad[1] + stable.errors]
        n, m = mine.total(), theirs.total()
        pooled = (bad[0] + bad[1]) / (n + m)
        spread = math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m)) or 1.0
        # 30 requests and 5 errors: below that the normal approximation is no fair peer.
        z = (bad[0] / n - bad[1] / m) / spread if sum(bad) >= 5 and n >= 30 else 0.0
        if z > Z_LIMIT or (n >= 30 and mann_whitney_z(mine, theirs) > Z_LIMIT):
            return candidate.at_ms + 1_000 - s.since_ms
    return None


def mann_whitney_z(mine: Counter[int], theirs: Counter[int]) -> float:
    """The z value of U with the correction for ties; above 0 when `mine` is the slower."""
    n, m = mine.total(), theirs.total()
    u, ties, below = 0.0, 0, 0
    for bucket in sorted(mine.keys() | theirs.keys()):
        a, b = mine[bucket], theirs[bucket]
        u += a * (below + b / 2)
        below += b
        ties += (a + b) ** 3 - (a + b)
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    return (u - n * m / 2) / math.sqrt(variance)


# --- the runs --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """What one method made of one fault over all its streams; delays in seconds."""

    fault: str
    method: str
    runs: int
    blamed: int
    median_s: float | None
    p95_s: float | None


def row(fault: Fault, method: str, delays: Sequence[int | None]) -> Row:
    """Median and p95 over all streams, a stream that was never blamed counting as infinite."""
    ordered = sorted(math.inf if delay is None else delay / 1000 for delay in delays)

    def at(share: float) -> float | None:
        value = ordered[min(len(ordered) - 1, math.ceil(len(ordered) * share) - 1)]
        return None if math.isinf(value) else value

    found = sum(delay is not None for delay in delays)
    return Row(fault.name, method, len(delays), found, at(0.5), at(0.95))


def measure(runs: int, seed: int) -> list[Row]:
    """Equal releases over `runs` streams, each fault over a fifth as many."""
    rng = random.Random(seed)
    pool = [bucket_of(int(1e6 * rng.lognormvariate(math.log(0.02), 0.5))) for _ in range(8192)]
    usual = percentile_us(merge(stream(rng, pool, EQUAL).stable), 95) or 0
    rows = []
    for fault in (EQUAL, *FAULTS):
        delays: dict[str, list[int | None]] = {method: [] for method in METHODS}
        for _ in range(runs if fault is EQUAL else max(1, runs // 5)):
            traffic = stream(rng, pool, fault)
            delays["tidegate"].append(by_tidegate(traffic))
            delays["alarm"].append(by_alarm(traffic, usual / 1e6))
            delays["z and U"].append(by_z_and_u(traffic))
        rows += [row(fault, method, delays[method]) for method in METHODS]
    return rows


def look_ms(seed: int) -> float:
    """How long one look at two minutes of traffic takes, median of 50."""
    rng = random.Random(seed)
    pool = [bucket_of(int(1e6 * rng.lognormvariate(math.log(0.02), 0.5))) for _ in range(8192)]
    traffic = stream(rng, pool, EQUAL)
    took = []
    for _ in range(50):
        began = time.perf_counter()
        by_tidegate(traffic)
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)


def table(rows: Sequence[Row]) -> str:
    """The rows for a person."""

    def seconds(value: float | None) -> str:
        return "never" if value is None else f"{value:.0f} s"

    lines = [f"{'candidate':<21} {'method':<9} {'blamed':>14} {'median':>7} {'p95':>7}"]
    for r in rows:
        blamed = f"{r.blamed} of {r.runs}"
        lines.append(
            f"{r.fault:<21} {r.method:<9} {blamed:>14} {seconds(r.median_s):>7} "
            f"{seconds(r.p95_s):>7}"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--runs", type=int, default=1000, help="streams of an equal candidate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    began = time.monotonic()
    rows = measure(options.runs, options.seed)
    one_look_ms = look_ms(options.seed)
    took_s = round(time.monotonic() - began, 1)
    if options.json:
        facts = {"seed": options.seed, "look_ms": one_look_ms, "took_s": took_s}
        cells = [{name: getattr(r, name) for name in Row.__slots__} for r in rows]
        json.dump({**facts, "rows": cells}, sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        sys.stdout.write(table(rows) + f"\none look at 120 s of traffic: {one_look_ms:.2f} ms")
        sys.stdout.write(f"   seed {options.seed}, {took_s} s\n")


if __name__ == "__main__":
    main()
