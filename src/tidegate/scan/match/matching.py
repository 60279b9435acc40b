"""Ask the index of every package of an inventory."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from tidegate.core.seen import Severity
from tidegate.scan.advisories.index import Index, Known
from tidegate.scan.advisories.record import Affected
from tidegate.scan.match.merge import Match, Said, matched, merge, names_of
from tidegate.scan.match.ranges import Hit, evaluate
from tidegate.scan.packages import Kind, Package
from tidegate.scan.versions import Compare, comparator

BY_SOURCE = frozenset({Kind.DEB, Kind.APK})
"""Whose advisories name the source package; an rpm's name the package itself."""

UNTOLD = "?"


@dataclass(frozen=True, slots=True)
class Matching:
    """What was found. `matches` are sorted by package, then by id.

    `uncovered` are the image's ecosystems of which the data has nothing at all, and `unidentified`
    packages cannot be looked up: of both nothing is known, which is not the same as no findings.
    """

    matches: tuple[Match, ...]
    uncovered: tuple[str, ...] = ()
    unidentified: tuple[Package, ...] = ()


def match(packages: Iterable[Package], index: Index) -> Matching:
    """Match installed packages; what only a lock file names for development is left out.

    Raises `GateError` (TG426) when the index cannot be read.
    """
    installed = [package for package in packages if not package.dev]
    known = index.find_all({(p.ecosystem, _asked_for(p)[0]): None for p in installed})
    asked: dict[tuple[str, ...], tuple[Match, ...]] = {}
    matches: list[Match] = []
    for package in installed:
        key = (package.ecosystem, *_asked_for(package), package.module)
        if key not in asked:
            told = known[package.ecosystem, key[1]]
            asked[key] = tuple(_matches(package, told, index)) if told else ()
        matches += (
            found if found.package is package else replace(found, package=package)
            for found in asked[key]
        )
    ecosystems = sorted({package.ecosystem for package in installed})
    return Matching(
        tuple(sorted(matches, key=lambda m: (m.package.name, m.package.version, m.id))),
        tuple(ecosystem for ecosystem in ecosystems if not index.has(ecosystem)),
        tuple(package for package in installed if not _identified(package)),
    )


def _asked_for(package: Package) -> tuple[str, str]:
    """The name and version that the package's advisories speak of."""
    if package.kind in BY_SOURCE:
        return package.source_name or package.name, package.source_version or package.version
    return package.name, package.version


def _matches(package: Package, known: Sequence[Known], index: Index) -> Iterator[Match]:
    _, version = _asked_for(package)
    compare = comparator(package.ecosystem)
    said = (one for k in known if (one := _said(k, package, version, compare)))
    for one in merge(said, known):
        yield matched(one, package, index)


def _said(known: Known, package: Package, version: str, compare: Compare) -> Said | None:
    """What the advisory says of this version; None when it is not affected."""
    hits = [
        (affected, hit)
        for affected in known.affected
        if _of_its_module(affected, package) and (hit := evaluate(affected, version, compare))
    ]
    if not hits:
        return None
    affected, hit = max(hits, key=lambda found: found[1].certain)
    return Said(
        names=names_of(known),
        covers=set(known.covers),
        severity=affected.severity or known.severity or Severity.UNKNOWN,
        score=known.score,
        fixes={hit.fixed} if hit.fixed else set(),
        summary=known.summary,
        status=affected.status,
        certain=_certain(hit, affected),
        published_at=known.published_at,
    )


def _certain(hit: Hit, affected: Affected) -> bool:
    return hit.certain and affected.module != UNTOLD


def _is_modular(package: Package) -> bool:
    return bool(package.module) or (package.kind is Kind.RPM and ".module" in package.version)


def _of_its_module(affected: Affected, package: Package) -> bool:
    """Whether both are of the same rpm module's stream, or neither is of any."""
    if package.kind is not Kind.RPM:
        return not affected.module
    if not affected.module or not _is_modular(package):
        return bool(affected.module) == _is_modular(package)
    told = affected.module != UNTOLD
    return bool(package.module) and (not told or _stream(package.module) == affected.module)


def _stream(label: str) -> str:
    """ "container-tools:4.0" of "container-tools:4.0:8090020231201:d7b6f4b7"."""
    return ":".join(label.split(":")[:2])


def _identified(package: Package) -> bool:
    """Whether advisories can name it: a jar needs its group, a modular rpm its label."""
    if package.kind is Kind.MAVEN:
        return ":" in package.name
    return bool(package.module) or not _is_modular(package)
