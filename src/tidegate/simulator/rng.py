"""Randomness from one seed, split by name so that a new part never shifts the draws of another."""

import hashlib
from random import Random


class Rng:
    """Named streams of one seed: `rng("faults")` is the same stream wherever it is asked for."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._streams: dict[str, Random] = {}

    def __call__(self, name: str) -> Random:
        """The stream of that name, at the place that its last user left it."""
        if name not in self._streams:
            digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
            self._streams[name] = Random(int.from_bytes(digest[:8]))
        return self._streams[name]
