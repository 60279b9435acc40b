"""Ask the index of every package of an inventory."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from tidegate.core.findings import Severity
from tidegate.scan.advisories.index import Index, Known
from tidegate.scan.advisories.told import ENTRY, STATEMENT, fields_of
from tidegate.scan.match.merge import Match, Said, matched, merge
from tidegate.scan.match.ranges import Hit, Installed, evaluate
from tidegate.scan.packages import Kind, Package

BY_SOURCE = frozenset({Kind.DEB, Kind.APK})
"""Whose advisories name the source package; an rpm's name the package itself."""

UNTOLD = "?"
_LEVELS = {severity.value: severity for severity in Severity}


@dataclass(frozen=True, slots=True)
class Matching:
    """What was found. `matches` are sorted by package, then by id.

    `uncovered` are the image's ecosystems of which the data has nothing at all, and `unidentified`
    packages cannot be looked up: of both nothing is known, which is not the same as no findings.
    """

    matches: tuple[Match, ...]
    uncovered: tuple[str, ...] = ()
    unidentified: tuple[Package, ...] = ()


class _Judged(NamedTuple):
    """What an entry says of a version that it hits; `certain` also of its module."""

    hit: Hit
    severity: str
    status: str
    certain: bool


def match(packages: Iterable[Package], index: Index) -> Matching:
    """Match installed packages; what only a lock file names for development is left out.

    Raises `GateError` (TG426) when the index cannot be read.
    """
    installed = [package for package in packages if not package.dev]
    asked = {_key(package): package for package in installed}
    told = index.told({key[:2] for key in asked})
    hits = {
        key: [*_hits(told[key[:2]], key[2], package)]
        for key, package in asked.items()
        if key[:2] in told
    }
    known = index.known(n for every in hits.values() for numbers, _ in every for n in numbers)
    said = {
        key: merge(_each_said(every, known), partial(index.find, *key[:2]))
        for key, every in hits.items()
        if every
    }
    merged = (one for every in said.values() for one in every)
    chances = index.chances({name for one in merged for name in one.names | one.covers})
    matches = [
        matched(one, package, index.exploited, chances)
        for package in installed
        for one in said.get(_key(package), ())
    ]
    ecosystems = sorted({package.ecosystem for package in installed})
    return Matching(
        tuple(sorted(matches, key=lambda m: (m.package.name, m.package.version, m.id))),
        tuple(ecosystem for ecosystem in ecosystems if not index.has(ecosystem)),
        tuple(package for package in installed if not _identified(package)),
    )


def _key(package: Package) -> tuple[str, str, str, str]:
    """What matches alike: the ecosystem, the name and version of its advisories, the module."""
    name, version = package.name, package.version
    if package.kind in BY_SOURCE:
        name, version = package.source_name or name, package.source_version or version
    return package.ecosystem, name, version, package.module


def _hits(told: str, version: str, package: Package) -> Iterator[tuple[list[int], _Judged]]:
    """What hits the version, of all that is told of the package, each with its advisories."""
    installed = Installed.of(package.ecosystem, version)
    for statement in told.split(STATEMENT):
        numbers, _, entries = statement.partition(ENTRY)
        found = None
        for entry in entries.split(ENTRY):
            one = _judged(entry, installed, package)
            if found is None or (one and one.hit.certain > found.hit.certain):
                found = one
        if found:
            yield [int(number) for number in numbers.split(",")], found


def _judged(entry: str, installed: Installed, package: Package) -> _Judged | None:
    """What one entry says of the version; None when it is not affected."""
    ranges, listed, severity, status, module = fields_of(entry)
    if (module or package.kind is Kind.RPM) and not _of_its_module(module, package):
        return None
    hit = evaluate(ranges, listed, installed)
    return _Judged(hit, severity, status, hit.certain and module != UNTOLD) if hit else None


def _each_said(hits: Iterable[tuple[list[int], _Judged]], known: Mapping[int, Known]) -> list[Said]:
    """By the advisories' ids: what comes first must not depend on the order in the index."""
    each = [(known[number], judged) for numbers, judged in hits for number in numbers]
    each.sort(key=lambda one: one[0].id)
    return [_said(*one) for one in each]


def _said(known: Known, judged: _Judged) -> Said:
    return Said(
        names=set(known.names),
        covers=set(known.covers),
        severity=_LEVELS.get(judged.severity) or known.severity or Severity.UNKNOWN,
        score=known.score,
        fixes={judged.hit.fixed} if judged.hit.fixed else set(),
        summary=known.summary,
        status=judged.status,
        certain=judged.certain,
        published_at=known.published_at,
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
