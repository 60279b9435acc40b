"""Where the app file has a key that was written somewhere else."""

import typing
from collections.abc import Iterator

from tidegate.spec.app import AppKeys
from tidegate.spec.describe import Place, find, is_keys, plain
from tidegate.spec.problems import Path, dotted

_ANY = "NAME"
"""Stands for a name of the user's, of a service say."""
_DEEPEST = 4
_MOST = 2


def home_of(path: Path) -> str:
    """Where the misplaced key at `path` belongs, in words; "" when the file has no such key.

    At most two places are named, those nearest to where it stands.
    """
    key, stands = path[-1], path[:-1]
    service = stands[1] if stands[:1] == ("services",) and len(stands) > 1 else _ANY
    places = [
        ("services", service, *at[2:]) if at[:2] == ("services", _ANY) else at
        for at, known in _mappings((), Place(AppKeys))
        if key in known
    ]
    nearest = sorted(
        (place for place in places if place != stands),
        key=lambda place: ("aws" in place, _far(place, stands)),  # most apps run on one machine
    )
    return " or ".join(f"under `{dotted(p)}`" if p else "at the top" for p in nearest[:_MOST])


def _mappings(path: Path, place: Place) -> Iterator[tuple[Path, frozenset[str]]]:
    """Every mapping of the file and its keys; lists are not looked into."""
    arguments = typing.get_args(place.type)
    if typing.get_origin(place.type) is dict:
        path, place = (*path, _ANY), plain(arguments[-1])
    if not is_keys(place.type):
        return
    keys = frozenset(place.type.model_fields)
    yield path, keys
    if len(path) < _DEEPEST:
        for key in sorted(keys):
            inner = find(place.type, (key,))
            if inner:
                yield from _mappings((*path, key), inner)


def _far(place: Path, stands: Path) -> int:
    """Steps up and down from one mapping to the other."""
    shared = 0
    for one, other in zip(place, stands, strict=False):
        if one != other:
            break
        shared += 1
    return len(place) + len(stands) - 2 * shared
