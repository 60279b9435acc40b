"""An execution as its follower sees it: log lines and events, in the order they came."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event as Flag

from tidegate.core import decision as d
from tidegate.engine.journal import Entry
from tidegate.engine.loop import Engine
from tidegate.engine.messages import End, Happened, Line, Message
from tidegate.engine.sources import Files
from tidegate.engine.tail import Tail
from tidegate.engine.views.executions import exit_code
from tidegate.engine.views.related import Related
from tidegate.engine.views.sentences import sentence

POLL_S = 0.1
"""How often a log that is being written is looked at."""

_PAST_THE_GATE = frozenset({d.PipelineStage.APPROVE, d.PipelineStage.DEPLOY})
_QUIET = (
    d.TaskStarted,
    d.TaskPlaced,
    d.TaskHealthy,
    d.TaskDraining,
    d.TaskStopping,
    d.TaskRemoved,
)


@dataclass(slots=True)
class Watcher:
    """Follows one execution from the journal's begin; made for one call of `messages`."""

    engine: Engine
    files: Files
    execution: str
    until: str = "end"
    _related: Related = field(init=False)
    _tail: Tail | None = None
    _stage: d.PipelineStage | None = None
    _told: bool = field(init=False)

    def __post_init__(self) -> None:
        self._related = Related(executions={self.execution})
        self._told = self.until != "rest"

    def messages(self, closed: Flag) -> Iterator[Message | None]:
        """Every message, the last one an `End`; None now and then when there is none."""
        seen = 0
        quiet_s = 0.0
        while not closed.is_set():
            spoke = False
            for entry in self.engine.journal.read(seen):
                seen = entry.seq
                for message in self._of(entry):
                    spoke = True
                    yield message
                    if message["kind"] == "end":
                        return
            for line in self._lines():
                spoke = True
                yield line
            quiet_s = 0.0 if spoke else quiet_s + POLL_S
            if quiet_s >= 1:
                quiet_s = 0.0
                yield None
            self.engine.journal.wait(seen, POLL_S)

    def _of(self, entry: Entry) -> Iterator[Message]:
        event = entry.event
        if not self._related.holds(event):
            return
        yield from self._lines()
        if self._told and not _is_quiet(event):
            kind = type(event).__name__
            yield Happened(
                kind="event", seq=entry.seq, at=entry.at, type=kind, text=sentence(event)
            )
        if isinstance(event, d.StageStarted) and event.execution == self.execution:
            self._told = self._told or event.stage in _PAST_THE_GATE
            if self.until == "gate" and event.stage in _PAST_THE_GATE:
                yield End(kind="end", outcome=None, exit_code=0, reason=f"{event.stage} begins")
            self._stage = event.stage
            self._tail = Tail(self.files.stage_log(self.execution, self._stage.value))
        if isinstance(event, d.ExecutionFinished) and event.execution == self.execution:
            code = exit_code(event.outcome, self._stage)
            yield End(kind="end", outcome=event.outcome.value, exit_code=code, reason=event.reason)

    def _lines(self) -> Iterator[Line]:
        if self._tail is None or self._stage is None or not self._told:
            return
        for text in self._tail.lines():
            yield Line(kind="line", stage=self._stage.value, text=text)


def _is_quiet(event: d.Event) -> bool:
    """A task's usual life is not news to who waits for a deployment; a failure is."""
    usual = isinstance(event, _QUIET) or (isinstance(event, d.TaskStopped) and not event.failed)
    return usual and not getattr(event, "failed", False)
