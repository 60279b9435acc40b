"""The advisories of this machine: what was taken in, and the index that was built of it.

    <root>/sources/<SOURCE>      a dump or a feed, as it came
    <root>/sources.json          when each was taken
    <root>/index-<digest>.db     the index; <root>/current names it

Whatever fails, the index that was there stays. A new one is built beside it and renamed.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from tidegate.core.errors import GateError
from tidegate.scan.advisories import problems
from tidegate.scan.advisories.build import Builder
from tidegate.scan.advisories.dump import Dump
from tidegate.scan.advisories.feeds import read_epss, read_kev
from tidegate.scan.advisories.index import Index
from tidegate.scan.advisories.report import Report, silent
from tidegate.scan.advisories.settings import EPSS, KEV, Bounds


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is held of one source. `taken_at_ms` is Unix time: when it was last known as current.

    `records` and `bad` count what could and could not be read; `newest` is when the newest record
    was modified (ISO 8601); `etag` is the server's name of this version.
    """

    name: str
    taken_at_ms: int
    records: int = 0
    bad: int = 0
    newest: str = ""
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Staged:
    """A file that was brought in and is not yet held."""

    path: Path
    taken_at_ms: int
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """How it went: the digest of the index, whether it is a new one, and what failed by source."""

    digest: str
    changed: bool
    failures: Mapping[str, GateError]


class Store:
    """The folder with it all. One process writes at a time; any number read."""

    def __init__(self, root: Path, bounds: Bounds | None = None) -> None:
        self.root = root
        self.bounds = bounds or Bounds()

    def states(self) -> dict[str, SourceState]:
        """What is held, by source. Raises `GateError` (TG426): the file is damaged."""
        path = self.root / "sources.json"
        try:
            found = json.loads(path.read_text())
            return {one["name"]: SourceState(**one) for one in found}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise problems.bad_index(str(path), str(error)) from error

    def index(self) -> Index:
        """Open the current index. Raises `GateError`: TG425 there is none, TG426 unreadable."""
        digest = self._digest()
        if not digest:
            raise problems.no_index(str(self.root))
        return Index(self._index_path(digest), digest)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder for what is brought in; it goes away with what was not published."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix="staging-", dir=self.root))
        except OSError as error:
            raise problems.disk(str(self.root), str(error)) from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def publish(
        self, folder: Path, staged: Mapping[str, Staged], report: Report = silent
    ) -> Published:
        """Build an index of what is held and what is staged; then that is held.

        What cannot be read is a failure of its source alone, and the source stays as it was.
        Raises `GateError`: TG427, or something that was held is damaged.
        """
        wanted, failures = dict(staged), dict[str, GateError]()
        while wanted or (self.states() and not self._is_readable()):
            try:
                states = self._build(folder / "index.db", wanted, report)
                return Published(*self._keep(folder / "index.db", wanted, states), failures)
            except _Spoilt as spoilt:
                if wanted.pop(spoilt.source, None) is None:
                    raise spoilt.error from spoilt
                failures[spoilt.source] = spoilt.error
        return Published(self._digest(), False, failures)

    def confirm(self, name: str, at_ms: int) -> None:
        """The server says that what is held of the source is still current."""
        states = self.states()
        if name in states:
            states[name] = replace(states[name], taken_at_ms=at_ms)
            self._write_states(states)

    def _build(
        self, path: Path, staged: Mapping[str, Staged], report: Report
    ) -> dict[str, SourceState]:
        """Write an index to `path`, and tell of what. Raises `_Spoilt`: a source is unreadable."""
        path.unlink(missing_ok=True)
        states = self.states()
        with Builder(path) as builder:
            for name in sorted({*states, *staged}):
                taken = staged.get(name)
                source = taken.path if taken else self._held(name)
                with _spoiling(name):
                    count = _read(builder, Dump(name, source, self.bounds), report)
                if taken:
                    states[name] = replace(count, taken_at_ms=taken.taken_at_ms, etag=taken.etag)
            builder.finish()
        return states

    def _keep(
        self, built: Path, staged: Mapping[str, Staged], states: dict[str, SourceState]
    ) -> tuple[str, bool]:
        """Rename all into place. The index goes first: a crash between means one more fetch."""
        try:
            digest = _digest_of(built)
            changed = digest != self._digest()
            built.replace(self._index_path(digest))
            self._write("current", digest)
            (self.root / "sources").mkdir(exist_ok=True)
            for name, one in staged.items():
                one.path.replace(self._held(name))
            self._write_states(states)
            for old in self.root.glob("index-*.db"):
                if old != self._index_path(digest):
                    old.unlink(missing_ok=True)
        except OSError as error:
            raise problems.disk(str(self.root), str(error)) from error
        return digest, changed

    def _is_readable(self) -> bool:
        """Whether there is an index, and of the version that is read here."""
        try:
            self.index().close()
        except GateError:
            return False
        return True

    def _digest(self) -> str:
        try:
            return (self.root / "current").read_text().strip()
        except FileNotFoundError:
            return ""

    def _held(self, name: str) -> Path:
        return self.root / "sources" / name

    def _index_path(self, digest: str) -> Path:
        return self.root / f"index-{digest.removeprefix('sha256:')[:16]}.db"

    def _write_states(self, states: Mapping[str, SourceState]) -> None:
        rows = [asdict(states[name]) for name in sorted(states)]
        self._write("sources.json", json.dumps(rows, indent=1))

    def _write(self, name: str, text: str) -> None:
        """Replace a small file as a whole."""
        beside = self.root / f".{name}.{os.getpid()}"
        try:
            beside.write_text(text)
            beside.replace(self.root / name)
        except OSError as error:
            raise problems.disk(str(self.root / name), str(error)) from error


class _Spoilt(Exception):
    """One source cannot be read."""

    def __init__(self, source: str, error: GateError) -> None:
        super().__init__(source)
        self.source, self.error = source, error


@contextmanager
def _spoiling(source: str) -> Iterator[None]:
    try:
        yield
    except GateError as error:
        if error.number == "TG427":
            raise
        raise _Spoilt(source, error) from error


def _read(builder: Builder, dump: Dump, report: Report) -> SourceState:
    """Put one source into the index."""
    if dump.source == KEV:
        kev = read_kev(dump.path, dump.bounds)
        builder.add_feeds(kev, ())
        return SourceState(KEV, 0, len(kev))
    if dump.source == EPSS:
        epss = read_epss(dump.path, dump.bounds)
        builder.add_feeds((), epss)
        return SourceState(EPSS, 0, len(epss))
    builder.add(dump.advisories(report))
    return SourceState(dump.source, 0, dump.read, dump.bad, dump.newest)


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
