"""What the journal knows of a service's scaling: bounds that a schedule set, and what was done."""

from collections.abc import Mapping
from dataclasses import dataclass, field

KEPT_ACTIVITIES = 20
"""For people; the cooldowns are kept apart."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One change of the desired count by a policy, at `at` (ms).

    `base` is the count that the change was reckoned from: the tasks that ran.
    """

    at: int
    policy: str
    before: int
    after: int
    base: int
    reason: str
    metric: str = ""
    value: float | None = None

    @property
    def out(self) -> bool:
        """Whether it asked for more tasks."""
        return self.after > self.before


@dataclass(frozen=True, slots=True)
class ScalingState:
    """One service's.

    `minimum` and `maximum` are a scheduled action's, None while the file's count. `due_from` says
    of each scheduled action since when (ms) it may fall due. `last_out` and `last_in` hold each
    policy's last activity, for its cooldowns. `limit` is (release, requests per second and task)
    that were too much for the p95, or None.
    """

    minimum: int | None = None
    maximum: int | None = None
    due_from: Mapping[str, int] = field(default_factory=dict)
    last_out: Mapping[str, Activity] = field(default_factory=dict)
    last_in: Mapping[str, Activity] = field(default_factory=dict)
    activities: tuple[Activity, ...] = ()
    limit: tuple[int, float] | None = None

    @property
    def last_change_at(self) -> tuple[int, int]:
        """When any policy last scaled out, and in; 0 for never."""
        outs = (one.at for one in self.last_out.values())
        ins = (one.at for one in self.last_in.values())
        return max(outs, default=0), max(ins, default=0)


UNSCALED = ScalingState()
"""What is known of a service that was never scaled."""
