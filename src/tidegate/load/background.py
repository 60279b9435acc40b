"""A run in a process of its own, so that neither disturbs the other; live counts meanwhile.

with Background(Plan((Target(url),), constant(200))) as load:
    load.mark("first")
    ...
    load.snapshot().counts("first").failed
    result = load.stop()
"""

import json
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tidegate.core.errors import InternalError, TidegateError, UsageError
from tidegate.load.plan import Plan
from tidegate.load.result import Counts, Mark, Result, Tally, count, tags_of

ANSWER_S = 10.0
SPARE_S = 30.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The counts at `at_us` after the start; at most about 0.3 s old."""

    at_us: int = 0
    tally: Tally = field(default_factory=dict)

    def counts(self, act: str | None = None, tag: str | None = None) -> Counts:
        """The counts of an act, of a tag, of both or (None) of everything."""
        return count(self.tally, act, tag)

    def tags(self, act: str | None = None) -> dict[str, int]:
        """How many replies carried each tag, whatever their status."""
        return tags_of(self.tally, act)


class Background:
    """One run. Any thread may call; leaving a `with` block ends the run, whatever its state."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._said = threading.Condition()
        self._started = self._ended = False
        self._snapshot = Snapshot()
        self._marked: list[dict[str, Any]] = []
        self._outcome: object = None
        self._process: subprocess.Popen[bytes] | None = None
        self._last_words = "it said nothing"
        self._reader = threading.Thread(target=self._read, name="load-reader", daemon=True)

    def start(self) -> Self:
        """Begin, and return when the sender runs.

        Raises what `Generator` raises (`UsageError` for a forbidden target), and `InternalError`.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tidegate.load.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is the parent's: it stops the run in order
        )
        plan = pickle.dumps(self._plan)
        self._reader.start()
        try:
            self._say(len(plan).to_bytes(8, "big") + plan)
            self._await(lambda: self._started, "the load generator does not start")
        except TidegateError:
            self.close()
            raise
        return self

    def snapshot(self) -> Snapshot:
        """The counts so far. Raises `InternalError` when the sender has died."""
        self._check()
        return self._snapshot

    def mark(self, name: str) -> Mark:
        """An act begins: every request released from now on is its own. Returns when that holds.

        Raises `UsageError` for a name used before or a run that is over.
        """
        with self._said:
            known = len(self._marked)
        self._say(json.dumps({"mark": name}).encode() + b"\n")
        self._await(lambda: len(self._marked) > known or self._ended, "a mark is not answered")
        answer = self._marked[known] if len(self._marked) > known else {"error": "the run is over"}
        if "error" in answer:
            raise UsageError(str(answer["error"]), code="TG155")
        return Mark(**answer)

    def stop(self) -> Result:
        """Release no more requests, wait for those in flight, and give the result."""
        if not self._ended:
            self._say(b'{"stop": true}\n')
        return self.wait(self._plan.limits.timeout_s + SPARE_S)

    def wait(self, timeout_s: float | None = None) -> Result:
        """Wait until the profile has ended, and give the result.

        Raises what the run raised, and `InternalError` when the sender died or takes too long.
        """
        self._await(lambda: self._ended, "the load generator does not end", timeout_s)
        assert isinstance(self._outcome, Result)  # `_check` has raised anything else
        return self._outcome

    @property
    def ended(self) -> bool:
        """Whether the result is there."""
        return self._ended

    def close(self) -> None:
        """End the process, whatever it does; its result is lost unless it was given."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._reader.join()
            for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
                with suppress(BrokenPipeError):  # words that nobody reads any more
                    if pipe:
                        pipe.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()

    # --- the two ends of the pipe ------------------------------------------------------------

    def _say(self, data: bytes) -> None:
        """To the sender; one that has gone is noticed by whoever waits for its answer."""
        pipe = self._process.stdin if self._process else None
        if pipe is None:
            raise InternalError("the load was not started", code="TG930")
        with suppress(BrokenPipeError):
            pipe.write(data)
            pipe.flush()

    def _read(self) -> None:
        """The reader's thread: keep what the sender says."""
        process = self._process
        assert process is not None and process.stdout is not None
        outcome: object = None
        for line in process.stdout:
            message = json.loads(line)
            with self._said:
                if "started" in message:
                    self._started = True
                elif "progress" in message:
                    self._snapshot = _snapshot(message["progress"])
                elif "marked" in message:
                    self._marked.append(message["marked"])
                elif "pickle" in message:
                    outcome = pickle.loads(process.stdout.read(message["pickle"]))
                self._said.notify_all()
        said = process.stderr.read().decode(errors="replace").strip() if process.stderr else ""
        with self._said:
            self._last_words = said.rpartition("\n")[2] or self._last_words
            self._outcome, self._started, self._ended = outcome, True, True
            if isinstance(outcome, Result):
                self._snapshot = Snapshot(outcome.length_us, outcome.tally())
            self._said.notify_all()

    def _await(
        self, done: Callable[[], bool], what: str, timeout_s: float | None = ANSWER_S
    ) -> None:
        with self._said:
            if not self._said.wait_for(done, timeout_s):
                raise InternalError(what, cause=f"no answer in {timeout_s:g} s", code="TG931")
        self._check()

    def _check(self) -> None:
        """Raise what ended the run, unless that was a result."""
        if not self._ended or isinstance(self._outcome, Result):
            return
        if isinstance(self._outcome, TidegateError):
            raise self._outcome
        raise InternalError("the load generator died", cause=self._last_words, code="TG932")


def _snapshot(progress: dict[str, Any]) -> Snapshot:
    tally = {(act, kind, tag): n for act, kind, tag, n in progress["tally"]}
    return Snapshot(progress["at_us"], tally)
