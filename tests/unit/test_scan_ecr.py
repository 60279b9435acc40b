"""ECR's findings as a scan report: every status, both kinds of scanning, and nothing by silence."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.findings import Finding, Origin, ScanReport, Severity
from tidegate.scan.adapters import ecr
from tidegate.scan.adapters.ecr import Wait, refusal, report

boto3 = pytest.importorskip("boto3", reason="needs the extra `aws`")
moto = pytest.importorskip("moto", reason="needs moto")

DIGEST = f"sha256:{'a' * 64}"
WHEN = datetime(2026, 11, 1, 12, tzinfo=UTC)
WHEN_MS = int(WHEN.timestamp() * 1_000)
STATUSES = (
    *("IN_PROGRESS", "COMPLETE", "FAILED", "UNSUPPORTED_IMAGE", "ACTIVE", "PENDING"),
    *("SCAN_ELIGIBILITY_EXPIRED", "FINDINGS_UNAVAILABLE", "LIMIT_EXCEEDED", "IMAGE_ARCHIVED"),
    *("IMAGE_SIZE_EXCEEDED", "", "SOMETHING_NEW"),
)
BASIC: dict[str, Any] = {
    "name": "CVE-2026-1000",
    "severity": "HIGH",
    "uri": "https://advisories.example/CVE-2026-1000",
    "attributes": [
        {"key": "package_name", "value": "openssl"},
        {"key": "package_version", "value": "3.0.11-1~deb12u1"},
    ],
}
ENHANCED: dict[str, Any] = {
    "findingArn": "arn:aws:inspector2:eu-central-1:111122223333:finding/1",
    "severity": "CRITICAL",
    "status": "ACTIVE",
    "title": "CVE-2026-2000 - libxml2, requests",
    "type": "PACKAGE_VULNERABILITY",
    "fixAvailable": "PARTIAL",
    "packageVulnerabilityDetails": {
        "vulnerabilityId": "CVE-2026-2000",
        "relatedVulnerabilities": ["GHSA-aaaa-bbbb-cccc"],
        "vendorSeverity": "high",
        "vendorCreatedAt": WHEN,
        "vulnerablePackages": [
            {
                "name": "libxml2",
                "version": "2.9.14",
                "epoch": 1,
                "release": "3.el9",
                "packageManager": "OS",
                "sourceLayerHash": "sha256:layer",
                "fixedInVersion": "NotAvailable",
            },
            {
                "name": "requests",
                "version": "2.19.0",
                "epoch": 0,
                "packageManager": "PYTHONPKG",
                "filePath": "app/requests-2.19.0.dist-info/METADATA",
                "fixedInVersion": "2.20.0",
            },
        ],
    },
}


def answer(status: str, digest: str = DIGEST, **findings: Any) -> dict[str, Any]:
    """One page; `findings` are the fields of imageScanFindings."""
    return {
        "registryId": "111122223333",
        "repositoryName": "web",
        "imageId": {"imageDigest": digest},
        "imageScanStatus": {"status": status, "description": "said by ECR"},
        "imageScanFindings": findings,
    }


def known(found: ScanReport | Wait) -> ScanReport:
    """The report, which is none of ignorance."""
    assert isinstance(found, ScanReport) and found.findings is not None
    return found


def test_a_basic_finding_tells_its_package_and_that_languages_were_not_looked_at() -> None:
    page = answer("COMPLETE", findings=[BASIC], imageScanCompletedAt=WHEN,
                  vulnerabilitySourceUpdatedAt=WHEN)  # fmt: skip
    found = known(report(DIGEST, [page]))
    expected = Finding("CVE-2026-1000", "openssl", "3.0.11-1~deb12u1", Severity.HIGH)
    assert found.findings == (expected,)
    assert found.scanner == "ecr basic" and found.data_at == WHEN_MS
    assert found.warnings == (
        "basic scanning looks at the operating system's packages only: languages' are not",
    )


def test_an_enhanced_finding_becomes_one_for_each_package_with_aliases_fix_and_place() -> None:
    page = answer("ACTIVE", enhancedFindings=[ENHANCED], imageScanCompletedAt=WHEN)
    found = known(report(DIGEST, [page]))
    shared: dict[str, Any] = {"aliases": ("GHSA-aaaa-bbbb-cccc",), "published_at": WHEN_MS}
    assert found.findings == (
        Finding("CVE-2026-2000", "libxml2", "1:2.9.14-3.el9", Severity.CRITICAL, **shared,
                origin=Origin(layer="sha256:layer")),
        Finding("CVE-2026-2000", "requests", "2.19.0", Severity.CRITICAL, "2.20.0", **shared,
                origin=Origin("app/requests-2.19.0.dist-info/METADATA")),
    )  # fmt: skip
    assert found.scanner == "ecr enhanced" and not found.warnings


def test_the_lists_tell_basic_from_enhanced_not_the_status() -> None:
    page = answer("COMPLETE", enhancedFindings=[ENHANCED], imageScanCompletedAt=WHEN)
    assert known(report(DIGEST, [page])).scanner == "ecr enhanced"


def test_pages_are_put_together_and_a_missing_one_is_noticed() -> None:
    pages = [
        {**answer("COMPLETE", findings=[{**BASIC, "name": f"CVE-2026-{n}"}],
                  imageScanCompletedAt=WHEN), "nextToken": "more"}
        for n in range(3)
    ]  # fmt: skip
    unfinished = report(DIGEST, pages)
    assert isinstance(unfinished, ScanReport) and unfinished.findings is None
    assert "pages are missing" in unfinished.note
    pages[-1].pop("nextToken")
    assert [f.id for f in known(report(DIGEST, pages)).findings or ()] == [
        f"CVE-2026-{n}" for n in range(3)
    ]


@pytest.mark.parametrize("status", STATUSES)
def test_only_a_finished_scan_is_a_list_of_findings(status: str) -> None:
    found = report(DIGEST, [answer(status, findings=[], imageScanCompletedAt=WHEN)])
    if status in ("PENDING", "IN_PROGRESS"):
        assert isinstance(found, Wait) and found.reason
    elif status in ("COMPLETE", "ACTIVE"):
        assert known(found).findings == ()
    else:
        assert isinstance(found, ScanReport) and found.findings is None
        assert (status or "no status") in found.note


def test_a_status_that_says_why_is_quoted() -> None:
    found = report(DIGEST, [answer("UNSUPPORTED_IMAGE")])
    assert isinstance(found, ScanReport)
    assert found.note == (
        "ECR does not support this image's operating system or media type "
        "(UNSUPPORTED_IMAGE): said by ECR"
    )


def test_complete_with_nothing_and_no_time_is_not_believed_the_first_time() -> None:
    page = answer("COMPLETE")
    found = report(DIGEST, [page])
    assert isinstance(found, Wait) and found.empty
    assert known(report(DIGEST, [page], again=True)).findings == ()


def test_an_answer_about_another_image_is_no_evidence() -> None:
    found = report(DIGEST, [answer("COMPLETE", "sha256:other", findings=[BASIC])])
    assert isinstance(found, ScanReport) and found.findings is None
    assert "sha256:other" in found.note


@pytest.mark.parametrize(
    "broken",
    [
        {"findings": [{"severity": "HIGH"}]},
        {"findings": [{"name": "CVE-1", "severity": "HIGH"}]},
        {"findings": ["CVE-1"]},
        {"findings": 7},
        {"enhancedFindings": [{"packageVulnerabilityDetails": {"vulnerabilityId": 5}}]},
        {"findings": [BASIC], "imageScanCompletedAt": "yesterday"},
    ],
)
def test_a_malformed_answer_is_unknown_never_empty(broken: dict[str, Any]) -> None:
    found = report(DIGEST, [answer("COMPLETE", **broken)])
    assert isinstance(found, ScanReport) and found.findings is None
    assert "does not have the API's shape" in found.note
    assert report(DIGEST, []) == ScanReport(
        DIGEST, None, "ECR's answer does not have the API's shape: there is none", scanner="ecr"
    )


@pytest.mark.parametrize(
    ("word", "severity"),
    [("INFORMATIONAL", Severity.NEGLIGIBLE), ("UNDEFINED", Severity.UNKNOWN),
     ("UNTRIAGED", Severity.UNKNOWN), ("CRITICAL", Severity.CRITICAL),
     ("NEW_WORD", Severity.UNKNOWN)],
)  # fmt: skip
def test_ecr_words_of_severity_have_a_level(word: str, severity: Severity) -> None:
    page = answer("COMPLETE", findings=[{**BASIC, "severity": word}], imageScanCompletedAt=WHEN)
    assert [f.severity for f in known(report(DIGEST, [page])).findings or ()] == [severity]


def test_what_inspector_closed_is_gone_and_what_it_suppressed_still_counts() -> None:
    entries = [{**ENHANCED, "status": status} for status in ("CLOSED", "SUPPRESSED")]
    page = answer("ACTIVE", enhancedFindings=entries, imageScanCompletedAt=WHEN)
    found = known(report(DIGEST, [page]))
    assert len(found.findings or ()) == 2
    assert found.warnings == ("1 findings are suppressed in Inspector and are counted here",)


def test_times_are_read_as_boto3_and_as_json_give_them() -> None:
    for when in (WHEN, WHEN.isoformat(), WHEN.timestamp(), WHEN.replace(tzinfo=None)):
        page = answer("COMPLETE", findings=[BASIC], imageScanCompletedAt=when)
        assert known(report(DIGEST, [page])).data_at == WHEN_MS


def test_a_refusal_is_unknown_unless_the_image_is_fresh_or_ecr_is_busy() -> None:
    for code in ("ScanNotFoundException", "ImageNotFoundException"):
        assert isinstance(refusal(DIGEST, code, fresh=True), Wait)
        old = refusal(DIGEST, code)
        assert isinstance(old, ScanReport) and old.findings is None
    assert isinstance(refusal(DIGEST, "ThrottlingException"), Wait)
    denied = refusal(DIGEST, "AccessDeniedException", "not you", fresh=True)
    assert isinstance(denied, ScanReport) and denied.findings is None
    assert denied.note == "ECR refuses: AccessDeniedException: not you"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["findings", "enhancedFindings", "severity", "name", "attributes"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(JSON, JSON, st.sampled_from(STATUSES))
def test_whatever_ecr_answers_there_is_a_report_or_a_wait(a: Any, b: Any, status: str) -> None:
    page = answer(status)
    page["imageScanFindings"] = {"findings": a, "enhancedFindings": b, "imageScanCompletedAt": a}
    assert isinstance(report(DIGEST, [page]), ScanReport | Wait)


def looked(client: Any, digest: str) -> ScanReport | Wait:
    """What ECR says now."""
    words = {"repositoryName": "web", "imageId": {"imageDigest": digest}}
    try:
        return report(digest, [client.describe_image_scan_findings(**words)])
    except client.exceptions.ClientError as refused:
        return refusal(digest, refused.response["Error"]["Code"])


@pytest.fixture
def moto_ecr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """moto's ECR with a repository and an image, whose digest it chose."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with moto.mock_aws():
        client = boto3.client("ecr", region_name="eu-central-1")
        client.create_repository(repositoryName="web")
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                               "digest": DIGEST, "size": 2}, "layers": []}  # fmt: skip
        put = client.put_image(repositoryName="web", imageManifest=json.dumps(manifest))
        yield client, put["image"]["imageId"]["imageDigest"]


