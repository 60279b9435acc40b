"""The short way of a request: while nothing shifts, its path alone names its target group.

Each path stands in two maps of the worker: with its service, and, once settled, with the group that
has all of the service's traffic. A server that takes no traffic says which of the two ways is taken
(`parts`). A worker begins and ends unsettled, and each change unsettles it first: whatever breaks
off in between costs later requests some time, never their target. All is read from the worker.
"""

import re
from collections.abc import Iterator, Mapping

from tidegate.local.haproxy.routing import SHIFT

UNSETTLE = "set server settled/all state maint"
SETTLE = "set server settled/all state ready"
_OF_GROUPS = re.compile(r"\(\./(routes-\w+\.map)\)")


def of_groups(routes_name: str) -> str:
    """The name of the map of groups: the same file as the map of services, named another way."""
    return f"./{routes_name}"


def routes_name(maps: str) -> str | None:
    """The map of services, by the answer to `show map`; None when paths alone do not decide."""
    found = _OF_GROUPS.search(maps)
    return found and found[1]


def changes(
    held: Mapping[str, tuple[str, str]], routes: Mapping[str, str], services: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """What the map of groups must still learn: the place of an entry, and its group.

    `held` has the place and value of each path, `routes` its service, `services` where the traffic
    of each service goes (`routing`).
    """
    for path, (place, value) in held.items():
        group = services[routes[path]]
        if value != group:
            yield place, group


def shifts(services: Mapping[str, str]) -> bool:
    """Whether any service's traffic is to be drawn for, or has tests."""
    return any(entry.startswith(SHIFT) for entry in services.values())
