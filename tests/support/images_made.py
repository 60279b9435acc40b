"""Images made by hand: layers, `docker save` archives and OCI layouts, in memory or in a folder."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Files = Mapping[str, str | bytes]

DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
STATUS = "var/lib/dpkg/status"


def layer(files: Files, *more: tarfile.TarInfo, **settings: Any) -> bytes:
    """A layer with these files, in this order; a name that ends in / is a folder.

    A program may be started: Trivy looks into no other for what Go has built.
    """
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", **settings) as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name.rstrip("/"))
            if name.endswith("/"):
                info.type = tarfile.DIRTYPE
            info.size = len(data)
            info.mode = 0o755 if data.startswith(b"\x7fELF") else info.mode
            tar.addfile(info, io.BytesIO(data))
        for info in more:
            tar.addfile(info)
    return target.getvalue()


def link(name: str, target: str, hard: bool = False) -> tarfile.TarInfo:
    """A symbolic or a hard link as a member of a layer."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = (tarfile.LNKTYPE if hard else tarfile.SYMTYPE), target
    return info


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def stanza(name: str, version: str, **fields: str) -> str:
    """An installed package in dpkg's status file."""
    rows = {"Package": name, "Status": "install ok installed", "Version": version, **fields}
    return "".join(f"{key}: {value}\n" for key, value in rows.items()) + "\n"


@dataclass(frozen=True)
class Made:
    """An image: its layers, the instructions of its history, and how its blobs are packed.

    A history entry that begins with ! made no layer.
    """

    layers: Sequence[bytes]
    history: Sequence[str] = ()
    pack: Callable[[bytes], bytes] = bytes

    @property
    def diff_ids(self) -> list[str]:
        return [digest(each) for each in self.layers]

    @property
    def config(self) -> bytes:
        history = [
            {"created_by": step.lstrip("!"), **({"empty_layer": True} if step[:1] == "!" else {})}
            for step in self.history
        ]
        rootfs = {"type": "layers", "diff_ids": self.diff_ids}
        settings = {"architecture": "amd64", "os": "linux", "history": history, "rootfs": rootfs}
        return json.dumps(settings).encode()

    def docker_archive(self) -> bytes:
        """As `docker save` writes it up to version 24, the manifest last."""
        names = [f"{n}/layer.tar" for n in range(len(self.layers))]
        files = dict(zip(names, map(self.pack, self.layers), strict=True))
        files["config.json"] = self.config
        manifest = [{"Config": "config.json", "RepoTags": ["made:1"], "Layers": names}]
        return layer({**files, "manifest.json": json.dumps(manifest)})

    def oci_files(self, platform: str = "linux/amd64") -> dict[str, bytes]:
        """The files of an OCI layout, by path."""
        blobs = [self.pack(each) for each in self.layers]
        parts = [{"digest": digest(blob), "size": len(blob)} for blob in blobs]
        manifest = json.dumps(
            {"schemaVersion": 2, "config": {"digest": digest(self.config)}, "layers": parts}
        ).encode()
        system, _, machine = platform.partition("/")
        entry = {
            "digest": digest(manifest),
            "size": len(manifest),
            "platform": {"os": system, "architecture": machine},
        }
        files = {f"blobs/sha256/{digest(b)[7:]}": b for b in (*blobs, manifest, self.config)}
        index = {"schemaVersion": 2, "manifests": [entry]}
        return {
            "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
            **files,
            "index.json": _json(index),
        }

    def oci_folder(self, folder: Path, platform: str = "linux/amd64") -> Path:
        """An OCI layout in a folder."""
        for name, content in self.oci_files(platform).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        return folder

    def saved(self, path: Path) -> Path:
        """A `docker save` archive in a file."""
        path.write_bytes(self.docker_archive())
        return path


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


class FakeEngine:
    """An engine with one image, as `docker.APIClient` speaks; it counts its saves."""

    def __init__(self, image: Made) -> None:
        self.image, self.saves = image, 0

    def inspect_image(self, image: str) -> Any:
        if image not in ("made:1", digest(self.image.config)):
            raise NotThere(image)
        rootfs = {"Layers": self.image.diff_ids}
        return {"Id": digest(self.image.config), "Architecture": "amd64", "RootFS": rootfs}

    def history(self, image: str) -> Any:
        steps = reversed(self.image.history)
        return [{"CreatedBy": step.lstrip("!"), "Size": int(step[:1] != "!")} for step in steps]

    def get_image(self, image: str, chunk_size: int | None = None) -> Any:
        self.saves += 1
        data = self.image.docker_archive()
        yield from (data[at : at + 10_007] for at in range(0, len(data), 10_007))


class NotThere(OSError):
    status_code = 404


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
