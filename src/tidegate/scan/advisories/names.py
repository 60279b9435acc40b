"""The names of one vulnerability, in the order in which they are shown."""

from collections.abc import Collection

_PREFERENCE = ("CVE-", "GHSA-", "PYSEC-", "GO-")


def shown(names: Collection[str]) -> tuple[str, ...]:
    """The name to call it by, a CVE if there is one; then the others, sorted."""
    others = sorted(names)
    for prefix in _PREFERENCE:
        for name in others:
            if name.startswith(prefix):
                others.remove(name)
                return (name, *others)
    return tuple(others)
