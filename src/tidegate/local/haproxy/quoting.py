"""Values of the app file inside HAProxy's files: quoted, or refused before HAProxy sees them."""

import re

from tidegate.core.errors import SetupError

_WORD = re.compile(r"[A-Za-z0-9_.:\[\]*-]+")
_SPECIAL = re.compile(r'(["\\$])')


def word(text: str) -> str:
    """A name or an address that needs no quotes. Raises `SetupError` TG226 otherwise."""
    return text if _WORD.fullmatch(text) else _refuse(text)


def map_key(path: str) -> str:
    """A path as the key of a map. Raises `SetupError` TG226 for spaces and control characters."""
    return path if path.isprintable() and " " not in path else _refuse(path)


def quoted(text: str) -> str:
    """Any printable text as one word. Raises `SetupError` TG226 for control characters.

    Source: HAProxy configuration manual 2.6, §2.2 "Quoting and escaping".
    """
    return '"' + _SPECIAL.sub(r"\\\1", text) + '"' if text.isprintable() else _refuse(text)


def _refuse(text: str) -> str:
    raise SetupError(
        f"{text!r} cannot be used in the data plane's configuration",
        remedy="use letters, digits and dashes in names, and no spaces in paths",
        code="TG226",
    )
