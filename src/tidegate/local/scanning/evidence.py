"""The evidence of what was judged: SBOMs and reports, each file named by its content's digest.

    evidence/blobs/sha256/<digest>    an SBOM or a report
    evidence/images/<image>.json      which of them belong to an image
    evidence/bases/<image>.json       the images that it was built FROM

A file is written beside its place and renamed: it is there as a whole, or not at all.
"""

import hashlib
import json
import os
import re
import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tidegate.core.errors import GateError, NotFound
from tidegate.scan.inventory import KnownBase

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
REPORTS = 50
_YOUNG_S = 600.0
"""A blob so young may belong to a scan that has not said so yet."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The evidence of one image: the digests of its SBOM and its reports, the last one last.

    Each new state of the data makes a report. `format` is that of the inventory's readers
    (`scan.inventory.cache.FORMAT`).
    """

    image: str
    sbom: str
    reports: tuple[str, ...] = ()
    format: int = 0

    def with_report(self, report: str) -> "Entry":
        """With this as its last report; of all of them the `REPORTS` latest stay."""
        before = tuple(digest for digest in self.reports if digest != report)
        return replace(self, reports=(*before, report)[-REPORTS:])


class Evidence:
    """The evidence below one folder, which need not be there yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Keep the content; its digest. Raises `GateError` TG418 when it cannot be written."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        path = self._blob(digest)
        if path.exists():
            os.utime(path)
        else:
            self._write(path, content)
        return digest

    def get(self, digest: str) -> bytes:
        """The content of that digest. Raises `NotFound` TG729, `GateError` TG419 when damaged."""
        try:
            content = self._blob(digest).read_bytes()
        except (OSError, KeyError) as error:
            raise NotFound(f"there is no evidence {digest[:80]}", code="TG729") from error
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise GateError(
                "a file of the evidence is not what its name says",
                where=str(self._blob(digest)),
                remedy="delete it, and scan the image again",
                code="TG419",
            )
        return content

    def record(self, entry: Entry) -> None:
        """Say which evidence an image has. Raises `GateError` TG418."""
        self._write(self._of("images", entry.image), json.dumps(asdict(entry)).encode())

    def of(self, image: str) -> Entry | None:
        """The evidence of an image, or None."""
        try:
            found = json.loads(self._of("images", image).read_bytes())
            return Entry(**{**found, "reports": tuple(map(str, found["reports"]))})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def images(self) -> tuple[str, ...]:
        """Every image that there is evidence of, sorted."""
        found = (self._folder / "images").glob("sha256-*.json")
        return tuple(sorted(path.stem.replace("-", ":", 1) for path in found))

    def keep_bases(self, image: str, bases: Sequence[KnownBase]) -> None:
        """Say what an image was built on. Raises `GateError` TG418."""
        rows = [[base.name, *base.diff_ids] for base in bases]
        self._write(self._of("bases", image), json.dumps(rows).encode())

    def bases(self, image: str) -> tuple[KnownBase, ...]:
        """What the image was built on, as far as somebody said so."""
        try:
            rows = json.loads(self._of("bases", image).read_bytes())
            return tuple(KnownBase(str(name), tuple(diff_ids)) for name, *diff_ids in rows)
        except (OSError, ValueError, TypeError, KeyError):
            return ()

    def prune(self, keep: Collection[str]) -> None:
        """Let go of the evidence of every image but these. Raises `GateError` TG418."""
        try:
            for kind in ("images", "bases"):
                for path in (self._folder / kind).glob("sha256-*.json"):
                    if path.stem.replace("-", ":", 1) not in keep:
                        path.unlink(missing_ok=True)
            entries = [entry for image in self.images() if (entry := self.of(image))]
            used = {digest for entry in entries for digest in (entry.sbom, *entry.reports)}
            for path in (self._folder / "blobs" / "sha256").glob("*"):
                old = time.time() - path.stat().st_mtime > _YOUNG_S
                if old and f"sha256:{path.name}" not in used:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(self._folder, error) from error

    def _blob(self, digest: str) -> Path:
        return self._folder / "blobs" / "sha256" / _checked(digest).removeprefix("sha256:")

    def _of(self, kind: str, image: str) -> Path:
        return self._folder / kind / f"{_checked(image).replace(':', '-')}.json"

    def _write(self, path: Path, content: bytes) -> None:
        beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside.write_bytes(content)
            beside.replace(path)
        except OSError as error:
            with suppress(OSError):
                beside.unlink()
            raise _unwritable(path, error) from error


def _checked(digest: str) -> str:
    """A digest that is safe as a file's name. Raises KeyError for anything else."""
    if not _DIGEST.fullmatch(digest):
        raise KeyError(digest)
    return digest


def _unwritable(path: Path, error: OSError) -> GateError:
    return GateError(
        "the evidence cannot be stored",
        cause=str(error),
        where=str(path),
        remedy="free some disk space",
        code="TG418",
    )
