"""What a build is sent: one folder of a revision's tar, with its Dockerfile rewritten."""

import io
import posixpath
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import IO, cast

from docker.utils.build import PatternMatcher
from requests import RequestException

from tidegate.core.errors import BuildError
from tidegate.core.model import Build


@contextmanager
def revision(source: Path) -> Iterator[tarfile.TarFile]:
    """The tar of a revision, checked: no member may lie outside it or behind a link.

    Raises `BuildError` when it is missing, damaged, or tries to.
    """
    try:
        with tarfile.open(source) as tar:
            _check(tar)
            yield tar
    except RequestException:
        raise  # an `OSError` as well, but of the engine that the source is sent to
    except (OSError, tarfile.TarError) as error:
        raise BuildError(
            "the source of this revision cannot be read",
            cause=str(error),
            where=str(source),
            remedy="push it again",
            code="TG301",
        ) from error


def unpack(tar: tarfile.TarFile, folder: str | Path) -> None:
    """Unpack a tar that `revision` has checked, or that is trusted."""
    if hasattr(tarfile, "data_filter"):
        tar.extractall(folder, filter="data")
    else:  # Python before 3.11.4, such as Debian 12's own
        tar.extractall(folder)


@contextmanager
def make(tar: tarfile.TarFile, build: Build, rewrite: Callable[[str], str]) -> Iterator[IO[bytes]]:
    """The build context as an open temporary tar file.

    `.dockerignore` is honoured. Owners and modes are made equal, so that the same files give the
    same image whoever archived them; times are the commit's. Raises `BuildError`.
    """
    members = _inside(tar, build.context)
    dockerfile = posixpath.normpath(build.dockerfile)
    text = rewrite(_text(tar, members, dockerfile, build))
    ignored = _ignored(tar, members, dockerfile)
    with tempfile.TemporaryFile() as target:
        with tarfile.open(fileobj=target, mode="w", format=tarfile.GNU_FORMAT) as out:
            for name, member in members.items():
                if name == dockerfile:
                    _add_text(out, member, name, text)
                elif not ignored.matches(cast("PathLike[str]", name)):  # it takes str
                    out.addfile(
                        _plain(member, name), tar.extractfile(member) if member.isreg() else None
                    )
        target.seek(0)
        yield target


def _add_text(out: tarfile.TarFile, member: tarfile.TarInfo, name: str, text: str) -> None:
    info, content = _plain(member, name), text.encode()
    info.type, info.linkname, info.size = tarfile.REGTYPE, "", len(content)
    out.addfile(info, io.BytesIO(content))


def _check(tar: tarfile.TarFile) -> None:
    links: set[str] = set()
    for member in tar:
        name = posixpath.normpath(member.name)
        outside = name.startswith(("/", "../")) or name == ".."
        parents = posixpath.dirname(name)
        while parents and not outside:
            outside = parents in links
            parents = posixpath.dirname(parents)
        if outside or not (member.isreg() or member.isdir() or member.issym()):
            raise BuildError(
                f"the source holds {member.name!r}, which is not inside it",
                cause="only plain files, folders and links in the revision's own folders are built",
                code="TG304",
            )
        if member.issym():
            links.add(name)


def _inside(tar: tarfile.TarFile, folder: str) -> dict[str, tarfile.TarInfo]:
    """The members below `folder`, by their name within it."""
    prefix = "" if posixpath.normpath(folder) == "." else posixpath.normpath(folder) + "/"
    found: dict[str, tarfile.TarInfo] = {}
    for member in tar.getmembers():
        name = posixpath.normpath(member.name)
        if name.startswith(prefix) and name != ".":
            found[name.removeprefix(prefix)] = member
    if not found:
        raise BuildError(
            f"the revision has no folder {folder}",
            remedy="commit it, or correct `build` in tidegate.yaml",
            code="TG305",
        )
    return found


def _text(
    tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], name: str, build: Build
) -> str:
    try:
        file = tar.extractfile(members[name])
    except KeyError:
        file = None
    if file is None:
        raise BuildError(
            f"the revision has no {posixpath.join(build.context, build.dockerfile)}",
            remedy="commit a Dockerfile there, or name another one in tidegate.yaml",
            code="TG306",
        )
    return file.read().decode("utf-8", "replace")


def _ignored(
    tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], dockerfile: str
) -> PatternMatcher:
    """`.dockerignore` by the SDK's own rules; the Dockerfile is always sent."""
    member = members.get(".dockerignore")
    file = tar.extractfile(member) if member and member.isreg() else None
    lines = file.read().decode("utf-8", "replace").splitlines() if file else []
    patterns = [line.strip() for line in lines]
    return PatternMatcher([p for p in patterns if p and p[0] != "#"] + [f"!{dockerfile}"])


def _plain(member: tarfile.TarInfo, name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = member.type, member.size, member.linkname
    info.mtime = int(member.mtime)
    info.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return info
