"""Who may come in: the bearer of the token, under a loopback name, from no other site's page.

Host stops a name that was rebound to 127.0.0.1 (DNS rebinding); Origin stops another site's page
in a browser on this machine. The webhook's caller is known by its signature instead.
"""

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tidegate.api.problems import status_of, to_json
from tidegate.core.errors import TidegateError, UsageError

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
WITHOUT_TOKEN = frozenset({"/healthz"})
"""A wrong token is refused even there, so that a client knows its own daemon from another's."""
SIGNED = frozenset({"/webhooks/github"})


class Guard:
    """ASGI middleware that answers what may not come in."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 401 or 403."""
        if scope["type"] == "http" and scope["path"] not in SIGNED:
            refusal = self._refusal(Headers(scope=scope), scope["path"])
            if refusal:
                answer = JSONResponse(to_json(refusal), status_of(refusal))
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, headers: Headers, path: str) -> TidegateError | None:
        host = headers.get("host", "")
        if _name(f"//{host}") not in _LOOPBACK:
            return UsageError(
                "this address answers only under a loopback name",
                cause=f"the request is for the host {host[:100]!r}",
                remedy="use http://127.0.0.1 and the port in .tidegate/daemon.json",
                code="TG121",
            )
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return UsageError(
                "a page of another site may not ask this",
                cause=f"the request's origin is {origin[:100]!r}",
                code="TG122",
            )
        if path in WITHOUT_TOKEN and "authorization" not in headers:
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        known = hmac.compare_digest(given.strip().encode(), self._token)
        if not (known and scheme.lower() == "bearer"):
            return UsageError(
                "the token is missing or wrong",
                remedy="send `Authorization: Bearer TOKEN` with what .tidegate/token holds",
                code="TG120",
            )
        return None


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:  # brackets that do not close
        return None
