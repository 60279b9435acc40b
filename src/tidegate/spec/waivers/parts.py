"""What the readers of waivers share: bounds, moments, purls, and the error of a broken file."""

import json
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

from packageurl import PackageURL

from tidegate.core.errors import AppFileError
from tidegate.spec.problems import shown

MOST_BYTES = 1_000_000
"""Of one file."""
MOST_WAIVERS = 1_000
"""Of all files together: they go into the journal with every revision."""


def broken(name: str, cause: str, line: int | None = None) -> AppFileError:
    """The error of a file whose waivers cannot be understood."""
    return AppFileError(
        f"{shown(name, 100)} cannot be read as waivers",
        cause=shown(cause, 300),
        where=f"{shown(name, 100)}:{line}" if line else shown(name, 100),
        remedy="mend it, or take it out of the revision; nothing of it counts until then",
        code="TG250",
    )


def text_of(name: str, data: bytes) -> str:
    """The file as text. Raises `AppFileError`."""
    if len(data) > MOST_BYTES:
        raise broken(name, f"it is larger than {MOST_BYTES // 1_000:,} kB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise broken(name, "it is not UTF-8 text") from error


def json_of(name: str, data: bytes) -> dict[str, Any]:
    """The JSON object in the file. Raises `AppFileError`."""
    try:
        found = json.loads(text_of(name, data))
    except (ValueError, RecursionError) as error:
        raise broken(name, f"it is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise broken(name, "it is no JSON object")
    return found


def words(name: str, value: Any, what: str, most: int = 500) -> str:
    """A text of the file on one line; empty when there is none. Raises `AppFileError`."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise broken(name, f"{what} is no text")
    return shown(" ".join(value.split()), most)


def name_of(name: str, value: Any, what: str) -> str:
    """An id, which must be there. Raises `AppFileError`."""
    found = words(name, value, what, 200)
    if not found or " " in found:
        raise broken(name, f"{what} is missing or is no id")
    return found


def items(name: str, value: Any, what: str) -> list[dict[str, Any]]:
    """A list of objects; empty when there is none. Raises `AppFileError`."""
    found = [] if value is None else value
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise broken(name, f"{what} is no list of objects")
    return found


def moment_ms(name: str, value: Any, what: str) -> int | None:
    """A day (its first moment, UTC) or a moment of ISO 8601 in ms; None when there is none."""
    if value is None:
        return None
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)
        if not isinstance(value, datetime):
            raise ValueError
        at = value if value.tzinfo else value.replace(tzinfo=UTC)
        return int(at.timestamp() * 1_000)
    except (ValueError, OverflowError) as error:
        raise broken(name, f"{what} is no date: {value}") from error


def purl_of(text: str) -> PackageURL | None:
    """The package URL in a text, None when it is another kind of name."""
    try:
        return PackageURL.from_string(text)
    except ValueError:
        return None


def package_of(text: str) -> str:
    """A name of a package as `Waiver.packages` wants it: a purl without qualifiers.

    What is no purl names no package of an image: it is kept as one that matches none, so that the
    waiver is reported as one that nothing needs.
    """
    purl = purl_of(text)
    if purl is None:
        return f"pkg:generic/{quote(text, safe='')}"
    bare = PackageURL(purl.type, purl.namespace, purl.name, purl.version)
    return bare.to_string()
