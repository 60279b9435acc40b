"""The endpoints of the operations that show numbers."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tidegate.core.errors import UsageError
from tidegate.core.plain import plain
from tidegate.operations import Measured


class MeasuredEndpoints:
    """One method per endpoint."""

    def __init__(self, operations: Measured) -> None:
        self._operations = operations

    def metrics(self, request: Request) -> Response:
        """Metrics by AWS's names: of `service`, or of all, of the last `since_ms`."""
        asked = request.query_params
        since = asked.get("since_ms", "600000")
        if not (since.isascii() and since.isdigit() and len(since) < 12):
            raise UsageError(f"{since[:40]!r} is not a number", code="TG127")
        found = self._operations.metrics(asked.get("service") or None, int(since))
        return JSONResponse(plain(found))

    def alarms(self, request: Request) -> Response:
        """Every alarm of every service, with its last datapoints."""
        return JSONResponse({"alarms": plain(self._operations.alarms())})

    def scaling(self, request: Request) -> Response:
        """How `service`, or every one, is scaled."""
        found = self._operations.scaling(request.query_params.get("service") or None)
        return JSONResponse({"services": plain(found)})

    def service_events(self, request: Request) -> Response:
        """What happened to a service, in ECS's words."""
        found = self._operations.service_events(request.path_params["name"])
        return JSONResponse({"events": plain(found)})
