"""The gate's word, out of the evidence that its function stored in the artifacts bucket."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.names import Request
from tidegate.aws.names import ServiceOutput as Out
from tidegate.aws.reading import executions, releases
from tidegate.aws.reading.service import Place
from tidegate.core.errors import CloudFailed, NotFound
from tidegate.core.grounds import Grounds, Treatment
from tidegate.core.model import GatePolicy
from tidegate.core.plain import build
from tidegate.engine.views.gate import GateView
from tidegate.scan.advice import advise

Image = tuple[Place, str, int | None]
"""A service's image by its digest, and the release that came of it, if that is known."""


def explain(account: Account, places: tuple[Place, ...], subject: str) -> tuple[GateView, ...]:
    """The verdict on `v3` of each service that has one, or on the image of an execution.

    Raises `NotFound`.
    """
    number = int(subject[1:]) if subject[:1] == "v" and subject[1:].isdecimal() else None
    if number is None:
        images = list(_of_execution(account, places, subject))
    else:
        images = list(_of_release(account, places, number))
    if number is not None and not images:
        raise NotFound(
            f"no release {subject}", remedy="tidegate releases --target aws", code="TG721"
        )
    found = [view for image in images if (view := _view(account, image))]
    if not found:
        raise NotFound(
            f"there is no verdict on {subject} yet",
            cause="its gate has not ended, or its evidence has expired",
            remedy="see its stages: tidegate executions --target aws",
            code="TG731",
        )
    return tuple(found)


def _of_release(account: Account, places: tuple[Place, ...], number: int) -> Iterator[Image]:
    for place in places:
        family = f"{place.outputs[Out.TASK_FAMILY]}:{number}"
        made = releases.find_definition(account, family)
        digest = releases.digest_of(made) if made else ""
        if digest:
            yield place, digest, number


def _of_execution(account: Account, places: tuple[Place, ...], subject: str) -> Iterator[Image]:
    """The gate's action was told the image's digest."""
    named = executions.named(places, subject)
    for action in executions.actions(account, named):
        given = (action.get("input") or {}).get("resolvedConfiguration") or {}
        words = _words(given.get("UserParameters", ""))
        if Request.DIGEST in words and Request.REPOSITORY in words:
            yield named.place, str(words[Request.DIGEST]), None
            return


def _words(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}  # another action's words, not ours
    return found if isinstance(found, dict) else {}


def _view(account: Account, image: Image) -> GateView | None:
    place, digest, release = image
    kept = releases.evidence_of(account, place, digest)
    if not kept:
        return None
    try:
        policy, grounds = build(GatePolicy, kept["policy"]), build(Grounds, kept["grounds"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CloudFailed(
            f"the gate's evidence on {digest[:19]} cannot be read",
            cause=f"{type(error).__name__}: {error}",
            remedy="it may be from another version: tidegate up --target aws",
            code="TG982",
        ) from error
    counted = [w.finding for w in grounds.weighed if w.treatment is Treatment.COUNTED]
    request = kept.get("request") or {}
    return GateView(
        str(request.get("execution", "")),
        place.service,
        digest,
        release,
        int(kept.get("at", 0)),
        str(kept["verdict"]),
        str(kept["reason"]),
        bool(kept.get("allowed", False)),
        policy,
        grounds,
        tuple(action.sentence for action in advise(counted).actions),
    )
