"""The client's questions that are answered with numbers."""

from tidegate.api.wire import Wire, part
from tidegate.engine.codec import restore
from tidegate.engine.views.alarms import AlarmDetail
from tidegate.engine.views.metrics import MetricsView
from tidegate.engine.views.scaling import ScalingView
from tidegate.engine.views.service_events import ServiceEventView


class MeasuringClient:
    """The same questions from another process."""

    _wire: Wire

    def metrics(self, service: str | None = None, since_ms: int = 600_000) -> MetricsView:
        """The metrics of a service, or of all."""
        of = f"&service={part(service)}" if service else ""
        return restore(MetricsView, self._wire.get(f"/v1/metrics?since_ms={since_ms}{of}"))

    def alarms(self) -> tuple[AlarmDetail, ...]:
        """Every alarm of every service."""
        found = self._wire.get("/v1/alarms")["alarms"]
        return tuple(restore(AlarmDetail, one) for one in found)

    def scaling(self, service: str | None = None) -> tuple[ScalingView, ...]:
        """How a service is scaled, or all of them."""
        of = f"?service={part(service)}" if service else ""
        found = self._wire.get(f"/v1/scaling{of}")["services"]
        return tuple(restore(ScalingView, one) for one in found)

    def service_events(self, service: str) -> tuple[ServiceEventView, ...]:
        """What happened to a service, in ECS's words."""
        found = self._wire.get(f"/v1/services/{part(service)}/events")["events"]
        return tuple(restore(ServiceEventView, one) for one in found)
