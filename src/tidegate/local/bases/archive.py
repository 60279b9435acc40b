"""Write an image by hand: one layer, the same bytes every time, loadable by Docker and Podman.

The format is the one of `docker save` (image specification v1.2): a config, a layer, a manifest.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EPOCH = 1_700_000_000
"""The time of every file that has none of its own: the same at every making."""

MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
"""Folders that are links into usr, as in every Debian since 12."""


@dataclass(slots=True)
class Layer:
    """A root file system as a tar. The first file of a name wins."""

    tar: tarfile.TarFile
    names: set[str] = field(default_factory=set)

    def folder(self, path: str, mode: int = 0o755, owner: int = 0) -> None:
        """A folder; `path` is relative to the root, as everywhere here."""
        info = self._info(path, mode)
        info.type, info.uid, info.gid = tarfile.DIRTYPE, owner, owner
        self.add(info)

    def file(self, path: str, content: bytes, mode: int = 0o644) -> None:
        """A file, with the folders above it."""
        self._parents(path)
        info = self._info(path, mode)
        info.size = len(content)
        self.add(info, io.BytesIO(content))

    def link(self, path: str, target: str) -> None:
        """A symbolic link, with the folders above it."""
        self._parents(path)
        info = self._info(path, 0o777)
        info.type, info.linkname = tarfile.SYMTYPE, target
        self.add(info)

    def add(self, info: tarfile.TarInfo, content: Any = None) -> None:
        """A member of another tar, put under usr where that is where it belongs."""
        name = merged(info.name)
        if name in self.names or not name:
            return
        self.names.add(name)
        info.name = name
        if info.islnk():
            info.linkname = merged(info.linkname)
        info.uname = info.gname = ""
        info.pax_headers = {}
        self.tar.addfile(info, content)

    def _parents(self, path: str) -> None:
        for parent in reversed(Path(path).parents[:-1]):
            self.folder(str(parent))

    def _info(self, path: str, mode: int) -> tarfile.TarInfo:
        info = tarfile.TarInfo(path)
        info.mode, info.mtime = mode, EPOCH
        return info


def merged(name: str) -> str:
    """`./bin/sh` → `usr/bin/sh`; the links themselves stay where they are."""
    path = name.removeprefix("./").strip("/").removeprefix(".")
    top, _, rest = path.partition("/")
    return f"usr/{path}" if top in MERGED and rest else path


def write_image(path: Path, layer: Path, config: Mapping[str, Any], name: str) -> str:
    """Write the image `name` with this layer to `path`; answer its id (`sha256:…`).

    `config` is the image configuration without its root file system.
    """
    with layer.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    whole = {**config, "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}
    settings = json.dumps(whole, sort_keys=True).encode()
    image = hashlib.sha256(settings).hexdigest()
    manifest = [{"Config": f"{image}.json", "RepoTags": [name], "Layers": [f"{digest}/layer.tar"]}]
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        out = Layer(tar)
        out.file(f"{image}.json", settings)
        out.folder(digest)
        info = tarfile.TarInfo(f"{digest}/layer.tar")
        info.size, info.mtime = layer.stat().st_size, EPOCH
        with layer.open("rb") as file:
            tar.addfile(info, file)
        out.file("manifest.json", json.dumps(manifest).encode())
    return f"sha256:{image}"
