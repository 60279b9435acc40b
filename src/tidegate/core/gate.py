"""The scan gate: findings and policy in, a verdict out.

No findings data is UNKNOWN, never a pass, and UNKNOWN does not run.
"""

from collections import Counter
from collections.abc import Mapping

from tidegate.core.decision import VerdictKind
from tidegate.core.model import GateMode, GatePolicy
from tidegate.core.seen import ScanReport

MAY_RUN = frozenset({VerdictKind.PASSED, VerdictKind.OFF})


def judge(
    policy: GatePolicy, digest: str, reports: Mapping[str, ScanReport]
) -> tuple[VerdictKind, str]:
    """The verdict on the image `digest`, and why, from the scanner's reports by digest."""
    if policy.mode is GateMode.OFF:
        return VerdictKind.OFF, "the app file says gate: off; nothing was judged"
    report = reports.get(digest)
    if report is None:
        return VerdictKind.UNKNOWN, f"no scan report for {digest}"
    if report.findings is None:
        why = report.note or "the scanner had no data"
        return VerdictKind.UNKNOWN, f"nothing is known of this image: {why}"
    counts = Counter(finding.severity.value for finding in report.findings)
    over = [
        f"{counts[severity]} {severity} (limit {limit})"
        for severity, limit in policy.limits
        if counts[severity] > limit
    ]
    if over:
        return VerdictKind.REFUSED, f"too many findings: {', '.join(over)}"
    found = ", ".join(f"{n} {severity}" for severity, n in sorted(counts.items()))
    return VerdictKind.PASSED, f"within the limits: {found or 'no findings'}"
