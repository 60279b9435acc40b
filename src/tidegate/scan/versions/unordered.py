"""Two versions of which nobody can say which is the newer."""

MOST_CHARACTERS = 512
"""No real version is longer. A longer one is not looked into: it is somebody else's text."""


class Unordered(ValueError):
    """The rules of the ecosystem do not order these versions, or do not take them at all."""

    def __init__(self, *versions: str) -> None:
        super().__init__(" and ".join(repr(version[:80]) for version in versions))


def bounded(version: str) -> str:
    """The version, if it is one at all: not empty, and no longer than any real one."""
    if not version or len(version) > MOST_CHARACTERS:
        raise Unordered(version)
    return version
