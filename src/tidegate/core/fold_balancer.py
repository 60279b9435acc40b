"""The fold of what becomes of the balancer's process."""

from dataclasses import replace
from typing import assert_never

from tidegate.core.balancer_events import (
    BalancerEvent,
    BalancerServes,
    BalancerSilent,
    BalancerStopped,
)
from tidegate.core.progress import BalancerRecord, Progress


def advance_balancer(progress: Progress, event: BalancerEvent, at: int) -> Progress:
    """The progress after an event of the balancer, which happened at `at` (ms)."""
    known = progress.balancer
    match event:
        case BalancerSilent(_, silent_ms):
            return replace(progress, balancer=replace(known, silent_since=at - silent_ms))
        case BalancerServes(process, before, _):
            came = event if before else None
            return replace(progress, balancer=BalancerRecord(process, None, came, at))
        case BalancerStopped():
            return replace(progress, balancer=BalancerRecord())
        case _:
            assert_never(event)
