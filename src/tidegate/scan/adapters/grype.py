"""Grype: `grype docker-archive:`, and its JSON document."""

import hashlib
import json
from dataclasses import dataclass
from typing import Annotated

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

Text = Annotated[str, Field(min_length=1)]


class _Named(Json):
    id: Text


class _Fix(Json):
    versions: list[str] = Field(default=[])
    state: str = ""


class _Chance(Json):
    epss: float = Field(ge=0, le=1)


class _Vulnerability(Json):
    id: Text
    severity: str
    fix: _Fix
    advisories: list[_Named] = Field(default=[])
    chances: list[_Chance] = Field(default=[], alias="epss")
    exploited: list[dict[str, object]] = Field(default=[], alias="knownExploited")


class _Location(Json):
    path: str
    layer: str = Field(default="", alias="layerID")


class _Artifact(Json):
    name: Text
    version: str
    purl: str = ""
    locations: list[_Location] = Field(default=[])


class _Match(Json):
    vulnerability: _Vulnerability
    related: list[_Named] = Field(default=[], alias="relatedVulnerabilities")
    artifact: _Artifact


class _Status(Json):
    built: str = ""
    schema_version: str | int = Field(default="", alias="schemaVersion")
    valid: bool = True
    error: str = ""
    checksum: str = ""
    came_from: str = Field(default="", alias="from")


class _Database(_Status):
    status: _Status | None = None


class _Descriptor(Json):
    name: str
    version: str
    db: _Database | None = None


class _Document(Json):
    matches: list[_Match]
    descriptor: _Descriptor


@dataclass(frozen=True, slots=True)
class Grype:
    """Reads its database from the user's cache; Grype itself is told to fetch nothing."""

    name: str = "grype"
    data: str = "grype/db"

    def words(self, job: Job) -> list[str]:
        """Its settings are a file, for its environment is empty. JSON is YAML.

        How old the data may be is for the gate to say, so Grype does not refuse old data.
        """
        settings = {
            "check-for-app-update": False,
            "db": {
                "cache-dir": str(job.data),
                "auto-update": False,
                "validate-age": False,
                "require-update-check": False,
            },
            "ignore": [],
            "fail-on-severity": "",
        }
        file = job.folder / "grype.yaml"
        file.write_text(json.dumps(settings))
        image = f"docker-archive:{job.archive}"
        return [job.program, image, "--config", str(file), "--output", "json", "--quiet"]

    def read(self, said: Said, job: Job) -> Answer:
        """A document of another program, or from a database that is not valid, is an error."""
        document = parsed(_Document, succeeded(said, 0))
        if document.descriptor.name != "grype":
            raise BadAnswer(f"its document is one of {document.descriptor.name[:40]!r}")
        database = document.descriptor.db
        status = (database.status or database) if database else None
        if status is None or not status.built:
            raise BadAnswer("its document does not say which vulnerability data it used")
        if not status.valid or status.error:
            raise BadAnswer(f"its vulnerability data is not valid: {status.error[:200]}")
        found = Gathered()
        for match in document.matches:
            found.add(_finding(match))
        named = f"{status.schema_version} {status.built} {status.checksum} {status.came_from}"
        digest = f"sha256:{hashlib.sha256(named.encode()).hexdigest()}"
        return Answer(found.all(), 0, document.descriptor.version, digest, time_ms(status.built))


def _finding(match: _Match) -> Finding:
    told, artifact = match.vulnerability, match.artifact
    place = artifact.locations[0] if artifact.locations else _Location(path="")
    others = {one.id for one in (*match.related, *told.advisories)} - {told.id}
    return Finding(
        id=told.id,
        package=artifact.name,
        version=artifact.version,
        severity=severity(told.severity),
        fixed_version=", ".join(told.fix.versions) or None,
        aliases=tuple(sorted(others)),
        purl=artifact.purl,
        exploited=bool(told.exploited),
        epss=max((one.epss for one in told.chances), default=None),
        origin=Origin(place.path.lstrip("/"), place.layer),
    )
