"""Layers that were read before, each a file named by its diff ID. A layer never changes."""

import os
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

from tidegate.scan.inventory.facts import LayerFacts, decode, encode

FORMAT = 3
"""Raised when the readers find something else in the same layer."""


class LayerCache:
    """A folder of layers' facts; several processes may use it at once.

    What cannot be read or written counts as not there: the layer is then read again. The `keep`
    layers that were used last stay.
    """

    def __init__(self, folder: Path, keep: int = 500) -> None:
        self._folder = folder / f"layers-{FORMAT}"
        self._keep = keep

    def get(self, diff_id: str) -> LayerFacts | None:
        """The facts of a layer, if they are here. They are marked as used."""
        path = self._path(diff_id)
        try:
            facts = decode(path.read_bytes())
            os.utime(path)
        except (OSError, ValueError, LookupError, TypeError, zlib.error):
            return None
        return facts

    def put(self, diff_id: str, facts: LayerFacts) -> None:
        """Keep a layer's facts, whole or not at all."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with TemporaryDirectory(dir=self._folder) as folder:
                file = Path(folder, "facts")
                file.write_bytes(encode(facts))
                file.replace(self._path(diff_id))
            self._forget()
        except OSError:
            return

    def _forget(self) -> None:
        files = sorted(self._folder.glob("sha256-*"), key=lambda path: -path.stat().st_mtime)
        for path in files[self._keep :]:
            path.unlink(missing_ok=True)

    def _path(self, diff_id: str) -> Path:
        return self._folder / diff_id.replace(":", "-")
