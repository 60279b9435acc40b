"""Read container images without unpacking them: from an engine, a docker archive, an OCI layout."""

import platform
from pathlib import Path

from tidegate.scan.archive import problems
from tidegate.scan.archive.blobs import Blobs, FolderBlobs, TarBlobs
from tidegate.scan.archive.image import Image
from tidegate.scan.archive.layouts import docker_archive, oci_layout
from tidegate.scan.archive.limits import DEFAULT, Limits

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


def open_archive(path: Path, wanted: str = "", limits: Limits = DEFAULT) -> Image:
    """The image at `path`: a tar of `docker save` or of an OCI layout, or a layout's folder.

    `wanted` is a platform, "linux/arm64"; this machine's when not given. Raises `GateError`.
    """
    if not path.exists():
        raise problems.no_image(str(path), "no such file or folder")
    blobs: Blobs = FolderBlobs(path, limits) if path.is_dir() else TarBlobs(path, limits)
    if blobs.has("manifest.json"):
        return docker_archive(blobs, limits)
    if blobs.has("index.json"):
        return oci_layout(blobs, wanted or this_platform(), limits)
    raise problems.no_image(str(path), "it has neither manifest.json nor index.json")


def this_platform() -> str:
    """The platform whose images run here, "linux/amd64"."""
    machine = platform.machine().lower()
    return f"linux/{_MACHINES.get(machine, machine)}"


__all__ = ["Image", "Limits", "open_archive", "this_platform"]
