"""One component of an SBOM as a package."""

from collections.abc import Mapping
from typing import Any

from packageurl import PackageURL
from packaging.utils import canonicalize_name

from tidegate.scan.packages import LANGUAGE_ECOSYSTEMS, Kind, OsRelease, Package
from tidegate.scan.sbom.names import OURS, TRIVY_FAMILIES, TRIVYS, join_version

KINDS = {kind.value: kind for kind in Kind}
IDENTITIES = {family: identity for identity, family in TRIVY_FAMILIES.items()}
"""The `ID` of os-release for Trivy's word for a distribution."""


def properties(component: Mapping[str, Any]) -> dict[str, list[str]]:
    """The values of each property by its name. Raises `TypeError`, `KeyError`, `AttributeError`."""
    found: dict[str, list[str]] = {}
    for entry in component.get("properties") or []:
        found.setdefault(str(entry["name"]), []).append(str(entry.get("value", "")))
    return found


def package(component: Mapping[str, Any], url: PackageURL, os: OsRelease | None) -> Package:
    """The package of a component with that package URL. Raises as `properties` does, `ValueError`.

    Our own properties win, then the URL, then Trivy's properties.
    """
    values = {name: texts[0] for name, texts in properties(component).items()}
    own = {name.removeprefix(OURS): v for name, v in values.items() if name.startswith(OURS)}
    kind = KINDS[url.type]
    name, version = _named(component, url, kind, bool(own))
    path = _path(component) or values.get(f"{TRIVYS}FilePath", "")
    if not name or not version:
        raise ValueError("it has no name or no version")
    if not f"{name}{version}{path}".isprintable():
        raise ValueError("its name, version or path is not plain text")
    source, source_version = _source(values, url, name, version)
    layer = int(own.get("layer", 0))
    if layer < 0:
        raise ValueError("its layer is negative")
    return Package(
        name=name,
        version=version,
        ecosystem=own.get("ecosystem") or _ecosystem(kind, url, os),
        kind=kind,
        purl=str(component["purl"]),
        source_name=own.get("source", source),
        source_version=own.get("sourceVersion", source_version),
        architecture=own.get("architecture", _qualifier(url, "arch")),
        module=own.get("module", values.get(f"{TRIVYS}Modularitylabel", "")),
        path=path,
        layer=layer,
        layer_digest=own.get("layerDigest", values.get(f"{TRIVYS}LayerDiffID", "")),
        dev="dev" in own or component.get("scope") == "excluded",
    )


def distribution(url: PackageURL) -> OsRelease | None:
    """The release in a URL's `distro` qualifier: "debian-12", "alpine-3.18.4"."""
    identity, dash, version = _qualifier(url, "distro").rpartition("-")
    if KINDS[url.type].of_system and dash and version[:1].isdigit():
        return OsRelease(IDENTITIES.get(identity, identity), version)
    return None


def _named(component: Mapping[str, Any], url: PackageURL, kind: Kind, own: bool) -> tuple[str, str]:
    """Name and version as OSV has them."""
    name, version = str(component.get("name", "")), str(component.get("version", ""))
    if own:
        return name, version
    joined = f"{url.namespace}/{url.name}" if url.namespace else url.name
    version = url.version or version
    match kind:
        case Kind.PYPI:
            return canonicalize_name(url.name), version
        case Kind.MAVEN:
            return joined.replace("/", ":"), version
        case Kind.GO:  # URLs of Go modules are lower case, their names need not be
            same = name.lower() == joined.lower()
            return (name if same else joined), version.removeprefix("v").removeprefix("go")
        case Kind.NPM:
            return joined, version
        case _:
            epoch = "" if ":" in version else _qualifier(url, "epoch")
            return url.name, join_version(epoch, version, "")


def _source(values: Mapping[str, str], url: PackageURL, name: str, version: str) -> tuple[str, str]:
    """What a system's package was built from; itself when nothing tells."""
    if not KINDS[url.type].of_system:
        return name, version
    trivy = {key.removeprefix(TRIVYS): value for key, value in values.items()}
    if trivy.get("SrcName"):
        parts = (trivy.get(f"Src{part}", "") for part in ("Epoch", "Version", "Release"))
        return trivy["SrcName"], join_version(*parts) or version
    upstream = _qualifier(url, "upstream")
    if upstream.endswith(".src.rpm"):
        source, *rest = upstream.removesuffix(".src.rpm").rsplit("-", 2)
        return source, "-".join(rest) or version
    source, _, built_from = upstream.partition("@")
    return source or name, built_from or version


def _ecosystem(kind: Kind, url: PackageURL, os: OsRelease | None) -> str:
    if not kind.of_system:
        return LANGUAGE_ECOSYSTEMS[kind]
    found = distribution(url) or os
    if found is None:
        raise ValueError("its distribution is not told")
    return found.ecosystem


def _qualifier(url: PackageURL, name: str) -> str:
    qualifiers = url.qualifiers
    return str(qualifiers.get(name, "")) if isinstance(qualifiers, dict) else ""


def _path(component: Mapping[str, Any]) -> str:
    evidence = component.get("evidence") or {}
    for occurrence in evidence.get("occurrences") or []:
        return str(occurrence.get("location", ""))
    return ""
