"""Write an engine's image into a file, for those who read files only."""

import os
from pathlib import Path

from tidegate.scan.archive import open_archive, problems
from tidegate.scan.archive.engine import Engine, EngineImage
from tidegate.scan.archive.image import Description
from tidegate.scan.archive.limits import DEFAULT, MIB, Limits


def export(engine: Engine, name: str, path: Path, limits: Limits = DEFAULT) -> Description:
    """Write the image as `docker save` does, readable by its owner only; what it is.

    Raises `NotFound` TG728, `GateError` TG412 when the file is not of the image's layers, TG414
    over the limit, TG416 when the engine or the disk fails.
    """
    wanted = EngineImage(engine, name, limits).description
    written = 0
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for chunk in engine.get_image(wanted.image_id, chunk_size=MIB):
                written += len(chunk)
                if written > limits.image_bytes:
                    raise problems.too_large("bytes in an image", limits.image_bytes)
                file.write(chunk)
    except OSError as error:
        raise problems.refused(str(error)) from error
    found = open_archive(path, limits=limits).description
    if found.diff_ids != wanted.diff_ids:
        told = ", ".join(found.diff_ids)
        raise problems.differs("the exported image", ", ".join(wanted.diff_ids), told)
    return wanted
