"""How fast virtual time runs: simulated seconds for each second of CPU, with the real controllers.

One tick of traffic a second; the engine looks whenever anything could be decided and, as the peer,
at every tick. CPU time is counted, not the clock, so that neighbours matter less. No other
simulator runs this decision code.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.claims import Claim, Goal
from bench.images import say
from bench.size import Size
from tidegate.core.model import (
    Alarm,
    AlarmScope,
    App,
    DeploymentPolicy,
    MissingData,
    Service,
    TaskCount,
)
from tidegate.core.provider import Capacity, Provider, ProviderKind, StrategyItem
from tidegate.core.scaling.policy import Scaling, Totals
from tidegate.core.traffic import linear
from tidegate.load.profile import constant, ramp
from tidegate.simulator.behaviour import failing
from tidegate.simulator.rehearse.plan import Rehearsal
from tidegate.simulator.rehearse.run import play
from tidegate.simulator.rehearse.scenarios import Change, Scenario

GOAL = 20_000
QUIET = App("quiet", (Service("web"),))
ALARMED = replace(
    QUIET,
    alarms=(
        Alarm("errors", "ErrorPercent", 5, period_ms=60_000,
              treat_missing_data=MissingData.NOT_BREACHING),
        Alarm("slow", "TargetResponseTime", 0.5, "p95", period_ms=60_000, evaluation_periods=3,
              scope=AlarmScope.SERVICE, treat_missing_data=MissingData.NOT_BREACHING),
    ),
)  # fmt: skip
SHOP = replace(
    ALARMED,
    services=tuple(
        Service(name, deployment=DeploymentPolicy(linear(1_000, 60_000)))
        for name in ("home", "cats", "dogs")
    ),
)
_ON_DEMAND = Provider("on-demand", cpu_units=1_024, memory_mib=512, maximum=60)
_SPOT = replace(_ON_DEMAND, name="spot", kind=ProviderKind.SPOT)
FULL = App(
    "full",
    (Service("web", count=TaskCount(1, 3, 20), scaling=Scaling(totals=Totals(requests=60.0))),),
    alarms=ALARMED.alarms,
    capacity=Capacity((_ON_DEMAND, _SPOT), (StrategyItem("on-demand", 1, 0), StrategyItem("spot"))),
)
"""Scaling and capacity as well: every controller has work."""
RELEASED = replace(
    FULL, services=(replace(FULL.services[0], deployment=SHOP.services[0].deployment),)
)
"""And each release goes out in ten steps of a minute."""


@dataclass(frozen=True, slots=True)
class Row:
    """One app: virtual seconds per CPU second, with looks left out and with every look."""

    ratio: float
    looks: int
    every: float


def measure(size: Size) -> Sequence[Claim]:
    """All five apps, for `size.virtual_hours` each; with every look a tenth of that."""
    hours = size.virtual_hours
    steady, hill = constant(1, 3_600), ramp(0.4, 1.6, 1_800) + ramp(1.6, 0.4, 1_800)
    bad = (Change(600, failing(0.05)), Change(1_800))
    found = []
    for name, app, story, goal in (
        ("one service at rest", QUIET, Scenario("steady", "", steady), GOAL),
        ("one service, two alarms", ALARMED, Scenario("steady", "", steady), None),
        ("three services, two releases", SHOP, Scenario("busy", "", steady, bad), None),
        ("scaling, capacity, two alarms", FULL, Scenario("hill", "", hill), GOAL),
        ("the same, two releases", RELEASED, Scenario("busy hill", "", hill, bad), GOAL),
    ):
        row = _row(app, story, hours)
        say(f"{name}: {row.ratio:,.0f} times real time, {row.every:,.0f} with every look")
        found.append(
            Claim(
                f"virtual time, {name} (peer: with every look)",
                row.ratio,
                row.every,
                "x real time",
                Goal(goal, at_least=True) if goal else None,
                f"{hours:g} h by CPU time, {row.looks:,} looks",
            )
        )
    return found


def _row(app: App, story: Scenario, hours: float) -> Row:
    ratio, looks = _run(Rehearsal(app, _scaled(story, hours)))
    every, _ = _run(Rehearsal(app, _scaled(story, hours / 10), skip=False))
    return Row(ratio, looks, every)


def _scaled(story: Scenario, hours: float) -> Scenario:
    """The same story in so many hours, its releases when they were."""
    segments = tuple(replace(s, seconds=s.seconds * hours) for s in story.demand.segments)
    changes = tuple(c for c in story.changes if c.at_s < hours * 3_600)
    return replace(story, demand=replace(story.demand, segments=segments), changes=changes)


def _run(rehearsal: Rehearsal) -> tuple[float, int]:
    began = time.process_time()
    stage = play(rehearsal)
    cpu_s = time.process_time() - began
    return rehearsal.scenario.demand.seconds / cpu_s, stage.looks
