"""How soon a worse candidate is found, and how often an equal one is blamed, in virtual time.

    deployments   the real controller in the simulator: 500 requests/s, 10 % on the candidate
    streams       the comparison alone on rougher traffic, beside two peers (`bench/analysis.py`)

Seeds are fixed: the same code finds the same.
"""

import os
import statistics
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor

from bench import analysis
from bench.claims import Claim, Goal
from bench.images import say
from bench.size import Size
from tidegate.core.model import App, DeploymentPolicy, Service, TaskCount
from tidegate.core.pipeline_events import Outcome
from tidegate.core.traffic import canary
from tidegate.simulator.behaviour import GOOD, Behaviour, failing
from tidegate.simulator.options import Content, Options, Push
from tidegate.simulator.result import Deployed
from tidegate.simulator.run import simulate

RATE = 500
FIRST_MS, SECOND_MS, HOLD_MS, LEFT_MS = 100, 6_000, 30_000, 5_000
WORSE = 0.05
SEED = 1
CHUNK = 10


def deployed(seed: int, behaviour: Behaviour) -> Deployed:
    """The end of a deployment of such a candidate over a good release.

    Raises `SystemExit` when a promise breaks on the way: that is no measurement.
    """
    policy = DeploymentPolicy(shift=canary(1_000, HOLD_MS))
    web = Service("web", count=TaskCount(4, 4, 4), deployment=policy)
    pushes = (
        Push(FIRST_MS, (("web", Content("first")),)),
        Push(SECOND_MS, (("web", Content("second", behaviour)),)),
    )
    options = Options(
        seed,
        App("bench", (web,)),
        pushes,
        faulty_ms=SECOND_MS + HOLD_MS + LEFT_MS,
        requests_per_second=RATE,
    )
    result = simulate(options)
    if result.broken or len(result.deployments) != len(pushes):
        raise SystemExit(f"simulated deployment {seed} went wrong: {result.broken}")
    return result.deployments[-1]


def many(seeds: Sequence[int], behaviour: Behaviour) -> list[Deployed]:
    """One after the other, in one process."""
    return [deployed(seed, behaviour) for seed in seeds]


def measure(size: Size) -> list[Claim]:
    """Deployments and streams, on every core."""
    seeds = range(SEED, SEED + size.simulated)
    few = seeds[: max(CHUNK, len(seeds) // 10)]
    say(f"{len(seeds):,} simulated deployments of an equal release, {len(few)} of a worse one")
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        rows = pool.submit(analysis.measure, size.streams, SEED)
        worse = _submit(pool, few, failing(WORSE))
        equal = _submit(pool, seeds, GOOD)
        return claims_of(_all(equal), _all(worse), rows.result())


def claims_of(
    equal: Sequence[Deployed], worse: Sequence[Deployed], rows: Sequence[analysis.Row]
) -> list[Claim]:
    """What they come to."""
    blamed = sum(one.outcome is not Outcome.SUCCEEDED for one in equal)
    delays = [
        one.detected_ms / 1_000 if one.detected_ms is not None else float("inf") for one in worse
    ]
    found = {(row.fault, row.method): row for row in rows}
    even = {method: found["equal", method] for method in analysis.METHODS}
    bad = {method: found["+5 points of errors", method] for method in analysis.METHODS}
    streams = f"{even['tidegate'].runs:,} streams with drift and pauses, seed {SEED}"
    return [
        Claim(
            "+5 points of errors found, simulated deployments, median",
            statistics.median(delays),
            unit="s",
            goal=Goal(10.0),
            note=f"{len(delays)} deployments at {RATE} requests/s, 10 % on the candidate",
        ),
        Claim(
            "equal releases rolled back, simulated deployments",
            100 * blamed / len(equal),
            unit="%",
            goal=Goal(1.0),
            note=f"{blamed} of {len(equal):,}, each with 10 % for {HOLD_MS // 1_000} s, then all",
        ),
        Claim(
            "+5 points of errors found, rough streams, median (peer: fixed alarms)",
            _or_never(bad["tidegate"]),
            _or_never(bad["alarm"]),
            unit="s",
            goal=Goal(10.0),
            note=f"z and U tests, looked at each second: {_or_never(bad['z and U']):g} s",
        ),
        Claim(
            "equal releases blamed, rough streams (peer: fixed alarms)",
            _percent(even["tidegate"]),
            _percent(even["alarm"]),
            unit="%",
            goal=Goal(1.0),
            note=f"{streams}; z and U tests: {_percent(even['z and U']):.1f} %",
        ),
    ]


def _submit(
    pool: ProcessPoolExecutor, seeds: Sequence[int], behaviour: Behaviour
) -> list["Future[list[Deployed]]"]:
    chunks = (seeds[at : at + CHUNK] for at in range(0, len(seeds), CHUNK))
    return [pool.submit(many, chunk, behaviour) for chunk in chunks]


def _all(futures: Iterable["Future[list[Deployed]]"]) -> list[Deployed]:
    return [one for future in futures for one in future.result()]


def _or_never(row: analysis.Row) -> float:
    return float("inf") if row.median_s is None else row.median_s


def _percent(row: analysis.Row) -> float:
    return 100 * row.blamed / row.runs
