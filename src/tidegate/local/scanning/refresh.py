"""Brings the advisories in by itself: what is too old in the background, what is missing at once.

It is done by a process of its own (`tidegate advisories update`): reading 150,000 records would
hold up the control loop. That it fails is told (`failures.json`), and never fails anything else.
"""

import logging
import subprocess
import threading
from collections.abc import Callable, Collection, Sequence

from tidegate.core.errors import GateError
from tidegate.local.scanning.advisories import AGAIN_MS, LocalAdvisories
from tidegate.scan.advisories.settings import sources_for

LOOK_S = 60.0
BACKGROUND_S = 3600.0
WAIT_S = 240.0
"""How long the first scan of an ecosystem waits for its advisories."""

_log = logging.getLogger(__name__)


class Refresher:
    """Runs `command` whenever something is due. `refresh_ms` 0: never, by itself.

    `now` tells the time in ms.
    """

    def __init__(
        self,
        advisories: LocalAdvisories,
        command: Sequence[str],
        refresh_ms: int,
        now: Callable[[], int],
    ) -> None:
        self._advisories = advisories
        self._command = tuple(command)
        self._refresh_ms = refresh_ms
        self._now = now
        self._ended = threading.Event()
        self._bringing = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="advisories", daemon=True)

    def start(self) -> None:
        """Look every minute from now on."""
        if self._refresh_ms:
            self._thread.start()

    def close(self) -> None:
        """Look no more; what runs is ended, and what was held stays."""
        self._ended.set()
        running = self._running
        if running and running.poll() is None:
            running.terminate()
        if self._thread.is_alive():
            self._thread.join()

    def due(self) -> tuple[str, ...]:
        """Which wanted sources are missing or too old, and did not fail just now."""
        try:
            states, wanted = self._advisories.store.states(), self._advisories.wanted()
        except GateError:
            return ()  # a scan says what is wrong with it
        if not self._advisories.ecosystems() and not states:
            return ()
        old = self._now() - self._refresh_ms
        fresh = {name for name, state in states.items() if state.taken_at_ms > old}
        return tuple(name for name in wanted if name not in fresh and not self._failed_lately(name))

    def bring(self, ecosystems: Collection[str]) -> None:
        """Wait, within bounds, for what is missing of these ecosystems. Raises nothing."""
        if not self._refresh_ms:
            return
        with self._bringing:
            try:
                missing = self._advisories.missing(sources_for(ecosystems), self._now())
            except GateError:
                return  # the scan that follows meets the same, and says so
            if missing:
                self._update(missing, WAIT_S)

    def _run(self) -> None:
        while True:
            self.look()
            if self._ended.wait(LOOK_S):
                return

    def look(self) -> None:
        """Bring in what is due."""
        if due := self.due():
            with self._bringing:
                self._update(due, BACKGROUND_S)

    def _update(self, sources: Sequence[str], limit_s: float) -> None:
        """Run the command for the sources, and wait. What it says goes into the daemon's log."""
        words = [word for name in sources for word in ("--source", name)]
        try:
            with subprocess.Popen(
                [*self._command, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            ) as self._running:
                if self._ended.is_set():  # closed between the look and the start
                    self._running.terminate()
                try:
                    _, said = self._running.communicate(timeout=limit_s)
                except subprocess.TimeoutExpired:
                    self._running.kill()
                    _, said = self._running.communicate()
        except OSError as error:
            _log.warning("the advisories cannot be refreshed: %s", error)
            return
        if self._running.returncode:
            text = said.decode("utf-8", "replace").strip()
            _log.warning("the advisories were not refreshed as a whole: %s", text[-500:])

    def _failed_lately(self, name: str) -> bool:
        failed = self._advisories.failures().get(name)
        return failed is not None and self._now() - failed.at_ms < AGAIN_MS