def test_moto_s_ecr_is_understood(moto_ecr: Any) -> None:
    client, digest = moto_ecr
    never = looked(client, digest)
    assert isinstance(never, ScanReport) and "no scan of this image" in never.note
    gone = looked(client, f"sha256:{'0' * 64}")
    assert isinstance(gone, ScanReport) and "no image of this digest" in gone.note
    client.start_image_scan(repositoryName="web", imageId={"imageDigest": digest})
    found = known(looked(client, digest))
    assert found.scanner == ecr.BASIC and found.findings


def test_moto_s_enhanced_findings_are_understood(moto_ecr: Any) -> None:
    client, digest = moto_ecr
    details = {**ENHANCED["packageVulnerabilityDetails"], "vendorCreatedAt": WHEN.isoformat()}
    result = {
        "repositoryName": "web",
        "imageId": {"imageDigest": digest},
        "imageScanStatus": {"status": "ACTIVE"},
        "imageScanFindings": {
            "enhancedFindings": [{**ENHANCED, "packageVulnerabilityDetails": details}],
            "imageScanCompletedAt": WHEN.isoformat(),
        },
    }
    settings = {"account_id": "123456789012", "region": "eu-central-1", "results": [result]}
    address = "http://motoapi.amazonaws.com/moto-api/static/ecr/scan-finding-results"
    assert requests.post(address, json=settings).status_code == 201
    client.start_image_scan(repositoryName="web", imageId={"imageDigest": digest})
    found = known(looked(client, digest))
    assert [(f.id, f.package) for f in found.findings or ()] == [
        ("CVE-2026-2000", "libxml2"),
        ("CVE-2026-2000", "requests"),
    ]


def test_the_mapping_needs_nothing_but_the_standard_library_and_the_core() -> None:
    code = "import sys, tidegate.scan.adapters.ecr; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert not [name for name in loaded if name.split(".")[0] in ("boto3", "botocore", "pydantic")]
    ours = [name for name in loaded if name.startswith("tidegate.")]
    assert [n for n in ours if not n.startswith(("tidegate.core", "tidegate.scan"))] == []
    assert "tidegate.scan.packages" not in ours
