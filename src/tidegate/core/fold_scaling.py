"""The fold of scaling's events: what was done, for the cooldowns, and the bounds of schedules."""

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from tidegate.core import decision as d
from tidegate.core.model import App
from tidegate.core.progress import Progress
from tidegate.core.scaling.state import KEPT_ACTIVITIES, UNSCALED, Activity, ScalingState


def advance_scaling(progress: Progress, event: d.ScalingEvent, at: int) -> Progress:
    """The progress after an event of scaling, which happened at `at` (ms)."""
    state = progress.scaling.get(event.service, UNSCALED)
    match event:
        case d.DesiredChanged(service, desired):
            known = replace(progress.services[service], desired=desired)
            return replace(progress, services={**progress.services, service: known})
        case d.ScalingActivity():
            state = _act(progress, state, event, at)
        case d.BoundsChanged(_, minimum, maximum, action):
            due_from = {**state.due_from, action: at}
            state = replace(state, minimum=minimum, maximum=maximum, due_from=due_from)
        case _:
            assert_never(event)
    return replace(progress, scaling={**progress.scaling, event.service: state})


def accept_scaling(progress: Progress, app: App, at: int) -> Progress:
    """A new app file, before it counts: other bounds in it end those of a schedule.

    A scheduled action that was not there, or had another schedule, falls due from now on.
    """
    scaling: Mapping[str, ScalingState] = progress.scaling
    for service in app.services:
        before = progress.app.service(service.name) if progress.app else None
        if not service.scaling.on and service.name not in scaling:
            continue
        state = scaling.get(service.name, UNSCALED)
        same = before is not None and before.count == service.count
        if not same or not service.scaling.scheduled:
            state = replace(state, minimum=None, maximum=None)
        known = before.scaling.scheduled if before else ()
        schedules = {one.name: one.schedule for one in known}
        due_from = {
            one.name: state.due_from.get(one.name, at)
            if schedules.get(one.name) == one.schedule
            else at
            for one in service.scaling.scheduled
        }
        scaling = {**scaling, service.name: replace(state, due_from=due_from)}
    return replace(progress, scaling=scaling)


def _act(
    progress: Progress, state: ScalingState, event: d.ScalingActivity, at: int
) -> ScalingState:
    done = Activity(
        at, event.policy, event.before, event.after, event.base, event.reason,
        event.metric, event.value,
    )  # fmt: skip
    kept = (*state.activities[1 - KEPT_ACTIVITIES :], done)
    state = replace(state, activities=kept)
    stable = progress.services[event.service].stable
    if event.limit and stable is not None:
        state = replace(state, limit=(stable, event.limit))
    if done.out:
        return replace(state, last_out={**state.last_out, event.policy: done})
    return replace(state, last_in={**state.last_in, event.policy: done})
