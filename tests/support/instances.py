"""An app whose tasks run on instances, and what one asks of them."""

from pathlib import Path
from typing import Any

from tests.support.shop import FAST, Shop
from tidegate.api.client import Client
from tidegate.core.instance import InstancePhase
from tidegate.engine.codec import plain

_FILE = Path(__file__).parents[2] / "examples" / "catsndogs" / "variants" / "instances.yaml"
ON_INSTANCES = {**FAST, "app: catsndogs\n": f"app: catsndogs\n\n{_FILE.read_text()}"}
"""What to change in the example's app file."""

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
