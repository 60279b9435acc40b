"""What ECR says of an image, as a scan report: answers of DescribeImageScanFindings in, pure.

Basic and enhanced scanning are told apart by which list is there, not by the status. Whatever is
not a finished scan of the very digest that was asked for is a `Wait` or a report without findings:
an empty list alone proves nothing (API: ECR 2015-09-21, ImageScanStatus, EnhancedImageScanFinding).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from tidegate.core.findings import Finding, Origin, ScanReport, Severity

Page = Mapping[str, Any]
"""One answer of DescribeImageScanFindings, as boto3 or the AWS command line gives it."""

BASIC, ENHANCED, EITHER = "ecr basic", "ecr enhanced", "ecr"
"""What `ScanReport.scanner` says; `EITHER` when an empty answer does not tell which it was."""

_PENDING = {
    "PENDING": "the scan has not started yet",
    "IN_PROGRESS": "the scan runs",
}
_READY = ("COMPLETE", "ACTIVE")
_NEVER = {
    "FAILED": "the scan failed",
    "UNSUPPORTED_IMAGE": "ECR does not support this image's operating system or media type",
    "SCAN_ELIGIBILITY_EXPIRED": "the image is too old to be scanned; its findings are not kept up",
    "FINDINGS_UNAVAILABLE": "no findings are available: the scan type of the registry was changed",
    "LIMIT_EXCEEDED": "a quota of scans is used up",
    "IMAGE_ARCHIVED": "the image is archived",
    "IMAGE_SIZE_EXCEEDED": "the image is larger than is scanned",
}
_NOT_YET = {
    "ScanNotFoundException": "no scan of this image was ever started; turn on scan on push",
    "ImageNotFoundException": "the repository has no image of this digest",
}
"""Refusals that a fresh push also gets, for some seconds."""
_LATER = (
    *("ServerException", "InternalServerError", "ServiceUnavailable", "RequestLimitExceeded"),
    *("ThrottlingException", "Throttling", "TooManyRequestsException", "LimitExceededException"),
)
_SEVERITIES = {
    **{severity.value: severity for severity in Severity},
    "INFORMATIONAL": Severity.NEGLIGIBLE,
    "UNDEFINED": Severity.UNKNOWN,
    "UNTRIAGED": Severity.UNKNOWN,
}
_NO_FIX = ("", "notavailable", "not available")
_BASIC_ONLY = "basic scanning looks at the operating system's packages only: languages' are not"


@dataclass(frozen=True, slots=True)
class Wait:
    """Not done yet: ask again later. `reason` is a sentence for a person.

    `empty`: the scan calls itself done and tells nothing; see `report`.
    """

    reason: str
    empty: bool = False


class _Malformed(ValueError):
    """An answer that does not have the API's shape."""


def report(digest: str, pages: Sequence[Page], *, again: bool = False) -> ScanReport | Wait:
    """What all pages of an answer say of the image `digest`.

    `again`: an earlier answer, at least a minute ago, said the same. Only then is a ready scan
    without findings believed that does not tell when it was completed: enhanced scanning says
    COMPLETE before there are results.
    """
    try:
        return _report(digest, pages, again)
    except (_Malformed, AttributeError, TypeError, ValueError, OverflowError, OSError) as error:
        cause = f"ECR's answer does not have the API's shape: {str(error)[:200]}"
        return ScanReport(digest, None, cause, scanner=EITHER)


def refusal(digest: str, code: str, message: str = "", *, fresh: bool = False) -> ScanReport | Wait:
    """What an error of the API says, by its code.

    `fresh`: the image was pushed within the last minutes, so that it may not be known yet.
    """
    if code in _LATER:
        return Wait(f"ECR does not answer now: {code}")
    said = _NOT_YET.get(code)
    if said and fresh:
        return Wait(f"the image was just pushed, and {said}")
    note = said or f"ECR refuses: {code}{': ' if message else ''}{message[:200]}"
    return ScanReport(digest, None, note, scanner=EITHER)


def overdue(digest: str, waited: Wait, after_s: float) -> ScanReport:
    """The report when the time is up and there is still nothing but `waited`."""
    return ScanReport(
        digest, None, f"not done after {after_s:g} s: {waited.reason}", scanner=EITHER
    )


def _report(digest: str, pages: Sequence[Page], again: bool) -> ScanReport | Wait:
    if not pages:
        raise _Malformed("there is none")
    found = {(page.get("imageId") or {}).get("imageDigest") for page in pages}
    if found != {digest}:
        raise _Malformed(f"it is of the digests {sorted(map(str, found))}")
    if pages[-1].get("nextToken"):
        raise _Malformed("pages are missing at its end")
    statuses = {_text((page.get("imageScanStatus") or {}).get("status")) for page in pages}
    if len(statuses) > 1:
        return Wait(f"the scan's status changed from page to page: {', '.join(sorted(statuses))}")
    status = statuses.pop()
    if status in _PENDING:
        return Wait(_PENDING[status])
    if status not in _READY:
        detail = _text((pages[0].get("imageScanStatus") or {}).get("description"))
        words = _NEVER.get(status, "this status is not known here")
        note = f"{words} ({status or 'no status'}){': ' if detail else ''}{detail[:200]}"
        return ScanReport(digest, None, note, scanner=EITHER)
    return _ready(digest, status, [page.get("imageScanFindings") or {} for page in pages], again)


