"""Ask the index of every package of an inventory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from tidegate.core.findings import Severity
from tidegate.scan.advisories.index import Index, Row
from tidegate.scan.advisories.told import ENTRY, FIELD, UNIT, Told, parted
from tidegate.scan.match.merge import Match, Said, matched, merge
from tidegate.scan.match.ranges import Hit, Installed, concerning, evaluate
from tidegate.scan.packages import Kind, Package

BY_SOURCE = frozenset({Kind.DEB, Kind.APK})
"""Whose advisories name the source package; an rpm's name the package itself."""

UNTOLD = "?"
_ORDER = attrgetter("package.name", "package.version", "id")
_LEVELS: dict[str | None, Severity | None] = {"": None, None: None, **{s: s for s in Severity}}


@dataclass(frozen=True, slots=True)
class Matching:
    """What was found. `matches` are sorted by package, then by id.

    `uncovered` are the image's ecosystems of which the data has nothing at all, and `unidentified`
    packages cannot be looked up: of both nothing is known, which is not the same as no findings.
    """

    matches: tuple[Match, ...]
    uncovered: tuple[str, ...] = ()
    unidentified: tuple[Package, ...] = ()


_Judged = tuple[Hit, str, str, bool]
"""The hit, the severity and status told of it, and whether it is certain also of its module."""


def match(packages: Iterable[Package], index: Index) -> Matching:
    """Match installed packages; what only a lock file names for development is left out.

    Raises `GateError` (TG426) when the index cannot be read.
    """
    installed = [package for package in packages if not package.dev]
    keys = [*map(_key, installed)]
    told = index.told({key[:2] for key in keys})
    with index.reading():
        hits = {
            key: _hits(told[key[:2]], key[2], package)
            for key, package in zip(keys, installed, strict=True)
            if key[:2] in told
        }
        known = index.known(number for every in hits.values() for number, _ in every)
        said = {
            key: merge(_each_said(every, known), partial(index.find, *key[:2]))
            for key, every in hits.items()
            if every
        }
    merged = (one for every in said.values() for one in every)
    chances = index.chances(name for one in merged for name in one.names + one.covers)
    matches = [
        matched(one, package, index.exploited, chances)
        for key, package in zip(keys, installed, strict=True)
        for one in said.get(key, ())
    ]
    ecosystems = sorted({package.ecosystem for package in installed})
    return Matching(
        tuple(sorted(matches, key=_ORDER)),
        tuple(ecosystem for ecosystem in ecosystems if not index.has(ecosystem)),
        tuple(package for package in installed if not _identified(package)),
    )


def _key(package: Package) -> tuple[str, str, str, str]:
    """What matches alike: the ecosystem, the name and version of its advisories, the module."""
    name, version = package.name, package.version
    if package.kind in BY_SOURCE:
        name, version = package.source_name or name, package.source_version or version
    return package.ecosystem, name, version, package.module


def _hits(told: Told, version: str, package: Package) -> list[tuple[int, _Judged]]:
    """What hits the version, of all that is told of the package, by the advisories' numbers."""
    installed = Installed.of(package.ecosystem, version)
    found: list[tuple[int, _Judged]] = []
    for statement in concerning(told, installed):
        numbers, *entries = statement.split(ENTRY)
        surest: _Judged | None = None
        for entry in entries:
            judged = _judged(entry, installed, package)
            if judged and (surest is None or judged[0].certain > surest[0].certain):
                surest = judged
        if surest:
            found += [(int(number), surest) for number in numbers.split(",")]
    return found


def _judged(entry: str, installed: Installed, package: Package) -> _Judged | None:
    """What one entry says of the version; None when it is not affected."""
    ranges, listed, severity, status, module = entry.split(FIELD)
    if (module or package.kind is Kind.RPM) and not _of_its_module(module, package):
        return None
    hit = evaluate(ranges, listed, installed)
    return (hit, severity, status, hit.certain and module != UNTOLD) if hit else None


def _each_said(hits: Iterable[tuple[int, _Judged]], known: Mapping[int, Row]) -> list[Said]:
    """By the advisories' ids: what comes first must not depend on the order in the index."""
    each = [(known[number], judged) for number, judged in hits]
    each.sort()
    return [_said(*one) for one in each]


def _said(row: Row, judged: _Judged) -> Said:
    _, _, level, score, summary, names, covers, published_at = row
    (fixed, _), severity, status, certain = judged
    return Said(
        tuple(names.split(UNIT)),
        parted(covers) if covers else (),
        _LEVELS[severity] or _LEVELS[level] or Severity.UNKNOWN,
        score,
        (fixed,) if fixed else (),
        summary,
        status,
        certain,
        published_at,
    )


def _is_modular(package: Package) -> bool:
    return bool(package.module) or (package.kind is Kind.RPM and ".module" in package.version)


def _of_its_module(module: str, package: Package) -> bool:
    """Whether both are of the same rpm module's stream, or neither is of any."""
    if package.kind is not Kind.RPM:
        return not module
    if not module or not _is_modular(package):
        return bool(module) == _is_modular(package)
    return bool(package.module) and module in (UNTOLD, _stream(package.module))


def _stream(label: str) -> str:
    """ "container-tools:4.0" of "container-tools:4.0:8090020231201:d7b6f4b7"."""
    return ":".join(label.split(":")[:2])


def _identified(package: Package) -> bool:
    """Whether advisories can name it: a jar needs its group, a modular rpm its label."""
    if package.kind is Kind.MAVEN:
        return ":" in package.name
    return bool(package.module) or not _is_modular(package)
