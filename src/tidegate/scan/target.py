"""What a person names to be scanned, and its inventory: an image, an archive, a folder, an SBOM."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from tidegate.scan import sbom
from tidegate.scan.archive import open_archive, problems
from tidegate.scan.archive.engine import Engine, EngineImage
from tidegate.scan.archive.limits import DEFAULT, MIB
from tidegate.scan.inventory import LayerCache, of_folder, of_image
from tidegate.scan.packages import Inventory

_MOST_SBOM_BYTES = 256 * MIB


class TargetKind(StrEnum):
    """What was named."""

    IMAGE = "image of the engine"
    ARCHIVE = "archive"
    FOLDER = "folder"
    SBOM = "SBOM"


@dataclass(frozen=True, slots=True)
class Target:
    """What was named, and what is in it."""

    name: str
    kind: TargetKind
    inventory: Inventory


def look_into(
    name: str, engine: Callable[[], Engine], layers: LayerCache, platform: str = ""
) -> Target:
    """Take the inventory of what `name` means: a path that is there, else an image of the engine.

    `engine` is asked for only then; `platform` ("linux/arm64") chooses of an archive with several
    images. Raises `NotFound` TG728, `GateError` TG410 to TG417.
    """
    path = Path(name)
    if not path.exists():
        if name.startswith(("/", "./", "../", "~")):
            raise problems.no_image(name, "no such file or folder")
        image = EngineImage(engine(), name, DEFAULT)
        return Target(name, TargetKind.IMAGE, of_image(image, layers))
    if path.is_dir() and not any((path / file).is_file() for file in _LAYOUT):
        return Target(name, TargetKind.FOLDER, of_folder(path))
    if path.is_file() and _is_json(path):
        return Target(name, TargetKind.SBOM, _read_sbom(path))
    archive = open_archive(path, platform)
    return Target(name, TargetKind.ARCHIVE, of_image(archive, layers))


_LAYOUT = ("manifest.json", "index.json")
"""What makes a folder an image."""


def _is_json(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    except OSError as error:
        raise problems.damaged(str(error), str(path)) from error


def _read_sbom(path: Path) -> Inventory:
    if path.stat().st_size > _MOST_SBOM_BYTES:
        raise problems.too_large("bytes in the SBOM", _MOST_SBOM_BYTES)
    try:
        found = sbom.read(path.read_bytes())
    except OSError as error:
        raise problems.damaged(str(error), str(path)) from error
    return found if found.digest else replace(found, digest=found.image_id)
