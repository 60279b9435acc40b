"""The advisories of this user: what is held, how old it is, what failed, and bringing more in.

Beside what `scan.advisories.store` keeps there:

    ecosystems.json   what the inventories so far were of; only that is fetched
    failures.json     what went wrong with a source since it was last brought in
    lock              who brings in right now
"""

import fcntl
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tidegate.core.errors import Busy, GateError
from tidegate.core.seen import AdvisoriesSeen
from tidegate.scan.advisories import problems
from tidegate.scan.advisories.bring import import_folder, update
from tidegate.scan.advisories.fetch import Fetcher
from tidegate.scan.advisories.index import Index
from tidegate.scan.advisories.report import Report, silent
from tidegate.scan.advisories.settings import EPSS, sources_for
from tidegate.scan.advisories.store import Published, SourceState, Store
from tidegate.scan.assess import NO_DATA

AGAIN_MS = 15 * 60_000
"""A source that could not be had is not asked for again for this long."""
_ONCE_MORE = 2


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with a source, and when (ms)."""

    at_ms: int
    text: str


class LocalAdvisories:
    """The port `Advisories`: the store of one folder, for any number of processes.

    One of them brings in at a time.
    """

    def __init__(self, root: Path) -> None:
        self.store = Store(root)
        self._looked_at: tuple[tuple[int, int], ...] = ()
        self._seen = AdvisoriesSeen("", None, NO_DATA)

    def observe(self) -> AdvisoriesSeen:
        """What there is now: three looks at files' times, and a read only when one has changed."""
        names = ("current", "sources.json", "failures.json")
        stamps = tuple(_stamp(self.store.root / name) for name in names)
        if stamps != self._looked_at:
            self._seen = self._look()
            self._looked_at = stamps
        return self._seen

    @contextmanager
    def opened(self) -> Iterator[Index]:
        """The index, for as long as it is asked. Raises `GateError` TG425, TG426."""
        index = self._open(_ONCE_MORE)
        try:
            yield index
        finally:
            index.close()

    def failures(self) -> dict[str, Failure]:
        """What went wrong by source; what came in since is not in it any more."""
        try:
            found = json.loads((self.store.root / "failures.json").read_text())
            return {name: Failure(**one) for name, one in found.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}  # never what a verdict stands on

    def ecosystems(self) -> tuple[str, ...]:
        """Which ecosystems the inventories so far were of."""
        try:
            found = json.loads((self.store.root / "ecosystems.json").read_text())
            return tuple(sorted(str(name) for name in found))
        except (OSError, ValueError, TypeError):
            return ()

    def remember(self, ecosystems: Collection[str]) -> None:
        """An inventory was of these: their advisories are wanted from now on."""
        known = set(self.ecosystems())
        if set(ecosystems) <= known:
            return
        self._write("ecosystems.json", json.dumps(sorted(known | set(ecosystems))))

    def wanted(self, epss: bool = False) -> tuple[str, ...]:
        """What to bring in: the sources of what was seen so far, and what is held already."""
        held = self.store.states()
        names = {*self.ecosystems(), *held}
        return sources_for(names, epss=epss or EPSS in held)

    def missing(self, sources: Collection[str], at_ms: int) -> tuple[str, ...]:
        """Which of the sources are not held, and did not fail just now either."""
        held, failures = self.store.states(), self.failures()
        return tuple(
            name
            for name in sources
            if name not in held
            and (name not in failures or at_ms - failures[name].at_ms >= AGAIN_MS)
        )

    def update(
        self, sources: Sequence[str], fetcher: Fetcher, at_ms: int, report: Report = silent
    ) -> Published:
        """Bring the sources in from their servers. Raises `Busy` TG805, `GateError`."""
        with self._alone():
            published = update(self.store, sources, fetcher, at_ms, report)
            self._note(published.failures, sources, at_ms)
        return published

    def take(self, folder: Path, at_ms: int, report: Report = silent) -> Published:
        """Bring in what somebody carried here. Raises `Busy` TG805, `GateError` TG420, TG427."""
        with self._alone():
            published = import_folder(self.store, folder, at_ms, report)
            self._note(published.failures, tuple(self.store.states()), at_ms)
        return published

    def _open(self, attempts: int) -> Index:
        """The index may have been replaced between reading its name and opening it."""
        try:
            return self.store.index()
        except GateError as error:
            if error.number != "TG426" or attempts == 1:
                raise
            return self._open(attempts - 1)

    def _look(self) -> AdvisoriesSeen:
        try:
            states = self.store.states()
            with self.opened() as index:
                digest = index.digest
        except GateError as error:
            return AdvisoriesSeen("", None, NO_DATA if error.number == "TG425" else error.what)
        failed = sorted(set(self.failures()) & set(states))
        note = f"the last refresh of {', '.join(failed)} failed" if failed else ""
        return AdvisoriesSeen(digest, oldest(states), note)

    def _note(self, failures: Mapping[str, GateError], tried: Sequence[str], at_ms: int) -> None:
        """Remember what failed just now, and forget what went well."""
        kept = {name: one for name, one in self.failures().items() if name not in tried}
        for name, error in failures.items():
            kept[name] = Failure(at_ms, error.cause or error.what)
        self._write("failures.json", json.dumps({name: asdict(one) for name, one in kept.items()}))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Be the only one who brings in. The kernel gives the lock back, whatever happens."""
        try:
            self.store.root.mkdir(parents=True, exist_ok=True)
            lock = (self.store.root / "lock").open("w")
        except OSError as error:
            raise problems.disk(str(self.store.root), str(error)) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy(
                    "somebody else brings advisories in right now",
                    where=str(self.store.root),
                    remedy="wait for its end: tidegate advisories status",
                    code="TG805",
                ) from None
            yield

    def _write(self, name: str, text: str) -> None:
        """Replace a small file as a whole."""
        beside = self.store.root / f".{name}.{os.getpid()}"
        try:
            self.store.root.mkdir(parents=True, exist_ok=True)
            beside.write_text(text)
            beside.replace(self.store.root / name)
        except OSError as error:
            raise problems.disk(str(self.store.root / name), str(error)) from error


def oldest(states: Mapping[str, SourceState]) -> int | None:
    """When the oldest of the sources was last known as current (ms)."""
    return min((state.taken_at_ms for state in states.values()), default=None)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino
