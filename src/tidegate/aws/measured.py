"""Questions to an account that are answered with numbers, and what all questions stand on."""

from tidegate.aws.account import Account
from tidegate.aws.names import Names
from tidegate.aws.pace import Pace
from tidegate.aws.reading import alarms, capacity, metrics, scaling, service_events
from tidegate.aws.reading.service import Place, ServiceSeen, look, places
from tidegate.core.errors import NotFound
from tidegate.core.model import App
from tidegate.engine.views.alarms import AlarmDetail
from tidegate.engine.views.capacity import CapacityView
from tidegate.engine.views.metrics import MetricsView
from tidegate.engine.views.scaling import ScalingView
from tidegate.engine.views.service_events import ServiceEventView


class Measuring:
    """`tidegate.operations.Measured` over an account; `AwsOperations` takes it over."""

    def __init__(self, account: Account, app: App, pace: Pace) -> None:
        self._account = account
        self._app = app
        self._names = Names(app.name)
        self._pace = pace

    def metrics(self, service: str | None = None, since_ms: int = 600_000) -> MetricsView:
        """What CloudWatch has of both target groups and of the tasks. Raises `NotFound`."""
        return metrics.metrics(self._account, self._chosen(service), since_ms, self._pace.now())

    def alarms(self) -> tuple[AlarmDetail, ...]:
        """Every alarm of every service."""
        now = self._pace.now()
        found = (alarms.alarms(self._account, self._app, one, now) for one in self._places())
        return tuple(alarm for of_service in found for alarm in of_service)

    def scaling(self, service: str | None = None) -> tuple[ScalingView, ...]:
        """How Application Auto Scaling scales a service, or all. Raises `NotFound`."""
        now = self._pace.now()
        seen = (look(self._account, place) for place in self._chosen(service))
        return tuple(scaling.scaling(self._account, one, now) for one in seen)

    def service_events(self, service: str) -> tuple[ServiceEventView, ...]:
        """ECS's service events, the oldest first. Raises `NotFound`."""
        (place,) = self._chosen(service)
        return service_events.service_events(self._account, place)

    def capacity(self) -> CapacityView:
        """Providers, what runs on them, and what that costs by the dated price tables."""
        return capacity.capacity(self._account, self._app, self._places(), self._pace.now())

    # --- within --------------------------------------------------------------------------------

    def _chosen(self, service: str | None) -> tuple[Place, ...]:
        """The service of that name, or all of them."""
        found = tuple(one for one in self._places() if service in (None, one.service))
        if service is not None and not found:
            raise self._no_service(service)
        return found

    def _places(self) -> tuple[Place, ...]:
        services = tuple(service.name for service in self._app.services)
        return places(self._account, self._names, services)

    def _seen(self) -> list[ServiceSeen]:
        return [look(self._account, place) for place in self._places()]

    def _one(self, service: str) -> ServiceSeen:
        (place,) = self._chosen(service)
        return look(self._account, place)

    def _no_service(self, service: str) -> NotFound:
        known = ", ".join(one.service for one in self._places())
        if not known:
            return self.nothing_here()
        return NotFound(f"no service {service}", remedy=f"services: {known}", code="TG701")

    def nothing_here(self) -> NotFound:
        """The error for an account and region without the app."""
        return NotFound(
            f"no service of {self._app.name} is in this account and region",
            where=f"{self._account.region}, stack {self._names.platform_stack}",
            remedy="bring it there: tidegate up --target aws, or name its region",
            code="TG747",
        )
