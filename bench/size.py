"""How much is measured: the default, quick, or a hundred deployments."""

import argparse
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Size:
    """`deployments` above 0: so many in a row and nothing else of the comparison with Swarm.

    `rates` (requests/s), `rounds`, `watch_s` and `thorough` are of that comparison, the rest of
    the other benches. Not thorough: one way each, one way to end, one fault.
    """

    rates: tuple[int, ...] = (500, 2_000)
    rounds: int = 5
    watch_s: float = 30.0
    thorough: bool = True
    aborts: int = 20
    detections: int = 3
    pairs: int = 10
    streams: int = 200
    simulated: int = 1_000
    scans: int = 3
    loads: int = 3
    archive_mib: int = 400
    records: int = 150_000
    deployments: int = 0
    storms: int = 3
    simulated_storms: int = 100
    scaled_s: float = 90.0
    virtual_hours: float = 6.0


QUICK = Size(
    *((500,), 1, 30.0, False),
    aborts=3,
    detections=1,
    pairs=1,
    streams=50,
    simulated=100,
    scans=1,
    loads=1,
    archive_mib=100,
    records=30_000,
    storms=1,
    simulated_storms=20,
    scaled_s=30.0,
    virtual_hours=2.0,
)


def add_size(parser: argparse.ArgumentParser) -> None:
    """The options that say it."""
    parser.add_argument("--quick", action="store_true", help="less of everything; rough")
    parser.add_argument("--deployments", type=int, default=0, help="so many in a row, no more")
    parser.add_argument("--storms", type=int, help="so many spot storms on real instances (3)")


def size_of(options: argparse.Namespace) -> Size:
    """What the options say."""
    if options.deployments:
        return Size(deployments=options.deployments)
    size = QUICK if options.quick else Size()
    return size if options.storms is None else replace(size, storms=options.storms)


def words_of(size: Size) -> list[str]:
    """The options that say this size."""
    if size.deployments:
        return ["--deployments", str(size.deployments)]
    words, usual = ([], Size()) if size.thorough else (["--quick"], QUICK)
    more = [] if size.storms == usual.storms else ["--storms", str(size.storms)]
    return [*words, *more]
