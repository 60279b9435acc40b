"""The operations where the engine runs: requests to it, views of it, and its logs."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Unpack

from tidegate.core import requests as r
from tidegate.core.errors import NotFound
from tidegate.core.progress import Execution
from tidegate.core.seen import Seen
from tidegate.engine.drills import Drill, struck
from tidegate.engine.loop import Engine
from tidegate.engine.measuring import Measuring
from tidegate.engine.messages import LogLine, Message, Revision, Until, one_line
from tidegate.engine.sources import Files, store
from tidegate.engine.tail import Logs
from tidegate.engine.views.capacity import CapacityView, view_capacity
from tidegate.engine.views.deployments import ReportView, report
from tidegate.engine.views.events import EventView, view_event
from tidegate.engine.views.executions import ExecutionView, view_execution
from tidegate.engine.views.gate import GateView, explain
from tidegate.engine.views.groups import Sight
from tidegate.engine.views.releases import ReleaseDetail, ReleaseView, view_detail, view_release
from tidegate.engine.views.status import LastLook, StatusView, view_status
from tidegate.engine.watching import Watcher
from tidegate.spec import Plan, loads, plan

BEAT_S = 1.0
"""A follower hears at least this often, if only None."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What the operations need beside the engine; `wiring` fills it in.

    `task_lines(task, follow)` yields a task's log lines, living or gone, and None while it waits.
    `down(everything)` ends the process in the background. `interrupt(instances, notice_ms, note)`
    gives notices and answers who got one; `why_not_limited` is why instances are accounting only.
    """

    files: Files
    task_lines: Callable[[str, bool], Iterator[str | None]]
    down: Callable[[bool], None]
    interrupt: Callable[[tuple[str, ...], int, str], tuple[str, ...]] = lambda *_: ()
    why_not_limited: str = ""


class EngineOperations(Measuring):
    """Implements `tidegate.operations.Operations` over an engine and its journal."""

    def __init__(self, engine: Engine, outside: Outside) -> None:
        self._engine = engine
        self._outside = outside
        self._numbering = threading.Lock()
        self._closed = threading.Event()
        self._logs = Logs(engine, outside.files, outside.task_lines, self._closed)

    def close(self) -> None:
        """End everybody who follows, within a second or so."""
        self._closed.set()

    # --- questions -----------------------------------------------------------------------------

    def status(self) -> StatusView:
        """Where everything stands now."""
        engine = self._engine
        sight = self._sight()
        last = LastLook(engine.journal.last_seq, engine.last.reason, engine.trouble)
        return view_status(sight, last)

    def events(self, after: int = 0, follow: bool = False) -> Iterator[EventView | None]:
        """The journal's entries after that number; with `follow`, those to come as well."""
        journal = self._engine.journal
        while True:
            for entry in journal.read(after):
                after = entry.seq
                yield view_event(entry)
            if not follow or self._closed.is_set():
                return
            if not journal.wait(after, BEAT_S):
                yield None

    def capacity(self) -> CapacityView:
        """Providers, instances, and what they have cost."""
        sight = self._sight()
        why = self._outside.why_not_limited
        note = f"instances are accounting only here: {why}" if why else ""
        return view_capacity(sight.progress, sight.now, note)

    def executions(self) -> tuple[ExecutionView, ...]:
        """Those that are remembered, the newest first."""
        progress = self._engine.progress
        known = reversed(tuple(progress.executions.values()))
        return tuple(view_execution(progress, one) for one in known)

    def execution(self, execution: str) -> ExecutionView:
        """One of them. Raises `NotFound`."""
        return view_execution(self._engine.progress, self._execution(execution))

    def stream(self, execution: str, until: Until = "end") -> Iterator[Message | None]:
        """An execution from its start: log lines as they are written, events, and an end."""
        self._execution(execution)
        watcher = Watcher(self._engine, self._outside.files, execution, until)
        return watcher.messages(self._closed)

    def releases(self) -> tuple[ReleaseView, ...]:
        """Every release, the newest first."""
        progress = self._engine.progress
        known = sorted(progress.releases.values(), key=lambda one: -one.number)
        return tuple(view_release(progress, one) for one in known)

    def show(self, release: int) -> ReleaseDetail:
        """One release, its settings and its history. Raises `NotFound`."""
        progress = self._engine.progress
        known = progress.releases.get(release)
        if known is None:
            newest = max(progress.releases, default=0)
            known_ones = f"v1 to v{newest}" if newest > 1 else "only v1"
            raise NotFound(
                f"no release v{release}",
                remedy=f"there is {known_ones}: tidegate releases"
                if newest
                else "push a first one",
                code="TG721",
            )
        return view_detail(progress, known, list(self._engine.journal.read()))

    def report(self, deployment: str) -> ReportView:
        """What one deployment went through. Raises `NotFound`."""
        found = report(deployment, list(self._engine.journal.read()))
        if found is None:
            known = list(self._engine.progress.deployments)[-5:]
            raise NotFound(
                f"no deployment {deployment}",
                remedy=f"the latest: {', '.join(known) or 'none yet'}",
                code="TG722",
            )
        return found

    def explain_gate(self, subject: str) -> tuple[GateView, ...]:
        """The gate's word on a release or on each image of an execution. Raises `NotFound`."""
        return explain(self._engine.progress, subject, self._engine.journal.read())

    def logs(self, subject: str, follow: bool = False) -> Iterator[LogLine | None]:
        """The log of a service's tasks, of a task, of an execution, or of `execution/stage`."""
        return self._logs.of(subject, follow)

    def plan(self, text: str, commit: str) -> Plan:
        """What this app file would change at that commit. Raises `AppFileError`."""
        return plan(self._engine.progress, loads(text), commit)

    # --- requests ------------------------------------------------------------------------------

    def start_execution(self, tar: BinaryIO, **revision: Unpack[Revision]) -> str:
        """Store the source, read its app file, and put it into the pipeline.

        One at a time, for the id that names the source must still be the next one when the
        journal takes it.
        """
        with self._numbering:
            execution = f"e{self._engine.progress.next_id('execution')}"
            app = store(tar, self._outside.files.source(execution), revision["commit"])
            self._engine.ask(
                r.StartExecution(
                    execution,
                    revision["commit"],
                    one_line(revision.get("subject", "")),
                    revision.get("trigger", "deploy"),
                    one_line(revision.get("by", "somebody")),
                    app,
                )
            )
        return execution

    def approve(self, execution: str, by: str) -> None:
        """Let an execution that waits for approval go on."""
        self._engine.ask(r.Approve(execution, by))

    def reject(self, execution: str, by: str, reason: str = "") -> None:
        """End an execution that waits for approval."""
        self._engine.ask(r.Reject(execution, by, reason))

    def pause(self, service: str, by: str) -> None:
        """Hold the service's deployment where it is."""
        self._engine.ask(r.Pause(service, by))

    def resume(self, service: str, by: str) -> None:
        """Go on with a paused deployment."""
        self._engine.ask(r.Resume(service, by))

    def promote(self, service: str, by: str) -> None:
        """Go on at once."""
        self._engine.ask(r.Promote(service, by))

    def abort(self, service: str, by: str) -> None:
        """Take all traffic back to stable."""
        self._engine.ask(r.Abort(service, by))

    def rollback(self, service: str, release: int | None, by: str) -> None:
        """Go back to a good release: the one before stable when None."""
        self._engine.ask(r.RollBack(service, release, by))

    def scale(self, service: str, desired: int, by: str) -> None:
        """Have so many tasks."""
        self._engine.ask(r.Scale(service, desired, by))

    def interrupt(self, drill: Drill, by: str) -> tuple[str, ...]:
        """Take spot instances back after their notice; which ones. Raises `NotFound`."""
        progress = self._engine.progress
        chosen = struck(progress, drill)
        capacity = progress.app.capacity if progress.app else None
        notice_ms = capacity.interruption_notice_ms if capacity else 0
        return self._outside.interrupt(chosen, notice_ms, f"a drill of {one_line(by)}")

    def down(self, everything: bool = False) -> None:
        """Stop the controller, in the background, so that this still answers."""
        self.close()
        self._outside.down(everything)

    def _sight(self) -> Sight:
        engine = self._engine
        return Sight(engine.progress, engine.seen or Seen(), engine.now())

    def _execution(self, name: str) -> Execution:
        known = self._engine.progress.executions
        if name not in known:
            latest = ", ".join(list(known)[-5:])
            raise NotFound(
                f"no execution {name}", remedy=f"the latest: {latest or 'none yet'}", code="TG702"
            )
        return known[name]
