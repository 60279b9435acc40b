"""What HAProxy's workers hold, in the words of `core.seen`."""

from tidegate.core.seen import Routing, Target
from tidegate.local.haproxy.routing import of_group, routing
from tidegate.local.haproxy.tables import Look


def targets(look: Look) -> tuple[Target, ...]:
    """The targets of the serving worker, and those that only an old one is still busy with."""
    found = []
    keys = dict.fromkeys(key for worker in look.workers for key in worker.targets)
    for key in keys:
        place = of_group(key[0])
        held = look.serving.targets.get(key)
        active = look.active(key)
        out = held is None or held.retired
        if place and (active or not out):
            draining = held is None or held.retired or held.draining
            found.append(Target(place[0], place[1], key[1], draining, active))
    return tuple(found)


def routings(look: Look) -> dict[str, Routing]:
    """The split of each service that the serving worker has target groups for."""
    served = {place[0] for name in look.serving.groups if (place := of_group(name))}
    return {name: routing(name, entry) for name, entry in look.services.items() if name in served}
