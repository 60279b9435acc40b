"""How each service's traffic is meant to flow now, and the actions that make it so.

The wanted routing follows from the progress alone, so a lost or repeated change mends itself.
"""

from tidegate.core.decision import Action, ApplyListener, ApplyRouting, Decision
from tidegate.core.model import ALL_BP, App, Colour, LifecycleStage, Route
from tidegate.core.progress import Deployment, Progress
from tidegate.core.seen import Routing, Seen

_TESTED = tuple(LifecycleStage)[tuple(LifecycleStage).index(LifecycleStage.TEST_TRAFFIC_SHIFT) :]


def wanted_routing(progress: Progress, service: str) -> Routing:
    """The split that the service should have: stable's colour, less what the candidate has."""
    known = progress.services[service]
    deployment = progress.deployment_of(service)
    if deployment is None or deployment.promoted:
        return _split(service, known.colour, ALL_BP, None)
    return _split(service, deployment.colour, candidate_bp(deployment), _test_colour(deployment))


def candidate_bp(deployment: Deployment) -> int:
    """The candidate's share of traffic. Without a stable release there is nobody else to ask."""
    return ALL_BP if deployment.stable is None else deployment.weight_bp


def settled(progress: Progress, seen: Seen, service: str) -> bool:
    """Whether the balancer is observed to route the service as it should.

    A service that is gone from the app file should be in the balancer no more.
    """
    if seen.balancer is None:
        return False
    held = seen.balancer.routing.get(service)
    if progress.app is None or progress.app.service(service) is None:
        return held is None
    return held == wanted_routing(progress, service)


def listener_key(app: App) -> str:
    """One text for all that the balancer's configuration takes from the app file."""
    services = [
        (s.name, [_route_key(route) for route in s.routes], s.sticky, s.retry_unsafe)
        for s in app.services
    ]
    listener = app.listener
    ports = (listener.address, listener.port, listener.test_port, listener.test_header)
    return repr((services, ports, listener.certificate))


def decide(progress: Progress, seen: Seen) -> Decision:
    """Bring the balancer's listener and weights to what they should be."""
    if progress.app is None:
        return Decision()
    actions: list[Action] = []
    if seen.balancer is None or seen.balancer.listener != listener_key(progress.app):
        actions.append(ApplyListener(progress.app))
    for service in progress.app.services:
        wanted = wanted_routing(progress, service.name)
        held = seen.balancer.routing.get(service.name) if seen.balancer else None
        if held != wanted and not _strangers_serve(progress, seen, wanted):
            actions.append(ApplyRouting(wanted))
    return Decision(tuple(actions))


def _strangers_serve(progress: Progress, seen: Seen, wanted: Routing) -> bool:
    """Whether only tasks that the journal does not know serve, and `wanted` would leave them.

    So it is when a journal was cut at its damage: they serve until ours can.
    """
    targets = seen.balancer.targets if seen.balancer else ()
    ready = [t for t in targets if t.service == wanted.service and not t.draining]
    known = any(t.task in progress.tasks for t in ready)
    return bool(ready) and not known and not any(wanted.weight_bp(t.colour) for t in ready)


def _route_key(route: Route) -> tuple[str, list[tuple[str, str]]]:
    return route.path, [(header.name, header.value) for header in route.headers]


def _split(service: str, colour: Colour, weight_bp: int, test: Colour | None) -> Routing:
    green_bp = weight_bp if colour is Colour.GREEN else ALL_BP - weight_bp
    return Routing(service, green_bp, test)


def _test_colour(deployment: Deployment) -> Colour | None:
    open_to_tests = deployment.stage in _TESTED and deployment.rollback is None
    return deployment.colour if open_to_tests else None
