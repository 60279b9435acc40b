"""Trivy: `trivy image --input`, and its JSON report (schema version 2)."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field

from tidegate.core.findings import Finding, Origin
from tidegate.scan.adapters.program import Said
from tidegate.scan.adapters.tool import (
    Answer,
    BadAnswer,
    Gathered,
    Job,
    Json,
    parsed,
    severity,
    succeeded,
    time_ms,
)

SCHEMA = 2
_DATABASES = ("db", "java-db")
_MOST_METADATA = 64 * 1024


class _Layer(Json):
    diff_id: str = Field(default="", alias="DiffID")


class _Identifier(Json):
    purl: str = Field(default="", alias="PURL")


class _Vulnerability(Json):
    id: str = Field(alias="VulnerabilityID", min_length=1)
    others: list[str] = Field(default=[], alias="VendorIDs")
    package: str = Field(alias="PkgName", min_length=1)
    path: str = Field(default="", alias="PkgPath")
    identifier: _Identifier = Field(default=_Identifier(), alias="PkgIdentifier")
    version: str = Field(alias="InstalledVersion")
    fixed: str = Field(default="", alias="FixedVersion")
    layer: _Layer = Field(default=_Layer(), alias="Layer")
    severity: str = Field(alias="Severity")
    published: str = Field(default="", alias="PublishedDate")


class _Package(Json):
    name: str = Field(alias="Name")


class _Result(Json):
    target: str = Field(alias="Target")
    kind: str = Field(default="", alias="Class")
    packages: list[_Package] = Field(default=[], alias="Packages")
    vulnerabilities: list[_Vulnerability] = Field(default=[], alias="Vulnerabilities")


class _System(Json):
    family: str = Field(default="", alias="Family")
    name: str = Field(default="", alias="Name")
    ended: bool = Field(default=False, alias="EOSL")


class _Metadata(Json):
    system: _System | None = Field(default=None, alias="OS")


class _Report(Json):
    schema_version: int = Field(alias="SchemaVersion")
    kind: str = Field(alias="ArtifactType")
    metadata: _Metadata = Field(default=_Metadata(), alias="Metadata")
    results: list[_Result] = Field(default=[], alias="Results")


class _State(Json):
    updated: str = Field(default="", alias="UpdatedAt")


@dataclass(frozen=True, slots=True)
class Trivy:
    """Reads its database from the user's cache; Trivy itself is told to fetch nothing."""

    name: str = "trivy"
    data: str = "trivy"

    def words(self, job: Job) -> list[str]:
        """Its own cache is in the job's folder, with links to the databases."""
        cache = job.folder / "cache"
        cache.mkdir()
        for name in _DATABASES:
            if (job.data / name).is_dir():
                (cache / name).symlink_to(job.data / name)
        return [
            *(job.program, "image", "--input", str(job.archive), "--format", "json", "--quiet"),
            *("--cache-dir", str(cache), "--scanners", "vuln", "--list-all-pkgs"),
            *("--skip-db-update", "--skip-java-db-update", "--offline-scan", "--exit-code", "0"),
            *("--ignorefile", str(job.folder / "none"), "--timeout", "1h"),
        ]

    def read(self, said: Said, job: Job) -> Answer:
        """A missing database, an ignored image and another schema are errors, never no findings."""
        report = parsed(_Report, succeeded(said, 0))
        if report.schema_version != SCHEMA or report.kind != "container_image":
            told = f"schema version {report.schema_version}, {report.kind[:40]}"
            raise BadAnswer(f"its report is not one that is known here: {told}")
        found, digest, at = Gathered(), *_state(job.data)
        for result in report.results:
            for one in result.vulnerabilities:
                found.add(_finding(one, result))
        packages = sum(len(result.packages) for result in report.results)
        return Answer(
            found.all(), packages, "", digest, at, tuple(_gaps(report.metadata.system, packages))
        )


def _finding(one: _Vulnerability, result: _Result) -> Finding:
    """A package of a language lies at its own path, or at that of the file that names it."""
    path = one.path or (result.target if result.kind == "lang-pkgs" else "")
    return Finding(
        id=one.id,
        package=one.package,
        version=one.version,
        severity=severity(one.severity),
        fixed_version=one.fixed or None,
        aliases=tuple(sorted({*one.others} - {one.id})),
        purl=one.identifier.purl,
        published_at=time_ms(one.published),
        origin=Origin(path, one.layer.diff_id),
    )


def _gaps(system: _System | None, packages: int) -> list[str]:
    gaps = [] if packages else ["no package was found"]
    if system and system.ended:
        gaps.append(f"{system.family} {system.name} is past its end of life")
    return gaps


def _state(data: Path) -> tuple[str, int | None]:
    """What names the database: the digest of its metadata, and when it was made."""
    try:
        with (data / "db" / "metadata.json").open("rb") as file:
            text = file.read(_MOST_METADATA)
    except OSError:
        return "", None
    return f"sha256:{hashlib.sha256(text).hexdigest()}", time_ms(parsed(_State, text).updated)
