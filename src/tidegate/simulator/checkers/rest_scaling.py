"""Liveness of scaling: under constant load the count comes to rest and turns round once at most."""

from itertools import pairwise

from tidegate.core.decision import Event, ScalingActivity
from tidegate.core.model import App, Service
from tidegate.core.scaling.sample import BEAT_MS, MINUTE_MS
from tidegate.core.scaling.schedule import next_due
from tidegate.core.scaling.state import UNSCALED
from tidegate.core.scaling.totals import IN_EVERY_MS
from tidegate.core.scaling.tracking import LOW
from tidegate.simulator.checkers.case import Case

_SETTLE_MS = 10_000  # two beats, and the looks between
_SURE_MS = 165_000  # 32 beats and the next: until all is sure that the loads of the swarm tell
_SCHEDULED_MS = 4 * MINUTE_MS  # the latest scheduled action of the swarm, from the beginning


def restless_scaling(case: Case, healed_at: int) -> str | None:
    """What may still be scaled: not every policy's window has passed since `healed_at` (elapsed ms)
    and the last change; None when all has."""
    ahead_ms = case.world.clock.now() - case.now
    for service in case.options.app.services:
        if not service.scaling.on or case.restless(service.name):
            continue
        state = case.progress.scaling.get(service.name, UNSCALED)
        for action in service.scaling.scheduled:
            due_from = state.due_from.get(action.name)
            if due_from is not None and next_due(action.schedule, due_from) is not None:
                return f"scheduled action {action.name} of {service.name} is yet to come"
        changed_at = max(healed_at, max(state.last_change_at) - ahead_ms)
        if case.now < changed_at + window_ms(service):
            return f"{service.name} may still be scaled"
    return None


def turned(events: list[Event]) -> str | None:
    """Which service's count went out and in, or in and out, more than once; or None."""
    ways: dict[str, list[bool]] = {}
    for event in events:
        if isinstance(event, ScalingActivity):
            ways.setdefault(event.service, []).append(event.after > event.before)
    for name, outs in ways.items():
        turns = sum(a != b for a, b in pairwise(outs))
        if turns > 1:
            return f"{name} flaps: its count turned round {turns} times under constant load"
    return None


def window_ms(service: Service) -> int:
    """After so long without a change, and with constant load, no policy changes the count again."""
    scaling, longest = service.scaling, 0
    if scaling.totals:
        longest = max(scaling.totals.scale_in_after_ms + BEAT_MS, IN_EVERY_MS, _SURE_MS)
    for tracked in scaling.tracking:
        cooldown_ms = max(tracked.scale_in_cooldown_ms, tracked.scale_out_cooldown_ms)
        longest = max(longest, (LOW + 2) * MINUTE_MS, cooldown_ms)
    for stepped in scaling.step:
        longest = max(longest, stepped.cooldown_ms, 2 * MINUTE_MS)
    return longest + _SETTLE_MS


def scaling_bound_ms(app: App) -> int:
    """What scaling may cost on top: halves going one by one, each after its window."""
    windows = [
        (service.count.maximum.bit_length() + 3) * window_ms(service)
        for service in app.services
        if service.scaling.on
    ]
    scheduled = any(service.scaling.scheduled for service in app.services)
    return max(windows, default=0) + scheduled * _SCHEDULED_MS
