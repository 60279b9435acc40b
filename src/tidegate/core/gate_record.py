"""What is kept of a judgement: bounded grounds for the journal, and the digest of the policy."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from functools import lru_cache

from tidegate.core.findings import Finding, ScanReport, Severity
from tidegate.core.gate import Judgement
from tidegate.core.grounds import Grounds, Treatment
from tidegate.core.model import GatePolicy

MOST_WEIGHED = 50
"""So many findings of an image go to the journal, those that counted first."""


def grounds(policy: GatePolicy, report: ScanReport | None, judgement: Judgement) -> Grounds:
    """What goes to the journal with the verdict: bounded, what counted first."""
    order = list(Treatment)
    weighed = sorted(judgement.weighed, key=lambda one: order.index(one.treatment))
    return Grounds(
        _by_severity(one.finding for one in judgement.weighed),
        _by_severity(judgement.of(Treatment.COUNTED)),
        tuple(weighed[:MOST_WEIGHED]),
        len(weighed[MOST_WEIGHED:]),
        tuple(w.id for w in judgement.waived),
        tuple(w.id for w in judgement.expired),
        tuple(w.id for w in judgement.unused),
        judgement.warnings,
        judgement.compared,
        report.data if report else "",
        report.data_at if report else None,
        report.scanner if report else "",
        policy_digest(policy),
        report.sbom if report else "",
        judgement.holds_until,
        judgement.then,
    )


def _by_severity(findings: Iterable[Finding]) -> tuple[tuple[str, int], ...]:
    number = Counter(finding.severity for finding in findings)
    return tuple((severity.value, number[severity]) for severity in Severity if number[severity])


@lru_cache(maxsize=64)
def policy_digest(policy: GatePolicy) -> str:
    """The policy, waivers included, by its content: equal policies have equal digests."""
    text = json.dumps(asdict(policy), sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
