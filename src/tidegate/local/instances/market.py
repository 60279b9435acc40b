"""A made-up spot market for drills: from its seed, storms that take a share of the spot instances.

Time since the market began is cut into slots; a slot's storm, and whom it strikes, follow from the
seed and the slot's number alone. Which slot was the last is kept in a file, so that a controller
that starts again has no storm twice.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tidegate.core.provider import HOUR_MS, Market

SLOT_MS = 5_000


@dataclass(slots=True)
class Weather:
    """The market's file: when it began (ms), and the last slot that was looked at."""

    path: Path

    def struck(self, market: Market, spot: Sequence[str], now: int) -> list[str]:
        """The spot instances that get a notice now: none, or those of a storm."""
        if not market.storms_per_hour:
            return []
        began, last = self._read(now)
        slot = (now - began) // SLOT_MS
        if slot <= last:
            return []
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps([began, slot]))
        return strikes(market, slot, spot)

    def _read(self, now: int) -> tuple[int, int]:
        try:
            began, last = json.loads(self.path.read_text())
            return int(began), int(last)
        except (OSError, ValueError, TypeError):
            return now, -1


def strikes(market: Market, slot: int, spot: Sequence[str]) -> list[str]:
    """Whom that slot's storm strikes; nobody when it has none."""
    draws = Random(f"{market.seed}/{slot}")
    if draws.random() >= market.storms_per_hour * SLOT_MS / HOUR_MS:
        return []
    return [name for name in spot if draws.randrange(100) < market.share_percent]
