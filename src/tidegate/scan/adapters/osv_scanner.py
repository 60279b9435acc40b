"""osv-scanner 2: `osv-scanner scan image --archive`, whose vulnerabilities are OSV records."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from tidegate.core.findings import Finding, Origin, Severity
from tidegate.scan.adapters.program import Said
from tidegate.scan.adapters.tool import Answer, BadAnswer, Gathered, Job, Json, parsed, succeeded
from tidegate.scan.advisories import severity
from tidegate.scan.advisories.record import Advisory, BadRecord, parse
from tidegate.scan.advisories.told import entry as told_of
from tidegate.scan.advisories.told import fields_of
from tidegate.scan.match.ranges import Installed, evaluate

CLEAN, FOUND, NO_PACKAGES = 0, 1, 128
"""Its exit codes; 127 and the others are errors."""
_LAYOUTS = ("osv-scanner", "osv-scalibr")
"""What the folder with the dumps is called inside of the one that it is told, by its version."""
_NUMBER = re.compile(r"\d+(\.\d+)?")

Text = Annotated[str, Field(min_length=1)]


class _LayerOf(Json):
    index: int


class _Package(Json):
    name: str
    system_name: str = Field(default="", alias="os_package_name")
    version: str
    ecosystem: str
    origin: _LayerOf | None = Field(default=None, alias="image_origin_details")


class _Group(Json):
    ids: list[Text]
    aliases: list[str] = Field(default=[])
    worst: str = Field(default="", alias="max_severity")


class _Packages(Json):
    package: _Package
    vulnerabilities: list[dict[str, Any]] = Field(default=[])
    groups: list[_Group] = Field(default=[])


class _Source(Json):
    path: str


class _Result(Json):
    source: _Source
    packages: list[_Packages]


class _Layer(Json):
    diff_id: str = ""


class _Image(Json):
    layers: list[_Layer] = Field(default=[], alias="layer_metadata")


class _Report(Json):
    results: list[_Result]
    image: _Image = Field(default=_Image(), alias="image_metadata")


@dataclass(frozen=True, slots=True)
class OsvScanner:
    """Reads the OSV dumps of the user's cache; osv-scanner itself is told to stay offline."""

    name: str = "osv-scanner"
    data: str = "osv-scanner"

    def words(self, job: Job) -> list[str]:
        """The dumps are linked into the job's folder under the names of either layout."""
        data = job.folder / "data"
        data.mkdir()
        for name in _LAYOUTS:
            (data / name).symlink_to(job.data)
        return [
            *(job.program, "scan", "image", "--archive", str(job.archive), "--format", "json"),
            *("--all-packages", "--offline", f"--local-db-path={data}"),
        ]

    def read(self, said: Said, job: Job) -> Answer:
        """Ending with "no packages" is an error: that image was not understood."""
        if said.code == NO_PACKAGES:
            raise BadAnswer("it found no packages")
        report = parsed(_Report, succeeded(said, CLEAN, FOUND))
        layers = [layer.diff_id for layer in report.image.layers]
        found, packages, ecosystems = Gathered(), 0, set[str]()
        for result in report.results:
            for entry in result.packages:
                packages += 1
                ecosystems.add(entry.package.ecosystem.partition(":")[0])
                for finding in _findings(entry, result.source.path, layers):
                    found.add(finding)
        if said.code == FOUND and not found.findings:
            raise BadAnswer("it says that it found something, and does not say what")
        digest, at, missing = _state(job.data, ecosystems)
        unknown = tuple(f"no data on {name}" for name in missing)
        unknown += () if packages else ("no package was found",)
        return Answer(found.all(), packages, "", digest, at, unknown)


def _findings(entry: _Packages, path: str, layers: Sequence[str]) -> Iterator[Finding]:
    """One for each group of records that speak of the same vulnerability."""
    package = entry.package
    advisories = {one.id: one for one in map(_advisory, entry.vulnerabilities)}
    grouped = {name for group in entry.groups for name in group.ids}
    alone = [_Group(ids=[name]) for name in advisories if name not in grouped]
    index = package.origin.index if package.origin else -1
    layer = layers[index] if 0 <= index < len(layers) else ""
    for group in (*entry.groups, *alone):
        told = [advisories[name] for name in group.ids if name in advisories]
        names = {*group.ids, *group.aliases}
        id = min(names, key=lambda name: (not name.startswith("CVE-"), name))
        yield Finding(
            id=id,
            package=package.system_name or package.name,
            version=package.version,
            severity=_severity(told, group.worst),
            fixed_version=_fix(told, package),
            aliases=tuple(sorted(names - {id})),
            origin=Origin(path.rpartition(":/")[2].lstrip("/"), layer),
        )


def _advisory(record: dict[str, Any]) -> Advisory:
    try:
        return parse(json.dumps(record).encode())
    except BadRecord as error:
        raise BadAnswer(f"a vulnerability is no OSV record: {error}") from error


def _severity(told: Sequence[Advisory], worst: str) -> Severity:
    """The worst of the records, or else of the score that it made of them."""
    levels = [one.severity for one in told if one.severity]
    if levels:
        return max(levels, key=severity.rank)
    return severity.of_score(float(worst)) if _NUMBER.fullmatch(worst) else Severity.UNKNOWN


def _fix(told: Sequence[Advisory], package: _Package) -> str | None:
    """The first version of the package that a record calls fixed."""
    installed = Installed.of(package.ecosystem, package.version)
    for one in told:
        for affected in one.affected:
            if affected.package == package.name and affected.ecosystem == package.ecosystem:
                ranges, listed, *_ = fields_of(told_of(affected))
                hit = evaluate(ranges, listed, installed)
                if hit and hit.fixed:
                    return hit.fixed
    return None


def _state(data: Path, ecosystems: set[str]) -> tuple[str, int | None, list[str]]:
    """A digest that names the dumps used, the oldest's age, and the ecosystems without one."""
    told, times, missing = [], [], []
    for name in sorted(ecosystems - {""}):
        try:
            status = (data / name / "all.zip").stat()
        except OSError:
            missing.append(name)
            continue
        told.append([name, status.st_size, status.st_mtime_ns])
        times.append(status.st_mtime_ns // 1_000_000)
    digest = f"sha256:{hashlib.sha256(json.dumps(told).encode()).hexdigest()}" if told else ""
    return digest, min(times, default=None), missing
