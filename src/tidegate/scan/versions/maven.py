"""Maven's order of versions (its "POM reference", Version Order Specification; Maven 3.8).

A version is a list of numbers, words and deeper lists: a hyphen, or a change between digits and
letters, opens a deeper one, and so does a dot before the last word, or before one that digits
follow. Trailing nothings (0, "", "final", "ga", "release") are dropped.
"""

import re
from functools import lru_cache

from tidegate.scan.versions.unordered import Unordered, bounded

_PIECE = re.compile(r"[0-9]+|[^0-9.-]+|[.-]")
_ORDER = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_RELEASE = "5"
_ALIASES = {"ga": "", "final": "", "release": "", "cr": "rc"}
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
_MOST_DEPTH = 64

Item = int | str | list["Item"]


def compare(a: str, b: str) -> int:
    """As Maven's `ComparableVersion`. Raises `Unordered` for nothing, or for far too much."""
    return _compare(parse(a), parse(b))


@lru_cache(maxsize=65536)
def parse(version: str) -> list[Item]:
    """The version as nested lists; a word is its rank as text, so that words sort as texts."""
    pieces = _PIECE.findall(bounded(version).lower())
    top: list[Item] = []
    open_lists, filled = [top], False
    for piece, following in zip(pieces, [*pieces[1:], ""], strict=True):
        if len(open_lists) > _MOST_DEPTH:
            raise Unordered(version)
        if piece in ".-":
            if not filled:
                open_lists[-1].append(0)
            filled = False
            if piece == "-":
                _deepen(open_lists)
            continue
        number = piece.isdigit()
        if filled or (not number and following not in (".", "-") and open_lists[-1]):
            _deepen(open_lists)
        open_lists[-1].append(int(piece) if number else _word(piece, following[:1].isdigit()))
        filled = True
    for items in reversed(open_lists):
        _normalise(items)
    return top


def _deepen(open_lists: list[list[Item]]) -> None:
    deeper: list[Item] = []
    open_lists[-1].append(deeper)
    open_lists.append(deeper)


def _word(text: str, before_digit: bool) -> str:
    text = _SHORT.get(text, text) if before_digit else text
    text = _ALIASES.get(text, text)
    return str(_ORDER.index(text)) if text in _ORDER else f"{len(_ORDER)}-{text}"


def _normalise(items: list[Item]) -> None:
    """Drop the nothings at the end, also from before a deeper list."""
    for position in range(len(items) - 1, -1, -1):
        if items[position] in (0, _RELEASE, []):
            del items[position]
        elif not isinstance(items[position], list):
            return


def _compare(a: Item | None, b: Item | None) -> int:
    """Two items, or an item and nothing, which is a release."""
    if a is None or b is None:
        item, sign = (b, -1) if a is None else (a, 1)
        return sign * _beside_nothing(item)
    if isinstance(a, list) and isinstance(b, list):
        return _compare_lists(a, b)
    if isinstance(a, int) and isinstance(b, int):
        return (a > b) - (a < b)
    if isinstance(a, str) and isinstance(b, str):
        return (a > b) - (a < b)
    return _kind(a) - _kind(b)


def _compare_lists(a: list[Item], b: list[Item]) -> int:
    for position in range(max(len(a), len(b))):
        left = a[position] if position < len(a) else None
        right = b[position] if position < len(b) else None
        if order := _compare(left, right):
            return order
    return 0


def _beside_nothing(item: Item | None) -> int:
    if isinstance(item, list):
        return _beside_nothing(item[0]) if item else 0
    if isinstance(item, str):
        return (item > _RELEASE) - (item < _RELEASE)
    return 1 if item else 0


def _kind(item: Item) -> int:
    """1.any < 1-1 < 1.1."""
    return 0 if isinstance(item, str) else 1 if isinstance(item, list) else 2
