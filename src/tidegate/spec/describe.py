"""Any key of the app file, found by its path: what is expected there, and an example."""

import difflib
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import yaml
from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic.fields import FieldInfo

from tidegate.spec.keys import Keys, Short
from tidegate.spec.kinds import Kind
from tidegate.spec.problems import Path


@dataclass(frozen=True)
class Place:
    """A place in the file: its type, the limits on it, and the key that it belongs to."""

    type: Any
    limits: tuple[Any, ...] = ()
    field: FieldInfo | None = None

    @property
    def kind(self) -> Kind | None:
        """The kind of value that it is annotated with, or None."""
        return next((limit for limit in self.limits if isinstance(limit, Kind)), None)


def find(root: type[Keys], path: Path) -> Place | None:
    """The place that a path leads to, or None when the file has no such key."""
    place = Place(root)
    for part in path:
        inner = _step(place, part)
        if inner is None:
            return None
        place = inner
    return place


def _step(place: Place, part: str | int) -> Place | None:
    if is_keys(place.type):
        field = place.type.model_fields.get(part)
        return plain(field.annotation, tuple(field.metadata), field) if field else None
    arguments = typing.get_args(place.type)
    if not arguments:
        return None
    item = arguments[-1] if typing.get_origin(place.type) is dict else arguments[0]
    return plain(item, (), place.field)


def plain(type_: Any, limits: tuple[Any, ...] = (), field: FieldInfo | None = None) -> Place:
    """The place of a type: without `| None`, and with what `Annotated` adds among the limits."""
    if typing.get_origin(type_) in (types.UnionType, typing.Union):
        type_ = next(a for a in typing.get_args(type_) if a is not type(None))
    if typing.get_origin(type_) is Annotated:
        type_, *more = typing.get_args(type_)
        limits = (*limits, *more)
    bounds = (bound for limit in limits for bound in getattr(limit, "metadata", [limit]))
    return Place(type_, tuple(bounds), field)


def is_keys(type_: Any) -> bool:
    """Whether a type is a mapping of the app file."""
    return isinstance(type_, type) and issubclass(type_, Keys)


def _is_short(type_: Any) -> bool:
    return is_keys(type_) and issubclass(type_, Short)


def words(place: Place) -> str:
    """What is expected at a place."""
    if place.kind:
        return place.kind.words
    origin = typing.get_origin(place.type)
    if origin is list:
        return f"a list, each {words(plain(typing.get_args(place.type)[0]))}"
    if origin is dict:
        least = any(isinstance(limit, MinLen) for limit in place.limits)
        value = words(plain(typing.get_args(place.type)[1]))
        return f"a mapping of {'at least one name' if least else 'names'}, each to {value}"
    if is_keys(place.type):
        short = find(place.type, (place.type.short,)) if _is_short(place.type) else None
        return f"{words(short)}, or a mapping" if short else "a mapping"
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return names[place.type] + _bounds(place.limits)


def choices(place: Place) -> list[str]:
    """The words that can be written there, when it is one of a few; else none."""
    short = find(place.type, (place.type.short,)) if _is_short(place.type) else None
    kind = short.kind if short else place.kind
    known = dict(kind.schema).get("enum", []) if kind else []
    return [choice for choice in known if isinstance(choice, str)]


def _bounds(limits: Iterable[Any]) -> str:
    texts = []
    for limit in limits:
        match limit:
            case Ge(ge):
                texts.append(f" from {ge}")
            case Gt(gt):
                texts.append(f" above {gt}")
            case Le(le):
                texts.append(f" to {le}")
            case Lt(lt):
                texts.append(f" below {lt}")
    return "".join(texts)


def example(place: Place, name: str) -> str:
    """`name: value` as somebody would write it in one line, or an empty text."""
    if place.field is None or not place.field.examples:
        return ""
    return f"{name}: {written(place.field.examples[0])}"


def written(value: object) -> str:
    """A value as YAML in one line."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("...").strip()


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like this one, whatever its case; None when none is near."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word[:100].lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None
