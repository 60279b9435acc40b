"""Puts the scanner of an app together, and what refreshes its data."""

import sys

from docker import DockerClient

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
from tidegate.scan.inventory import LayerCache

UPDATE = (sys.executable, "-P", "-m", "tidegate", "advisories", "update")


def refresher(settings: Settings) -> Refresher:
    """What brings the user's advisories in by itself."""
    return Refresher(LocalAdvisories(settings.root), UPDATE, settings.refresh_ms, unix_ms)


def scanner(
    home: Home, client: DockerClient, settings: Settings, bringing: Refresher
) -> LocalScanner:
    """The port `Scanner` of an app, with its evidence and its cache of layers below its home."""
    advisories = LocalAdvisories(settings.root)
    assessor = Assessor(advisories, SecuritySuites.of(settings), bringing.bring)
    return LocalScanner(
        client.api, Evidence(home.evidence), LayerCache(home.layers), assessor, unix_ms
    )
