"""Puts the scanner together: for the daemon of one app, and for `tidegate scan` alone."""

import sys
import time
from collections.abc import Callable

from docker import DockerClient

from tidegate.local.home import Home
from tidegate.local.scanning import (
    Assessor,
    Evidence,
    LocalAdvisories,
    LocalScanner,
    Refresher,
    Settings,
)
from tidegate.local.scanning.apt import Apt, SecuritySuites
from tidegate.scan.inventory import LayerCache

UPDATE = (sys.executable, "-m", "tidegate", "advisories", "update")


def refresher(settings: Settings, now: Callable[[], int]) -> Refresher:
    """What brings the user's advisories in by itself; `now` tells the time in ms."""
    return Refresher(LocalAdvisories(settings.root), UPDATE, settings.refresh_ms, now)


def scanner(
    home: Home, client: DockerClient, settings: Settings, bringing: Refresher
) -> LocalScanner:
    """The port `Scanner` of an app, with its evidence and its cache of layers below its home."""
    advisories = LocalAdvisories(settings.root)
    assessor = Assessor(advisories, suites(settings), bringing.bring)
    return LocalScanner(
        client.api, Evidence(home.evidence), LayerCache(home.layers), assessor, unix_ms
    )


def assessor(settings: Settings) -> Assessor:
    """What judges an inventory without a daemon: by what is here, and nothing is fetched."""
    return Assessor(LocalAdvisories(settings.root), suites(settings))


def suites(settings: Settings) -> SecuritySuites:
    """The distributions' own security indexes, by way of this machine's apt."""
    return SecuritySuites(Apt(settings.root / "apt", settings.keyrings, settings.apt))


def unix_ms() -> int:
    """This machine's time (ms)."""
    return time.time_ns() // 1_000_000
