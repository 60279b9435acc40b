"""Every claim of the docs beside its peers: `make bench`, or `python -m bench --help`.

Results go to stdout, progress to stderr. Exit code 1 when a goal is missed. About 13 minutes, with
`--quick` about 3.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import dataplane, detection, images, load, machine, page, scaling, scan, simulate, storms
from bench.claims import Claim, claim_from, missed, table
from bench.engine import PrivateEngine, private_engine
from bench.peer import BALANCING
from bench.size import Size, add_size, size_of, words_of

IN_ENGINE = ("swarm", "abort", "caught")
HERE: dict[str, Callable[[Size], Sequence[Claim]]] = {
    "dataplane": dataplane.measure,
    "detection": detection.measure,
    "scan": scan.measure,
    "load": load.measure,
    "scaling": scaling.measure,
    "storms": storms.measure,
    "simulate": simulate.measure,
}
NAMES = (
    "swarm",
    "dataplane",
    "abort",
    "caught",
    "detection",
    "scan",
    "load",
    "scaling",
    "storms",
    "simulate",
)


@dataclass(frozen=True, slots=True)
class Run:
    """A whole run: when, on what, by which command, and what it found."""

    at: str
    command: str
    took_s: int
    load_before: str
    load_after: str
    machine: dict[str, str]
    claims: tuple[Claim, ...]


def measure(names: Sequence[str], size: Size) -> list[Claim]:
    """Run these benches, in their order."""
    claims: list[Claim] = []
    with ExitStack() as stack:
        engine: PrivateEngine | None = None
        for name in names:
            images.say(f"--- {name}")
            if name in HERE:
                claims += HERE[name](size)
                continue
            if engine is None:
                engine = stack.enter_context(private_engine())
                images.make(engine.url, BALANCING)
            found = engine.bench(name, *words_of(size))
            claims += map(claim_from, found["claims"])
    return claims


def run(options: argparse.Namespace) -> Run:
    """The run that the options ask for."""
    size = size_of(options)
    names = ("swarm",) if size.deployments else (options.only or NAMES)
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    before, began = machine.load_average(), time.monotonic()
    claims = measure([name for name in NAMES if name in names], size)
    took_s = round(time.monotonic() - began)
    command = " ".join(["python -m bench", *sys.argv[1:]])
    facts = dict(machine.facts())
    return Run(at, command, took_s, before, machine.load_average(), facts, tuple(claims))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=NAMES, help="this bench; may be repeated"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the run there as well")
    parser.add_argument(
        "--write", action="store_true", help="write docs/benchmarks.md from this run"
    )
    add_size(parser)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleared away
    done = run(options)
    if options.json:
        options.json.write_text(json.dumps(asdict(done), indent=2, ensure_ascii=False) + "\n")
    if options.write:
        page.write(done)
    sys.stdout.write(f"{table(done.claims)}\n\n{page.circumstances(done)}\n")
    return 1 if missed(done.claims) else 0


if __name__ == "__main__":
    sys.exit(main())
