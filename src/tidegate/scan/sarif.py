"""A report as SARIF 2.1.0, which code-scanning pages and editors show.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; the property
`security-severity` is GitHub's.
"""

import hashlib
from typing import Any
from urllib.parse import quote

from tidegate.core.findings import Finding, ScanReport, Severity

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning"}
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.NEGLIGIBLE: "0.1",
}
"""The middle of each level of CVSS 3.1; UNKNOWN has none."""

Json = dict[str, Any]


def sarif(report: ScanReport, name: str, version: str) -> Json:
    """The log of one run over the image called `name`, by Tidegate of this version."""
    found = report.findings or ()
    first = {finding.id: finding for finding in reversed(found)}
    ids = sorted(first)
    run: Json = {
        "tool": {
            "driver": {
                "name": "Tidegate",
                "version": version,
                "rules": [_rule(first[id]) for id in ids],
            }
        },
        "invocations": [_invocation(report)],
        "artifacts": [{"location": {"uri": quote(name, safe="/:@")}}],
        "properties": {"image": report.digest, "data": report.data, "packages": report.packages},
        "results": [_result(finding, ids.index(finding.id)) for finding in found],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _invocation(report: ScanReport) -> Json:
    texts = [report.note] if report.findings is None else []
    notices = [("error", text) for text in (*texts, *report.unknown)]
    notices += [("warning", text) for text in report.warnings]
    return {
        "executionSuccessful": report.findings is not None,
        "toolExecutionNotifications": [
            {"level": level, "message": {"text": text}} for level, text in notices
        ],
    }


def _rule(finding: Finding) -> Json:
    score = _SCORES.get(finding.severity)
    tags = ["security", "vulnerability", *(["exploited"] if finding.exploited else [])]
    return {
        "id": finding.id,
        "shortDescription": {"text": f"{finding.id} in {finding.package}"},
        "help": {"text": f"Also known as: {', '.join(finding.aliases) or 'no other name'}."},
        "defaultConfiguration": {"level": _LEVELS.get(finding.severity, "note")},
        "properties": {"tags": tags, **({"security-severity": score} if score else {})},
    }


def _result(finding: Finding, rule: int) -> Json:
    fixed = f"fixed in {finding.fixed_version}" if finding.fixed_version else "no fix is known"
    place = finding.origin.path or finding.package
    text = f"{finding.package} {finding.version}: {finding.id} ({finding.severity}), {fixed}"
    return {
        "ruleId": finding.id,
        "ruleIndex": rule,
        "level": _LEVELS.get(finding.severity, "note"),
        "message": {"text": text},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": quote(place, safe="/!@+")}},
                "logicalLocations": [{"fullyQualifiedName": finding.purl or finding.package}],
            }
        ],
        "partialFingerprints": {"findingInPackage/v1": _fingerprint(finding, place)},
        "properties": {
            "fixedVersion": finding.fixed_version or "",
            "layer": finding.origin.layer,
            "step": finding.origin.step,
            "ofBase": finding.origin.base,
            "epss": finding.epss,
        },
    }


def _fingerprint(finding: Finding, place: str) -> str:
    """The same for the same finding in the same place, whatever the version."""
    text = "\0".join((finding.id, finding.package, place))
    return hashlib.sha256(text.encode()).hexdigest()
