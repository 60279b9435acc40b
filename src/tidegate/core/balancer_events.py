"""What becomes of the balancer's process, in the past tense."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BalancerSilent:
    """It has given no answer for `silent_ms`; traffic may still flow. `process` is the last known.

    The time counts from the last look that it answered.
    """

    process: str
    silent_ms: int


@dataclass(frozen=True, slots=True)
class BalancerServes:
    """This process of it serves. `before` is the one that served last, "" at the very first.

    The same one as before: it answers again. `silent_ms` is how long at most nobody answered, 0
    when that is not known since no controller looked.
    """

    process: str
    before: str
    silent_ms: int


@dataclass(frozen=True, slots=True)
class BalancerStopped:
    """It is stopped on purpose, with the whole app; `process` is the one that served last."""

    process: str


BalancerEvent = BalancerSilent | BalancerServes | BalancerStopped
