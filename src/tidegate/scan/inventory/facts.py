"""What one file, and one layer, tells: plain data that goes into the cache and comes back equal."""

import json
import zlib
from dataclasses import dataclass, field
from typing import Any

from tidegate.scan.packages import Kind, OsRelease

_TEXT = 500
_KINDS = {kind.value: kind for kind in Kind}
_MOST_BYTES = 512 * 1024 * 1024


class BadFile(ValueError):
    """The file does not follow its format. The text says how; it never leaves the inventory."""


@dataclass(frozen=True, slots=True)
class Found:
    """A package as its file tells it, before the distribution is known.

    `inside` is the place within an archive ("lib/x.jar"); `owns` are the paths that the package
    manager put there, as far as they could be taken for packages of a language.
    """

    kind: Kind
    name: str
    version: str
    source_name: str = ""
    source_version: str = ""
    architecture: str = ""
    module: str = ""
    inside: str = ""
    dev: bool = False
    owns: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        own = self.name, self.version, self.architecture, self.module, self.inside
        texts = (*own, self.source_name, self.source_version)
        if not "".join(texts).isprintable() or max(map(len, texts)) > _TEXT:
            raise BadFile("a name or version in it is not plain text")
        if not self.name or not self.version:
            raise BadFile("a package in it has no name or no version")


@dataclass(frozen=True, slots=True)
class Facts:
    """What one file tells. `owns` are paths that belong to the distribution by this file.

    `locks` marks a lock file, whose packages count only where nothing is installed beside it.
    `notes` are (text, whether packages may be missing for it).
    """

    packages: tuple[Found, ...] = ()
    owns: tuple[str, ...] = ()
    os: OsRelease | None = None
    locks: bool = False
    notes: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """What one layer tells, by path; `hidden` and `opaque` are its whiteouts.

    `replaced` is every path of the layer that is no folder: it hides what was there and below;
    `folders` are its folders: each hides a file that was there.
    """

    files: dict[str, Facts]
    hidden: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    notes: tuple[tuple[str, str], ...] = ()


def encode(layer: LayerFacts) -> bytes:
    """As bytes for the cache."""
    plain = {
        "files": {path: _plain(facts) for path, facts in layer.files.items()},
        "hidden": sorted(layer.hidden),
        "opaque": sorted(layer.opaque),
        "replaced": sorted(layer.replaced),
        "folders": sorted(layer.folders),
        "notes": layer.notes,
    }
    return zlib.compress(json.dumps(plain, separators=(",", ":")).encode(), 1)


def decode(data: bytes) -> LayerFacts:
    """The layer that was encoded. Raises `ValueError`, `LookupError`, `TypeError`, `zlib.error`."""
    opener = zlib.decompressobj()
    plain = json.loads(opener.decompress(data, _MOST_BYTES))
    return LayerFacts(
        files={path: _facts(value) for path, value in plain["files"].items()},
        hidden=frozenset(plain["hidden"]),
        opaque=frozenset(plain["opaque"]),
        replaced=frozenset(plain["replaced"]),
        folders=frozenset(plain["folders"]),
        notes=tuple((path, text) for path, text in plain["notes"]),
    )


def _plain(facts: Facts) -> list[Any]:
    os = facts.os
    return [
        [_found(package) for package in facts.packages],
        facts.owns,
        [os.id, os.version, os.name] if os else None,
        facts.locks,
        facts.notes,
    ]


def _found(package: Found) -> list[Any]:
    return [
        *(package.kind.value, package.name, package.version),
        *(package.source_name, package.source_version, package.architecture),
        *(package.module, package.inside, package.dev, package.owns),
    ]


def _facts(value: list[Any]) -> Facts:
    packages, owns, os, locks, notes = value
    return Facts(
        packages=tuple([_package(row) for row in packages]),
        owns=tuple(owns),
        os=OsRelease(*os) if os else None,
        locks=locks,
        notes=tuple([(text, blinds) for text, blinds in notes]),
    )


def _package(row: list[Any]) -> Found:
    kind, name, version, source, source_version, architecture, module, inside, dev, owns = row
    return Found(
        *(_KINDS[kind], name, version),
        *(source, source_version, architecture),
        module=module,
        inside=inside,
        dev=dev,
        owns=tuple(owns),
    )
