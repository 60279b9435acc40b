"""The priority of a service's listener rule. Pure.

A service that comes or goes must not renumber the others': CloudFormation would then write their
rules again, weights included, while traffic may stand elsewhere. So the number is made of the
service alone: the longer its path, the earlier; with headers before without; then by its name.
Only of two that come to the same number the later by name takes the next one.
"""

import zlib

from tidegate.core.model import App, Service

_LONGEST, _ROOM = 97, 250


def priority(app: App, service: Service) -> int:
    """A number from 1 to 49,500 that no other service of the app has."""
    taken: dict[int, str] = {}
    for one in sorted(app.services, key=lambda s: s.name):
        number = _wanted(one)
        while number in taken:
            number = _band(one) + (number - _band(one) + 1) % _ROOM
        taken[number] = one.name
    return next(number for number, name in taken.items() if name == service.name)


def _wanted(service: Service) -> int:
    return _band(service) + zlib.crc32(service.name.encode()) % _ROOM


def _band(service: Service) -> int:
    """The first number of services that are as specific as this one."""
    length = min(_LONGEST, max(len(route.path) for route in service.routes))
    plain = not any(route.headers for route in service.routes)
    return 1 + (_LONGEST - length) * 2 * _ROOM + plain * _ROOM
