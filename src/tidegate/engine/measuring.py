"""The operations that show numbers: metrics, alarms, scaling, and a service's events."""

from dataclasses import replace

from tidegate.core.errors import NotFound, UsageError
from tidegate.core.seen import Seen
from tidegate.engine.loop import Engine
from tidegate.engine.views.alarms import AlarmDetail, view_alarms
from tidegate.engine.views.groups import Sight
from tidegate.engine.views.metrics import MetricsView, view_metrics
from tidegate.engine.views.scaling import ScalingView, view_scaling
from tidegate.engine.views.service_events import ServiceEventView, service_events

LONGEST_MS = 3_600_000
"""So far back gauges are kept."""


class Measuring:
    """The part of `tidegate.operations.Observe` that answers with numbers."""

    _engine: Engine

    def metrics(self, service: str | None = None, since_ms: int = 600_000) -> MetricsView:
        """The metrics of a service, or of all, of the last `since_ms`.

        Raises `NotFound`, and `UsageError` TG164 for a time of which they are not kept any more.
        """
        engine = self._engine
        names = self._named(service)
        if since_ms > LONGEST_MS:
            raise UsageError(
                f"metrics are kept for {LONGEST_MS // 60_000} min, not for {since_ms // 60_000}",
                remedy="ask for --since 1h at most; for longer, have Prometheus scrape them",
                code="TG164",
            )
        since_ms = max(since_ms, 15_000)
        seen = engine.seen or Seen()
        found = engine.traffic(engine.now() - since_ms - 60_000)
        if found:
            seen = replace(seen, metrics=found[0], metrics_until=found[1])
        return view_metrics(engine.progress, seen, names, since_ms)

    def alarms(self) -> tuple[AlarmDetail, ...]:
        """Every alarm of every service."""
        return view_alarms(self._sight())

    def scaling(self, service: str | None = None) -> tuple[ScalingView, ...]:
        """How a service is scaled, or all of them. Raises `NotFound`."""
        names = self._named(service)
        return tuple(one for one in view_scaling(self._sight()) if one.service in names)

    def service_events(self, service: str) -> tuple[ServiceEventView, ...]:
        """What happened to a service, in ECS's words. Raises `NotFound`."""
        self._named(service)
        return service_events(service, self._engine.journal.read())

    def _sight(self) -> Sight:
        engine = self._engine
        return Sight(engine.progress, engine.seen or Seen(), engine.now())

    def _named(self, service: str | None) -> tuple[str, ...]:
        known = tuple(self._engine.progress.services)
        if service is None:
            return known
        if service not in known:
            raise NotFound(
                f"no service {service}",
                remedy=f"services: {', '.join(sorted(known)) or 'none yet'}",
                code="TG701",
            )
        return (service,)
