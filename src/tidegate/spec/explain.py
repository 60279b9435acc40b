"""Pydantic's errors in the words of this project: what was found, what is expected, a remedy."""

import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from tidegate.spec.app import AppKeys
from tidegate.spec.describe import Place, choices, example, find, is_keys, nearest, plain, words
from tidegate.spec.homes import home_of
from tidegate.spec.keys import REMEDY
from tidegate.spec.problems import Path, Problem, dotted, shown
from tidegate.spec.source import Source

_PERHAPS_SECRET = frozenset({"secrets", "environment", "args"})
"""Keys below which a wrong value is not repeated: it may be a secret in the wrong place."""


def explain(error: ValidationError, source: Source) -> Iterator[Problem]:
    """A problem for each of pydantic's errors, but for what is already known to be unreadable."""
    unreadable = {problem.path for problem in source.problems} | {()}
    for one in error.errors(include_url=False):
        path: Path = tuple(one["loc"])
        if source.problems and path in unreadable:
            continue
        context: Mapping[str, Any] = one.get("ctx", {})
        if path[-1:] == ("[key]",):
            yield _wrong_name(path[:-1])
        elif one["type"] == "extra_forbidden":
            yield _unknown_key(path)
        elif one["type"] == "missing":
            yield _missing(path)
        elif one["type"] == "conflict":
            what = f"{dotted(path)}: what it says does not go together"
            yield Problem(path, what, one["msg"], context[REMEDY])
        else:
            yield _wrong_value(path, one["input"], source)


def found(value: object, perhaps_secret: bool = False) -> str:
    """What stands in the file, in a few words."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if perhaps_secret:
        return f"{len(str(value))} other characters"
    if isinstance(value, str):
        return f'the text "{shown(value, 60)}"'
    return str(value).lower() if isinstance(value, bool) else f"the number {value}"


def _unknown_key(path: Path) -> Problem:
    name = shown(str(path[-1]), 60)
    above = find(AppKeys, path[:-1])
    known = list(above.type.model_fields) if above and is_keys(above.type) else []
    near = nearest(name, known)
    place = dotted(path[:-1]) if len(path) > 1 else "the top of the file"
    remedy = f"did you mean `{near}`?" if near else f"known keys: {', '.join(known)}"
    home = home_of(path)
    if home:
        remedy = f"it belongs {home}" + (f", or you mean `{near}`" if near and name in near else "")
    if name == "<<":
        remedy = "repeat the keys, or share them as the `deployment` of the app; YAML 1.2 has no <<"
    return Problem(
        path, f"{dotted(path)}: there is no such key", f"{place} has no `{name}`", remedy
    )


def _missing(path: Path) -> Problem:
    place = find(AppKeys, path)
    expected = words(place) if place else "a value"
    remedy = f"add `{example(place, str(path[-1]))}`" if place else "add it"
    return Problem(path, f"{dotted(path)} is missing", f"it must be {expected}", remedy)


def _wrong_name(path: Path) -> Problem:
    above = find(AppKeys, path[:-1])
    expected = words(plain(typing.get_args(above.type)[0])) if above else "another name"
    what = f"{dotted(path)}: this name cannot be used"
    remedy = f"choose another for {dotted(path[:-1])}"
    return Problem(path, what, f"expected {expected}", remedy)


def _wrong_value(path: Path, value: object, source: Source) -> Problem:
    while path and path not in source.places:  # `build: 5` is about `build`, not its `context`
        path = path[:-1]
    place = find(AppKeys, path)
    expected = words(place) if place else "something else"
    cause = f"found {found(value, not _PERHAPS_SECRET.isdisjoint(path))}"
    return Problem(path, f"{dotted(path)}: expected {expected}", cause, _remedy(path, place, value))


def _key_of(path: Path, place: Place) -> str:
    """The key whose example the place has: of a list's or a mapping's items, that of the whole."""
    above = find(AppKeys, path[:-1])
    while above and above.field and above.field is place.field:
        path, above = path[:-1], find(AppKeys, path[:-2])
    return str(path[-1]) if path else ""


def _remedy(path: Path, place: Place | None, value: object) -> str:
    near = nearest(value, choices(place)) if place and isinstance(value, str) else None
    if near:
        return f"did you mean `{near}`?"
    wanted = example(place, _key_of(path, place)) if place else ""
    return f"for example `{wanted}`" if wanted else "write it as docs/reference/app-file.md shows"
