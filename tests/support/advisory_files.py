"""Advisories of our own making, in the OSV bucket's layout, and packages to match with them."""

import gzip
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tidegate.scan.advisories.build import Builder
from tidegate.scan.advisories.index import Index
from tidegate.scan.advisories.record import parse
from tidegate.scan.packages import Kind, Package

CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
MEDIUM = "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:L/A:N"
REAL = Path("/work/shared/advisories")
"""A larger set of real data, where somebody has laid it; it is not part of the project."""

Record = dict[str, Any]


def affected(package: tuple[str, str], *events: str, **more: object) -> Record:
    """One affected package (ecosystem, name): events "introduced 0", "fixed 1.2" in one range."""
    named = {"ecosystem": package[0], "name": package[1]}
    kind = "SEMVER" if package[0] in ("Go", "npm") else "ECOSYSTEM"
    found = [dict([event.split(" ", 1)]) for event in events]
    ranges = [{"type": kind, "events": found}] if events else []
    return {"package": named, "ranges": ranges, **more}


def record(id: str, *entries: Record, **more: object) -> Record:
    """One OSV record."""
    return {"id": id, "modified": "2026-01-01T00:00:00Z", "affected": list(entries), **more}


def index_of(folder: Path, *records: Record, kev: Iterable[str] = ()) -> Index:
    """An index of these records."""
    path = folder / "index.db"
    path.unlink(missing_ok=True)
    with Builder(path) as builder:
        builder.add(parse(json.dumps(one).encode()) for one in records)
        builder.add_feeds(kev, ((cve, 0.5) for cve in kev))
        builder.finish()
    return Index(path)


def write_dump(path: Path, records: Iterable[Record]) -> Path:
    """An `all.zip` of these records."""
    texts = {f"{one['id']}.json": json.dumps(one).encode() for one in records}
    return write_zip(path, texts)


def write_zip(path: Path, members: Mapping[str, bytes]) -> Path:
    """A zip of these files, compressed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def kev_text(*cves: str) -> bytes:
    """CISA's catalogue of these CVEs."""
    return json.dumps({"vulnerabilities": [{"cveID": cve} for cve in cves]}).encode()


def epss_bytes(**chances: float) -> bytes:
    """The scores' file; `CVE_2024_1=0.5` is CVE-2024-1."""
    rows = "".join(f"{cve.replace('_', '-')},{chance},0.9\n" for cve, chance in chances.items())
    return gzip.compress(f"#model_version:v1\ncve,epss,percentile\n{rows}".encode())


def deb(name: str, version: str, source: str = "", source_version: str = "") -> Package:
    """A package of Debian 12."""
    return Package(
        name, version, "Debian:12", Kind.DEB, f"pkg:deb/debian/{name}", source, source_version
    )


def rpm(name: str, version: str, module: str = "") -> Package:
    """A package of AlmaLinux 9."""
    purl = f"pkg:rpm/almalinux/{name}"
    return Package(name, version, "AlmaLinux:9", Kind.RPM, purl, module=module)


def of(kind: Kind, ecosystem: str, name: str, version: str) -> Package:
    """A package of a language, or of Alpine."""
    return Package(name, version, ecosystem, kind, f"pkg:{kind.value}/{name}")


def python(name: str, version: str) -> Package:
    """A package of Python."""
    return of(Kind.PYPI, "PyPI", name, version)
