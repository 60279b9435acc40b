"""Write an inventory as CycloneDX 1.6 JSON: the same bytes for the same inventory and stamp."""

import json
from typing import Any

from tidegate.scan.packages import Inventory, Kind, OsRelease, Package
from tidegate.scan.sbom.names import (
    OURS,
    TRIVY_FAMILIES,
    TRIVY_TYPES,
    TRIVYS,
    split_version,
)

_SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
_OS_REF = "os"
_OWN = tuple(
    f"{OURS}{name}"
    for name in (
        *("ecosystem", "source", "sourceVersion", "architecture"),
        *("module", "layer", "layerDigest", "dev"),
    )
)
_TRIVYS_LANGUAGE = tuple(f"{TRIVYS}{name}" for name in ("LayerDiffID", "PkgType", "FilePath"))
_TRIVYS_SYSTEM = (
    *_TRIVYS_LANGUAGE[:2],
    *(f"{TRIVYS}{name}" for name in ("PkgID", "SrcName", "SrcVersion", "SrcRelease", "SrcEpoch")),
)

Json = dict[str, Any]


def write(inventory: Inventory, name: str, serial: str, timestamp: str) -> bytes:
    """The SBOM of the image called `name`.

    `serial` is a UUID, `timestamp` a time by RFC 3339; both come from the caller, all the rest
    follows from the inventory. `compositions` says "incomplete" when packages may be missing.
    """
    refs = _refs(inventory.packages)
    components = [
        _component(package, ref, inventory.os)
        for package, ref in zip(inventory.packages, refs, strict=True)
    ]
    if inventory.os:
        components.insert(0, _system(inventory.os))
        refs.insert(0, _OS_REF)
    image = _image(inventory, name)
    bom = {
        "$schema": _SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": timestamp,
            "tools": {"components": [{"type": "application", "name": "tidegate"}]},
            "component": image,
        },
        "components": components,
        "dependencies": [{"ref": image["bom-ref"], "dependsOn": refs}],
        "compositions": [
            {
                "aggregate": "complete" if inventory.complete else "incomplete",
                "assemblies": [image["bom-ref"]],
            }
        ],
    }
    return json.dumps(bom, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _image(inventory: Inventory, name: str) -> Json:
    base = inventory.base
    values: list[tuple[str, str]] = [
        ("imageId", inventory.image_id),
        ("architecture", inventory.architecture),
        ("base", _json([base.layers, base.name, base.certain]) if base else ""),
        *(("layer", _json([layer.digest, layer.created_by])) for layer in inventory.layers),
        *(("note", _json([n.path, n.text, n.layer, n.blinds])) for n in inventory.notes),
    ]
    found: Json = {
        "bom-ref": f"image:{inventory.digest}",
        "type": "container",
        "name": name,
        "version": inventory.digest,
        "properties": _properties(OURS, values),
    }
    return found


def _system(os: OsRelease) -> Json:
    family = TRIVY_FAMILIES.get(os.id, os.id)
    trivy = [("Type", family), ("Class", "os-pkgs")]
    return {
        "bom-ref": _OS_REF,
        "type": "operating-system",
        "name": os.id,
        "version": os.version,
        "description": os.name,
        "properties": _properties(TRIVYS, trivy),
    }


def _component(package: Package, ref: str, os: OsRelease | None) -> Json:
    own = (
        *(package.ecosystem, package.source_name, package.source_version, package.architecture),
        *(package.module, str(package.layer), package.layer_digest),
        "true" if package.dev else "",
    )
    return {
        "bom-ref": ref,
        "type": "library",
        "name": package.name,
        "version": package.version,
        **({"scope": "excluded"} if package.dev else {}),
        "purl": package.purl,
        "properties": [*_told(_OWN, own), *_trivy(package, os)],
        "evidence": {"occurrences": [{"location": package.path}]},
    }


def _trivy(package: Package, os: OsRelease | None) -> list[Json]:
    if not package.kind.of_system:
        kind = TRIVY_TYPES[package.kind]
        return _told(_TRIVYS_LANGUAGE, (package.layer_digest, kind, package.path))
    family = TRIVY_FAMILIES.get(os.id, os.id) if os else package.kind.value
    version = package.source_version
    epoch, upstream, release = (
        ("", version, "") if package.kind is Kind.APK else split_version(version)
    )
    source = package.source_name, upstream, release, epoch
    told = package.layer_digest, family, f"{package.name}@{package.version}", *source
    return _told(_TRIVYS_SYSTEM, told)


def _told(names: tuple[str, ...], values: tuple[str, ...]) -> list[Json]:
    """The properties that have a value. Their names are made once, for there are thousands."""
    return [
        {"name": name, "value": value} for name, value in zip(names, values, strict=True) if value
    ]


def _properties(prefix: str, values: list[tuple[str, str]]) -> list[Json]:
    return [{"name": f"{prefix}{name}", "value": value} for name, value in values if value]


def _refs(packages: tuple[Package, ...]) -> list[str]:
    """One name for each package: its purl, its place, and a number where that is not enough."""
    seen: dict[str, int] = {}
    refs = []
    for package in packages:
        ref = f"{package.purl}#{package.path}"
        seen[ref] = seen.get(ref, 0) + 1
        refs.append(ref if seen[ref] == 1 else f"{ref}#{seen[ref]}")
    return refs


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
