"""What a controller answers: actions to do, events that happened, a reason, when to look again.

The actions (`core.actions`) and the events (`core.events`, `core.pipeline_events`,
`core.gate_events`, `core.capacity_events`, `core.balancer_events`) are all to be had from here:
`from tidegate.core import decision as d`.
"""

from dataclasses import dataclass

from tidegate.core.actions import *  # noqa: F403 — one place to have all of them from
from tidegate.core.actions import Action
from tidegate.core.balancer_events import *  # noqa: F403
from tidegate.core.capacity_events import *  # noqa: F403
from tidegate.core.events import *  # noqa: F403
from tidegate.core.events import Event
from tidegate.core.gate_events import *  # noqa: F403
from tidegate.core.pipeline_events import *  # noqa: F403
from tidegate.core.scaling_events import *  # noqa: F403


@dataclass(frozen=True, slots=True)
class Decision:
    """What one look at the world led to.

    `reason` is one sentence for a person. `look_again_at` (ms) is when the next step of a timetable
    or a pause is due, or None. Deadlines (a drain's, an overdue stage's) are seen by whichever look
    comes next: a loop looks every second or so at any rate.
    """

    actions: tuple[Action, ...] = ()
    events: tuple[Event, ...] = ()
    reason: str = ""
    look_again_at: int | None = None
