"""Which service a request is for: the longest path wins, and headers before none on one path.

A path that no header rule concerns costs one look into a map. The others are marked `?1`, `?2` …
in the map, and the rules for their headers stand in the configuration.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tidegate.core.model import Header, Service
from tidegate.local.haproxy.quoting import map_key, quoted, word

_SERVICES = "map_str(services.map)"


@dataclass(frozen=True, slots=True)
class Choice:
    """The service for requests that carry all these headers."""

    service: str
    headers: tuple[Header, ...]


@dataclass(frozen=True, slots=True)
class PathRules:
    """`map` is the text of the map of paths; `choices` the candidates of each marked path."""

    map: str
    choices: tuple[tuple[Choice, ...], ...]

    def look(self, name: str) -> str:
        """What finds the request's path in the map of this name.

        `/cats` itself lies below `/cats/` only with a slash more; below `/` lies every path.
        """
        slash = "" if self.map.startswith("/ ") and self.map.count("\n") == 1 else ",concat(/)"
        return f"path{slash},map_beg({name})"

    def always(self, routes_name: str) -> list[str]:
        """The rules that set `txn.to` from the request's path and headers."""
        find = self.look(routes_name)
        lines = [f"  http-request set-var(txn.to) {find},{_SERVICES}"]
        if self.choices:
            missing = "unless { var(txn.to) -m found }"
            lines.append(f"  http-request set-var(txn.service) {find} {missing}")
            for number, choices in enumerate(self.choices, 1):
                lines += [_choose(number, choice) for choice in choices]
            lines.append(f"  http-request set-var(txn.to) var(txn.service),{_SERVICES} {missing}")
        return lines


def path_rules(services: Iterable[Service]) -> PathRules:
    """The map and the header rules of all routes.

    A path stands for itself and what lies below it: `/cats` holds `/cats` and `/cats/1`, not
    `/catsup`. Raises `SetupError` TG226 for a path or header that HAProxy cannot be given.
    """
    by_path: dict[str, list[Choice]] = {}
    for service in services:
        for route in service.routes:
            key = map_key(route.path.rstrip("/") + "/")
            by_path.setdefault(key, []).append(Choice(service.name, route.headers))
    lines: list[str] = []
    marked: list[tuple[Choice, ...]] = []
    for path in by_path:
        choices = _choices(path, by_path)
        if not choices[0].headers:
            lines.append(f"{path} {word(choices[0].service)}\n")
        else:
            marked.append(choices)
            lines.append(f"{path} ?{len(marked)}\n")
    return PathRules("".join(lines), tuple(marked))


def _choices(path: str, by_path: dict[str, list[Choice]]) -> tuple[Choice, ...]:
    """The candidates for a path, first match wins, down to the first one that takes any request."""
    found: list[Choice] = []
    holding = sorted((p for p in by_path if path.startswith(p)), key=len, reverse=True)
    for one in holding:
        for choice in sorted(by_path[one], key=lambda c: -len(c.headers)):
            found.append(choice)
            if not choice.headers:
                return tuple(found)
    return tuple(found)


def _choose(number: int, choice: Choice) -> str:
    """The rule that takes a marked request to a service, if it carries the headers."""
    conditions = [f"{{ var(txn.service) -m str ?{number} }}"]
    conditions += [
        f"{{ req.fhdr({word(h.name)}) -m str {quoted(h.value)} }}" for h in choice.headers
    ]
    service = f"str({word(choice.service)})"
    return f"  http-request set-var(txn.service) {service} if {' '.join(conditions)}"
