"""Alpine's order of versions, token by token, as apk-tools 3 has it (`man 8 apk-version`).

    digit{.digit}…{letter}{_suffix{digits}}…{~hash}{-r digits}

Alpine's own data has versions that break this ("2.7.16-33", "6.6.2p1-r0"). They are compared as far
as they go; where the part that breaks it would decide, nothing is said.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import zip_longest

from tidegate.scan.versions.unordered import Unordered, bounded

_INITIAL, _DIGIT, _LETTER, _SUFFIX, _SUFFIX_NUMBER, _HASH, _REVISION, _END, _INVALID = range(9)
_RELEASE = 5
_SUFFIXES = ("alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p")
_RANKS = {name: rank for rank, name in enumerate(_SUFFIXES, 1) if name}
_NUMBER = re.compile(r"[0-9]+")
_TOKEN = re.compile(
    r"\.?(?P<digits>[0-9]+)|(?P<letter>[a-z])|_(?P<suffix>[a-z]+)|~(?P<hash>[0-9a-f]+)"
    r"|-r(?P<revision>[0-9]+)"
)

Token = tuple[int, str]


def compare(a: str, b: str) -> int:
    """As `apk version -t`. Raises `Unordered` where an invalid part would decide."""
    if a == b:
        return 0
    for left, right in zip_longest(tokens(a), tokens(b), fillvalue=(_END, "")):
        if _INVALID in (left[0], right[0]):
            raise Unordered(a, b)
        order = _order(left, right) if left[0] == right[0] else _differing(left, right)
        if order:
            return order
    return 0


@lru_cache(maxsize=65536)
def tokens(version: str) -> tuple[Token, ...]:
    """The version's tokens (kind, text); the last is its end, or the place where it breaks."""
    return tuple(_read(bounded(version)))


def _read(version: str) -> Iterator[Token]:
    first = _NUMBER.match(version)
    if not first:
        raise Unordered(version)
    kind, position = _INITIAL, first.end()
    yield kind, first[0]
    while position < len(version):
        found = _TOKEN.match(version, position)
        kind = _next(kind, found) if found else _INVALID
        if found is None or kind == _INVALID:
            yield _INVALID, version[position:]
            return
        yield kind, str(found[found.lastgroup or 0])
        position = found.end()
    yield _END, ""


def _next(before: int, found: re.Match[str]) -> int:
    """What the token is, after one of the kind `before`."""
    digits = _SUFFIX_NUMBER if before == _SUFFIX and found[0][0] != "." else _DIGIT
    kind, follows = {
        "digits": (digits, before <= _DIGIT or digits == _SUFFIX_NUMBER),
        "letter": (_LETTER, before <= _DIGIT),
        "suffix": (_SUFFIX, before <= _SUFFIX_NUMBER and found["suffix"] in _RANKS),
        "hash": (_HASH, before < _HASH),
        "revision": (_REVISION, before < _REVISION),
    }[found.lastgroup or ""]
    return kind if follows else _INVALID


def _order(left: Token, right: Token) -> int:
    """Two tokens of one kind. A number with a leading zero is compared as text."""
    kind, a, b = left[0], left[1], right[1]
    if kind == _SUFFIX:
        return _RANKS[a] - _RANKS[b]
    as_text = kind == _DIGIT and "0" in (a[0], b[0])
    if kind in (_LETTER, _HASH, _END) or as_text:
        return (a > b) - (a < b)
    return int(a) - int(b)


def _differing(left: Token, right: Token) -> int:
    """Where one goes on otherwise: a pre-release is older, else the earlier kind is newer."""
    for (kind, text), order in ((left, -1), (right, 1)):
        if kind == _SUFFIX and _RANKS[text] < _RELEASE:
            return order
    return right[0] - left[0]
