"""Plain data to JSON's words and back, by type hints alone. Pure: no text, no file."""

import dataclasses
import types
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints


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


@cache
def _fields(kind: type) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(kind)


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def build(hint: Any, value: Any) -> Any:
    """`value` as JSON had it, made into what `hint` says.

    A field with a default may be missing. Anything else that does not fit raises `KeyError`,
    `TypeError`, `ValueError` or `AttributeError`.
    """
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        arms = [arm for arm in get_args(hint) if arm is not type(None)]
        return None if value is None else build(arms[0], value)
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
    return kind(**{name: build(hints[name], item) for name, item in value.items()})


def _collection(origin: Any, arms: tuple[Any, ...], value: Any) -> Any:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    if origin is frozenset or (len(arms) == 2 and arms[1] is Ellipsis):
        return origin(build(arms[0], item) for item in value)
    return tuple(build(arm, item) for arm, item in zip(arms, value, strict=True))
