"""One OSV record, read from JSON into what the index keeps (OSV schema 1.7).

A record is somebody else's text: whatever does not have the schema's shape is a `BadRecord`.
"""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.json import Decoder
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
_MODULE = b".module"
SEPARATORS = "\x1b\x1c\x1d\x1e\x1f"
"""Of ASCII, from the outermost to the innermost: escape, and those that are made for it."""
_NO_SEPARATORS = dict.fromkeys(map(ord, SEPARATORS))
_ODD = re.compile(rb"\\u(?:001[b-f]|d[89a-f])", re.IGNORECASE)
"""Where a separator, or half of a character that is no text at all, may come from: JSON has them as
escapes only."""


class _Package(Struct, gc=False):
    ecosystem: str | None = None
    name: str | None = None


class _Range(Struct, gc=False):
    type: object = None
    events: list[dict[str, object]] | None = None


class _Specific(Struct, gc=False):
    severity: Any = None
    urgency: Any = None


class _Entry(Struct, gc=False):
    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str | None] | None = None
    severity: Any = None
    ecosystem_specific: _Specific | None = None


class _Record(Struct, gc=False):
    """What is looked at of a record, as JSON has it; the rest is passed over unread."""

    id: str
    modified: str | None = None
    published: str | None = None
    withdrawn: object = None
    summary: str | None = None
    severity: Any = None
    aliases: list[str | None] | None = None
    upstream: list[str | None] | None = None
    related: list[str | None] | None = None
    affected: list[_Entry] | None = None
    database_specific: _Specific | None = None


_READER = Decoder(_Record)


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
    escaped = b"\\" in text and b"\\u" in text
    try:
        if escaped and _ODD.search(text):
            text = json.dumps(_plain(json.loads(text))).encode()
        record = _READER.decode(text.removeprefix(BOM_UTF8))
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"not the schema's JSON: {str(error)[:100]}") from error
    if not record.id:
        raise BadRecord("a record has an id")
    return _advisory(record, modular=escaped or _MODULE in text)


def _plain(value: Any) -> Any:
    """The same without the characters that part texts in the index; no real text has one.

    Raises `UnicodeEncodeError`, a `ValueError`, for a text that could not be written down.
    """
    if isinstance(value, str):
        return value.translate(_NO_SEPARATORS).encode().decode()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {_plain(name): _plain(one) for name, one in value.items()}
    return value


def _advisory(record: _Record, *, modular: bool) -> Advisory:
    """`modular` is False when no package of it can be of an rpm module."""
    id, summary, rated = record.id, record.summary or "", record.severity
    notice = id.startswith(_BUNDLES)
    names = _names(record, notice=notice)
    bundle = notice and len(names) > 1
    level, score = severity.of_entries(rated) if rated else (None, None)
    vendor = _VENDOR_WORD.match(summary)
    specific = record.database_specific
    word = vendor[1] if vendor else specific.severity if specific else None
    stream = ""
    if modular:
        named = _STREAM.match(summary)
        stream = named[1] if named else "?"
    return Advisory(
        id,
        record.modified or "",
        bool(record.withdrawn),
        summary[:_MOST_SUMMARY],
        (severity.of_word(word) if word else None) or level,
        score,
        () if bundle else names,
        names if bundle else (),
        tuple(
            [_affected(one, one.package, stream) for one in record.affected or () if one.package]
        ),
        _moment(record.published) if record.published else None,
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


def _names(record: _Record, *, notice: bool) -> tuple[str, ...]:
    """The vulnerability's other names. AlmaLinux has CVEs in `related`, Debian in `upstream`."""
    found = _texts(record.aliases) + _texts(record.upstream)
    if notice:
        found += _texts(record.related)
    if len(found) > 1 or record.id in found:
        return tuple([name for name in dict.fromkeys(found) if name != record.id])
    return found


def _affected(entry: _Entry, package: _Package, stream: str) -> Affected:
    ecosystem, name = package.ecosystem, package.name
    if not ecosystem or not name:
        raise BadRecord("an affected package has an ecosystem and a name")
    specific, rated = entry.ecosystem_specific, entry.severity
    urgency = specific.urgency if specific else None
    ranges = tuple(
        [
            events
            for found in entry.ranges or ()
            if found.events and found.type in _COMPARED and (events := _events(found.events))
        ]
    )
    return Affected(
        ecosystem,
        canonicalize_name(name) if ecosystem == "PyPI" else name,
        ranges,
        _texts(entry.versions),
        (severity.of_word(urgency) if urgency else None)
        or (severity.of_entries(rated)[0] if rated else None),
        urgency if urgency in _STATUSES else "",
        stream if stream and _is_modular(ranges) else "",
    )


def _events(events: list[dict[str, object]]) -> tuple[Event, ...]:
    return tuple(
        [
            (kind, version if isinstance(version, str) else _text(version))
            for event in events
            for kind, version in event.items()
            if kind in EVENTS
        ]
    )


def _is_modular(ranges: Iterable[tuple[Event, ...]]) -> bool:
    """Whether the fix is a package of an rpm module: its release says so."""
    return any(".module" in version for events in ranges for _, version in events)


def _texts(values: list[str | None] | None) -> tuple[str, ...]:
    """Without empty ones."""
    return tuple(filter(None, values)) if values else ()


def _text(value: object) -> str:
    """A text, or "" for nothing. Raises `BadRecord` for anything else."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise BadRecord(f"not a text: {str(value)[:60]}")
