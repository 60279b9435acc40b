"""From `tidegate abort` to all traffic on stable, as the client sees it.

Each time a candidate with half of the traffic is aborted. Runs within the private engine's network
namespace: `python -m bench --only abort`.
"""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.claims import Claim, Goal
from bench.client import Seen, Stream
from bench.images import GOOD, say
from bench.inside import Inside, main
from bench.ours import Tidegate, tidegate

HALF = "{canary: {percent: 50, hold: 5m}}"
RATE = 500
TASKS = 2
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Aborted:
    """When the command was given, when the journal has it, and when the next push came."""

    at: float
    recorded: float
    until: float


def measure(inside: Inside) -> list[Claim]:
    """Abort again and again, and look at the client's answers."""
    stable, candidate = GOOD
    with tidegate(inside.folder / "ours", stable.image, TASKS) as ours:
        with Stream(ours.port, RATE) as stream:
            aborted = [abort(ours, candidate.image) for _ in range(inside.size.aborts)]
            time.sleep(1)
            seen = stream.stop()
        return claims_of(aborted, seen, candidate.name)


def abort(ours: Tidegate, image: str) -> Aborted:
    """Push, wait for the shift, abort, and wait for the end. Raises `SystemExit`."""
    push, _ = ours.begin(image, HALF)
    await_that(lambda: ours.story().weight_bp("web") > 0, "no traffic went to the candidate")
    time.sleep(0.5)
    at = time.time()
    ours.command("abort", "web")
    push.wait(PATIENCE_S)
    told = ours.told()
    if str(told.outcome) != "rolled back":
        raise SystemExit(f"an aborted deployment {told.outcome}: {told.reason}")
    return Aborted(at, told.rollback_at / 1_000, time.time())


def await_that(holds: Callable[[], bool], otherwise: str) -> None:
    """Wait until it holds. Raises `SystemExit` when it does not in time."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > give_up_at:
            raise SystemExit(otherwise)
        time.sleep(0.05)


def claims_of(aborted: Sequence[Aborted], seen: Seen, candidate: str) -> list[Claim]:
    """The longest time is what is judged."""
    last = [seen.last_answer(candidate, before=one.until) or one.at for one in aborted]
    commanded = [max(0.0, end - one.at) for end, one in zip(last, aborted, strict=True)]
    recorded = [max(0.0, end - one.recorded) for end, one in zip(last, aborted, strict=True)]
    for number, (whole, part) in enumerate(zip(commanded, recorded, strict=True), 1):
        say(f"abort {number}: {whole:.3f} s from the command, {part:.3f} s from its record")
    return [
        Claim(
            "abort to the candidate's last answer, longest, from the command's start",
            max(commanded),
            unit="s",
            goal=Goal(1.0),
            note=f"{len(aborted)} times `tidegate abort`, its own start included, of a candidate "
            f"with half of {RATE} requests/s; {spread(commanded)}",
        ),
        Claim(
            "abort to the candidate's last answer, longest, from the request's record",
            max(recorded),
            unit="s",
            goal=Goal(1.0),
            note=f"the same aborts; {spread(recorded)}",
        ),
        Claim(
            "requests failed in aborts",
            seen.failures().total(),
            goal=Goal(0),
            note=f"of {seen.requests:,}",
        ),
    ]


def spread(seconds: Sequence[float]) -> str:
    """A distribution in a few words."""
    ordered = sorted(seconds)
    p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return (
        f"least {ordered[0]:.3f} s, median {statistics.median(ordered):.3f} s, "
        f"p95 {p95:.3f} s, most {ordered[-1]:.3f} s"
    )


if __name__ == "__main__":
    main(measure)
