"""One OSV record, read from JSON into what the index keeps (OSV schema 1.7).

A record is somebody else's text: whatever does not have the schema's shape is a `BadRecord`.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

from tidegate.core.findings import Severity
from tidegate.scan.advisories import severity

Event = tuple[str, str]
"""What begins or ends a range: ("introduced" | "fixed" | "last_affected" | "limit", version)."""

EVENTS = ("introduced", "fixed", "last_affected", "limit")
_COMPARED = ("ECOSYSTEM", "SEMVER")
_BUNDLES = ("DSA-", "DLA-", "DTSA-", "ALSA-", "RLSA-", "RHSA-", "USN-", "SUSE-SU-", "openSUSE-SU-")
_NO_ADVISORY = ("ALBA-", "ALEA-", "RLBA-", "RLEA-", "RHBA-", "RHEA-")
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")
_VENDOR_WORD = re.compile(r"(Critical|Important|Moderate|Low): ")
_STREAM = re.compile(r"^\w+: ([\w.+-]+:[\w.+-]+) ")
_MOST_SUMMARY = 200
_STATUSES = ("unimportant", "end-of-life")
_MODULE = ".module"
_BOM = "\ufeff"
SEPARATORS = "\x1b\x1c\x1d\x1e\x1f"
"""Of ASCII, from the outermost to the innermost: escape, and those that are made for it."""
_NO_SEPARATORS = dict.fromkeys(map(ord, SEPARATORS))
_ODD = re.compile(rb"\\u(?:001[b-f]|d[89a-f])", re.IGNORECASE)
"""Where a separator, or half of a character that is no text at all, may come from: JSON has them as
escapes only."""


class BadRecord(ValueError):
    """The text is no OSV record."""


class Affected(NamedTuple):
    """The versions of one package that are vulnerable.

    `ranges` are of the package's own versions; `versions` is an extra, exact list. `severity` is
    the distribution's own word on this package, `status` "unimportant" or "end-of-life".
    `module` tells a modular rpm's stream, "name:stream"; "?" when it is modular and untold.
    """

    ecosystem: str
    package: str
    ranges: tuple[tuple[Event, ...], ...] = ()
    versions: tuple[str, ...] = ()
    severity: Severity | None = None
    status: str = ""
    module: str = ""


class Advisory(NamedTuple):
    """One record. `aliases` are other names of the same vulnerability, `covers` the several that a
    distribution's notice fixes at once: each of them is a vulnerability of its own.
    `published_at` is in ms, None when the record does not say.
    """

    id: str
    modified: str = ""
    withdrawn: bool = False
    summary: str = ""
    severity: Severity | None = None
    score: float | None = None
    aliases: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    affected: tuple[Affected, ...] = ()
    published_at: int | None = None

    @property
    def is_advisory(self) -> bool:
        """False for a vendor's notice of plain bugs or of new features."""
        return not self.id.startswith(_NO_ADVISORY)

    @property
    def names(self) -> tuple[str, ...]:
        """All names of its vulnerability; "DEBIAN-CVE-2024-1234" is also that CVE."""
        if "CVE-" not in self.id or self.id.startswith("CVE-") or self.covers:
            return (self.id, *self.aliases)
        return tuple(dict.fromkeys((self.id, *self.aliases, *_CVE.findall(self.id))))


def parse(text: bytes) -> Advisory:
    """Read one record. Raises `BadRecord`."""
    try:
        record = json.loads(text.decode().removeprefix(_BOM))
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"no JSON: {str(error)[:100]}") from error
    if not isinstance(record, dict) or not _text(record.get("id")):
        raise BadRecord("a record has an id")
    escaped = b"\\u" in text
    try:
        plain = _plain(record) if escaped and _ODD.search(text) else record
        return _advisory(plain, modular=escaped or _MODULE.encode() in text)
    except (TypeError, AttributeError) as error:
        raise BadRecord(f"not the schema's shape: {str(error)[:100]}") from error
    except (RecursionError, UnicodeEncodeError) as error:
        raise BadRecord(f"not text: {type(error).__name__}") from error


