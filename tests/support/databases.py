"""What is opened of SQLite, to see that it is closed; Python warns of it only from 3.13 on."""

import sqlite3
from typing import Any

import pytest


class Opened:
    """Every connection that `sqlite3.connect` gives from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.connections: list[sqlite3.Connection] = []
        connect = sqlite3.connect

        def noted(*words: Any, **named: Any) -> sqlite3.Connection:
            self.connections.append(connect(*words, **named))
            return self.connections[-1]

        monkeypatch.setattr(sqlite3, "connect", noted)

    def all_closed(self) -> bool:
        """Whether there were any, and none answers any more."""
        return bool(self.connections) and all(map(_is_closed, self.connections))


def _is_closed(connection: sqlite3.Connection) -> bool:
    try:
        connection.total_changes  # noqa: B018  it raises
    except sqlite3.ProgrammingError:
        return True
    return False
