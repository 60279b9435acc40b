"""The source of an execution: kept as a tar, with its app file in it."""

import os
import shutil
import tarfile
from pathlib import Path
from typing import BinaryIO, Protocol

from tidegate.core.errors import AppFileError, BuildError, SetupError
from tidegate.core.model import App
from tidegate.spec import FILE_NAME, loads
from tidegate.spec.waivers import collect

MOST_FILE_BYTES = 1 << 20


class Files(Protocol):
    """Where an execution's files lie (`local.home.Home` is one)."""

    def source(self, execution: str) -> Path:
        """The tar of its revision."""
        ...

    def stage_log(self, execution: str, stage: str) -> Path:
        """The log of one of its stages."""
        ...


def store(tar: BinaryIO, path: Path, commit: str) -> App:
    """Keep the tar at `path`, whole or not at all, and answer the app that its file describes.

    The waivers of files beside it are among the app's. Raises `BuildError` for what is no tar,
    `AppFileError` for a missing or wrong app file or file with waivers,
    `SetupError` when it cannot be written.
    """
    temporary = path.with_suffix(".part")
    try:
        with temporary.open("wb") as file:
            shutil.copyfileobj(tar, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
        app = loads(_app_file(temporary, commit), f"{commit[:12]}:{FILE_NAME}")
        app = collect(app, _Archived(temporary))
        temporary.rename(path)
    except OSError as error:
        raise SetupError(
            "the source cannot be kept",
            cause=str(error),
            where=str(path),
            remedy="free some disk space and push again",
            code="TG230",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return app


class _Archived:
    """What lies beside the app file in the tar."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """The files at its top."""
        with tarfile.open(self._path) as archive:
            return [m.name for m in archive if m.isfile() and "/" not in m.name]

    def read(self, path: str, most: int) -> bytes | None:
        """The first `most` bytes of one of its files; None when there is no such file."""
        with tarfile.open(self._path) as archive:
            member = next((m for m in archive if m.name == path and m.isfile()), None)
            file = archive.extractfile(member) if member else None
            return file.read(most) if file else None


def _app_file(path: Path, commit: str) -> bytes:
    """The app file's bytes out of the tar."""
    try:
        with tarfile.open(path) as archive:
            member = archive.extractfile(FILE_NAME)
            return member.read(MOST_FILE_BYTES) if member else b""
    except KeyError:
        raise AppFileError(
            f"{commit[:12]} has no {FILE_NAME}",
            where=f"{commit[:12]}:{FILE_NAME}",
            remedy=f"write one with `tidegate init`, then: git add {FILE_NAME}",
            code="TG209",
        ) from None
    except tarfile.TarError as error:
        raise BuildError(
            "the source is not a tar archive",
            cause=str(error),
            remedy="send what `git archive` writes",
            code="TG320",
        ) from error
