"""Semantic versions, for npm and Go (semver.org 2.0.0, rule 11).

A leading `v` or `=` and missing numbers are taken, as both tools take them somewhere. Go's own
releases are written "1.21rc2": that is 1.21.0-rc.2, as its vulnerability database has it.
"""

import re
from functools import lru_cache

from tidegate.scan.versions.unordered import Unordered, bounded

_VERSION = re.compile(
    r"[v=\s]*([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?"
    r"(?:-([0-9A-Za-z.-]+)|(rc|beta)([0-9]+))?(?:\+[0-9A-Za-z.-]+)?\s*"
)

Identifier = tuple[int, int | str]
Key = tuple[int, int, int, int, tuple[Identifier, ...]]


def compare(a: str, b: str) -> int:
    """By the rules; what is built (`+…`) does not count. Raises `Unordered`: not a version."""
    left, right = key(a), key(b)
    return (left > right) - (left < right)


@lru_cache(maxsize=65536)
def key(version: str) -> Key:
    """What sorts as the version does: a pre-release is before its release."""
    found = _VERSION.fullmatch(bounded(version))
    if not found:
        raise Unordered(version)
    major, minor, patch, pre, word, number = found.groups()
    pre = f"{word}.{number}" if word else pre
    identifiers = tuple(map(_identifier, pre.split("."))) if pre else ()
    return int(major), int(minor or 0), int(patch or 0), not identifiers, identifiers


def _identifier(text: str) -> Identifier:
    return (0, int(text)) if text.isdigit() else (1, text)
