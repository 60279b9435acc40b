"""How much is measured: the default, quick, or a hundred deployments."""

import argparse
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """`deployments` above 0: so many in a row and nothing else of the comparison with Swarm."""

    rounds: int = 3
    watch_s: float = 30.0
    wrong_rates: int = 2
    aborts: int = 20
    detections: int = 3
    pairs: int = 5
    streams: int = 400
    deployments_simulated: int = 1_000
    deployments: int = 0


QUICK = Size(
    rounds=1,
    watch_s=10.0,
    wrong_rates=1,
    aborts=4,
    detections=1,
    pairs=2,
    streams=50,
    deployments_simulated=100,
)


def add_size(parser: argparse.ArgumentParser) -> None:
    """The options that say it."""
    parser.add_argument("--quick", action="store_true", help="at most 3 minutes; rough")
    parser.add_argument("--deployments", type=int, default=0, help="so many in a row, no more")


def size_of(options: argparse.Namespace) -> Size:
    """What the options say."""
    if options.deployments:
        return Size(deployments=options.deployments)
    return QUICK if options.quick else Size()


def words_of(size: Size) -> list[str]:
    """The options that say this size."""
    if size.deployments:
        return ["--deployments", str(size.deployments)]
    return ["--quick"] if size == QUICK else []
