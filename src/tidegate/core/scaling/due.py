"""When time alone may change what a service's policies want: cooldowns, alarms, schedules.

What the metrics tell is no matter of time: a new beat, minute or datapoint is a reason of its own.
"""

from collections.abc import Iterator

from tidegate.core import watch
from tidegate.core.decision import AlarmState
from tidegate.core.model import Service
from tidegate.core.progress import Progress
from tidegate.core.scaling.schedule import next_due
from tidegate.core.scaling.state import UNSCALED, Activity, ScalingState
from tidegate.core.scaling.step import INVOKED_EVERY_MS
from tidegate.core.scaling.totals import IN_EVERY_MS, OUT_EVERY_MS


def next_look(progress: Progress, service: Service, now: int) -> int | None:
    """The next such moment (ms) after `now`, or None."""
    state = progress.scaling.get(service.name, UNSCALED)
    found = (
        *_cooled(service, state),
        *_invoked(progress, service, now),
        *_schedule(service, state),
    )
    return min((at for at in found if at > now), default=None)


def _cooled(service: Service, state: ScalingState) -> Iterator[int]:
    """The end of each policy's cooldowns."""
    scaling = service.scaling
    if scaling.totals:
        yield from _after(state.last_out.get(scaling.totals.name), OUT_EVERY_MS)
        yield state.last_change_at[1] + IN_EVERY_MS
    for tracked in scaling.tracking:
        yield from _after(state.last_out.get(tracked.name), tracked.scale_out_cooldown_ms)
        yield from _after(state.last_in.get(tracked.name), tracked.scale_in_cooldown_ms)
    for stepped in scaling.step:
        yield from _after(state.last_out.get(stepped.name), stepped.cooldown_ms)
        yield from _after(state.last_in.get(stepped.name), stepped.cooldown_ms)


def _after(last: Activity | None, ms: int) -> Iterator[int]:
    if last is not None:
        yield last.at + ms


def _invoked(progress: Progress, service: Service, now: int) -> Iterator[int]:
    """An alarm in ALARM invokes its step policy once a minute."""
    for stepped in service.scaling.step:
        alarm = watch.alarm_named(progress, service.name, stepped.alarm)
        known = progress.alarms.get(watch.alarm_key(service.name, alarm)) if alarm else None
        if known is not None and known.state is AlarmState.ALARM:
            passed = (now - known.since) // INVOKED_EVERY_MS
            yield known.since + (passed + 1) * INVOKED_EVERY_MS


def _schedule(service: Service, state: ScalingState) -> Iterator[int]:
    for action in service.scaling.scheduled:
        since = state.due_from.get(action.name)
        at = None if since is None else next_due(action.schedule, since)
        if at is not None:
            yield at
