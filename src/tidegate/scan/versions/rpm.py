"""rpm's order of versions: epoch, version, release, each cut into numbers and words.

Rules: `rpmvercmp` of rpm 4.15 and later, with `~` (before the end) and `^` (just after it).
"""

import re
from functools import lru_cache

from tidegate.scan.versions.unordered import Unordered, bounded

_TOKENS = re.compile(r"~|\^|[0-9]+|[A-Za-z]+")
_TILDE, _END, _CARET, _WORD, _NUMBER = range(5)

Token = tuple[int, int | str]
Key = tuple[int, tuple[Token, ...], tuple[Token, ...]]


def compare(a: str, b: str) -> int:
    """As rpm's own comparison of "epoch:version-release". Raises `Unordered`: a bad epoch."""
    left, right = key(a), key(b)
    return (left > right) - (left < right)


@lru_cache(maxsize=65536)
def key(version: str) -> Key:
    """What sorts as the version does. No epoch is epoch 0; no release is before any release."""
    epoch, colon, rest = bounded(version.strip()).partition(":")
    if not colon:
        epoch, rest = "0", epoch
    if not (epoch.isascii() and epoch.isdigit()) or not rest:
        raise Unordered(version)
    number, dash, release = rest.rpartition("-")
    return (
        int(epoch),
        _tokens(number if dash else rest),
        _tokens(release) if dash else (),
    )


def _tokens(text: str) -> tuple[Token, ...]:
    return (*map(_token, _TOKENS.findall(text)), (_END, 0))


def _token(text: str) -> Token:
    if text == "~":
        return (_TILDE, 0)
    if text == "^":
        return (_CARET, 0)
    return (_NUMBER, int(text)) if text[0].isdigit() else (_WORD, text)
