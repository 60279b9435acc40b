"""A sender that sends nothing: how late a loop comes to its times that only reads the clock.

    python -m bench.clock RATE SECONDS

Prints, in ms, what 1 % of the times were passed by more than. Whatever is late here, the machine
made late: interrupts, or the host of a virtual machine.
"""

import gc
import sys
from time import monotonic_ns

from bench.generators import at


def late_ms(rate: int, seconds: int) -> float:
    """What 1 % of the times of a constant rate (a second) were passed by more than, in ms."""
    first, late_ns = monotonic_ns(), []
    for number in range(rate * seconds):
        due = first + number * 1_000_000_000 // rate
        while (now := monotonic_ns()) < due:
            pass
        late_ns.append(now - due)
    return at(sorted(late_ns), 0.99) / 1e6


if __name__ == "__main__":
    gc.disable()
    print(late_ms(*map(int, sys.argv[1:])))
