"""Many runs side by side, in processes of their own; the answers come in the order of asking."""

from collections.abc import Iterable, Iterator
from multiprocessing import get_context

from tidegate.simulator.options import Options
from tidegate.simulator.result import Result
from tidegate.simulator.run import simulate


def simulate_all(runs: Iterable[Options], jobs: int = 1) -> Iterator[Result]:
    """The result of each run. How many run at once changes nothing but the time that it takes."""
    if jobs == 1:
        yield from map(simulate, runs)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(simulate, runs, chunksize=4)
