"""What an app file says and AWS does without: nothing breaks by it, so it is told and not refused.

`refusals` has what AWS cannot run at all. Pure.
"""

from collections.abc import Iterator

from tidegate.aws.refusals import problems
from tidegate.core.model import App, GateMode, Listener, ScannerName, Security, Service
from tidegate.core.provider import Capacity
from tidegate.core.scaling.policy import Totals

_LISTENER, _SECURITY, _TOTALS = Listener(), Security(), Totals()


def left_out(app: App) -> Iterator[str]:
    """Each as a sentence that begins with the key; only what the file sets itself."""
    for service in app.services:
        yield from (f"services.{service.name}.{one}" for one in _service(service))
    if app.listener.test_header != _LISTENER.test_header:
        yield "listener.test_header: on AWS the candidate is reached by the test listener only"
    if app.gate.mode is not GateMode.OFF and app.gate.scanner is not ScannerName.TIDEGATE:
        yield f"gate.scanner: on AWS the findings are ECR's, not those of {app.gate.scanner}"
    if app.capacity and app.capacity.placement != Capacity(()).placement:
        yield "capacity.placement: on AWS tasks are spread over the zones by ECS"


def _service(service: Service) -> Iterator[str]:
    totals = service.scaling.totals
    if totals and totals.panic_ms != _TOTALS.panic_ms:
        yield (
            "scaling.panic: AWS looks at whole minutes and cannot act at once on slow requests; "
            "keep more room: a lower target, or a higher tasks.min"
        )
    if service.retry_unsafe:
        yield "retry_unsafe: AWS's load balancer never sends a request a second time"
    if service.security.pids_limit != _SECURITY.pids_limit:
        yield "security.pids_limit: ECS has no limit of processes"


def told(app: App) -> tuple[str, ...]:
    """What AWS would refuse and leave out of an app whose file has an `aws` part."""
    refused = (f"AWS refuses {one}" for one in problems(app))
    return (*refused, *(f"AWS goes without {one}" for one in left_out(app)))
