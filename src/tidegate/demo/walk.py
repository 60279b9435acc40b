"""What every act of the demo has at hand: the app, its story, the clients' ledger, and patience."""

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidegate.demo.ledger import Ledger
from tidegate.demo.report import Act
from tidegate.demo.story import Story
from tidegate.demo.workspace import Workspace

PATIENCE_S = 90.0
"""Within this time what was asked for must be there."""


@dataclass(slots=True)
class Check:
    """What held in an act and what did not."""

    broken: list[str] = field(default_factory=list)

    def that(self, holds: bool, otherwise: str) -> None:
        """Remember `otherwise` when it does not hold."""
        if not holds:
            self.broken.append(otherwise)


class Walk:
    """The walk-through in one workspace. `say` shows a line of progress."""

    def __init__(self, space: Workspace, say: Callable[[str], None]) -> None:
        self.space = space
        self.story = Story(space.folder / ".tidegate" / "journal.db")
        self.ledger = Ledger(space.port)
        self.say = say

    def act(self, name: str, check: Check, **fields: Any) -> Act:
        """An act that is over, counted by the client; a dropped request breaks any act."""
        counts = self.ledger.counts(name, faulty="crimson")
        check.that(counts.dropped == 0, f"{counts.dropped} requests were dropped")
        check.that(counts.requests > 0, "no request was sent")
        detail = {**fields.pop("detail", {}), "failures": counts.failures}
        if check.broken:
            detail["broken"] = check.broken
        ok = not check.broken
        numbers = (counts.requests, counts.failed, counts.dropped)
        return Act(name, ok, *numbers, detail=detail, **fields)

    def until_deployed(self, services: int) -> bool:
        """Wait until so many services are deployed and nothing moves."""
        return self.until(lambda: self.story.succeeded() >= services and self.story.quiet())

    def until(self, holds: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
        """Wait until it holds; whether it did in time."""
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def kill_controller(self) -> int:
        """Kill it with -9; its process id."""
        file: Path = self.space.folder / ".tidegate" / "daemon.json"
        pid = int(json.loads(file.read_text())["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid
