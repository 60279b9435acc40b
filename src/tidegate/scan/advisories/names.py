"""The names of one vulnerability, in the order in which they are shown."""

from collections.abc import Collection

_PREFERENCE = ("CVE-", "GHSA-", "PYSEC-", "GO-")


def shown(names: Collection[str]) -> tuple[str, ...]:
    """The name to call it by, a CVE if there is one; then the others, sorted."""
    if len(names) < 2:
        return tuple(names)
    others = sorted(names)
    id = next((n for prefix in _PREFERENCE for n in others if n.startswith(prefix)), others[0])
    others.remove(id)
    return (id, *others)
