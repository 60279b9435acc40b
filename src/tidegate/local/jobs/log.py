"""The log of a job: a file of whole lines that others may read while it is written."""

import threading
from pathlib import Path

from tidegate.local.clean import clean

MOST_BYTES = 16 * 1024 * 1024


class Log:
    """Appends lines to a file, free of control characters, until it holds `MOST_BYTES`.

    Safe to use from several threads. `last` is the latest line that said something.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()
        self._size = path.stat().st_size
        self.last = ""

    def say(self, text: str) -> None:
        """Append the text, line by line. Raises OSError when the disk is full."""
        with self._lock:
            for line in text.splitlines() or [""]:
                self._write(clean(line))

    def _write(self, line: str) -> None:
        self.last = line.strip() or self.last
        if self._size >= MOST_BYTES or self._file.closed:
            return
        self._size += len(line.encode()) + 1
        cut = "\n… the rest is left out" if self._size >= MOST_BYTES else ""
        self._file.write(f"{line}{cut}\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
