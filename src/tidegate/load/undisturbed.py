"""What the sender needs of its machine to keep its times, and what the machine gave it."""

import gc
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tidegate.precedence import go_before

_NICEST = -20
_WINDOW_NS, _MOST = 1_000_000_000, 0.93  # more than 0.95 Linux grants nobody while others wait


@dataclass(frozen=True, slots=True)
class Share:
    """The sender's share of the machine: what it worked, and what it waited for a processor.

    `first`: it went before other programs. `waited_us` is 0 where the kernel doesn't tell it.
    """

    cpu_us: int = 0
    waited_us: int = 0
    first: bool = False

    def since(self, before: "Share") -> "Share":
        """What came after `before`."""
        return Share(self.cpu_us - before.cpu_us, self.waited_us - before.waited_us, self.first)


def undisturbed(first: bool) -> bool:
    """No pauses for garbage, and timers that are not rounded up by the kernel's 50 µs.

    With `first`, this process goes before all others of the machine, if it may: whether it does.
    """
    gc.collect()
    gc.freeze()
    gc.disable()
    with suppress(OSError):  # only a finer clock is lost
        Path("/proc/self/timerslack_ns").write_text("1")
    return first and _go_first()


def share(first: bool = False) -> Share:
    """What this thread has had so far."""
    try:
        waited_ns = int(Path("/proc/thread-self/schedstat").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        waited_ns = 0
    return Share(time.thread_time_ns() // 1000, waited_ns // 1000, first)


def _go_first() -> bool:
    """The best nice value, for this process and its session, which is its own (`Background`); and
    the lowest real-time class, for the nice value alone lets others finish a slice of some ms.

    With a single processor nothing is done: it would be the target that waits.
    """
    if len(os.sched_getaffinity(0)) < 2 or not go_before(_NICEST):
        return False
    with suppress(OSError):  # a container without a real-time budget
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    return True


class StepBack:
    """Leaves the real-time class for good when the sender works nearly all the time.

    Then it is asked for more than it can send, and would starve what shares its processor.
    """

    def __init__(self) -> None:
        self._at_ns, self._worked_ns = time.monotonic_ns(), time.process_time_ns()

    def look(self) -> None:
        """To be called often; it judges each second."""
        now_ns = time.monotonic_ns()
        if now_ns - self._at_ns < _WINDOW_NS:
            return
        worked_ns = time.process_time_ns()
        starves = worked_ns - self._worked_ns > _MOST * (now_ns - self._at_ns)
        if starves and os.sched_getscheduler(0) == os.SCHED_FIFO:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        self._at_ns, self._worked_ns = now_ns, worked_ns
