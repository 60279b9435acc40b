"""What a rehearsal came to: cost, latency, minutes lost, actions, headroom."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from tidegate.core import decision as d
from tidegate.core.cost import altogether
from tidegate.core.instance import Spent
from tidegate.core.metrics import Second
from tidegate.core.model import App
from tidegate.engine.views.sentences import sentence
from tidegate.simulator.rehearse.assume import Assumptions
from tidegate.simulator.rehearse.plan import Rehearsal
from tidegate.simulator.rehearse.record import Minute, Track, milliseconds
from tidegate.simulator.rehearse.run import Stage, play, told

TOLD = (
    d.DeploymentStarted, d.RollbackStarted, d.DeploymentFinished, d.AlarmChanged, d.DesiredChanged,
)  # fmt: skip
"""The events that a report tells of."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that was recorded, `at_s` after the story began; `kind` is the event's name.

    `service` is whose it is, "" for an alarm.
    """

    at_s: float
    kind: str
    text: str
    service: str = ""


@dataclass(frozen=True, slots=True)
class ServiceOutcome:
    """One service. Latencies are of the minutes that were not saturated, None when all were.

    `lost` minutes miss the objective; `short_minutes` is the longest row of saturated ones, the
    time to enough capacity. `headroom` is what was left in the busiest second, 0..1, negative when
    more was asked than could be answered. `second_hours` is the second task set's part of the
    task-hours. `cost` is None without a price.
    """

    name: str
    requests: int
    failed: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    saturated: int
    lost: int
    short_minutes: int
    headroom: float
    task_hours: float
    second_hours: float
    cost: float | None
    scaling_actions: int
    minutes: tuple[Minute, ...]


@dataclass(frozen=True, slots=True)
class ProviderCost:
    """What one provider's instances cost since the story began. Money in micro-dollars.

    `price_micros` is of an hour; `on_demand_micros` is what the same hours cost on demand.
    """

    name: str
    kind: str
    seconds: int
    price_micros: int
    micros: int
    on_demand_micros: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rehearsal's end. `dropped` requests met nobody by the controller's fault.

    `instances` is what they cost, and what the same ones cost on demand; None without prices.
    `providers` is the same, provider by provider.
    """

    app: str
    scenario: str
    says: str
    seed: int
    length_s: float
    assumptions: tuple[str, ...]
    services: tuple[ServiceOutcome, ...]
    moments: tuple[Moment, ...]
    sent: int
    dropped: int
    excused: Mapping[str, int]
    instances: Spent | None = None
    providers: tuple[ProviderCost, ...] = ()

    def numbers(self) -> Mapping[str, float]:
        """What two outcomes are compared by: sums over the services, the worst of latencies."""
        services = self.services
        requests = sum(s.requests for s in services) or 1
        found: dict[str, float] = {
            "minutes lost to the objective": sum(s.lost for s in services),
            "minutes saturated": sum(s.saturated for s in services),
            "longest short of capacity, min": max(s.short_minutes for s in services),
            "failed, % of requests": 100 * sum(s.failed for s in services) / requests,
            "scaling actions": sum(s.scaling_actions for s in services),
            "task-hours": sum(s.task_hours for s in services),
        }
        for name, values in (
            ("p95 ms", [s.p95_ms for s in services]),
            ("p99 ms", [s.p99_ms for s in services]),
            ("cost", [s.cost for s in services]),
        ):
            known = [value for value in values if value is not None]
            if known:
                found[name] = sum(known) if name == "cost" else max(known)
        if self.instances is not None:
            found["cost"] = self.instances.micros / 1e6
            found["cost, all on demand"] = self.instances.on_demand_micros / 1e6
        return found


def rehearse(rehearsal: Rehearsal) -> Outcome:
    """Play it, and reckon."""
    return outcome_of(play(rehearsal))


def outcome_of(stage: Stage) -> Outcome:
    """What a story that has been played came to."""
    rehearsal, ledger = stage.rehearsal, stage.world.traffic.ledger
    events = list(told(stage))
    names = tuple(stage.tracks)
    return Outcome(
        rehearsal.app.name,
        rehearsal.scenario.name,
        rehearsal.scenario.says,
        rehearsal.seed,
        rehearsal.scenario.demand.seconds,
        tuple(rehearsal.assumed.sentences(names)),
        tuple(
            _service(name, track, rehearsal.assumed, _scalings(events, name))
            for name, track in stage.tracks.items()
        ),
        tuple(_moments(events)),
        ledger.sent,
        len(ledger.dropped),
        dict(sorted(ledger.excused.items())),
        altogether(spent) if (spent := stage.spent) else None,
        _providers(rehearsal.app, spent),
    )


def _moments(events: list[tuple[float, d.Event]]) -> Iterator[Moment]:
    """A deployment's events name it alone: its first one tells whose it is."""
    whose: dict[str, str] = {}
    for at_s, event in events:
        if isinstance(event, d.DeploymentStarted):
            whose[event.deployment] = event.service
        if isinstance(event, TOLD):
            service = getattr(event, "service", whose.get(getattr(event, "deployment", ""), ""))
            yield Moment(at_s, type(event).__name__, sentence(event), service)


def _providers(app: App, spent: Mapping[str, Spent]) -> tuple[ProviderCost, ...]:
    """In the file's order."""
    return tuple(
        ProviderCost(
            one.name, one.kind, spent[one.name].ms // 1_000, one.price_micros,
            spent[one.name].micros, spent[one.name].on_demand_micros,
        )
        for one in (app.capacity.providers if app.capacity else ())
        if one.name in spent
    )  # fmt: skip


def _service(name: str, track: Track, assumed: Assumptions, scalings: int) -> ServiceOutcome:
    fair: Second = track.fair
    p50, p95, p99 = (milliseconds(fair, p) for p in (50, 95, 99))
    price = assumed.task_hour_price
    hours = track.task_s / 3600
    return ServiceOutcome(
        name,
        track.total.requests,
        track.total.errors,
        p50,
        p95,
        p99,
        sum(m.saturated for m in track.minutes),
        sum(m.lost(assumed.slo_ms, assumed.slo_errors) for m in track.minutes),
        max(_rows_of_saturated(track.minutes), default=0),
        1 - max((m.utilisation for m in track.minutes), default=0.0),
        hours,
        track.second_s / 3600,
        None if price is None else price * hours,
        scalings,
        tuple(track.minutes),
    )


def _rows_of_saturated(minutes: list[Minute]) -> Iterator[int]:
    for saturated, row in groupby(minutes, key=lambda minute: minute.saturated):
        if saturated:
            yield len(list(row))


def _scalings(events: list[tuple[float, d.Event]], service: str) -> int:
    return sum(isinstance(e, d.DesiredChanged) and e.service == service for _, e in events)
