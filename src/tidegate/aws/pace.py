"""How a caller waits for AWS: a clock and a sleep, so that tests wait for nothing."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """`now` in ms since the epoch; `sleep` in seconds; `every_s` between two looks."""

    now: Callable[[], int] = lambda: round(time.time() * 1_000)
    sleep: Callable[[float], None] = time.sleep
    every_s: float = 2.0

    def rest(self) -> None:
        """Wait until the next look, with some jitter: many may look at one account."""
        self.sleep(self.every_s * random.uniform(0.75, 1.25))


def waited(pace: Pace, done: Callable[[], bool], most_s: float) -> bool:
    """Look until `done` or until the time is up; whether it is done."""
    give_up_at = pace.now() + most_s * 1_000
    while not done():
        if pace.now() >= give_up_at:
            return False
        pace.rest()
    return True
