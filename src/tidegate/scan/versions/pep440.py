"""Python's order of versions, by the `packaging` library (PEP 440)."""

from functools import lru_cache

from packaging.version import InvalidVersion, Version

from tidegate.scan.versions.unordered import Unordered, bounded


def compare(a: str, b: str) -> int:
    """By PEP 440. Raises `Unordered` for what that does not take."""
    left, right = key(a), key(b)
    return -1 if left < right else int(left > right)


@lru_cache(maxsize=65536)
def key(version: str) -> Version:
    """The version, parsed."""
    try:
        return Version(bounded(version))
    except InvalidVersion as error:
        raise Unordered(version) from error
