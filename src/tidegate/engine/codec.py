"""Events to JSON and back, by their type hints alone.

A field that was added later with a default may be missing in an older journal; anything else that
does not fit is a `JournalError`.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from tidegate.core import decision
from tidegate.core.errors import JournalError
from tidegate.core.plain import build, plain

EVENTS: Mapping[str, type[decision.Event]] = {
    kind.__name__: kind for kind in get_args(decision.Event)
}
"""Every event's class by its name, in the order of the union."""

_UNFIT = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading raises for text that is no such JSON, or too deep to be one of ours."""

Restored = TypeVar("Restored")


def encode(event: decision.Event) -> str:
    """One line of JSON: the event's name under `type`, then its fields."""
    return json.dumps(
        {"type": type(event).__name__, **plain(event)}, ensure_ascii=False, separators=(",", ":")
    )


def decode(text: str) -> decision.Event:
    """The event of a line that `encode` wrote. Raises `JournalError`."""
    try:
        fields = json.loads(text)
        kind = EVENTS[fields.pop("type")]
        event: decision.Event = build(kind, fields)
    except _UNFIT as error:
        raise JournalError(
            "an entry of the journal cannot be read",
            cause=f"{type(error).__name__}: {error} in {text[:120]}",
            remedy="it is from another version: run that one; nothing is lost, traffic goes on",
            code="TG921",
        ) from error
    return event


def restore(kind: type[Restored], value: Any) -> Restored:
    """The dataclass `kind` that `plain` made `value` of. Raises `JournalError`."""
    try:
        restored: Restored = build(kind, value)
    except _UNFIT as error:
        raise JournalError(
            f"an answer is not the {kind.__name__} that was expected",
            cause=f"{type(error).__name__}: {error}",
            remedy="the daemon may be of another version: tidegate down, then tidegate up",
            code="TG924",
        ) from error
    return restored
