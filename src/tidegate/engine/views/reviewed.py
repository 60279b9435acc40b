"""The running system as the review sees it: the same views on one machine and on AWS."""

from collections.abc import Iterable

from tidegate.core.model import Role
from tidegate.core.review import Past, Running, RunningService
from tidegate.engine.views.executions import ExecutionView
from tidegate.engine.views.releases import ReleaseView
from tidegate.engine.views.status import ServiceView, StatusView


def running_of(
    status: StatusView, releases: Iterable[ReleaseView], executions: Iterable[ExecutionView]
) -> Running:
    """What runs and what was, out of these answers; `executions` are the newest first."""
    known = tuple(releases)
    past = tuple(
        Past(one.id, one.started_at, one.trigger, one.outcome, one.reason)
        for one in executions
        if one.outcome
    )
    return Running(tuple(_service(service, known) for service in status.services), past)


def _service(service: ServiceView, releases: tuple[ReleaseView, ...]) -> RunningService:
    stable = next(
        (r for r in releases if (r.service, r.number) == (service.name, service.stable)), None
    )
    group = next((g for g in service.groups if g.role == Role.STABLE), None)
    return RunningService(
        service.name,
        service.desired,
        group.healthy if group else 0,
        service.stable,
        stable.commit if stable else "",
        stable.execution if stable else "",
        stable.verdict if stable else "",
        sum(r.service == service.name and r.state == "good" for r in releases),
        tuple((alarm.name, alarm.state) for alarm in service.alarms),
    )
