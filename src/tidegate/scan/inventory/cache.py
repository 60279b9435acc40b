"""Layers that were read before, each a file named by its diff ID. A layer never changes."""

import os
import zlib
from pathlib import Path
from tempfile import NamedTemporaryFile

from tidegate.scan.inventory.facts import LayerFacts, decode, encode

FORMAT = 1
"""Raised when the readers find something else in the same layer."""


class LayerCache:
    """A folder of layers' facts; several processes may use it at once.

    What cannot be read or written counts as not there: the layer is then read again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / f"layers-{FORMAT}"

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
            with NamedTemporaryFile(dir=self._folder, delete=False) as file:
                file.write(encode(facts))
            Path(file.name).replace(self._path(diff_id))
        except OSError:
            return

    def forget(self, keep: int) -> None:
        """Remove all but the `keep` layers that were used last."""
        files = sorted(self._folder.glob("sha256-*"), key=lambda path: -path.stat().st_mtime)
        for path in files[keep:]:
            path.unlink(missing_ok=True)

    def _path(self, diff_id: str) -> Path:
        return self._folder / diff_id.replace(":", "-")
