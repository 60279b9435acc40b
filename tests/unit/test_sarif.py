"""SARIF 2.1.0: what its schema demands of what we write (no copy of the schema is at hand)."""

import json
from typing import Any

import jsonschema
import pytest

from tidegate.core.findings import Finding, Origin, ScanReport, Severity
from tidegate.scan.sarif import sarif

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
URI = {"type": "string", "pattern": "^[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+$"}
RULE = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "shortDescription": TEXT,
        "help": TEXT,
        "defaultConfiguration": {"properties": {"level": LEVEL}},
    },
}
ARTIFACT = {"type": "object", "properties": {"artifactLocation": {"properties": {"uri": URI}}}}
RESULT = {
    "type": "object",
    "required": ["message"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": -1},
        "level": LEVEL,
        "message": TEXT,
        "locations": {"items": {"properties": {"physicalLocation": ARTIFACT}}},
        "partialFingerprints": {"additionalProperties": {"type": "string"}},
    },
}
INVOCATION = {"type": "object", "required": ["executionSuccessful"]}
RUN = {
    "type": "object",
    "required": ["tool"],
    "properties": {
        "tool": {
            "required": ["driver"],
            "properties": {
                "driver": {
                    "required": ["name"],
                    "properties": {"rules": {"uniqueItems": True, "items": RULE}},
                }
            },
        },
        "results": {"type": "array", "items": RESULT},
        "invocations": {"items": INVOCATION},
    },
}
RULES: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {"version": {"const": "2.1.0"}, "runs": {"type": "array", "items": RUN}},
}
"""The parts of the specification that a reader stands on."""

BAD = Finding(
    "CVE-2024-1",
    "flask",
    "1.0",
    Severity.CRITICAL,
    "2.0",
    ("GHSA-1",),
    "pkg:pypi/flask@1.0",
    exploited=True,
    origin=Origin("app/my env/METADATA", "sha256:11", "RUN pip install", False),
)
TWICE = Finding("CVE-2024-1", "jinja", "1.0", Severity.UNKNOWN)


def log(*findings: Finding, **more: Any) -> dict[str, Any]:
    made = sarif(ScanReport("sha256:ee", findings, **more), "my app:1", "0.1.0")
    jsonschema.validate(json.loads(json.dumps(made)), RULES)
    run: dict[str, Any] = made["runs"][0]
    return run


def test_a_finding_is_a_result_of_its_rule_at_its_place() -> None:
    run = log(BAD, TWICE)
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["CVE-2024-1"]
    first, second = run["results"]
    assert [result["ruleIndex"] for result in run["results"]] == [0, 0]
    assert (first["level"], second["level"]) == ("error", "note")
    assert first["message"]["text"] == "flask 1.0: CVE-2024-1 (CRITICAL), fixed in 2.0"
    place = first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert place == "app/my%20env/METADATA"
    assert first["partialFingerprints"] != second["partialFingerprints"]
    assert rules[0]["properties"] == {
        "tags": ["security", "vulnerability", "exploited"],
        "security-severity": "9.5",
    }


def test_the_fingerprint_survives_an_upgrade_that_does_not_help() -> None:
    from dataclasses import replace

    newer = replace(BAD, version="1.1", fixed_version="2.1")
    one, other = log(BAD)["results"][0], log(newer)["results"][0]
    assert one["partialFingerprints"] == other["partialFingerprints"]


@pytest.mark.parametrize("word", ["unknown", "warnings"])
def test_what_is_not_known_is_a_notification(word: str) -> None:
    (notice,) = log(**{word: ("no data on npm",)})["invocations"][0]["toolExecutionNotifications"]
    assert notice["message"]["text"] == "no data on npm"
    assert notice["level"] == {"unknown": "error", "warnings": "warning"}[word]


def test_no_data_is_no_successful_execution() -> None:
    run = sarif(ScanReport("sha256:ee", None, "no data"), "a", "0.1.0")["runs"][0]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert run["results"] == []
