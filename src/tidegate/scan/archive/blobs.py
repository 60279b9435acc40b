"""The named parts of an image on disk: files of a folder, or members of a tar."""

import posixpath
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tidegate.scan.archive import problems
from tidegate.scan.archive.compression import is_compressed, plain
from tidegate.scan.archive.image import inside
from tidegate.scan.archive.limits import MIB, Limits
from tidegate.scan.archive.stream import OnDisk, Part, Raw, Source, Stream
from tidegate.scan.archive.tar import MemberKind, Tar


class Blobs(Protocol):
    """Parts by name. A name that is not there is a `GateError` TG413."""

    def has(self, name: str) -> bool:
        """Whether there is such a part."""
        ...

    def read(self, name: str) -> bytes:
        """A small part, whole. Raises `GateError` TG413, TG414."""
        ...

    def each(self, names: Collection[str]) -> Iterator[tuple[str, Raw]]:
        """These parts, in the order that is cheapest. Each is valid until the next is asked for."""
        ...


class FolderBlobs:
    """The files of a folder."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits

    def has(self, name: str) -> bool:
        """Whether there is such a file, in the folder itself and not through a link out of it."""
        path = (self._folder / name).resolve()
        return path.is_relative_to(self._folder.resolve()) and path.is_file()

    def read(self, name: str) -> bytes:
        """A small file, whole."""
        return next(_small(raw, self._limits) for _, raw in self.each([name]))

    def each(self, names: Collection[str]) -> Iterator[tuple[str, Raw]]:
        """The files in the order of their names."""
        for name in sorted(names):
            if not self.has(name):
                raise problems.missing(name, str(self._folder))
            try:
                with (self._folder / name).open("rb") as file:
                    yield name, file
            except OSError as error:
                raise problems.damaged(str(error), str(self._folder)) from error


class TarBlobs:
    """The members of a tar file, which itself may be compressed.

    The first look remembers where each member begins; links between members are followed.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path, self._limits = path, limits
        self._places: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        with self._open() as source:
            self._look(source)

    def has(self, name: str) -> bool:
        """Whether there is such a member."""
        return self._real(name) in self._places

    def read(self, name: str) -> bytes:
        """A small member, whole."""
        return next(_small(raw, self._limits) for _, raw in self.each([name]))

    def each(self, names: Collection[str]) -> Iterator[tuple[str, Raw]]:
        """The members in the order of the tar, read in one go."""
        for name in names:
            if not self.has(name):
                raise problems.missing(name, str(self._path))
        with self._open() as source:
            ordered = sorted((self._places[self._real(name)], name) for name in names)
            for (offset, size), name in ordered:
                if offset < source.position:
                    raise problems.damaged("two of its layers are one file", str(self._path))
                source.skip(offset - source.position)
                yield name, Part(source, size)

    @contextmanager
    def _open(self) -> Iterator[Source]:
        try:
            with self._path.open("rb") as file:
                packed = is_compressed(file.read(8))
                file.seek(0)
                yield Stream(plain(file), self._limits.image_bytes) if packed else OnDisk(file)
        except OSError as error:
            raise problems.damaged(str(error), str(self._path)) from error

    def _look(self, source: Source) -> None:
        for member in Tar(source, self._limits):
            name = inside(member.name)
            if name is None:
                continue
            if member.kind is MemberKind.FILE and not member.sparse:
                self._places[name] = source.position, member.size
            elif member.kind is MemberKind.SYMLINK:
                self._links[name] = posixpath.normpath(
                    posixpath.join(posixpath.dirname(name), member.target)
                )
            elif member.kind is MemberKind.HARD_LINK:
                self._links[name] = inside(member.target) or ""

    def _real(self, name: str) -> str:
        for _ in range(8):
            if name in self._places or name not in self._links:
                break
            name = self._links[name]
        return name


def _small(raw: Raw, limits: Limits) -> bytes:
    parts, size = [], 0
    while part := raw.read(MIB):
        parts.append(part)
        size += len(part)
        if size > limits.json_bytes:
            raise problems.too_large("bytes in a manifest or configuration", limits.json_bytes)
    return b"".join(parts)
