"""`python -m tidegate.simulator`: as many seeded deployments as asked, each with faults.

Exits 1 when a promise was broken, and says which, when, and how to see it again.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from tidegate.simulator.batch import simulate_all
from tidegate.simulator.options import Options
from tidegate.simulator.result import Result
from tidegate.simulator.scenarios import SCENARIOS
from tidegate.simulator.swarm import draw

_LAST = 12  # journal lines that are shown of a failed run


def main(arguments: list[str] | None = None) -> int:
    """Run the seeds; answers the exit code."""
    asked = _parser().parse_args(arguments)
    seeds = range(asked.start, asked.start + asked.seeds)
    if not (asked.json or asked.digest):
        print(f"seeds {seeds.start} to {seeds.stop - 1}, {asked.scenario or 'drawn from each'}")
    totals: Counter[str] = Counter()
    failed = 0
    runs = [_options(asked.scenario, seed) for seed in seeds]
    for options, result in zip(runs, simulate_all(runs, asked.jobs), strict=True):
        failed += not result.ok
        totals += _count(result)
        for line in _lines(options, result, asked):
            print(line)
    if not (asked.json or asked.digest):
        print(", ".join(f"{count} {what}" for what, count in sorted(totals.items())))
        print(f"{failed} of {asked.seeds} seeds broke a promise")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tidegate.simulator", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many (100)")
    parser.add_argument("--start", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--scenario", choices=sorted(SCENARIOS), help="a story; else drawn")
    parser.add_argument("--verbose", action="store_true", help="each run's options and journal")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each seed")
    parser.add_argument("--digest", action="store_true", help="the journals' sha256 sums alone")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side (1)")
    return parser


def _options(scenario: str | None, seed: int) -> Options:
    if scenario is None:
        return draw(seed)
    return replace(SCENARIOS[scenario].options(seed), name=scenario)


def _count(result: Result) -> Counter[str]:
    counts = Counter(f"deployments {d.outcome or 'cut off'}" for d in result.deployments)
    counts["faults"] = sum(result.faults.values())
    counts["controller restarts"] = result.restarts
    counts["requests"] = result.sent
    counts["requests dropped"] = result.dropped
    return counts


def _lines(options: Options, result: Result, asked: argparse.Namespace) -> Iterator[str]:
    """What is to be printed of one run: nothing, unless it was asked for or a promise broke."""
    seed = options.seed
    if asked.digest:
        yield f"{seed} {result.digest}"
        return
    if asked.json:
        yield json.dumps(_plain(result))
        return
    if asked.verbose or not result.ok:
        yield options.describe()
    if asked.verbose:
        yield from (f"  {line}" for line in result.journal)
        for ended in result.deployments:
            yield f"  {ended.id} {ended.service} v{ended.release} {ended.behaviour}: {ended.reason}"
    if result.broken is not None:
        what = f"promise {result.broken.promise}" if result.broken.promise else "liveness"
        yield from (f"  {line[:240]}" for line in result.journal[-_LAST:])
        at_ms, sentence = result.broken.at_ms, result.broken.sentence
        yield f"✗ seed {seed}: {what} broken at {at_ms} ms: {sentence}"
        story = f" --scenario {asked.scenario}" if asked.scenario else ""
        yield f"  see it again: python -m tidegate.simulator --start {seed} --seeds 1{story}"


def _plain(result: Result) -> dict[str, object]:
    return {
        "seed": result.seed,
        "name": result.name,
        "ok": result.ok,
        "broken": result.broken.sentence if result.broken else None,
        "digest": result.digest,
        "virtual_ms": result.virtual_ms,
        "rest_ms": result.rest_ms,
        "restarts": result.restarts,
        "requests": result.sent,
        "failed": result.failed,
        "dropped": result.dropped,
        "faults": dict(sorted(result.faults.items())),
        "deployments": [
            {
                "id": ended.id, "release": ended.release, "behaviour": ended.behaviour,
                "outcome": ended.outcome, "reason": ended.reason, "requests": ended.requests,
                "failed": ended.failed, "detected_ms": ended.detected_ms,
            }
            for ended in result.deployments
        ],
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