def _ready(digest: str, status: str, pages: Sequence[Page], again: bool) -> ScanReport | Wait:
    completed = _ms(pages[0].get("imageScanCompletedAt"))
    basic = [entry for page in pages for entry in page.get("findings") or ()]
    enhanced = [entry for page in pages for entry in page.get("enhancedFindings") or ()]
    if not basic and not enhanced and completed is None and not again:
        reason = f"the scan is {status}, but tells neither findings nor when it was completed"
        return Wait(reason, empty=True)
    findings = [*map(_basic, basic)]
    for entry in enhanced:
        findings += _enhanced(entry)
    scanner = _kind(status, pages, bool(basic), bool(enhanced))
    suppressed = sum(entry.get("status") == "SUPPRESSED" for entry in enhanced)
    warnings: tuple[str, ...] = () if scanner == ENHANCED else (_BASIC_ONLY,)
    if suppressed:
        warnings += (f"{suppressed} findings are suppressed in Inspector and are counted here",)
    return ScanReport(
        digest,
        tuple(sorted(set(findings), key=lambda f: (f.package, f.version, f.id, f.origin.path))),
        warnings=warnings,
        scanner=scanner,
        data_at=_ms(pages[0].get("vulnerabilitySourceUpdatedAt")) or completed,
    )


def _kind(status: str, pages: Sequence[Page], basic: bool, enhanced: bool) -> str:
    if basic or enhanced:
        return ENHANCED if enhanced else BASIC
    if status == "ACTIVE" or any("enhancedFindings" in page for page in pages):
        return ENHANCED
    return BASIC if any("findings" in page for page in pages) else EITHER


def _basic(entry: Page) -> Finding:
    """One of basic scanning; package and version stand among its attributes."""
    told = {_text(a.get("key")): _text(a.get("value")) for a in entry.get("attributes") or ()}
    return Finding(
        id=_needed(entry.get("name"), "a finding's name"),
        package=_needed(told.get("package_name"), "a finding's package"),
        version=told.get("package_version", ""),
        severity=_severity(entry.get("severity")),
    )


def _enhanced(entry: Page) -> Iterator[Finding]:
    """One of Inspector's: a finding for each package in which it says the vulnerability is."""
    if entry.get("status") == "CLOSED":
        return
    details = entry.get("packageVulnerabilityDetails") or {}
    title = _text(entry.get("title"))
    whole = Finding(
        id=_needed(details.get("vulnerabilityId") or title, "a finding's id"),
        package=title or "unnamed",
        version="",
        severity=_severity(entry.get("severity") or details.get("vendorSeverity")),
        aliases=tuple(sorted({*map(_text, details.get("relatedVulnerabilities") or ())} - {""})),
        published_at=_ms(details.get("vendorCreatedAt")),
    )
    packages = details.get("vulnerablePackages") or ()
    if not packages:
        yield whole
    for package in packages:
        fix = _text(package.get("fixedInVersion"))
        yield replace(
            whole,
            package=_needed(package.get("name"), "a package's name"),
            version=_version(package),
            fixed_version=None if fix.lower() in _NO_FIX else fix,
            origin=Origin(_text(package.get("filePath")), _text(package.get("sourceLayerHash"))),
        )


def _version(package: Page) -> str:
    """As the package manager writes it: epoch:version-release, as far as they are told."""
    epoch, release = package.get("epoch") or 0, _text(package.get("release"))
    version = _text(package.get("version"))
    return f"{f'{epoch}:' if epoch else ''}{version}{f'-{release}' if release else ''}"


def _severity(word: object) -> Severity:
    """ECR's word; one that is not known is UNKNOWN, which has a policy of its own."""
    return _SEVERITIES.get(_text(word).upper(), Severity.UNKNOWN)


def _ms(value: object) -> int | None:
    """A time in ms since the epoch: a datetime as boto3 gives it, ISO 8601, or seconds as JSON."""
    if value is None:
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        value = (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Malformed(f"not a time: {value!r:.60}")
    return int(value * 1_000)


def _needed(value: object, what: str) -> str:
    text = _text(value)
    if not text:
        raise _Malformed(f"{what} is missing")
    return text


def _text(value: object) -> str:
    """A text, or "" for nothing. Half a character is none: it could not be written down."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _Malformed(f"not a text: {value!r:.60}")
    return value.encode().decode()
