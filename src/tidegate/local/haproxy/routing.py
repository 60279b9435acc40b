"""How a service's routing is written in HAProxy's map `services.map`: one entry, one change.

shop shop-blue                                   all traffic to blue, no tests: HAProxy looks no
                                                 further
shop shift:2500:shop-blue:shop-green:shop-green  25 % to green, the rest to blue; tests reach green
shop shift:0:shop-blue:shop-green:-              all to blue, but the rules of a shift are on; tests
                                                 reach neither
"""

from collections.abc import Mapping

from tidegate.core.model import ALL_BP, Colour
from tidegate.core.seen import Routing

SHIFT = "shift:"
TEST = "test:"
"""What stands before the target group in the line of a request of the test listener."""


_COLOURS = {str(colour): colour for colour in Colour}


def group(service: str, colour: Colour) -> str:
    """The name of a target group: HAProxy's backend."""
    return f"{service}-{colour}"


def of_group(name: str) -> tuple[str, Colour] | None:
    """The service and colour of a backend's name, or None when it is no target group."""
    service, _, colour = name.rpartition("-")
    return (service, _COLOURS[colour]) if service and colour in _COLOURS else None


def value(routing: Routing) -> str:
    """The map entry of a routing."""
    if routing.test is None and routing.green_bp in (0, ALL_BP):
        return group(routing.service, Colour.GREEN if routing.green_bp else Colour.BLUE)
    blue, green = (group(routing.service, colour) for colour in Colour)
    test = group(routing.service, routing.test) if routing.test else "-"
    return f"{SHIFT}{routing.green_bp}:{blue}:{green}:{test}"


def routing(service: str, entry: str) -> Routing:
    """The routing of a map entry, also of one that names no groups, as versions before did."""
    if not entry.startswith(SHIFT):
        return Routing(service, ALL_BP if entry == group(service, Colour.GREEN) else 0)
    _, green_bp, *_, test = entry.split(":")
    colour = test.rpartition("-")[2]
    return Routing(service, int(green_bp), Colour(colour) if colour else None)


def read_map(text: str) -> dict[str, str]:
    """The entries of a map file."""
    return dict(line.split(" ", 1) for line in text.splitlines() if line)


def map_text(entries: Mapping[str, str]) -> str:
    """The file of these entries."""
    return "".join(f"{key} {entry}\n" for key, entry in entries.items())
