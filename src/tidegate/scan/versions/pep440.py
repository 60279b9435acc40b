"""Python's order of versions, by the `packaging` library (PEP 440).

The library takes versions apart; the order of the parts is written down here, as a key: its own
comparison is many times slower.
"""

from functools import lru_cache

from packaging.version import InvalidVersion, Version

from tidegate.scan.versions.unordered import Unordered, bounded

Part = tuple[int, int, str]
Key = tuple[int, tuple[int, ...], tuple[int, str, int], int, tuple[int, int], tuple[Part, ...]]

_BEFORE, _PRE, _RELEASE = range(3)


def compare(a: str, b: str) -> int:
    """By PEP 440. Raises `Unordered` for what that does not take."""
    left, right = key(a), key(b)
    return (left > right) - (left < right)


@lru_cache(maxsize=65536)
def key(version: str) -> Key:
    """What sorts as the version does ("Summary of permitted suffixes and relative ordering").

    Trailing zeros do not count; a development release alone is before every pre-release, and one
    of something is before that; nothing is after none; of local parts a number is after a word.
    """
    try:
        found = Version(bounded(version))
    except InvalidVersion as error:
        raise Unordered(version) from error
    release = found.release
    while len(release) > 1 and not release[-1]:
        release = release[:-1]
    pre = (_PRE, *found.pre) if found.pre else (_RELEASE, "", 0)
    if found.dev is not None and found.pre is None and found.post is None:
        pre = (_BEFORE, "", 0)
    post = -1 if found.post is None else found.post
    dev = (1, 0) if found.dev is None else (0, found.dev)
    local = tuple(map(_local, found.local.split("."))) if found.local else ()
    return found.epoch, release, pre, post, dev, local


def _local(part: str) -> Part:
    return (1, int(part), "") if part.isdigit() else (0, 0, part)
