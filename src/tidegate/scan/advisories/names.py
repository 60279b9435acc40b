"""The names of one vulnerability, in the order in which they are shown."""

from collections.abc import Collection

_PREFERENCE = ("CVE-", "GHSA-", "PYSEC-", "GO-")


def shown(names: Collection[str]) -> tuple[str, ...]:
    """The name to call it by, a CVE if there is one; then the others, sorted."""
    if len(names) < 2:
        return tuple(names)
    id = preferred(names)
    return (id, *sorted([name for name in names if name != id]))


def preferred(names: Collection[str]) -> str:
    """The name to call it by."""
    for prefix in _PREFERENCE:
        if found := [name for name in names if name.startswith(prefix)]:
            return min(found)
    return min(names)
