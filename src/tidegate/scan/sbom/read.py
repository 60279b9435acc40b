"""Read a CycloneDX JSON SBOM, ours or another tool's, as an inventory.

Ours comes back as it was. Of another's the package URL decides, with Trivy's properties and the
`upstream` qualifier of Syft for what a package was built from.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from packageurl import PackageURL

from tidegate.core.errors import GateError
from tidegate.scan.archive.image import printable
from tidegate.scan.packages import Base, Inventory, Layer, Note, OsRelease, Package
from tidegate.scan.sbom.component import IDENTITIES, KINDS, distribution, package, properties
from tidegate.scan.sbom.names import OURS

_MOST_BYTES = 256 * 1024 * 1024
_DEPTH = 20
_WRONG = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What reading JSON of another shape than ours raises."""
_HALF = re.compile(rb"\\ud[89a-f]", re.IGNORECASE)
"""Half of a character, maybe: a text with one could not be written down again."""
_IMAGES = ("oci", "docker")
_NOT_JUDGED = (
    *("bitnami", "cargo", "cocoapods", "composer", "conan", "conda", "cran", "gem", "generic"),
    *("github", "hackage", "hex", "nuget", "pub", "swift"),
)
"""Languages' package types of package URLs. Any other may be a distribution's."""

Json = dict[str, Any]


def read(data: bytes) -> Inventory:
    """The inventory that an SBOM tells. Raises `GateError` TG417 when it is none.

    A package that cannot be told is a note that blinds, and so are those of a distribution that is
    not known; packages of a language that is not judged are a note.
    """
    if len(data) > _MOST_BYTES:
        raise _no_sbom(f"it has more than {_MOST_BYTES:,} bytes")
    try:
        bom = json.loads(data.decode("utf-8-sig"))
        if _HALF.search(data):
            json.dumps(bom, ensure_ascii=False).encode()
        if not isinstance(bom, dict) or bom.get("bomFormat") != "CycloneDX":
            raise _no_sbom("it is no CycloneDX JSON")
        return _inventory(bom)
    except _WRONG as error:
        raise _no_sbom(f"{type(error).__name__}: {error}"[:300]) from error


def _inventory(bom: Json) -> Inventory:
    image = (bom.get("metadata") or {}).get("component") or {}
    own = {name.removeprefix(OURS): values for name, values in properties(image).items()}
    components = [image, *_flat(bom.get("components"), _DEPTH)]
    os = _system(components)
    packages, notes = _packages(components, os)
    notes += [_note(value) for value in own.get("note", [])]
    if not own and any(c.get("aggregate") == "incomplete" for c in bom.get("compositions") or []):
        notes.append(Note("", "it says that it is incomplete", blinds=True))
    if not own and not packages:
        notes.append(Note("", "it names no package that is judged", blinds=True))
    base = json.loads(own["base"][0]) if own.get("base") else None
    layers = [json.loads(value) for value in own.get("layer", [])]
    return Inventory(
        digest=str(image.get("version", "")),
        os=os,
        packages=tuple(packages),
        notes=tuple(notes),
        layers=tuple(Layer(n, str(digest), str(by)) for n, (digest, by) in enumerate(layers)),
        base=Base(int(base[0]), str(base[1]), base[2] is True) if base else None,
        image_id=own.get("imageId", [""])[0],
        architecture=own.get("architecture", [""])[0],
    )


def _packages(components: list[Json], os: OsRelease | None) -> tuple[list[Package], list[Note]]:
    packages: list[Package] = []
    notes: list[Note] = []
    others: Counter[str] = Counter()
    for component in components:
        name = printable(str(component.get("name", ""))[:200])
        address = component.get("purl")
        try:
            if address is None and component.get("type") != "library":
                continue
            url = PackageURL.from_string(str(address))
            if url.type in KINDS:
                packages.append(package(component, url, os or distribution(url)))
            elif url.type not in _IMAGES:
                others[url.type] += 1
        except ValueError as error:
            notes.append(Note("", printable(f"{name}: {error}"[:500]), blinds=True))
    notes += [
        Note("", f"packages of the kind {kind} are not judged: {count}", 0, kind not in _NOT_JUDGED)
        for kind, count in sorted(others.items())
    ]
    return packages, notes


def _flat(components: object, depth: int) -> Iterator[Json]:
    """Components, and those within them."""
    if not isinstance(components, list):
        return
    if depth == 0:
        raise ValueError("its components are nested too deeply")
    for component in components:
        yield component
        yield from _flat(component.get("components"), depth - 1)


def _system(components: list[Json]) -> OsRelease | None:
    for component in components:
        if component.get("type") == "operating-system":
            name = str(component.get("name", "")).lower()
            version = str(component.get("version", ""))
            told = str(component.get("description", ""))
            return OsRelease(IDENTITIES.get(name, name), version, told)
    return None


def _note(value: str) -> Note:
    path, text, layer, blinds = json.loads(value)
    return Note(str(path), str(text), int(layer), blinds is not False)


def _no_sbom(cause: str) -> GateError:
    return GateError(
        "the SBOM cannot be read",
        cause=cause,
        remedy="give a CycloneDX document in JSON, version 1.4 or later",
        code="TG417",
    )
