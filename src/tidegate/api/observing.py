"""The endpoints that answer questions. Starlette runs these in threads, for they may read files."""

import re
from collections.abc import Callable
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tidegate.api.streams import Streams
from tidegate.core.errors import UsageError
from tidegate.core.plain import plain
from tidegate.engine.messages import Until
from tidegate.engine.views.events import EventView, event_json
from tidegate.operations import Operations


class Observing:
    """One method per endpoint."""

    def __init__(self, operations: Operations, metrics: Callable[[], str]) -> None:
        self._operations = operations
        self._metrics = metrics
        self._streams = Streams()

    def healthz(self, request: Request) -> Response:
        """`{"ok": true}` as soon as the daemon answers; needs no token."""
        return JSONResponse({"ok": True})

    def metrics(self, request: Request) -> Response:
        """The data plane's and the controller's numbers in Prometheus's text format."""
        return PlainTextResponse(self._metrics(), media_type="text/plain; version=0.0.4")

    def status(self, request: Request) -> Response:
        """Where everything stands now."""
        return _json(self._operations.status())

    def capacity(self, request: Request) -> Response:
        """Providers, instances, and what they have cost."""
        return _json(self._operations.capacity())

    def events(self, request: Request) -> Response:
        """The journal after `after` as server-sent events, and with `follow=1` what comes.

        An event's id is its number in the journal; `Last-Event-ID` goes before `after`.
        """
        after = _number(request.headers.get("last-event-id") or request.query_params.get("after"))
        items = self._operations.events(after, _flag(request, "follow"))
        return self._streams.events(items, _numbered)

    def executions(self, request: Request) -> Response:
        """The executions that are remembered, the newest first."""
        return _json({"executions": self._operations.executions()})

    def execution(self, request: Request) -> Response:
        """One execution with its stages, images and verdicts."""
        return _json(self._operations.execution(request.path_params["id"]))

    def stream(self, request: Request) -> Response:
        """An execution as lines of JSON; `until=gate`, `end` or `rest` says how far."""
        until = _until(request.query_params.get("until", "end"))
        return self._streams.lines(self._operations.stream(request.path_params["id"], until))

    def releases(self, request: Request) -> Response:
        """Every release, the newest first."""
        return _json({"releases": self._operations.releases()})

    def release(self, request: Request) -> Response:
        """One release, its settings and its history."""
        return _json(self._operations.show(_number(request.path_params["number"])))

    def deployment(self, request: Request) -> Response:
        """The report of one deployment."""
        return _json(self._operations.report(request.path_params["id"]))

    def gate(self, request: Request) -> Response:
        """The gate's word on a release or an execution."""
        return _json({"images": self._operations.explain_gate(request.path_params["subject"])})

    def logs(self, request: Request) -> Response:
        """The log of a service, a task, an execution or a stage, as lines of JSON."""
        items = self._operations.logs(request.path_params["subject"], _flag(request, "follow"))
        return self._streams.lines(items)


def _json(value: Any) -> JSONResponse:
    return JSONResponse(plain(value))


def _numbered(view: EventView) -> tuple[int, Any]:
    return view.seq, event_json(view)


def _number(text: str | None) -> int:
    """A whole number of a query or a path; 0 when it is left out."""
    if not text:
        return 0
    if not re.fullmatch(r"v?\d{1,15}", text, re.ASCII):
        raise UsageError(f"{text[:40]!r} is not a number", code="TG127")
    return int(text.removeprefix("v"))


def _until(text: str) -> Until:
    known: tuple[Until, ...] = get_args(Until)
    for until in known:
        if until == text:
            return until
    raise UsageError(f"until cannot be {text[:40]!r}", remedy=", ".join(known), code="TG126")


def _flag(request: Request, name: str) -> bool:
    return request.query_params.get(name, "") in ("1", "true")
