"""How soon a release that fails 5 % more of its requests is found, on real tasks and traffic.

500 requests/s, 10 % of them on the candidate. Runs within the private engine's network namespace:
`python -m bench --only caught`. Its twin in virtual time is `bench/detection.py`.
"""

import statistics
import time

from bench.abort import spread
from bench.claims import Claim, Goal
from bench.client import Stream
from bench.images import ERRORS_5, GOOD, say
from bench.inside import Inside, main
from bench.ours import CANARY, tidegate

RATE = 500


def measure(inside: Inside) -> list[Claim]:
    """Deliver the wrong release again and again."""
    delays: list[float] = []
    wrong: list[int] = []
    for number in range(inside.size.detections):
        # an app each time: to deliver the same image again would begin with what is known of it
        with tidegate(inside.folder / f"ours{number}", GOOD[0].image) as ours:
            with Stream(ours.port, RATE) as stream:
                time.sleep(2)
                ended = ours.deliver(ERRORS_5.image, CANARY)
                time.sleep(1)
                seen = stream.stop()
            told = ours.told()
        caught = ended.outcome == "rolled back"
        delays.append((told.rollback_at - told.shifted_at) / 1_000 if caught else float("inf"))
        wrong.append(seen.errors(ERRORS_5.name))
        say(f"{ended.outcome} {delays[-1]:.1f} s after its first traffic: {told.reason}")
    note = (
        f"{len(delays)} deployments at {RATE} requests/s, 10 % on the candidate; {spread(delays)}; "
        f"wrong answers each: {', '.join(map(str, wrong))}"
    )
    name = "+5 points of errors found, real traffic, median"
    return [Claim(name, statistics.median(delays), None, "s", Goal(10.0), note)]


if __name__ == "__main__":
    main(measure)
