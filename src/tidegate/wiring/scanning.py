"""Puts the scanner of an app together, and what refreshes its data."""

import sys
from collections.abc import Callable

from docker import DockerClient

from tidegate.core.model import GatePolicy
from tidegate.local.clock import unix_ms
from tidegate.local.home import Home
from tidegate.local.scanning import (
    Assessor,
    Evidence,
    LocalAdvisories,
    LocalScanner,
    Refresher,
    Settings,
)
from tidegate.local.scanning.apt import SecuritySuites
from tidegate.scan.adapters.choose import Means
from tidegate.scan.inventory import LayerCache
from tidegate.wiring.chosen import Chosen

UPDATE = (sys.executable, "-P", "-m", "tidegate", "advisories", "update")


def refresher(settings: Settings) -> Refresher:
    """What brings the user's advisories in by itself."""
    return Refresher(LocalAdvisories(settings.root), UPDATE, settings.refresh_ms, unix_ms)


def scanner(
    home: Home,
    client: DockerClient,
    settings: Settings,
    bringing: Refresher,
    policy: Callable[[], GatePolicy] = GatePolicy,
) -> LocalScanner:
    """The port `Scanner` of an app, with its evidence and its cache of layers below its home.

    `policy` is asked at each scan which scanner is to judge.
    """
    advisories = LocalAdvisories(settings.root)
    assessor = Assessor(advisories, SecuritySuites.of(settings), bringing.bring)
    judge = Chosen(policy, assessor, Means(client.api, home.layers.parent / "exported"))
    return LocalScanner(
        client.api, Evidence(home.evidence), LayerCache(home.layers), judge, unix_ms
    )
