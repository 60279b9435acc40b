"""Which paths of a package manager's file lists are kept: those that a language's reader may meet.

Distributions port fixes back, so a language package that one of their packages brought is judged
as that package, and not a second time by its upstream version.
"""

from collections.abc import Iterable

_NAMES = ("METADATA", "PKG-INFO", "package.json", "package-lock.json", "npm-shrinkwrap.json")
_ENDINGS = (".egg-info", ".jar", ".war", ".ear", ".par")
_PROGRAMS = ("bin/", "/bin/", "sbin/", "/sbin/", "/libexec/")
_TEXTS = ("usr/share/doc/", "usr/share/man/", "usr/share/locale/", "usr/share/zoneinfo/")
_MERGED = ("usr/bin/", "usr/sbin/", "usr/lib/", "usr/lib32/", "usr/lib64/", "usr/libx32/")


def worth_knowing(paths: Iterable[str]) -> tuple[str, ...]:
    """The paths that could hold a language's package, as `same` writes them."""
    return tuple(same(path) for path in paths if _could_matter(path.lstrip("/")))


def same(path: str) -> str:
    """One form of a path for both spellings of a merged /usr: `usr/lib/x` → `lib/x`."""
    path = path.removeprefix(".").lstrip("/")
    return path[4:] if path.startswith(_MERGED) else path


def _could_matter(path: str) -> bool:
    name = path.rpartition("/")[2]
    if not name or path.startswith(_TEXTS):
        return False
    if name in _NAMES or name.endswith(_ENDINGS):
        return True
    return "." not in name or ".so" in name or any(part in path for part in _PROGRAMS)
