"""What a person may ask of an app: the one protocol that command line and console speak.

`engine.operations` grants it where the engine runs, `api.client` from another process. Every
refusal is a `TidegateError`. Answers are the views of `engine.views`.

A method that follows yields None at least every second when there is nothing else, so that its
caller can look around, or leave.
"""

from collections.abc import Iterator
from typing import BinaryIO, Protocol, Unpack

from tidegate.engine.drills import Drill
from tidegate.engine.messages import LogLine, Message, Revision, Until
from tidegate.engine.views.alarms import AlarmDetail
from tidegate.engine.views.capacity import CapacityView
from tidegate.engine.views.deployments import ReportView
from tidegate.engine.views.events import EventView
from tidegate.engine.views.executions import ExecutionView
from tidegate.engine.views.gate import GateView
from tidegate.engine.views.metrics import MetricsView
from tidegate.engine.views.releases import ReleaseDetail, ReleaseView
from tidegate.engine.views.scaling import ScalingView
from tidegate.engine.views.service_events import ServiceEventView
from tidegate.engine.views.status import StatusView
from tidegate.spec import Plan


class Measured(Protocol):
    """Questions that are answered with numbers."""

    def metrics(self, service: str | None = None, since_ms: int = 600_000) -> MetricsView:
        """The metrics of a service, or of all, of the last `since_ms`. Raises `NotFound`."""
        ...

    def alarms(self) -> tuple[AlarmDetail, ...]:
        """Every alarm of every service."""
        ...

    def scaling(self, service: str | None = None) -> tuple[ScalingView, ...]:
        """How a service is scaled, or all of them. Raises `NotFound`."""
        ...

    def service_events(self, service: str) -> tuple[ServiceEventView, ...]:
        """What happened to a service, in ECS's words. Raises `NotFound`."""
        ...


class Observe(Measured, Protocol):
    """Questions; asking changes nothing."""

    def status(self) -> StatusView:
        """Where everything stands now."""
        ...

    def capacity(self) -> CapacityView:
        """Providers, instances, and what they have cost."""
        ...

    def events(self, after: int = 0, follow: bool = False) -> Iterator[EventView | None]:
        """The journal's entries after that number; with `follow`, those to come as well."""
        ...

    def executions(self) -> tuple[ExecutionView, ...]:
        """Those that are remembered, the newest first."""
        ...

    def execution(self, execution: str) -> ExecutionView:
        """One of them. Raises `NotFound`."""
        ...

    def stream(self, execution: str, until: Until = "end") -> Iterator[Message | None]:
        """An execution from its start: log lines as they are written, events, and an end.

        With `until="gate"` it ends with exit code 0 once approval or deployment begins; with
        "rest" it tells only what comes from there on. Raises `NotFound`.
        """
        ...

    def releases(self) -> tuple[ReleaseView, ...]:
        """Every release, the newest first."""
        ...

    def show(self, release: int) -> ReleaseDetail:
        """One release, its settings and its history. Raises `NotFound`."""
        ...

    def report(self, deployment: str) -> ReportView:
        """What one deployment went through. Raises `NotFound`."""
        ...

    def explain_gate(self, subject: str) -> tuple[GateView, ...]:
        """The gate's word on a release (`v42`) or on each image of an execution.

        Raises `NotFound`, also while there is no verdict yet.
        """
        ...

    def logs(self, subject: str, follow: bool = False) -> Iterator[LogLine | None]:
        """The log of a service's tasks, of a task, of an execution, or of `execution/stage`."""
        ...

    def plan(self, text: str, commit: str) -> Plan:
        """What this app file would change at that commit. Raises `AppFileError`."""
        ...


class Operate(Protocol):
    """Requests; `by` is the person who asks, as the journal names them."""

    def start_execution(self, tar: BinaryIO, **revision: Unpack[Revision]) -> str:
        """Put a revision into the pipeline; `tar` is its source. Answers the execution's id.

        Raises `AppFileError` when its app file is wrong, `BuildError` when the tar is.
        """
        ...

    def approve(self, execution: str, by: str) -> None:
        """Let an execution that waits for approval go on."""
        ...

    def reject(self, execution: str, by: str, reason: str = "") -> None:
        """End an execution that waits for approval."""
        ...

    def pause(self, service: str, by: str) -> None:
        """Hold the service's deployment where it is."""
        ...

    def resume(self, service: str, by: str) -> None:
        """Go on with a paused deployment."""
        ...

    def promote(self, service: str, by: str) -> None:
        """Go on at once: past a pause, the rest of the timetable, or the bake."""
        ...

    def abort(self, service: str, by: str) -> None:
        """Take all traffic back to stable."""
        ...

    def rollback(self, service: str, release: int | None, by: str) -> None:
        """Go back to a good release: the one before stable when None."""
        ...

    def scale(self, service: str, desired: int, by: str) -> None:
        """Have so many tasks, within the app file's bounds."""
        ...

    def interrupt(self, drill: Drill, by: str) -> tuple[str, ...]:
        """Take spot instances back after their notice; which ones. Raises `NotFound`."""
        ...

    def down(self, everything: bool = False) -> None:
        """Stop the controller; traffic goes on. With `everything`, tasks and balancer end too."""
        ...


class Operations(Observe, Operate, Protocol):
    """All of it."""
