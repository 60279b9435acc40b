"""What the sender needs of its machine to keep its times, and what the machine gave it."""

import gc
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_NICEST = -20


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
    """The best nice value, for this process and for its session, which Linux schedules as one.

    Not a real-time class: those are interrupted for 50 ms in a second when others starve, and
    starve a machine themselves. With a single processor nothing is done: it would be the target
    that waits.
    """
    if len(os.sched_getaffinity(0)) < 2:
        return False
    try:
        os.setpriority(os.PRIO_PROCESS, 0, _NICEST)
    except OSError:  # not allowed, which is usual
        return False
    with suppress(OSError):  # a kernel that does not group sessions
        if os.getsid(0) == os.getpid():
            Path("/proc/self/autogroup").write_text(str(_NICEST))
    return True
