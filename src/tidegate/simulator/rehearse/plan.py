"""What is to be rehearsed: an app on a story, from a seed, and what follows from that alone."""

from dataclasses import dataclass, field, replace

from tidegate.core.datapoints import GAUGES
from tidegate.core.model import App, Service
from tidegate.core.scaling.sample import BEAT_MS
from tidegate.simulator.behaviour import GOOD, Behaviour
from tidegate.simulator.demand import Demand
from tidegate.simulator.options import Ask, Content, Options, Push, Verb
from tidegate.simulator.rehearse.assume import Assumptions
from tidegate.simulator.rehearse.record import MINUTE_MS
from tidegate.simulator.rehearse.scenarios import BASE_SHARE, Scenario


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What is to be rehearsed. `base_rps` overrides the base rate of each service.

    `each` follows every request instead of a flow. `skip` leaves out looks that decide nothing.
    """

    app: App
    scenario: Scenario
    assumed: Assumptions = field(default_factory=Assumptions)
    seed: int = 1
    base_rps: float | None = None
    each: bool = False
    skip: bool = True

    def demand(self, service: Service) -> Demand:
        """What is wanted of the service: its share of a trace, or the story at its base rate."""
        known = self.assumed.of(service.name)
        factor = self.base_rps or BASE_SHARE * service.count.desired * known.work.most_rps
        if self.scenario.absolute:
            factor = 1 / len(self.app.services)
        segments = tuple(
            replace(s, from_rps=s.from_rps * factor, to_rps=s.to_rps * factor)
            for s in self.scenario.demand.segments
        )
        return Demand(replace(self.scenario.demand, segments=segments))


def periods(app: App) -> list[int]:
    """How often (ms) there is a new number for an alarm, or for a policy: a beat, or a minute."""
    found = {alarm.period_ms for alarm in app.alarms}
    for service in app.services:
        found |= {BEAT_MS} if service.scaling.totals else set()
        found |= {MINUTE_MS} if service.scaling.tracking else set()
    return sorted(found)


def gauged(app: App) -> bool:
    """Whether anything asks for what is read from the tasks."""
    return any(s.scaling.on for s in app.services) or any(a.metric in GAUGES for a in app.alarms)


def options(rehearsal: Rehearsal) -> Options:
    """The first release, and somebody who lets go on what the file holds for a person."""
    app = replace(rehearsal.app, pipeline=replace(rehearsal.app.pipeline, approval=False))
    asks = tuple(
        Ask(Verb.PROMOTE, service.name, stage=hook.stage)
        for service in app.services
        for hook in service.deployment.hooks
        if hook.pause
    )
    return Options(rehearsal.seed, app, (Push(0, contents(rehearsal, 1, GOOD)),), asks)


def contents(rehearsal: Rehearsal, number: int, how: Behaviour) -> tuple[tuple[str, Content], ...]:
    """The release of that number of every service, which behaves so."""
    return tuple(_content(rehearsal, s.name, number, how) for s in rehearsal.app.services)


def _content(
    rehearsal: Rehearsal, service: str, number: int, how: Behaviour
) -> tuple[str, Content]:
    known = rehearsal.assumed.of(service)
    behaviour = replace(how, work=known.work, ready_ms=known.start_ms)
    return service, Content(f"{service}-{number}", behaviour)
