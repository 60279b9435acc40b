"""Which findings a waiver covers, and whether it still counts."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from tidegate.core.days import day_text
from tidegate.core.findings import Finding
from tidegate.core.model import DAY_MS, Waiver

SOON_MS = 14 * DAY_MS
"""A waiver that ends within this time is warned of."""


def covers(waiver: Waiver, finding: Finding) -> bool:
    """Whether the waiver names this vulnerability, by any name of either, in this package.

    What a distribution's notice covers (several CVEs in one DSA) are not names of it, and so are
    not in `Finding.aliases`: a waiver of one CVE never waives the whole notice.
    """
    return not names(waiver).isdisjoint(ids(finding)) and _in_packages(waiver, finding)


def names(waiver: Waiver) -> frozenset[str]:
    """Every name of the waiver's vulnerability, in upper case."""
    return frozenset(name.upper() for name in (waiver.id, *waiver.aliases))


def same_vulnerability(one: Finding, other: Finding) -> bool:
    """Whether two findings are one vulnerability in one package, whatever its version."""
    same_package = one.package == other.package and ecosystem(one) == ecosystem(other)
    return same_package and not ids(one).isdisjoint(ids(other))


def counts(waiver: Waiver, now: int) -> bool:
    """Whether the waiver has not ended yet."""
    return waiver.until is None or now < waiver.until


def in_scope(waivers: Iterable[Waiver], service: str, digest: str) -> tuple[Waiver, ...]:
    """The waivers that speak of this service and this image."""
    return tuple(
        waiver
        for waiver in waivers
        if waiver.service in ("", service) and waiver.digest in ("", digest)
    )


def last_day(waiver: Waiver) -> str:
    """The last day (UTC) on which the waiver counts, or `no end`."""
    return "no end" if waiver.until is None else day_text(waiver.until - 1)


def told(waiver: Waiver) -> str:
    """The waiver in a few words: `waived by ann until 2026-12-31: reason (vex.json)`."""
    by = f" by {waiver.owner}" if waiver.owner else ""
    until = f" until {last_day(waiver)}" if waiver.until is not None else " without an end"
    return f"waived{by}{until}: {waiver.reason or 'no reason given'} ({waiver.source})"


def ids(finding: Finding) -> frozenset[str]:
    """Every name of the finding's vulnerability, in upper case."""
    return frozenset(name.upper() for name in (finding.id, *finding.aliases))


def ecosystem(finding: Finding) -> str:
    """The purl's type, such as `pkg:deb`; empty without a purl."""
    return finding.purl.partition("/")[0]


def _in_packages(waiver: Waiver, finding: Finding) -> bool:
    if not waiver.packages:
        return True
    purl = finding.purl.partition("?")[0].partition("#")[0]
    versionless = purl.rpartition("@")[0] or purl
    for pattern in waiver.packages:
        if pattern.startswith("pkg:"):
            if fnmatchcase(purl, pattern) or fnmatchcase(versionless, pattern):
                return True
        elif fnmatchcase(finding.package, pattern):
            return True
    return False
