"""Stories for an app: a demand over time, and what happens meanwhile.

A scenario's rates are shares of a base rate that is chosen by the app's size, so that it means the
same for every app; a trace's are what was counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path
from types import MappingProxyType

from tidegate.core.errors import UsageError
from tidegate.load.profile import Profile, constant, ramp, replay, steps
from tidegate.load.trace import read_trace
from tidegate.simulator.behaviour import GOOD, Behaviour

BASE_SHARE = 0.4
"""The base rate is this share of what the desired tasks can answer at the most."""

MINUTE_S = 60.0
HOUR_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Change:
    """A new release of every service, which behaves so, pushed at `at_s`."""

    at_s: float
    behaviour: Behaviour = GOOD


@dataclass(frozen=True, slots=True)
class Loss:
    """At `at_s` this share (0..1) of the tasks is gone at once, without notice."""

    at_s: float
    share: float


@dataclass(frozen=True, slots=True)
class Outage:
    """From `at_s` on something cannot be had for `for_s`."""

    at_s: float
    for_s: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """A demand (in base rates unless `absolute`), and what happens meanwhile.

    `storms` take back that share of the spot instances after their notice; where the app has no
    capacity they are `losses`. With `storms_per_day` there is a spot market (`simulator.market`)
    as well. Nothing can be launched during `no_launches`, or measured during `no_metrics`.
    """

    name: str
    says: str
    demand: Profile
    changes: tuple[Change, ...] = ()
    losses: tuple[Loss, ...] = ()
    absolute: bool = False
    storms: tuple[Loss, ...] = ()
    storms_per_day: float = 0.0
    no_launches: tuple[Outage, ...] = ()
    no_metrics: tuple[Outage, ...] = ()


def _day(mean: float = 1.0) -> Profile:
    """Half-hour steps from a trough at 4:00 to a peak at 16:00."""
    hours = [(n + 0.5) / 2 for n in range(48)]
    return steps((mean * (1 - 0.65 * cos((h - 4) / 12 * pi)) for h in hours), HOUR_S / 2)


_CROWD = (
    constant(1, 10 * MINUTE_S)
    + ramp(1, 5.4, 5 * MINUTE_S)
    + constant(5.4, 10 * MINUTE_S)
    + ramp(5.4, 1, 15 * MINUTE_S)
    + constant(1, 20 * MINUTE_S)
)

_ALL = (
    Scenario("flash-crowd", "5.4 times the load within five minutes, as NASA's server saw on "
             "13 July 1995, for ten minutes; the curve itself is made up", _CROWD),
    Scenario("diurnal-day", "24 hours from a trough at 4:00 to a peak at 16:00", _day()),
    Scenario("deploy-under-load", "an equal release is pushed at high, steady load",
             constant(1.6, HOUR_S), (Change(20 * MINUTE_S),)),
    Scenario("bad-release-tonight", "in an evening's falling load a release is pushed that takes "
             "three times as long and fails 2 % of its requests", ramp(1.5, 0.5, 2 * HOUR_S),
             (Change(30 * MINUTE_S, Behaviour("slow and failing", slow_factor=3.0,
                                              error_share=0.02)),)),
    Scenario("spot-storm", "most spot instances get a notice at once, and ten minutes later half; "
             "without capacity in the file, that share of the tasks is gone without notice",
             constant(1.2, HOUR_S), storms=(Loss(20 * MINUTE_S, 0.8), Loss(30 * MINUTE_S, 0.5))),
    Scenario("spot-market", "a day of load on a market that takes instances back alone, and in "
             "four storms or so", _day(), storms_per_day=4.0),
    Scenario("launch-failures", "the load doubles while for ten minutes nothing can be launched",
             constant(1, 10 * MINUTE_S) + ramp(1, 2, 5 * MINUTE_S) + constant(2, 45 * MINUTE_S),
             no_launches=(Outage(9 * MINUTE_S, 10 * MINUTE_S),)),
    Scenario("metric-gaps", "as flash-crowd, and three times nothing is measured for two minutes",
             _CROWD, no_metrics=tuple(Outage(at * MINUTE_S, 2 * MINUTE_S) for at in (12, 20, 33))),
)  # fmt: skip

SCENARIOS: Mapping[str, Scenario] = MappingProxyType({one.name: one for one in _ALL})
"""Every story by its name."""


def scenario_of(name: str) -> Scenario:
    """The scenario of that name. Raises `UsageError`."""
    found = SCENARIOS.get(name)
    if found is None:
        raise UsageError(
            f"there is no scenario {name!r}",
            remedy=f"one of {', '.join(SCENARIOS)}; or a file of counts with --trace FILE",
            code="TG172",
        )
    return found


def trace_of(path: Path, scale: float = 1.0, day: str | None = None) -> Scenario:
    """A trace as a scenario: requests per minute, one a line, or an access log (of one `day`).

    `day` is YYYY-MM-DD. Raises `UsageError`; see `load.trace`.
    """
    trace = read_trace(path, day)
    says = f"{path.name}: {trace.says()}" + (f", all of {day}" if day else "")
    return Scenario(path.name, says, replay(trace.counts, scale=scale), absolute=True)
