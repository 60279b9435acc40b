"""The status of the whole app in the account: the same view as on one machine."""

from collections.abc import Iterable, Mapping
from typing import Any

from tidegate.aws import holding
from tidegate.aws.account import Account
from tidegate.aws.names import Names, PlatformOutput
from tidegate.aws.names import ServiceOutput as Out
from tidegate.aws.reading import deployments, executions
from tidegate.aws.reading.alarms import GONE, described
from tidegate.aws.reading.groups import groups_of, releases_in, serving
from tidegate.aws.reading.service import Place, ServiceSeen, look, ms
from tidegate.aws.traffic import Group, dimension_of, minutes
from tidegate.core.decision import AlarmState
from tidegate.core.errors import TidegateError
from tidegate.core.metrics import Second
from tidegate.core.model import App, Colour
from tidegate.engine.views.executions import ExecutionView
from tidegate.engine.views.status import AlarmView, ServiceView, StatusView

RECENT_MS = 600_000
"""How far back traffic is counted while nothing shifts: ALB publishes minutes, and late."""


def status(account: Account, app: App, places: tuple[Place, ...], now: int) -> StatusView:
    """Where everything stands. What cannot be read of one service is told as trouble."""
    views: list[ServiceView] = []
    running: list[ExecutionView] = []
    trouble: list[str] = []
    for place in places:
        try:
            views.append(service(account, app, look(account, place), now))
            found = executions.executions(account, place, 3)
            running += [one for one in found if one.outcome is None]
        except TidegateError as error:
            trouble.append(f"{place.service}: {error.what}: {error.cause}")
    url = places[0].platform.get(PlatformOutput.URL, "") if places else ""
    moving = [one.name for one in views if one.deployment]
    reason = f"moving: {', '.join(moving)}" if moving else "nothing moves"
    return StatusView(
        app.name if places else "",
        now,
        now * 10,
        url,
        tuple(views),
        tuple(running),
        reason,
        "; ".join(trouble),
    )


def service(account: Account, app: App, seen: ServiceSeen, now: int) -> ServiceView:
    """One service as it stands."""
    place = seen.place
    since = now - RECENT_MS
    if seen.moving:
        since = ms(seen.moving.get("startedAt") or seen.moving["createdAt"])
    traffic = traffic_of(account, place, since, now)
    settings = app.service(place.service)
    url = place.platform.get(PlatformOutput.URL, "")
    path = settings.routes[0].path if settings else ""
    by = None
    if seen.moving:
        name = deployments.id_of(seen.moving)
        by = holding.held_by(account, Names(app.name).services_path, place.service, name)
    return ServiceView(
        place.service,
        url.rstrip("/") + path if url else "",
        releases_in(seen)[0],
        (serving(seen) or Colour.BLUE).value,
        int(seen.ecs.get("desiredCount", 0)),
        groups_of(seen, traffic, since),
        deployments.view(seen, by),
        None,
        alarms(account, place.list_of(Out.ALARM_NAMES)),
    )


def traffic_of(
    account: Account, place: Place, since: int, now: int
) -> dict[Colour, tuple[Second, ...]] | None:
    """What both groups answered, minute by minute, or None when CloudWatch cannot be read."""
    balancer = place.platform[PlatformOutput.LOAD_BALANCER_FULL_NAME]
    groups = {c.value: Group(balancer, dimension_of(place.group_arn(c))) for c in Colour}
    try:
        found = minutes(account, groups, since, now)
    except TidegateError:
        return None  # the view says "traffic unknown"
    return {colour: found[colour.value] for colour in Colour}


def alarms(account: Account, names: Iterable[str]) -> tuple[AlarmView, ...]:
    """The service's alarms as CloudWatch has them; one that is gone is INSUFFICIENT_DATA."""
    wanted = list(names)
    known = described(account, wanted)
    return tuple(_alarm(name, known.get(name)) for name in wanted)


def _alarm(name: str, one: Mapping[str, Any] | None) -> AlarmView:
    if one is None:
        return AlarmView(name, AlarmState.INSUFFICIENT_DATA.value, None, GONE)
    since = ms(one.get("StateTransitionedTimestamp") or one.get("StateUpdatedTimestamp"))
    return AlarmView(name, one["StateValue"], since or None, str(one.get("StateReason", "")))
