"""Events to JSON and back, by their type hints alone.

A field that was added later with a default may be missing in an older journal; anything else that
does not fit is a `JournalError`.
"""

import dataclasses
import json
import types
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from tidegate.core import decision
from tidegate.core.errors import JournalError

EVENTS: Mapping[str, type[decision.Event]] = {
    kind.__name__: kind for kind in get_args(decision.Event)
}
"""Every event's class by its name, in the order of the union."""

_UNFIT = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading raises for text that is no such JSON, or too deep to be one of ours."""

Restored = TypeVar("Restored")


def plain(value: Any) -> Any:
    """Dataclasses, enums, tuples, sets and mappings as what JSON knows; a set is sorted."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in _fields(type(value))}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(plain(item) for item in value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


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
        event: decision.Event = _build(kind, fields)
    except _UNFIT as error:
        raise JournalError(
            "an entry of the journal cannot be read",
            cause=f"{type(error).__name__}: {error} in {text[:120]}",
            remedy="it may be from a newer version: run that one, or `tidegate up --repair`",
            code="TG921",
        ) from error
    return event


def restore(kind: type[Restored], value: Any) -> Restored:
    """The dataclass `kind` that `plain` made `value` of. Raises `JournalError`."""
    try:
        restored: Restored = _build(kind, value)
    except _UNFIT as error:
        raise JournalError(
            f"an answer is not the {kind.__name__} that was expected",
            cause=f"{type(error).__name__}: {error}",
            remedy="the daemon may be of another version: tidegate down, then tidegate up",
            code="TG924",
        ) from error
    return restored


@cache
def _fields(kind: type) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(kind)


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _build(hint: Any, value: Any) -> Any:
    """`value` as JSON had it, made into what `hint` says. Raises on anything that does not fit."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        arms = [arm for arm in get_args(hint) if arm is not type(None)]
        return None if value is None else _build(arms[0], value)
    if origin in (tuple, frozenset):
        return _collection(origin, get_args(hint), value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _record(hint, value)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not hint:
        raise TypeError(f"{value!r} is not {hint.__name__}")
    return value


def _record(kind: type, value: Any) -> Any:
    hints = _hints(kind)
    unknown = value.keys() - hints.keys()
    if unknown:
        raise KeyError(f"{kind.__name__} has no field {', '.join(sorted(unknown))}")
    return kind(**{name: _build(hints[name], item) for name, item in value.items()})


def _collection(origin: Any, arms: tuple[Any, ...], value: Any) -> Any:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    if origin is frozenset or (len(arms) == 2 and arms[1] is Ellipsis):
        return origin(_build(arms[0], item) for item in value)
    return tuple(_build(arm, item) for arm, item in zip(arms, value, strict=True))
