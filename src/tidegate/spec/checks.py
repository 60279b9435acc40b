"""What must hold across the keys of an app file, once each of them is right for itself."""

from collections.abc import Iterator

from tidegate.core.model import Route
from tidegate.core.rematch import ALARM
from tidegate.spec.app import AppKeys
from tidegate.spec.deployment import merged
from tidegate.spec.describe import nearest
from tidegate.spec.problems import Path, Problem, dotted
from tidegate.spec.service import ServiceKeys


def across(app: AppKeys) -> Iterator[Problem]:
    """Every fault between keys: routes, alarms of services, bounds of a merged breaker."""
    yield from _routes(app)
    yield from _alarms(app)
    yield from _waivers(app)
    for name, service in app.services.items():
        yield from _scaling(app, name, service)
    for name, service in app.services.items():
        breaker = merged(app.deployment, service.deployment).breaker
        if breaker.min > breaker.max:
            path: Path = ("services", name, "deployment", "breaker")
            yield Problem(
                path if service.deployment.model_fields_set else ("deployment", "breaker"),
                f"{dotted(path)}: what it says does not go together",
                f"min {breaker.min} is more than max {breaker.max}",
                "write min ≤ max",
            )


def _routes(app: AppKeys) -> Iterator[Problem]:
    """Each service can be reached, and no request is two services'."""
    owners: dict[Route, str] = {}
    for name, service in app.services.items():
        if not service.own_routes and len(app.services) > 1:
            yield Problem(
                ("services", name),
                f"services.{name}.route is missing",
                f"the app has {len(app.services)} services, so each needs a route",
                f"add `route: /{name}`",
            )
        for path, route in _written_routes(name, service):
            owner = owners.setdefault(route, dotted(path))
            if owner != dotted(path):
                yield Problem(
                    path,
                    f"{dotted(path)}: this route is already taken",
                    f"{owner} has the same path and headers: {route.path}",
                    "choose another path, or add a header that tells them apart",
                )


def _written_routes(name: str, service: ServiceKeys) -> Iterator[tuple[Path, Route]]:
    if service.route is not None:
        yield ("services", name, "route"), service.route.core()
    for number, route in enumerate(service.routes or ()):
        yield ("services", name, "routes", number), route.core()


def _alarms(app: AppKeys) -> Iterator[Problem]:
    for name, alarm in app.alarms.items():
        if name == ALARM:
            path: Path = ("alarms", name)
            what = f"{dotted(path)}: this name cannot be used"
            yield Problem(path, what, "the gate has an alarm of that name", "choose another")
        if alarm.service is None or alarm.service in app.services:
            continue
        near = nearest(alarm.service, app.services)
        yield Problem(
            ("alarms", name, "service"),
            f"alarms.{name}.service: there is no service {alarm.service}",
            f"the app's services are {', '.join(app.services)}",
            f"did you mean `{near}`?" if near else "name one of them, or leave `service` out",
        )


def _waivers(app: AppKeys) -> Iterator[Problem]:
    """Each waiver speaks of a service that there is, and none says the same as another."""
    seen: dict[tuple[str, str | None, str | None], int] = {}
    for number, waiver in enumerate(app.gate.waivers):
        path: Path = ("gate", "waivers", number)
        first = seen.setdefault((waiver.id.upper(), waiver.package, waiver.service), number)
        if first != number:
            yield Problem(
                path,
                f"{dotted(path)}: {waiver.id} is waived twice",
                f"{dotted(path[:2])}[{first}] waives the same",
                "keep one of them",
            )
        if waiver.service is not None and waiver.service not in app.services:
            near = nearest(waiver.service, app.services)
            yield Problem(
                (*path, "service"),
                f"{dotted(path)}.service: there is no service {waiver.service}",
                f"the app's services are {', '.join(app.services)}",
                f"did you mean `{near}`?" if near else "name one of them, or leave `service` out",
            )


def _scaling(app: AppKeys, name: str, service: ServiceKeys) -> Iterator[Problem]:
    """The alarm of each step policy is there, and reads this service; there is room to scale."""
    count = service.tasks.core()
    here: Path = ("services", name, "scaling")
    if (
        service.scaling.core().on
        and count.minimum == count.maximum
        and not service.scaling.scheduled
    ):
        yield Problem(
            here,
            f"{dotted(here)}: there is nothing to scale",
            f"min and max of tasks are both {count.minimum}",
            "raise `max` of `tasks`, or leave `scaling` out",
        )
    yield from _scheduled(here, service)
    for number, policy in enumerate(service.scaling.policies):
        alarm = app.alarms.get(policy.Alarm or "")
        path = (*here, "policies", number, "Alarm")
        if policy.Alarm and alarm is None:
            near = nearest(policy.Alarm, app.alarms)
            yield Problem(
                path,
                f"{dotted(path)}: there is no alarm {policy.Alarm}",
                f"the app's alarms are {', '.join(app.alarms) or 'none'}",
                f"did you mean `{near}`?" if near else "write it under `alarms`",
            )
        elif alarm and alarm.service not in (None, name):
            yield Problem(
                path,
                f"{dotted(path)}: {policy.Alarm} watches {alarm.service}",
                f"a policy of {name} hangs on an alarm of {name}",
                f"write `service: {name}` there, or make another alarm",
            )


def _scheduled(here: Path, service: ServiceKeys) -> Iterator[Problem]:
    """A scheduled bound goes together with the bounds that it leaves, those of `tasks`."""
    count, actions = service.tasks.core(), service.scaling.scheduled
    bounds = [action.ScalableTargetAction for action in actions]
    highest = max([count.maximum, *(one.MaxCapacity or 0 for one in bounds)])
    lowest = min([count.minimum, *(one.MinCapacity or count.minimum for one in bounds)])
    for number, one in enumerate(bounds):
        path: Path = (*here, "scheduled", number, "ScalableTargetAction")
        if one.MaxCapacity is None and (one.MinCapacity or 0) > highest:
            cause = f"MinCapacity {one.MinCapacity} is more than the most, {highest}"
            remedy = "write MaxCapacity beside it, or raise `max` of `tasks`"
        elif one.MinCapacity is None and (one.MaxCapacity or lowest) < lowest:
            cause = f"MaxCapacity {one.MaxCapacity} is less than the least, {lowest}"
            remedy = "write MinCapacity beside it, or lower `min` of `tasks`"
        else:
            continue
        yield Problem(path, f"{dotted(path)}: what it says does not go together", cause, remedy)
