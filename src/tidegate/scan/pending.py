"""The fallback without advisories: updates that wait in the distribution's own security suite.

Its index names packages and versions, but neither a vulnerability nor how bad it is: a finding is
"a security update exists", of severity UNKNOWN. It is current and signed, and every machine of the
distribution already has it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tidegate.core.findings import Finding, Severity
from tidegate.scan.findings import origin
from tidegate.scan.packages import Inventory, Kind, Package
from tidegate.scan.versions import Unordered, comparator

_FIELD = re.compile(r"^(Package|Version|Source):[ \t]*(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SecurityIndex:
    """The security suite of one release: `updates` is (version, source) by binary package.

    `ecosystem` is OSV's name of the release; `digest` that of the signed index; `at_ms` its date.
    """

    ecosystem: str
    architecture: str
    digest: str
    at_ms: int
    updates: Mapping[str, tuple[str, str]]


def read_packages(text: str) -> dict[str, tuple[str, str]]:
    """Debian's `Packages` file: the newest version of each binary package, and its source."""
    found: dict[str, tuple[str, str]] = {}
    for stanza in text.split("\n\n"):
        fields: dict[str, str] = dict(_FIELD.findall(stanza))
        name, version = fields.get("Package", ""), fields.get("Version", "")
        if not name or not version:
            continue
        if name not in found or _newer(version, found[name][0]):
            found[name] = version, fields.get("Source", name)
    return found


def _newer(version: str, other: str) -> bool:
    try:
        return comparator("Debian")(version, other) > 0
    except Unordered:
        return False


def pending(inventory: Inventory, index: SecurityIndex) -> tuple[Finding, ...]:
    """A finding for each installed package of which the suite has a newer version."""
    return tuple(_pending(inventory, index))


def id_of(source: str) -> str:
    """The finding's id: the same for every update of a source, so that a waiver names it."""
    return f"SECURITY-UPDATE-{source}"


def _pending(inventory: Inventory, index: SecurityIndex) -> Iterator[Finding]:
    for package in inventory.packages:
        if package.kind is not Kind.DEB or package.ecosystem != index.ecosystem:
            continue
        version, source = index.updates.get(package.name, ("", ""))
        if version and _older(package, version):
            yield Finding(
                id=id_of(source),
                package=package.name,
                version=package.version,
                severity=Severity.UNKNOWN,
                fixed_version=version,
                purl=package.purl,
                origin=origin(inventory, package),
            )


def _older(package: Package, version: str) -> bool:
    """Whether the update is newer; what cannot be ordered counts as older, never as current."""
    try:
        return comparator("Debian")(package.version, version) < 0
    except Unordered:
        return package.version != version
