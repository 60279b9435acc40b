"""Is this web call GitHub's, and does it ask for a deployment? A pure decision.

Source: GitHub documentation, "Validating webhook deliveries" and "Webhook events and payloads".
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tidegate.core.errors import BadSignature, SetupError, UsageError

MOST_BYTES = 25 * 1024 * 1024
"""GitHub sends no larger payload."""
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class PushEvent:
    """A push to the deploy branch. `key` is the same for the same push, however often it is sent.

    The delivery's id is not signed, so it alone would not stop somebody who sends a call again.
    """

    delivery: str
    key: str
    branch: str
    commit: str
    subject: str
    by: str
    url: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A genuine call that starts nothing, and why. An HTTP server answers 200."""

    reason: str


def signature(secret: str, body: bytes) -> str:
    """What GitHub puts into `X-Hub-Signature-256` for this body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify(
    secret: str, body: bytes, headers: Mapping[str, str], branch: str
) -> PushEvent | Ignored:
    """What a web call with this raw body asks for.

    Raises `SetupError` without a secret, `BadSignature`, or `UsageError` when a signed body is
    not a payload. Nothing of the body is read before its signature holds.
    """
    if not secret:
        raise SetupError(
            "no webhook secret is set",
            remedy="give the daemon TIDEGATE_WEBHOOK_SECRET, the same as on GitHub",
            code="TG219",
        )
    if len(body) > MOST_BYTES:
        raise UsageError(f"the payload is larger than {MOST_BYTES} bytes", code="TG117")
    known = {name.lower(): value for name, value in headers.items()}
    given = known.get("x-hub-signature-256", "").encode()
    if not hmac.compare_digest(given, signature(secret, body).encode()):
        raise BadSignature(
            "the webhook's signature does not match",
            cause="X-Hub-Signature-256 is missing" if not given else "another secret, or body",
            remedy="set the same secret on GitHub and here, with content type application/json",
        )
    event, delivery = known.get("x-github-event", ""), known.get("x-github-delivery", "")
    if event == "ping":
        return Ignored("pong: the webhook is set up")
    if event != "push":
        return Ignored(f"only push events deploy, this is {event[:40] or 'none'!r}")
    return _push(_payload(body), delivery, branch)


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _malformed(f"it is not JSON: {type(error).__name__}") from error
    if not isinstance(payload, dict):
        raise _malformed("it is not an object")
    return payload


def _push(payload: dict[str, Any], delivery: str, branch: str) -> PushEvent | Ignored:
    ref, commit = _text(payload, "ref"), _text(payload, "after")
    if ref != f"refs/heads/{branch}":
        return Ignored(f"{ref} is not deployed: only {branch} deploys")
    if payload.get("deleted") or not commit.strip("0"):
        return Ignored(f"{branch} was deleted")
    if not _COMMIT.fullmatch(commit):
        raise _malformed("`after` is not the id of a commit")
    repository = _object(payload, "repository")
    head = _object(payload, "head_commit")
    identity = (ref, _text(payload, "before"), commit, repository.get("pushed_at"))
    return PushEvent(
        delivery=delivery,
        key=hashlib.sha256(repr(identity).encode()).hexdigest(),
        branch=branch,
        commit=commit,
        subject=_text(head, "message").partition("\n")[0],
        by=_text(_object(payload, "pusher"), "name"),
        url=_text(repository, "clone_url"),
    )


def _object(payload: dict[str, Any], name: str) -> dict[str, Any]:
    value = payload.get(name)
    if not isinstance(value, dict):
        raise _malformed(f"`{name}` is missing")
    return value


def _text(payload: dict[str, Any], name: str) -> str:
    value = payload.get(name)
    if not isinstance(value, str):
        raise _malformed(f"`{name}` is missing")
    return value


def _malformed(cause: str) -> UsageError:
    return UsageError(
        "the webhook's payload cannot be read",
        cause=cause,
        remedy="set the webhook's content type to application/json",
        code="TG118",
    )
