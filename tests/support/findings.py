"""Findings, reports and waivers, as short as a test wants them."""

from typing import Any

from tests.support.builders import T0
from tidegate.core.findings import Finding, ScanReport, Severity
from tidegate.core.model import DAY_MS, Waiver

IMAGE, RUNNING = "sha256:new", "sha256:running"
DATA = "sha256:data"


def finding(id: str = "CVE-1", severity: str = "HIGH", **changes: Any) -> Finding:
    """A finding in openssl that a newer version mends."""
    fields = {"package": "openssl", "version": "3.0.1", "fixed_version": "3.0.2", **changes}
    return Finding(id, severity=Severity(severity), **fields)


def report(*findings: Finding, **changes: Any) -> ScanReport:
    """A report on the new image, on data of today."""
    fields = {"digest": IMAGE, "findings": findings, "data": DATA, "data_at": T0, **changes}
    return ScanReport(**fields)


def waiver(id: str = "CVE-1", days: int | None = 30, **changes: Any) -> Waiver:
    """A waiver of ann's that counts for so many days more; None: without an end."""
    until = None if days is None else T0 + days * DAY_MS
    return Waiver(id, **{"reason": "not reachable", "owner": "ann", "until": until, **changes})
