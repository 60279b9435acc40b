"""The acts, in order, and the stream of requests that runs through all of them.

Each act says what must hold; whatever does not, is in its `detail` as `broken`.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidegate.core import decision as d
from tidegate.demo.advisories import KNOWN, OLD, PACKAGE
from tidegate.demo.ledger import Ledger
from tidegate.demo.report import Act
from tidegate.demo.story import Story
from tidegate.demo.workspace import Workspace

PATIENCE_S = 60.0
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
        self._say = say

    def acts(self, begins: Callable[[str], None]) -> Iterator[Act]:
        """Play them one after the other; `begins` hears their names, each is given as it ends."""
        try:
            for name, act in _ACTS.items():
                begins(name)
                yield act(self)
        finally:
            self.ledger.stop()

    # --- the acts ----------------------------------------------------------------------------

    def deployed(self) -> Act:
        """The app comes up; the listener answers for all three services."""
        check = Check()
        began = time.monotonic()
        self.space.tidegate("up")
        self._say(f"the controller is up; the listener will be http://127.0.0.1:{self.space.port}")
        check.that(self.space.push() == 0, "the first push was refused")
        check.that(self._until_deployed(3), "not every service was deployed")
        up_s = time.monotonic() - began
        self.ledger.start("deployed")
        time.sleep(2)
        answers = self.ledger.answers()
        check.that(set(answers) == {"/", "/cats", "/dogs"}, f"only {sorted(answers)} answered")
        self._say(f"home, cats and dogs answer, {up_s:.1f} s after `tidegate up`")
        return self._act("deployed", check, detail={"up_s": round(up_s, 1)})

    def blue_green(self) -> Act:
        """Clients see both colours in the planned shares, then only the new one."""
        check = Check()
        self.ledger.mark("blue-green")
        self.space.change("colour", "Cats turn green")
        check.that(self.space.push() == 0, "the push was refused")
        deployment = self.story.last_deployment("cats")
        check.that(deployment.outcome is d.Outcome.SUCCEEDED, f"it {deployment.outcome}")
        time.sleep(2)
        shares = self.ledger.shares("seagreen", self.story.windows(deployment.id))
        worst = max((share.error_points for share in shares), default=None)
        for share in shares:
            self._say(str(share))
            check.that(share.plausible, f"off the plan: {share}")
        check.that(len(shares) >= 4, "not every step of the shift was seen")
        check.that(self.ledger.only("seagreen", last_s=1), "the old colour was still seen")
        planned = {"shares": [str(share) for share in shares]}
        return self._act("blue-green", check, share_error_points=worst, detail=planned)

    def gate(self) -> Act:
        """A known-vulnerable package is refused, and a dated waiver lets it through."""
        check = Check()
        self.ledger.mark("gate")
        self.space.change("vulnerable", f"Cats use {PACKAGE} {OLD}")
        check.that(self.space.push() != 0, "the push was not refused")
        refused = self.story.last_execution()
        check.that(refused.outcome is d.Outcome.REFUSED, f"it {refused.outcome}")
        check.that(KNOWN in refused.reason, f"{KNOWN} is not among the reasons: {refused.reason}")
        check.that(self.ledger.only("seagreen", last_s=1), "traffic was touched")
        waive = ("waive", KNOWN, "--until", "7d", "--reason", "the demo serves it to nobody")
        self.space.tidegate(*waive, "--owner", "demo", "--service", "cats")
        self._say(f"$ tidegate {' '.join(waive[:4])} --reason … --service cats")
        self.space.commit(f"Waive {KNOWN} for a week")
        check.that(self.space.push() == 0, "the push with the waiver was refused")
        passed = self.story.last_execution()
        check.that(passed.outcome is d.Outcome.SUCCEEDED, f"with the waiver it {passed.outcome}")
        return self._act("gate", check, detail={"refused": refused.reason})

    def saved(self) -> Act:
        """3 % of the candidate's answers are errors; it never reaches full traffic."""
        check = Check()
        self.ledger.mark("saved")
        self.space.change("failing", "Cats turn red, and fail now and then")
        self.space.push()
        deployment = self.story.last_deployment("cats")
        check.that(deployment.outcome is d.Outcome.ROLLED_BACK, f"it {deployment.outcome}")
        check.that(deployment.weight_most_bp < 10_000, "it reached full traffic")
        time.sleep(2)
        check.that(self.ledger.only("seagreen", last_s=1), "traffic is not back on stable")
        self._say(f"rolled back: {deployment.reason}")
        last_bad = self.ledger.last_answer_ms("crimson")
        back_ms = max(0, last_bad - deployment.rollback_at) if last_bad else None
        touched = self.ledger.answers_of("crimson")
        detail = {
            "reason": deployment.reason,
            "most_weight_percent": deployment.weight_most_bp / 100,
            "requests_on_candidate": touched,
        }
        times = {"detect_ms": deployment.rollback_at - deployment.shifted_at, "back_ms": back_ms}
        return self._act("saved", check, **times, detail=detail)

    def crash(self) -> Act:
        """The controller is killed in the middle of a shift, and comes back."""
        check = Check()
        self.ledger.mark("crash")
        self.space.change("colour", "Cats turn purple", ("seagreen", "rebeccapurple"))
        push = self.space.push_in_background()
        check.that(self._until(lambda: self.story.weight_bp("cats") >= 4_000), "no shift began")
        pid = self._kill_controller()
        self._say(f"the controller (pid {pid}) is killed with -9 in the middle of the shift")
        before = self.ledger.requests()
        time.sleep(2)
        meanwhile = self.ledger.requests() - before
        self._say(f"nobody is in control; {meanwhile} requests meanwhile")
        self.space.tidegate("up")
        push.join()
        check.that(self._until(self.story.quiet), "the deployment did not end")
        deployment = self.story.last_deployment("cats")
        ends = (d.Outcome.SUCCEEDED, d.Outcome.ROLLED_BACK)
        check.that(deployment.outcome in ends, f"it {deployment.outcome}")
        self._say(f"it is back, and the deployment {deployment.outcome}")
        time.sleep(2)
        colour = "rebeccapurple" if deployment.outcome is d.Outcome.SUCCEEDED else "seagreen"
        check.that(self.ledger.only(colour, last_s=1), f"not all traffic is {colour}")
        detail = {"outcome": str(deployment.outcome), "requests_without_controller": meanwhile}
        return self._act("crash", check, detail=detail)

    # --- helpers -----------------------------------------------------------------------------

    def _act(self, name: str, check: Check, **fields: Any) -> Act:
        """Counted by the client; a dropped request breaks any act."""
        counts = self.ledger.counts(name, faulty="crimson")
        check.that(counts.dropped == 0, f"{counts.dropped} requests were dropped")
        check.that(counts.requests > 0, "no request was sent")
        detail = {**fields.pop("detail", {}), "failures": counts.failures}
        if check.broken:
            detail["broken"] = check.broken
        ok = not check.broken
        numbers = (counts.requests, counts.failed, counts.dropped)
        return Act(name, ok, *numbers, detail=detail, **fields)

    def _until_deployed(self, services: int) -> bool:
        return self._until(lambda: self.story.succeeded() >= services and self.story.quiet())

    def _until(self, holds: Callable[[], bool], seconds: float = PATIENCE_S) -> bool:
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def _kill_controller(self) -> int:
        file: Path = self.space.folder / ".tidegate" / "daemon.json"
        pid = int(json.loads(file.read_text())["pid"])
        os.kill(pid, signal.SIGKILL)
        return pid


_ACTS: Mapping[str, Callable[[Walk], Act]] = {
    "deployed": Walk.deployed,
    "blue-green": Walk.blue_green,
    "gate": Walk.gate,
    "saved": Walk.saved,
    "crash": Walk.crash,
}
"""In the order in which they are played."""
