"""Every claim of the docs beside its peers: `make bench`, or `python -m bench --help`.

Results go to stdout, progress to stderr. Exit code 1 when a goal is missed. Best one by one on a
quiet machine.
"""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from bench import dataplane, detection, images, load, machine, page, scaling, scan, simulate, storms
from bench.claims import Claim, claim_from, missed, table
from bench.engine import PrivateEngine, private_engine
from bench.page import IN_A_ROW, NAMES
from bench.peer import BALANCING
from bench.run import Run, claims_of, write
from bench.size import Size, add_size, size_of, words_of

HERE: dict[str, Callable[[Size], Sequence[Claim]]] = {
    "dataplane": dataplane.measure,
    "detection": detection.measure,
    "scan": scan.measure,
    "load": load.measure,
    "scaling": scaling.measure,
    "storms": storms.measure,
    "simulate": simulate.measure,
}
"""The benches that need no engine of their own."""


def measure(names: Sequence[str], size: Size) -> Iterator[Run]:
    """Run these benches, in their order; each is given as soon as it is done."""
    with ExitStack() as stack:
        engine: PrivateEngine | None = None
        facts = dict(machine.facts())
        for name in names:
            images.say(f"--- {name}")
            at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
            before, began, theft = machine.load_average(), time.monotonic(), machine.Theft()
            if name in HERE:
                claims = tuple(HERE[name](size))
            else:
                if engine is None:
                    engine = stack.enter_context(private_engine())
                    images.make(engine.url, BALANCING)
                found = engine.bench(name, *words_of(size))
                claims = tuple(map(claim_from, found["claims"]))
            kept, only = (IN_A_ROW, []) if size.deployments else (name, ["--only", name])
            command = " ".join(["python -m bench", *only, *words_of(size)])
            took_s, after = round(time.monotonic() - began), machine.load_average()
            stolen = round(theft.percent, 1)
            yield Run(kept, at, command, took_s, before, after, stolen, facts, claims)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=NAMES, help="this bench; may be repeated"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the runs there as well")
    parser.add_argument(
        "--write", action="store_true", help="put these benches into docs/benchmarks.md"
    )
    add_size(parser)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is cleared away
    size = size_of(options)
    names = ("swarm",) if size.deployments else (options.only or NAMES)
    done: list[Run] = []
    for run in measure([name for name in NAMES if name in names], size):
        done.append(run)
        if options.json:
            write(options.json, done)
        if options.write:
            page.put(run)
    claims = claims_of(done)
    sys.stdout.write(f"{table(claims)}\n\n{page.circumstances(done)}\n")
    return 1 if missed(claims) else 0


if __name__ == "__main__":
    sys.exit(main())
