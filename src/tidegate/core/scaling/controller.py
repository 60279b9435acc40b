"""All policies of each service on one look, and what is done of what they want.

Application Auto Scaling user guide, "Multiple scaling policies": out if any policy wants out, to
the largest count; in only if all the policies that track a metric want in, to the largest count.
A step policy may scale in whatever the others say, as AWS documents. A policy with `DisableScaleIn`
has no say in it. Nothing is taken away while a deployment is under way.
"""

from collections.abc import Iterator

from tidegate.core import watch
from tidegate.core.decision import BoundsChanged, Decision, DesiredChanged, Event, ScalingActivity
from tidegate.core.fold import advance_all
from tidegate.core.model import Service
from tidegate.core.progress import Progress
from tidegate.core.scaling import step, totals, tracking
from tidegate.core.scaling.bounds import bounds
from tidegate.core.scaling.calendar import text_of
from tidegate.core.scaling.due import next_look
from tidegate.core.scaling.look import Look, Wish, look_at
from tidegate.core.scaling.policy import ScheduledAction
from tidegate.core.scaling.schedule import last_due
from tidegate.core.scaling.state import UNSCALED
from tidegate.core.seen import Seen
from tidegate.core.words import counted


def decide(progress: Progress, seen: Seen, now: int) -> Decision:
    """Change the desired count of every service whose policies want another one."""
    events: list[Event] = []
    reasons: list[str] = []
    looks: list[int] = []
    for service in progress.app.services if progress.app else ():
        if not service.scaling.on:
            continue
        scheduled = tuple(_scheduled(progress, service, now))
        progress = advance_all(progress, scheduled, now)
        events += scheduled
        look = look_at(progress, service, seen, now)
        chosen = choose(progress, seen, look) if look else None
        if look and chosen:
            events += _change(look, chosen)
            reasons.append(f"{service.name}: {look.desired} → {counted(chosen.after, 'task')}")
        due = next_look(progress, service, now)
        looks += [due] if due is not None else []
    at = min(looks, default=None)
    return Decision(events=tuple(events), reason="; ".join(reasons), look_again_at=at)


def choose(progress: Progress, seen: Seen, look: Look) -> Wish | None:
    """What is done of what the policies want: the largest out, else the largest in that may be."""
    wanted = list(wishes(progress, seen, look))
    known = [one for one in wanted if one]
    if not known:
        return None
    outs = [one for one in known if one.after > look.desired]
    if outs:
        return max(outs, key=lambda one: one.after)
    if look.moving:
        return None
    ins = [one for one in known if one.after < look.desired]
    forced = [one for one in ins if not one.tracks]
    tracking_all = len([one for one in ins if one.tracks]) == len(wanted) - len(forced)
    allowed = ins if tracking_all else forced
    return max(allowed, key=lambda one: one.after, default=None)


def wishes(progress: Progress, seen: Seen, look: Look) -> Iterator[Wish | None]:
    """What each policy wants, in the file's order; None for one that wants nothing changed.

    A policy that may not scale in is left out while it wants nothing.
    """
    scaling = look.scaling
    if scaling.totals:
        yield totals.wish(look, scaling.totals)
    for tracked in scaling.tracking:
        wanted = tracking.wish(look, tracked)
        if wanted or not tracked.disable_scale_in:
            yield wanted
    for stepped in scaling.step:
        alarm = watch.alarm_named(progress, look.service.name, stepped.alarm)
        if alarm is None:
            continue
        alarmed = progress.alarms.get(watch.alarm_key(look.service.name, alarm))
        if step.due(look, stepped, alarmed):
            points = watch.points(progress, seen, look.service.name, alarm)
            wanted = step.wish(look, stepped, alarm, points)
            if wanted:
                yield wanted


def _change(look: Look, wish: Wish) -> tuple[Event, ...]:
    name = look.service.name
    limit = wish.limit or 0.0
    activity = ScalingActivity(
        name, wish.policy, look.desired, wish.after, wish.base, wish.reason,
        wish.metric, wish.value, limit,
    )  # fmt: skip
    return activity, DesiredChanged(name, wish.after, f"policy {wish.policy}", wish.reason)


def _scheduled(progress: Progress, service: Service, now: int) -> Iterator[Event]:
    """The bounds that are due, the earliest first, and the count that they leave.

    Of what was due while nothing ran the last time counts: the morning's goes after the night's. A
    bound that would take tasks away waits for the end of a deployment. Cooldowns do not count.
    """
    state = progress.scaling.get(service.name, UNSCALED)
    due: list[tuple[int, ScheduledAction]] = []
    for action in service.scaling.scheduled:
        at = last_due(action.schedule, state.due_from.get(action.name, now), now)
        if at is not None:
            due.append((at, action))
    least, most = bounds(progress, service.name)
    desired = progress.services[service.name].desired
    for at, action in sorted(due, key=lambda pair: pair[0]):
        wanted = (
            least if action.minimum is None else action.minimum,
            most if action.maximum is None else action.maximum,
        )
        fewer = desired > wanted[1]
        if fewer and progress.deployment_of(service.name):
            return
        least, most = wanted[0], max(wanted)
        reason = f"scheduled action {action.name} of {text_of(at)}: {least} to {most} tasks"
        yield BoundsChanged(service.name, least, most, action.name, reason)
        after = min(max(desired, least), most)
        if after != desired:
            yield DesiredChanged(service.name, after, f"schedule {action.name}", reason)
            desired = after
