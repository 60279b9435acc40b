"""The daemon's HTTP app: every endpoint in one table, behind the guard."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tidegate.api.guard import Guard
from tidegate.api.measured import MeasuredEndpoints
from tidegate.api.observing import Observing
from tidegate.api.operating import Operating, Webhook
from tidegate.api.problems import status_of, to_json
from tidegate.core.errors import InternalError, NotFound, TidegateError, UsageError
from tidegate.operations import Operations


def create(
    operations: Operations,
    *,
    token: str,
    metrics: Callable[[], str],
    webhook: Webhook | None = None,
) -> Starlette:
    """The app. `metrics` answers Prometheus's text; without `webhook` there is none."""
    observing = Observing(operations, metrics)
    measured = MeasuredEndpoints(operations)
    return Starlette(
        routes=[
            *_questions(observing),
            *_numbers(measured),
            *_requests(Operating(operations, webhook)),
        ],
        middleware=[Middleware(Guard, token=token)],
        exception_handlers={
            TidegateError: _refused,
            HTTPException: _unknown,
            Exception: _fault,
        },
    )


def _questions(o: Observing) -> list[Route]:
    return [
        Route("/healthz", o.healthz),
        Route("/metrics", o.metrics),
        Route("/v1/status", o.status),
        Route("/v1/capacity", o.capacity),
        Route("/v1/events", o.events),
        Route("/v1/executions", o.executions),
        Route("/v1/executions/{id}", o.execution),
        Route("/v1/executions/{id}/stream", o.stream),
        Route("/v1/releases", o.releases),
        Route("/v1/releases/{number}", o.release),
        Route("/v1/deployments/{id}", o.deployment),
        Route("/v1/gate/{subject}", o.gate),
        Route("/v1/logs/{subject:path}", o.logs),
    ]


def _numbers(m: MeasuredEndpoints) -> list[Route]:
    return [
        Route("/v1/metrics", m.metrics),
        Route("/v1/alarms", m.alarms),
        Route("/v1/scaling", m.scaling),
        Route("/v1/services/{name}/events", m.service_events),
    ]


def _requests(o: Operating) -> list[Route]:
    post = ["POST"]
    return [
        Route("/v1/executions", o.start, methods=post),
        Route("/v1/executions/{id}/approve", o.approve, methods=post),
        Route("/v1/executions/{id}/reject", o.reject, methods=post),
        Route("/v1/services/{name}/pause", o.pause, methods=post),
        Route("/v1/services/{name}/resume", o.resume, methods=post),
        Route("/v1/services/{name}/promote", o.promote, methods=post),
        Route("/v1/services/{name}/abort", o.abort, methods=post),
        Route("/v1/services/{name}/rollback", o.rollback, methods=post),
        Route("/v1/services/{name}/scale", o.scale, methods=post),
        Route("/v1/interrupt", o.interrupt, methods=post),
        Route("/v1/plan", o.plan, methods=post),
        Route("/v1/down", o.down, methods=post),
        Route("/webhooks/github", o.webhook, methods=post),
    ]


def _answer(error: TidegateError) -> JSONResponse:
    return JSONResponse(to_json(error), status_of(error))


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, TidegateError)
    return _answer(error)


def _unknown(request: Request, error: Exception) -> Response:
    """An address or a method that there is not."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        what = f"{request.url.path} does not take {request.method}"
        return _answer(UsageError(what, code="TG124"))
    return _answer(NotFound(f"there is nothing at {request.url.path}", code="TG725"))


def _fault(request: Request, error: Exception) -> Response:
    """A fault of ours: the server logs it whole; the caller gets its name."""
    return _answer(
        InternalError(
            "the daemon met a fault of its own",
            cause=type(error).__name__,
            remedy="see .tidegate/logs/daemon.log",
            code="TG942",
        )
    )
