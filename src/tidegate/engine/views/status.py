"""Where the app stands: per service its target groups, tasks, deployment and alarms."""

from dataclasses import dataclass

from tidegate.core import outage
from tidegate.core.model import App, Colour
from tidegate.core.progress import Progress, ServiceProgress
from tidegate.core.rematch import ALARM, alarm_of
from tidegate.core.watch import alarm_key, alarms_of
from tidegate.engine.views.capacity import CostView, cost_view
from tidegate.engine.views.deployments import DeploymentView, view_deployment
from tidegate.engine.views.executions import ExecutionView, view_execution
from tidegate.engine.views.groups import GroupView, Sight, group_of


@dataclass(frozen=True, slots=True)
class AlarmView:
    """One alarm of a service: OK, ALARM or INSUFFICIENT_DATA, since when (ms), and why."""

    name: str
    state: str
    since: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class WaitingView:
    """A release that waits for its service to be free, and who asked for it."""

    release: int
    by: str


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One service. `groups` holds blue, then green, without those that have nothing to show.

    `url` is where its first route answers, or empty while it has none.
    """

    name: str
    url: str
    stable: int | None
    colour: str
    desired: int
    groups: tuple[GroupView, ...]
    deployment: DeploymentView | None
    waiting: WaitingView | None
    alarms: tuple[AlarmView, ...]


@dataclass(frozen=True, slots=True)
class StatusView:
    """The app at `at`, after the journal's entry `seq`.

    `reason` is the last look's sentence; `trouble` is why it could not be finished, or empty.
    `cost` is None without capacity providers. `balancer` tells of an outage that lasts, or that was
    within the last ten minutes; empty otherwise.
    """

    app: str
    at: int
    seq: int
    url: str
    services: tuple[ServiceView, ...]
    executions: tuple[ExecutionView, ...]
    reason: str
    trouble: str
    cost: CostView | None = None
    balancer: str = ""


@dataclass(frozen=True, slots=True)
class LastLook:
    """The journal's last entry, and what the engine's last look said."""

    seq: int
    reason: str
    trouble: str


def view_status(sight: Sight, last: LastLook) -> StatusView:
    """The status at that moment."""
    progress = sight.progress
    live = tuple(view_execution(progress, e) for e in progress.executions.values() if e.live)
    return StatusView(
        progress.app.name if progress.app else "",
        sight.now,
        last.seq,
        _url(progress.app) if progress.app else "",
        tuple(_service(sight, one) for one in progress.services.values()),
        live,
        last.reason,
        last.trouble,
        cost_view(progress, sight.now) if progress.app and progress.app.capacity else None,
        outage.standing(progress.balancer, sight.now),
    )


def _service(sight: Sight, one: ServiceProgress) -> ServiceView:
    progress = sight.progress
    moving = progress.deployment_of(one.name)
    settings = progress.app.service(one.name) if progress.app else None
    groups = (group_of(sight, one, colour) for colour in Colour)
    return ServiceView(
        one.name,
        _url(progress.app) + settings.routes[0].path if progress.app and settings else "",
        one.stable,
        one.colour.value,
        one.desired,
        tuple(group for group in groups if group),
        view_deployment(sight, moving) if moving else None,
        WaitingView(one.waiting.release, one.waiting.by) if one.waiting else None,
        _alarms(progress, one.name),
    )


def _alarms(progress: Progress, service: str) -> tuple[AlarmView, ...]:
    found = []
    for alarm in alarms_of(progress, service):
        known = progress.alarms.get(alarm_key(service, alarm))
        if known:
            found.append(AlarmView(alarm.name, known.state.value, known.since, known.reason))
        else:
            found.append(AlarmView(alarm.name, "INSUFFICIENT_DATA", None, "not evaluated yet"))
    gate = progress.alarms.get(alarm_of(service))
    if gate:
        found.append(AlarmView(ALARM, gate.state.value, gate.since, gate.reason))
    return tuple(found)


def _url(app: App) -> str:
    scheme = "https" if app.listener.certificate else "http"
    return f"{scheme}://{app.listener.address}:{app.listener.port}"
