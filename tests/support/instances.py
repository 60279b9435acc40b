"""What one asks of the instances that the example app runs on."""

from typing import Any

from tests.support.shop import Shop
from tidegate.api.client import Client
from tidegate.core.instance import InstancePhase
from tidegate.core.plain import plain

_LEAVING = (InstancePhase.DRAINING, InstancePhase.TERMINATING)


def capacity(shop: Shop) -> Any:
    """What the daemon says of its capacity."""
    return plain(Client(shop.home).capacity())


def spot(shop: Shop) -> list[str]:
    """The spot instances that are ready and have tasks."""
    known = capacity(shop)["instances"]
    return [i["id"] for i in known if i["kind"] == "spot" and i["phase"] == "ready" and i["tasks"]]


def leaving(shop: Shop) -> list[str]:
    """Instances that are on their way out, or have a deadline."""
    return [i["id"] for i in capacity(shop)["instances"] if i["phase"] in _LEAVING]
