"""What a Dockerfile tells of the service in it: port, health check, user."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from tidegate.spec.draft import Draft, url_path
from tidegate.spec.files import read_text, unread

_SKIPPED = frozenset({"node_modules", "vendor", "venv", "target", "dist", "tests", "test"})
_DEEPEST = 3
_MOST = 50
_OFFICIAL = re.compile(r"(?:docker\.io/)?(?:library/)?(?P<name>[a-z]+)(?:[:@].*)?")


@dataclass(frozen=True, slots=True)
class Facts:
    """Of the last stage of a Dockerfile; None is "it does not say"."""

    port: int | None = None
    health: str | None = None
    user: str | None = None
    base: str | None = None


def find_dockerfiles(folder: Path) -> list[Path]:
    """The folders (relative) that hold a Dockerfile, at most three levels down, in order.

    Raises `AppFileError` when a folder cannot be read.
    """
    found = []
    places = [folder]
    for depth in range(_DEEPEST + 1):
        found += [place.relative_to(folder) for place in places if (place / "Dockerfile").is_file()]
        if depth < _DEEPEST:
            places = [inner for place in places for inner in _folders(place)]
    return found[:_MOST]


def _folders(place: Path) -> list[Path]:
    try:
        inner = sorted(p for p in place.iterdir() if p.is_dir() and not p.is_symlink())
    except OSError as error:
        raise unread(place, error.strerror or str(error)) from error
    return [p for p in inner if p.name[0] != "." and p.name not in _SKIPPED]


def read_facts(path: Path) -> Facts:
    """The facts of a Dockerfile; without a file, nothing is known."""
    return facts_of(read_text(path)) if path.is_file() else Facts()


def facts_of(text: str) -> Facts:
    """The facts in the text of a Dockerfile."""
    port = health = user = base = None
    joined = re.sub(r"\\[ \t]*\r?\n", " ", text)
    for line in joined.splitlines():
        word, _, rest = line.strip().partition(" ")
        match word.upper():
            case "FROM":
                port = health = user = None
                base = _base(rest)
            case "EXPOSE":
                port = port or _port(rest)
            case "HEALTHCHECK":
                health = url_path(rest)
            case "USER":
                user = rest.strip() or None
    return Facts(port, health, user, base)


def _port(text: str) -> int | None:
    ports = (int(n) for n in re.findall(r"(?<![\w$:.])([0-9]{1,5})(?:/tcp)?(?=\s|$)", text))
    return next((port for port in ports if 1 <= port <= 65_535), None)


def with_facts(draft: Draft, facts: Facts) -> Draft:
    """The draft, with what it does not say itself taken from its Dockerfile."""
    notes = list(draft.notes)
    if facts.port is None and draft.port is None:
        notes.append("The Dockerfile has no EXPOSE, so port 80 is a guess.")
    user = draft.user
    if user is None and facts.user in (None, "root", "0"):
        user = _ENDS_AS.get(facts.base or "")
        notes += _unprivileged(facts.base) if user else _AS_ROOT
    port, health = draft.port or facts.port or 80, draft.health or facts.health
    return replace(draft, port=port, health=health, user=user, notes=tuple(notes))


_ENDS_AS = {"nginx": "101"}
"""Official images that begin as root and change to this user, which takes capabilities."""

_AS_ROOT = (
    "It runs as root without any capability. If it must change users, give back:",
    "security: {capabilities: [CHOWN, SETGID, SETUID]}",
)


def _unprivileged(base: str | None) -> tuple[str, ...]:
    return (f"{base} begins as root and changes users; here it is its own user from the start.",)


def _base(text: str) -> str | None:
    """The official image that a FROM names, without its tag; None for any other."""
    words = [word for word in text.split() if not word.startswith("--")]
    found = _OFFICIAL.fullmatch(words[0]) if words else None
    return found["name"] if found else None