def _plain(value: Any) -> Any:
    """The same without the characters that part texts in the index; no real text has one.

    Raises `UnicodeEncodeError` for a text that could not be written down.
    """
    if isinstance(value, str):
        return value.translate(_NO_SEPARATORS).encode().decode()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {_plain(name): _plain(one) for name, one in value.items()}
    return value


def _advisory(record: Mapping[str, Any], *, modular: bool) -> Advisory:
    """`modular` is False when no package of it can be of an rpm module."""
    get = record.get
    id, summary = record["id"], _text(get("summary"))
    notice = id.startswith(_BUNDLES)
    names = _names(record, notice=notice)
    bundle = notice and len(names) > 1
    rated, specific = get("severity"), get("database_specific")
    level, score = severity.of_entries(rated) if rated else (None, None)
    vendor = _VENDOR_WORD.match(summary)
    word = vendor[1] if vendor else specific.get("severity") if specific else None
    stream = ""
    if modular:
        named = _STREAM.match(summary)
        stream = named[1] if named else "?"
    return Advisory(
        id=id,
        modified=_text(get("modified")),
        withdrawn=bool(get("withdrawn")),
        summary=summary[:_MOST_SUMMARY],
        severity=(severity.of_word(word) if word else None) or level,
        score=score,
        aliases=() if bundle else names,
        covers=names if bundle else (),
        affected=tuple(
            [_affected(entry, stream) for entry in get("affected") or () if entry.get("package")]
        ),
        published_at=_moment(_text(get("published"))),
    )


def _moment(text: str) -> int | None:
    """An ISO 8601 time as ms; None for anything else, and for the zero that some write."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.year < 1970:
        return None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def _names(record: Mapping[str, Any], *, notice: bool) -> tuple[str, ...]:
    """The vulnerability's other names. AlmaLinux has CVEs in `related`, Debian in `upstream`."""
    found = _texts(record.get("aliases")) + _texts(record.get("upstream"))
    if notice:
        found += _texts(record.get("related"))
    if len(found) > 1 or record["id"] in found:
        return tuple([name for name in dict.fromkeys(found) if name != record["id"]])
    return found


def _affected(entry: Mapping[str, Any], stream: str) -> Affected:
    get, package = entry.get, entry["package"]
    if not isinstance(package, dict):
        raise BadRecord("an affected package has an ecosystem and a name")
    ecosystem, name = _text(package.get("ecosystem")), _text(package.get("name"))
    if not ecosystem or not name:
        raise BadRecord("an affected package has an ecosystem and a name")
    specific, rated, listed = get("ecosystem_specific"), get("severity"), get("versions")
    urgency = specific.get("urgency") if specific else None
    ranges = tuple(
        [
            events
            for found in get("ranges") or ()
            if found.get("type") in _COMPARED and (events := _events(found.get("events") or []))
        ]
    )
    return Affected(
        ecosystem,
        canonicalize_name(name) if ecosystem == "PyPI" else name,
        ranges,
        _texts(listed) if listed else (),
        (severity.of_word(urgency) if urgency else None)
        or (severity.of_entries(rated)[0] if rated else None),
        urgency if urgency in _STATUSES else "",
        stream if stream and _is_modular(ranges) else "",
    )


def _events(events: object) -> tuple[Event, ...]:
    if not isinstance(events, list):
        raise BadRecord("a range has a list of events")
    return tuple(
        [
            (kind, version if type(version) is str else _text(version))
            for event in events
            for kind, version in event.items()
            if kind in EVENTS
        ]
    )


def _is_modular(ranges: Iterable[tuple[Event, ...]]) -> bool:
    """Whether the fix is a package of an rpm module: its release says so."""
    return any(_MODULE in version for events in ranges for _, version in events)


def _texts(values: object) -> tuple[str, ...]:
    """A list of texts without empty ones. Raises `BadRecord` for anything but a list or nothing."""
    if not values:
        return ()
    if not isinstance(values, list):
        raise BadRecord(f"not a list: {str(values)[:60]}")
    told = [value if type(value) is str else _text(value) for value in values]
    return tuple(filter(None, told)) if "" in told else tuple(told)


def _text(value: object) -> str:
    """A text, or "" for nothing. Raises `BadRecord` for anything else."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    raise BadRecord(f"not a text: {str(value)[:60]}")
