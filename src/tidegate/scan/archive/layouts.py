"""The two ways an image lies on disk: `docker save`'s archive, and the OCI image layout.

A docker archive pairs the layers of its `manifest.json` with the configuration's diff IDs by
position. An OCI layout leads from `index.json` over the manifest of a platform to its parts, each
named by its digest. Both digests are computed again here: what is reported is what was read.
"""

import hashlib
from collections.abc import Collection, Iterator
from typing import Any

from tidegate.scan.archive import problems
from tidegate.scan.archive.blobs import Blobs
from tidegate.scan.archive.compression import plain
from tidegate.scan.archive.image import Description, checked_digest, describe, read_json
from tidegate.scan.archive.limits import Limits
from tidegate.scan.archive.stream import Raw

_DEPTH = 4
"""How far one index may lead to another."""


class Archive:
    """An image on disk: its description, and the blob of each layer by diff ID."""

    def __init__(self, description: Description, blobs: Blobs, names: tuple[str, ...]) -> None:
        self.description = description
        self._blobs = blobs
        self._names = dict(zip(description.diff_ids, names, strict=True))

    def layers(self, wanted: Collection[str]) -> Iterator[tuple[str, Raw]]:
        """Each wanted layer's diff ID and bytes. Raises `GateError` TG411, TG413, TG415."""
        diff_ids = {self._names[diff_id]: diff_id for diff_id in wanted}
        for name, raw in self._blobs.each(diff_ids):
            yield diff_ids[name], plain(raw)


def docker_archive(blobs: Blobs, limits: Limits) -> Archive:
    """The one image of a `docker save` archive. Raises `GateError` TG410 to TG414."""
    manifest = read_json(blobs.read("manifest.json"), "manifest.json")
    if not isinstance(manifest, list) or len(manifest) != 1 or not isinstance(manifest[0], dict):
        raise problems.no_image("manifest.json", "it holds no image, or more than one")
    entry = manifest[0]
    name, layers = entry.get("Config"), entry.get("Layers") or []
    if not isinstance(name, str) or not isinstance(layers, list):
        raise problems.damaged("its manifest.json names no configuration")
    data = blobs.read(name)
    digest = _digest(data)
    description = describe(_mapping(data, "configuration"), digest, digest, limits)
    if len(layers) != len(description.diff_ids):
        raise problems.damaged("its manifest and its configuration differ in their layers")
    return Archive(description, blobs, tuple(str(layer) for layer in layers))


def oci_layout(blobs: Blobs, platform: str, limits: Limits) -> Archive:
    """The image for `platform` ("linux/amd64") in an OCI layout. Raises `GateError`."""
    index = _mapping(blobs.read("index.json"), "index.json")
    digest = _choose(blobs, index, platform, _DEPTH)
    manifest = _part(blobs, digest, "manifest")
    config_digest = checked_digest(_entry(manifest.get("config")).get("digest"))
    layers = manifest.get("layers")
    if not isinstance(layers, list):
        raise problems.damaged("its manifest names no layers")
    names = tuple(_place(checked_digest(_entry(layer).get("digest"))) for layer in layers)
    config = _part(blobs, config_digest, "configuration")
    description = describe(config, digest, config_digest, limits)
    if len(names) != len(description.diff_ids):
        raise problems.damaged("its manifest and its configuration differ in their layers")
    return Archive(description, blobs, names)


def _choose(blobs: Blobs, index: dict[str, Any], platform: str, depth: int) -> str:
    """The digest of the manifest for the platform. Attestations have none and are passed over."""
    entries = [_entry(entry) for entry in index.get("manifests") or []]
    images = [entry for entry in entries if _platform(entry) != "unknown/unknown"]
    fitting = images if len(images) == 1 else [e for e in images if _platform(e) == platform]
    if len(fitting) != 1:
        offered = ", ".join(sorted({_platform(entry) or "unnamed" for entry in images}))
        raise problems.no_image(
            "index.json", f"it has {len(fitting)} images for {platform}; offered: {offered}"[:500]
        )
    digest = checked_digest(fitting[0].get("digest"))
    content = _part(blobs, digest, "manifest")
    if "manifests" not in content:
        return digest
    if depth == 0:
        raise problems.damaged("its index leads to an index, and so on")
    return _choose(blobs, content, platform, depth - 1)


def _platform(entry: dict[str, Any]) -> str:
    found = entry.get("platform")
    if not isinstance(found, dict):
        return ""
    return f"{found.get('os', '')}/{found.get('architecture', '')}"


def _part(blobs: Blobs, digest: str, what: str) -> dict[str, Any]:
    data = blobs.read(_place(digest))
    if _digest(data) != digest:
        raise problems.differs(f"the image's {what}", digest, _digest(data))
    return _mapping(data, what)


def _place(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _mapping(data: bytes, what: str) -> dict[str, Any]:
    return _entry(read_json(data, what))


def _entry(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise problems.damaged("its JSON has something else where an object belongs")
    return value
