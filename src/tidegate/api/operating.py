"""The endpoints that ask for something to be done."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tidegate.api import bodies
from tidegate.core.errors import NotFound
from tidegate.core.plain import plain
from tidegate.engine.drills import Drill
from tidegate.operations import Operations

Webhook = Callable[[Mapping[str, str], bytes], dict[str, Any]]
"""Headers and raw body in; what to answer out. It raises `TidegateError` to refuse."""


class Operating:
    """One method per endpoint."""

    def __init__(self, operations: Operations, webhook: Webhook | None) -> None:
        self._operations = operations
        self._webhook = webhook

    async def start(self, request: Request) -> Response:
        """Put the tar of a revision (the body) into the pipeline; answers 201 and its id."""
        asked = bodies.query_of(request, bodies.AskedExecution)
        async with bodies.file_of(request) as tar:
            execution = await run_in_threadpool(
                self._operations.start_execution,
                tar,
                commit=asked.commit,
                subject=asked.subject,
                trigger=asked.trigger,
                by=asked.by,
                branch=asked.branch,
            )
        return JSONResponse({"execution": execution}, 201)

    async def plan(self, request: Request) -> Response:
        """What the app file in the body would change; `commit` names its revision."""
        text = await bodies.bytes_of(request, bodies.MOST_TEXT_BYTES)
        commit = request.query_params.get("commit", "")
        found = await run_in_threadpool(
            self._operations.plan, text.decode("utf-8", "replace"), commit
        )
        return JSONResponse(plain(found))

    async def approve(self, request: Request) -> Response:
        """Let an execution that waits for approval go on."""
        asked = await bodies.body_of(request, bodies.Asked)
        return await _done(self._operations.approve, request.path_params["id"], asked.by)

    async def reject(self, request: Request) -> Response:
        """End an execution that waits for approval."""
        asked = await bodies.body_of(request, bodies.AskedReject)
        words = (request.path_params["id"], asked.by, asked.reason)
        return await _done(self._operations.reject, *words)

    async def pause(self, request: Request) -> Response:
        """Hold the service's deployment where it is."""
        return await self._simple(request, self._operations.pause)

    async def resume(self, request: Request) -> Response:
        """Go on with a paused deployment."""
        return await self._simple(request, self._operations.resume)

    async def promote(self, request: Request) -> Response:
        """Go on at once."""
        return await self._simple(request, self._operations.promote)

    async def abort(self, request: Request) -> Response:
        """Take all traffic back to stable."""
        return await self._simple(request, self._operations.abort)

    async def rollback(self, request: Request) -> Response:
        """Go back to `release`, or to the good one before stable."""
        asked = await bodies.body_of(request, bodies.AskedRollback)
        words = (request.path_params["name"], asked.release, asked.by)
        return await _done(self._operations.rollback, *words)

    async def scale(self, request: Request) -> Response:
        """Have `desired` tasks, within the app file's bounds."""
        asked = await bodies.body_of(request, bodies.AskedScale)
        words = (request.path_params["name"], asked.desired, asked.by)
        return await _done(self._operations.scale, *words)

    async def interrupt(self, request: Request) -> Response:
        """Take spot instances back after their notice; answers which ones."""
        asked = await bodies.body_of(request, bodies.AskedInterrupt)
        drill = Drill(tuple(asked.instances), asked.storm_percent, asked.provider)
        struck = await run_in_threadpool(self._operations.interrupt, drill, asked.by)
        return JSONResponse({"instances": list(struck)})

    async def down(self, request: Request) -> Response:
        """Stop the controller; with `everything` tasks and balancer as well."""
        asked = await bodies.body_of(request, bodies.AskedDown)
        return await _done(self._operations.down, asked.everything)

    async def webhook(self, request: Request) -> Response:
        """A push event of GitHub, signed over its raw body."""
        if self._webhook is None:
            raise NotFound("webhooks are not set up", code="TG726")
        body = await bodies.bytes_of(request, bodies.MOST_WEBHOOK_BYTES)
        answer = await run_in_threadpool(self._webhook, dict(request.headers), body)
        return JSONResponse(answer)

    async def _simple(self, request: Request, ask: Callable[[str, str], None]) -> Response:
        asked = await bodies.body_of(request, bodies.Asked)
        return await _done(ask, request.path_params["name"], asked.by)


async def _done(ask: Callable[..., None], *words: Any) -> Response:
    """Ask, and say that it was granted; a refusal is a `TidegateError` on its way out."""
    await run_in_threadpool(ask, *words)
    return JSONResponse({"ok": True})
