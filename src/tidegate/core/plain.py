"""Plain data to JSON's words and back, by type hints alone. Pure: no text, no file."""

import dataclasses
import types
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

_ATOMS = (str, int, float, bool, type(None))
"""Types of which JSON's word is the value itself; not their subclasses."""


def plain(value: Any) -> Any:
    """Dataclasses, enums, tuples, sets and mappings as what JSON knows; a set is sorted."""
    if type(value) in _ATOMS:
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in _names(type(value))}
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
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


@cache
def _parts(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """The hint's origin and arguments; of a union, those that are not None."""
    origin, arms = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        arms = tuple(arm for arm in arms if arm is not type(None))
    return origin, arms


def build(hint: Any, value: Any) -> Any:
    """`value` as JSON had it, made into what `hint` says.

    A field with a default may be missing. Anything else that does not fit raises `KeyError`,
    `TypeError`, `ValueError` or `AttributeError`.
    """
    if type(value) is hint and hint in _ATOMS:
        return value
    origin, arms = _parts(hint)
    if origin in (Union, types.UnionType):
        return None if value is None else build(arms[0], value)
    if origin in (tuple, frozenset):
        return _collection(origin, arms, value)
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
