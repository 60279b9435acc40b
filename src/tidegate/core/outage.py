"""Whether the balancer answers, and whether it is still the same process: what people are told.

It is started again by the routing's action; nothing here waits for that. A balancer that does not
say which process it is (the simulator's) has no outages.
"""

from typing import assert_never

from tidegate.core.balancer_events import (
    BalancerEvent,
    BalancerServes,
    BalancerSilent,
    BalancerStopped,
)
from tidegate.core.decision import Decision
from tidegate.core.progress import BalancerRecord, Progress
from tidegate.core.seen import Seen

SILENT_MS = 1_000
"""A machine may be too busy for one answer within its time; so long a silence is news."""
TOLD_MS = 600_000
"""So long the status tells of an outage that is over."""


def decide(progress: Progress, seen: Seen) -> Decision:
    """Record a silence once it is news, and each process that serves anew."""
    known = progress.balancer
    if seen.balancer is None:
        silent_ms = seen.balancer_silent_ms
        if not known.process or known.silent_since is not None or silent_ms < SILENT_MS:
            return Decision()
        silent = BalancerSilent(known.process, silent_ms)
        return Decision(events=(silent,), reason=sentence(silent))
    process = seen.balancer.process
    if not process or (process == known.process and known.silent_since is None):
        return Decision()
    serves = BalancerServes(process, known.process, seen.balancer_silent_ms)
    return Decision(events=(serves,), reason=sentence(serves))


def ended(known: BalancerRecord) -> tuple[BalancerEvent, ...]:
    """What is recorded before the balancer is stopped with the whole app: it is not missed then."""
    return (BalancerStopped(known.process),) if known.process else ()


def sentence(event: BalancerEvent) -> str:
    """What happened, in one line without a full stop."""
    match event:
        case BalancerSilent(process, silent_ms):
            return f"the balancer ({_id(process)}) has given no answer for {_s(silent_ms)}"
        case BalancerServes(process, ""):
            return f"the balancer was started ({_id(process)})"
        case BalancerServes(process, before, silent_ms):
            after = f", after at most {_s(silent_ms)} without an answer" if silent_ms else ""
            if process == before:
                return f"the balancer ({_id(process)}) answers again{after}"
            gone = f"the balancer ({_id(before)}) was gone and was started again"
            return f"{gone} ({_id(process)}){after}"
        case BalancerStopped(process):
            return f"the balancer ({_id(process)}) is stopped, with the whole app"
        case _:
            assert_never(event)


def standing(known: BalancerRecord, now: int) -> str:
    """The outage that lasts now (ms), or the one that ended in the last ten minutes, or ""."""
    if known.silent_since is not None:
        return sentence(BalancerSilent(known.process, now - known.silent_since))
    if known.came is None or now - known.came_at > TOLD_MS:
        return ""
    return f"{sentence(known.came)}, {_s(now - known.came_at)} ago"


def _s(ms: int) -> str:
    return f"{ms / 1000:.1f} s"


def _id(process: str) -> str:
    return "process " + process.partition("@")[0]
