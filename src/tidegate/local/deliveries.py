"""Which webhook deliveries were taken already, remembered across restarts."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tidegate.local.webhook import PushEvent


class Deliveries:
    """A small SQLite file of deliveries and pushes.

    One that was begun when a controller died is forgotten, so that GitHub's "redeliver" works.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as store:
            store.execute("create table if not exists taken (name text primary key, done integer)")
            store.execute("delete from taken where not done")

    @contextmanager
    def once(self, event: PushEvent) -> Iterator[bool]:
        """True for the first delivery of a push, False for every later one.

        What is done inside may fail: then the push is forgotten and may be delivered again.
        """
        names = {f"push {event.key}"}
        if event.delivery:
            names.add(f"delivery {event.delivery}")
        if not self._take(names):
            yield False
            return
        try:
            yield True
        except BaseException:
            self._write("delete from taken where name = ?", names)
            raise
        self._write("update taken set done = 1 where name = ?", names)

    def _take(self, names: set[str]) -> bool:
        try:
            self._write("insert into taken values (?, 0)", names)
        except sqlite3.IntegrityError:
            return False
        return True

    def _write(self, statement: str, names: set[str]) -> None:
        with self._open() as store:
            store.executemany(statement, [(name,) for name in sorted(names)])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10)) as store, store:
            yield store
