"""Debian's order of versions: epoch, upstream, revision (Debian Policy 5.6.12).

In the parts that are not digits `~` sorts before the end, the end before letters, letters before
all else; the parts of digits are numbers.
"""

import re
from functools import lru_cache

from tidegate.scan.versions.unordered import Unordered, bounded

_PARTS = re.compile(r"([^0-9]*)([0-9]*)")

Part = tuple[tuple[int, ...], int]
Key = tuple[int, tuple[Part, ...], tuple[Part, ...]]


def compare(a: str, b: str) -> int:
    """As `dpkg --compare-versions` does. Raises `Unordered` for a version without sense."""
    left, right = key(a), key(b)
    return (left > right) - (left < right)


@lru_cache(maxsize=65536)
def key(version: str) -> Key:
    """What sorts as the version does. The last part of each text is empty: its end."""
    epoch, colon, rest = bounded(version.strip()).partition(":")
    if not colon:
        epoch, rest = "0", epoch
    if not (epoch.isascii() and epoch.isdigit()) or not rest or " " in rest:
        raise Unordered(version)
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch), _parts(upstream), _parts(revision)


def _parts(text: str) -> tuple[Part, ...]:
    """Texts and numbers by turns. Nothing is the same as "0": both are the end."""
    found = _PARTS.findall(text or "0")
    return tuple(((*map(_order, letters), 0), int(digits or 0)) for letters, digits in found)


def _order(character: str) -> int:
    """The rank of a character; the end of a text is 0."""
    if character == "~":
        return -1
    letter = character.isascii() and character.isalpha()
    return ord(character) if letter else ord(character) + 256
