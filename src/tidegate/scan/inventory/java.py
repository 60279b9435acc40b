"""Java archives: `pom.properties`, the manifest, the file's name; archives within archives.

An archive that a build tool has made names its Maven coordinates in `pom.properties` below
`META-INF/maven` (a shaded one has those of all that is in it). Where there is none, the file's name
and the manifest tell artifact and version; the group is the manifest's vendor id, or not known.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from zipfile import ZipFile, ZipInfo

from tidegate.scan.archive.image import printable
from tidegate.scan.inventory import zips
from tidegate.scan.inventory.facts import BadFile, Facts, Found
from tidegate.scan.inventory.zips import Budget
from tidegate.scan.packages import Kind

ENDINGS = (".jar", ".war", ".ear", ".par")
_DEPTH = 3
_NAME = re.compile(r"(?P<artifact>[A-Za-z][\w.-]*?)-(?P<version>\d[\w.+-]*)")
_GROUP = re.compile(r"[a-z][\w-]*(\.[\w-]+)+")
_ARTIFACT = re.compile(r"[\w.+-]{1,200}")
_MANIFEST = "META-INF/MANIFEST.MF"
_SMALL = 1024 * 1024
_LONGEST_NAME = 255
_VENDORS = frozenset({"org.apache"})
"""Vendors who are nobody's group: older jars of Apache (commons-logging 1.1, velocity 1.7) name the
foundation. Under that group no advisory would ever be found, and nothing would tell."""


def archive(path: str, content: bytes) -> Facts:
    """What is in the archive. What is damaged within it is a note. Raises `BadFile`."""
    walk = _Walk(Budget.of(content))
    found = tuple(dict.fromkeys(walk.through(path, "", content)))
    if not found:
        walk.notes.append(("it does not tell what it is", False))
    return Facts(packages=found, notes=tuple(walk.notes[:10]))


@dataclass(slots=True)
class _Walk:
    """What one archive shares with all those in it."""

    budget: Budget
    notes: list[tuple[str, bool]] = field(default_factory=list)

    def through(self, path: str, inside: str, content: bytes) -> Iterator[Found]:
        """The packages of one archive, then those of the archives in it."""
        with zips.opened(content) as zipped:
            yield from self._own(path, inside, zipped)
            for info in zipped.infolist():
                if info.filename.lower().endswith(ENDINGS):
                    yield from self._inner(inside, zipped, info)

    def _inner(self, inside: str, zipped: ZipFile, info: ZipInfo) -> Iterator[Found]:
        place = "!/".join(filter(None, (inside, printable(info.filename)[:500])))
        try:
            if place.count("!/") >= _DEPTH:
                raise BadFile("archives are nested too deeply")
            yield from self.through(info.filename, place, zips.read(zipped, info, self.budget))
        except BadFile as error:
            self.notes.append((f"{place}: {error}", False))

    def _own(self, path: str, inside: str, zipped: ZipFile) -> Iterator[Found]:
        """The packages that this archive names itself."""
        stem = path.rpartition("/")[2].rpartition(".")[0]
        named = _NAME.fullmatch(stem) if len(stem) <= _LONGEST_NAME else None
        artifacts = set()
        for info in zipped.infolist():
            name = info.filename
            if name.startswith("META-INF/maven/") and name.endswith("/pom.properties"):
                for found in self._pom(zipped, info, inside):
                    artifacts.add(found.name.partition(":")[2])
                    yield found
        if not artifacts or (named and not _is_one_of(stem, artifacts)):
            manifest = self._fields(zipped, _MANIFEST, ":")
            yield from _by_name(named, manifest, inside)

    def _pom(self, zipped: ZipFile, info: ZipInfo, inside: str) -> Iterator[Found]:
        pom = self._fields(zipped, info.filename, "=")
        group, artifact, version = (pom.get(k, "") for k in ("groupId", "artifactId", "version"))
        if group and artifact and version and "${" not in version:
            try:
                yield Found(Kind.MAVEN, f"{group}:{artifact}", version, inside=inside)
            except BadFile as error:
                self.notes.append((f"{printable(info.filename)[:500]}: {error}", False))

    def _fields(self, zipped: ZipFile, name: str, separator: str) -> dict[str, str]:
        """`key=value` or `key: value` lines; comments begin with #."""
        try:
            info = zipped.getinfo(name)
        except KeyError:
            return {}
        if info.file_size > _SMALL:
            return {}
        try:
            text = zips.read(zipped, info, self.budget).decode("utf-8", "replace")
        except BadFile as error:
            self.notes.append((f"{printable(name)}: {error}", False))
            return {}
        pairs = (line.partition(separator) for line in text.splitlines() if line[:1] != "#")
        return {key.strip(): value.strip() for key, _, value in pairs}


def _is_one_of(stem: str, artifacts: Iterable[str]) -> bool:
    """Whether the file is called by one of them: in "log4j-1.2-api-2.17.1" a name has a number."""
    return any(stem == name or stem.startswith(f"{name}-") for name in artifacts)


def _by_name(named: re.Match[str] | None, manifest: dict[str, str], inside: str) -> Iterator[Found]:
    """The archive as its file's name has it, else as its manifest has it."""
    artifact = named["artifact"] if named else manifest.get("Implementation-Title", "")
    version = named["version"] if named else manifest.get("Implementation-Version", "")
    if _ARTIFACT.fullmatch(artifact) and _ARTIFACT.fullmatch(version):
        group = manifest.get("Implementation-Vendor-Id", "")
        told = _GROUP.fullmatch(group) and group not in _VENDORS
        name = f"{group}:{artifact}" if told else artifact
        yield Found(Kind.MAVEN, name, version, inside=inside)
