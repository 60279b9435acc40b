"""Which program goes before others when the machine has more to do than it can."""

import os
from contextlib import suppress
from pathlib import Path


def go_before(nice: int, pid: int = 0) -> bool:
    """Give a process this nice value (-20 goes first), and the session that it is in, which Linux
    may schedule as one (sched(7), autogroup). 0 is this process.

    Whether the process has it: a system that forbids this, which is usual, runs it as any other.
    """
    try:
        os.setpriority(os.PRIO_PROCESS, pid, nice)
    except OSError:  # not allowed, or gone meanwhile
        return False
    with suppress(OSError):  # a kernel that does not group sessions
        Path(f"/proc/{pid or 'self'}/autogroup").write_text(str(nice))
    return True
