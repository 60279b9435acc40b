"""The operations from another process: over HTTP to the daemon of the same state directory."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tidegate.api.measuring import MeasuringClient
from tidegate.api.pushing import Pushing
from tidegate.api.wire import part
from tidegate.core.errors import SetupError, StillRunning, TidegateError
from tidegate.engine.codec import restore
from tidegate.engine.drills import Drill
from tidegate.engine.messages import LogLine
from tidegate.engine.views.capacity import CapacityView
from tidegate.engine.views.deployments import ReportView
from tidegate.engine.views.events import EventView, event_of_json
from tidegate.engine.views.executions import ExecutionView
from tidegate.engine.views.gate import GateView
from tidegate.engine.views.releases import ReleaseDetail, ReleaseView
from tidegate.engine.views.status import StatusView

if TYPE_CHECKING:
    from tidegate.spec import Plan

COME_BACK_S = 30.0
"""So long a follower of events waits for a daemon that has gone."""


class Client(Pushing, MeasuringClient):
    """Implements `tidegate.operations.Operations`, one call of the API per method.

    Each raises what the daemon raised, `SetupError` when none is running, `StillRunning` when it
    goes away while it tells something.
    """

    # --- questions -----------------------------------------------------------------------------

    def alive(self) -> bool:
        """Whether the daemon answers: this app's, not another at the port that it had."""
        try:
            return bool(self._wire.get("/healthz")["ok"])
        except TidegateError:
            return False

    def status(self) -> StatusView:
        """Where everything stands now."""
        return restore(StatusView, self._wire.get("/v1/status"))

    def capacity(self) -> CapacityView:
        """Providers, instances, and what they have cost."""
        return restore(CapacityView, self._wire.get("/v1/capacity"))

    def events(self, after: int = 0, follow: bool = False) -> Iterator[EventView | None]:
        """The journal's entries after that number; with `follow`, those to come as well.

        A follower outlives a restart of the daemon of up to `COME_BACK_S`, and misses nothing.
        """
        give_up_at: float | None = None
        while True:
            try:
                for data in self._wire.events("/v1/events", _after(after, follow)):
                    view = event_of_json(data) if data else None
                    after = view.seq if view else after
                    give_up_at = None
                    yield view
                if not follow:
                    return
            except (SetupError, StillRunning):
                give_up_at = give_up_at or time.monotonic() + COME_BACK_S
                if not follow or time.monotonic() > give_up_at:
                    raise
            time.sleep(0.2)
            yield None

    def executions(self) -> tuple[ExecutionView, ...]:
        """Those that are remembered, the newest first."""
        known = self._wire.get("/v1/executions")["executions"]
        return tuple(restore(ExecutionView, one) for one in known)

    def execution(self, execution: str) -> ExecutionView:
        """One of them."""
        return restore(ExecutionView, self._wire.get(f"/v1/executions/{part(execution)}"))

    def releases(self) -> tuple[ReleaseView, ...]:
        """Every release, the newest first."""
        known = self._wire.get("/v1/releases")["releases"]
        return tuple(restore(ReleaseView, one) for one in known)

    def show(self, release: int) -> ReleaseDetail:
        """One release, its settings and its history."""
        return restore(ReleaseDetail, self._wire.get(f"/v1/releases/{release}"))

    def report(self, deployment: str) -> ReportView:
        """What one deployment went through."""
        return restore(ReportView, self._wire.get(f"/v1/deployments/{part(deployment)}"))

    def explain_gate(self, subject: str) -> tuple[GateView, ...]:
        """The gate's word on a release or on each image of an execution."""
        images = self._wire.get(f"/v1/gate/{part(subject)}")["images"]
        return tuple(restore(GateView, one) for one in images)

    def logs(self, subject: str, follow: bool = False) -> Iterator[LogLine]:
        """The log of a service's tasks, of a task, of an execution, or of `execution/stage`."""
        path = f"/v1/logs/{'/'.join(map(part, subject.split('/')))}"
        for item in self._wire.lines(path, {"follow": int(follow)}):
            line: LogLine = item
            yield line

    def plan(self, text: str, commit: str) -> "Plan":
        """What this app file would change at that commit."""
        from tidegate.spec import Plan  # loads what the other questions do not need

        return restore(Plan, self._wire.send("/v1/plan", text.encode(), commit=commit))

    def prometheus(self) -> str:
        """The numbers in Prometheus's text format."""
        return self._wire.text("/metrics")

    # --- requests ------------------------------------------------------------------------------

    def approve(self, execution: str, by: str) -> None:
        """Let an execution that waits for approval go on."""
        self._wire.post(f"/v1/executions/{part(execution)}/approve", by=by)

    def reject(self, execution: str, by: str, reason: str = "") -> None:
        """End an execution that waits for approval."""
        self._wire.post(f"/v1/executions/{part(execution)}/reject", by=by, reason=reason)

    def pause(self, service: str, by: str) -> None:
        """Hold the service's deployment where it is."""
        self._wire.post(f"/v1/services/{part(service)}/pause", by=by)

    def resume(self, service: str, by: str) -> None:
        """Go on with a paused deployment."""
        self._wire.post(f"/v1/services/{part(service)}/resume", by=by)

    def promote(self, service: str, by: str) -> None:
        """Go on at once."""
        self._wire.post(f"/v1/services/{part(service)}/promote", by=by)

    def abort(self, service: str, by: str) -> None:
        """Take all traffic back to stable."""
        self._wire.post(f"/v1/services/{part(service)}/abort", by=by)

    def rollback(self, service: str, release: int | None, by: str) -> None:
        """Go back to a good release: the one before stable when None."""
        self._wire.post(f"/v1/services/{part(service)}/rollback", by=by, release=release)

    def scale(self, service: str, desired: int, by: str) -> None:
        """Have so many tasks."""
        self._wire.post(f"/v1/services/{part(service)}/scale", by=by, desired=desired)

    def interrupt(self, drill: Drill, by: str) -> tuple[str, ...]:
        """Take spot instances back after their notice; which ones."""
        asked = {"storm_percent": drill.storm_percent, "provider": drill.provider}
        answer = self._wire.post("/v1/interrupt", by=by, instances=list(drill.instances), **asked)
        return tuple(answer["instances"])

    def down(self, everything: bool = False) -> None:
        """Stop the controller; with `everything` tasks and balancer as well."""
        self._wire.post("/v1/down", everything=everything)


def _after(after: int, follow: bool) -> dict[str, int]:
    return {"after": after, "follow": int(follow)}
