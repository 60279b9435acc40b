"""From merged files to the inventory: packages with their ecosystem, and what is not known."""

from collections.abc import Iterator, Sequence

from tidegate.scan.archive.image import Description
from tidegate.scan.inventory.facts import Facts, Found, LayerFacts
from tidegate.scan.inventory.merge import Held, installed_beside, merge, owned, owners
from tidegate.scan.inventory.purl import purl
from tidegate.scan.packages import (
    LANGUAGE_ECOSYSTEMS,
    Base,
    Inventory,
    Kind,
    Layer,
    Note,
    OsRelease,
    Package,
)

_FAMILIES = {Kind.DEB: "Debian", Kind.APK: "Alpine", Kind.RPM: "rpm"}
"""The ecosystem of a system's packages when the image does not tell which release it is."""
_OS_FILES = ("etc/os-release", "usr/lib/os-release")


def report(image: Description, layers: Sequence[LayerFacts], base: Base | None) -> Inventory:
    """The inventory of an image whose layers tell these facts, the lowest first."""
    held = _without_owned(merge(layers))
    os = next((held[p].facts.os for p in _OS_FILES if p in held and held[p].facts.os), None)
    packages = {
        _package(image, os, path, found, layer)
        for path, file in held.items()
        for found, layer in file.since.items()
    }
    notes = [
        Note(path, text, file.layer, blinds)
        for path, file in held.items()
        for text, blinds in file.facts.notes
    ]
    notes += [
        Note(path, text, index) for index, layer in enumerate(layers) for path, text in layer.notes
    ]
    notes += _gaps(os, packages)
    return Inventory(
        digest=image.digest,
        os=os,
        packages=tuple(sorted(packages, key=_order)),
        notes=tuple(sorted(set(notes), key=lambda note: (note.path, note.layer, note.text))),
        layers=tuple(map(Layer, range(len(layers)), image.diff_ids, image.steps)),
        base=base,
        image_id=image.image_id,
        architecture=image.architecture,
    )


def _without_owned(held: dict[str, Held]) -> dict[str, Held]:
    """Without language packages of the distribution, and lock files of what is installed."""
    by, beside = owners(held), installed_beside(held)
    kept: dict[str, Held] = {}
    for path, file in held.items():
        since = max(file.since.values(), default=file.layer)
        if _of_language(file.facts) and owned(path, since, by):
            continue
        if file.facts.locks and _is_beside(path, beside):
            continue
        kept[path] = file
    return kept


def _of_language(facts: Facts) -> bool:
    """Whether a file tells of nothing but packages of a language, well or badly."""
    of_system = facts.os or any(package.kind.of_system for package in facts.packages)
    return not of_system and not any(blinds for _, blinds in facts.notes)


def _is_beside(path: str, beside: frozenset[str]) -> bool:
    """Whether packages are installed where a program next to the lock file would find them."""
    folders = [path[:at] for at, letter in enumerate(path) if letter == "/"]
    return "node_modules/" in path or not beside.isdisjoint(["", *folders])


def _package(
    image: Description, os: OsRelease | None, path: str, found: Found, layer: int
) -> Package:
    if found.kind.of_system:
        ecosystem = os.ecosystem if os else _FAMILIES[found.kind]
    else:
        ecosystem = LANGUAGE_ECOSYSTEMS[found.kind]
    return Package(
        name=found.name,
        version=found.version,
        ecosystem=ecosystem,
        kind=found.kind,
        purl=purl(found, os),
        source_name=found.source_name or found.name,
        source_version=found.source_version or found.version,
        architecture=found.architecture,
        module=found.module,
        path=f"{path}!/{found.inside}" if found.inside else path,
        layer=layer,
        layer_digest=image.diff_ids[layer],
        dev=found.dev,
    )


def _gaps(os: OsRelease | None, packages: set[Package]) -> Iterator[Note]:
    """What the image as a whole does not tell."""
    of_system = any(package.kind.of_system for package in packages)
    if os and not of_system:
        named = os.name or os.id
        yield Note("", f"no package database of {named} that can be read", blinds=True)
    if of_system and not os:
        yield Note("", "no os-release tells which distribution this is", blinds=True)
    for package in packages:
        if package.kind is Kind.MAVEN and ":" not in package.name:
            text = f"{package.name} {package.version} does not tell its group"
            yield Note(package.path, text, package.layer)


def _order(package: Package) -> tuple[str, str, str, str, str]:
    return (
        *(package.ecosystem, package.name, package.version),
        *(package.path, package.architecture),
    )
