"""Apps, services, releases and seconds of traffic, and a progress folded out of events."""

from typing import Any

from tidegate.core import decision as d
from tidegate.core.fold import advance_all
from tidegate.core.metrics import Second, bucket_of
from tidegate.core.model import (
    Alarm,
    App,
    DeploymentPolicy,
    Release,
    Service,
    TaskCount,
)
from tidegate.core.progress import Progress
from tidegate.core.traffic import all_at_once, linear

T0 = 1_700_000_000_000
ERRORS = Alarm("errors", "ErrorPercent", threshold=2, period_ms=2_000)
QUARTERS = linear(2_500, 2_000)
AT_ONCE = all_at_once()


def service(name: str = "cats", count: int = 4, **policy: Any) -> Service:
    """A service of `count` tasks (1 to 10 allowed) that shifts by quarters every two seconds."""
    deployment = DeploymentPolicy(**{"shift": QUARTERS, "bake_ms": 5_000, **policy})
    return Service(name, count=TaskCount(1, count, 10), deployment=deployment)


def app_of(*services: Service, **changes: Any) -> App:
    """An app named shop, with a cats service unless it is given others."""
    return App("shop", services or (service(),), **changes)


def fold(*events: d.Event, at: int = T0) -> Progress:
    """Where everything stands after these events, all at one time."""
    return advance_all(Progress(), events, at)


def release(number: int, of: Service, digest: str = "", verdict: str = "passed") -> Release:
    """A release of the service, judged and passed unless said otherwise."""
    return Release(number, of, digest or f"sha256:{of.name}{number}", "c0ffee", "e1", verdict, T0)


def second(at_ms: int, requests: int, errors: int = 0, latency_ms: float = 10) -> Second:
    """One second of traffic, all of it equally slow."""
    latency = ((bucket_of(int(latency_ms * 1000)), requests),)
    return Second(at_ms, requests, errors, latency, ((2, requests - errors), (5, errors)))
