"""A deployment as it stands, and the report of one: what was seen, when, and what it touched."""

from dataclasses import dataclass

from tidegate.core import decision as d
from tidegate.core import deployment as controller
from tidegate.core.progress import Deployment
from tidegate.engine.journal import Entry
from tidegate.engine.views.events import Moment, moment
from tidegate.engine.views.groups import Sight
from tidegate.engine.views.related import Related
from tidegate.engine.views.second_set import second_set_micros


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """A live deployment. `step` counts from 1 of `steps`, 0 before the first.

    `reason` is what the controller says now; `next_at` (ms) is when time alone takes it further,
    None when it waits for something else. `rolling_back` is why it goes back, or empty.
    """

    id: str
    service: str
    stable: int | None
    candidate: int
    colour: str
    started_at: int
    stage: str
    stage_since: int
    step: int
    steps: int
    weight_bp: int
    next_at: int | None
    reason: str
    paused_by: str | None
    rolling_back: str
    promoted: bool


def view_deployment(sight: Sight, one: Deployment) -> DeploymentView:
    """The deployment, with the words of the rule that decides on it."""
    decision = controller.decide(sight.progress, one, sight.seen, sight.now)
    service = sight.progress.releases[one.candidate].service
    trusted = one.known_good or one.stable is None
    prefix = f"{service.name} v{one.candidate}: "
    return DeploymentView(
        one.id,
        one.service,
        one.stable,
        one.candidate,
        one.colour.value,
        one.started_at,
        one.stage.value,
        one.stage_since,
        one.step + 1,
        1 if trusted else len(service.deployment.shift.steps),
        one.weight_bp,
        decision.look_again_at,
        decision.reason.removeprefix(prefix),
        one.paused_by,
        one.rollback.reason if one.rollback else "",
        one.promoted,
    )


@dataclass(frozen=True, slots=True)
class ReportView:
    """What one deployment went through.

    `requests` and `errors` are what the candidate answered until it was rolled back.
    `detected_ms` runs from its first traffic to the start of the rollback; `back_ms` from there to
    the first entry that needs the traffic to be seen back. None when there was no such thing.
    `second_set_micros` is what its second task set cost, in micro-dollars; None without instances.
    """

    id: str
    service: str
    stable: int | None
    candidate: int
    started_at: int
    finished_at: int | None
    outcome: str | None
    reason: str
    rolled_back_because: str
    requests: int
    errors: int
    detected_ms: int | None
    back_ms: int | None
    timeline: tuple[Moment, ...]
    second_set_micros: int | None = None


def report(deployment: str, entries: list[Entry]) -> ReportView | None:
    """The report out of the whole journal, `entries`; None when it knows no such deployment."""
    mine = _entries_of(deployment, entries)
    if not mine:
        return None
    started = next(e for e in mine if isinstance(e.event, d.DeploymentStarted))
    assert isinstance(started.event, d.DeploymentStarted)
    rollback = next((e for e in mine if isinstance(e.event, d.RollbackStarted)), None)
    end = mine[-1].event if isinstance(mine[-1].event, d.DeploymentFinished) else None
    why = rollback.event if rollback and isinstance(rollback.event, d.RollbackStarted) else None
    return ReportView(
        deployment,
        started.event.service,
        started.event.stable,
        started.event.candidate,
        started.at,
        mine[-1].at if end else None,
        end.outcome.value if end else None,
        end.reason if end else "",
        why.reason if why else "",
        why.requests if why else 0,
        why.errors if why else 0,
        _since_first_traffic(mine, rollback),
        _until_back(mine, rollback),
        tuple(moment(e, started.at) for e in mine),
        second_set_micros(deployment, entries),
    )


def _entries_of(deployment: str, entries: list[Entry]) -> list[Entry]:
    """From its start to its end, with its candidate's tasks and its service's alarms."""
    related = Related(deployments={deployment})
    mine = []
    for entry in entries:
        if related.holds(entry.event):
            mine.append(entry)
        if isinstance(entry.event, d.DeploymentFinished) and entry.event.deployment == deployment:
            break
    return mine


def _since_first_traffic(mine: list[Entry], rollback: Entry | None) -> int | None:
    first = next((e for e in mine if isinstance(e.event, d.TrafficShifted)), None)
    return rollback.at - first.at if rollback and first else None


def _until_back(mine: list[Entry], rollback: Entry | None) -> int | None:
    """The candidate's tasks are drained only once its traffic is seen to be back."""
    if rollback is None:
        return None
    after = (e for e in mine if e.seq > rollback.seq)
    proof = (d.TaskDraining, d.DeploymentFinished)
    seen = next((e for e in after if isinstance(e.event, proof)), None)
    return seen.at - rollback.at if seen else None
