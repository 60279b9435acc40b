"""One OSV record, read from JSON into what the index keeps (OSV schema 1.7).

A record is somebody else's text: whatever does not have the schema's shape is a `BadRecord`.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from packaging.utils import canonicalize_name

from tidegate.core.seen import Severity
from tidegate.scan.advisories import severity

Event = tuple[str, str]
"""What begins or ends a range: ("introduced" | "fixed" | "last_affected" | "limit", version)."""

EVENTS = ("introduced", "fixed", "last_affected", "limit")
_COMPARED = ("ECOSYSTEM", "SEMVER")
_BUNDLES = re.compile(r"(DSA|DLA|DTSA|ALSA|RLSA|RHSA|USN|SUSE-SU|openSUSE-SU)-")
_NO_ADVISORY = re.compile(r"(ALBA|ALEA|RLBA|RLEA|RHBA|RHEA)-")
_VENDOR_WORD = re.compile(r"(Critical|Important|Moderate|Low): ")
_STREAM = re.compile(r"^\w+: ([\w.+-]+:[\w.+-]+) ")
_MOST_SUMMARY = 200
SEPARATORS = "\x1c\x1d\x1e\x1f"
"""ASCII's own: between files, groups, records and units."""
_NO_SEPARATORS = dict.fromkeys(map(ord, SEPARATORS))
_ODD = re.compile(rb"\\u(?:001[c-f]|d[89a-f])", re.IGNORECASE)
"""Where a separator, or half of a character that is no text at all, may come from: JSON has them as
escapes only."""


class BadRecord(ValueError):
    """The text is no OSV record."""


@dataclass(frozen=True, slots=True)
class Affected:
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


@dataclass(frozen=True, slots=True)
class Advisory:
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
    affected: tuple[Affected, ...] = field(default=())
    published_at: int | None = None

    @property
    def is_advisory(self) -> bool:
        """False for a vendor's notice of plain bugs or of new features."""
        return not _NO_ADVISORY.match(self.id)


def parse(text: bytes) -> Advisory:
    """Read one record. Raises `BadRecord`."""
    try:
        record = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"no JSON: {str(error)[:100]}") from error
    if not isinstance(record, dict) or not _text(record.get("id")):
        raise BadRecord("a record has an id")
    try:
        return _advisory(_plain(record) if _ODD.search(text) else record)
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


def _advisory(record: Mapping[str, Any]) -> Advisory:
    names, summary = _names(record), _text(record.get("summary"))
    level, score = severity.of_entries(record.get("severity"))
    vendor = _VENDOR_WORD.match(summary)
    word = (record.get("database_specific") or {}).get("severity")
    told = severity.of_word(vendor[1]) if vendor else severity.of_word(word)
    bundle = len(names) > 1 and _BUNDLES.match(record["id"]) is not None
    stream = _STREAM.match(summary)
    return Advisory(
        id=record["id"],
        modified=_text(record.get("modified")),
        withdrawn=bool(record.get("withdrawn")),
        summary=summary[:_MOST_SUMMARY],
        severity=told or level,
        score=score,
        aliases=() if bundle else names,
        covers=names if bundle else (),
        affected=tuple(
            _affected(entry, stream[1] if stream else "?")
            for entry in record.get("affected") or ()
            if entry.get("package")
        ),
        published_at=_moment(_text(record.get("published"))),
    )


def _moment(text: str) -> int | None:
    """An ISO 8601 time as ms; None for anything else, and for the zero that some write."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.year < 1970:
        return None
    return int(found.replace(tzinfo=found.tzinfo or UTC).timestamp() * 1000)


def _names(record: Mapping[str, Any]) -> tuple[str, ...]:
    """The vulnerability's other names. AlmaLinux has CVEs in `related`, Debian in `upstream`."""
    found = dict.fromkeys(_texts(record.get("aliases")) + _texts(record.get("upstream")))
    if _BUNDLES.match(record["id"]):
        found |= dict.fromkeys(_texts(record.get("related")))
    found.pop(record["id"], None)
    return tuple(found)


def _affected(entry: Mapping[str, Any], stream: str) -> Affected:
    package = entry["package"] if isinstance(entry["package"], dict) else {}
    ecosystem, name = _text(package.get("ecosystem")), _text(package.get("name"))
    if not ecosystem or not name:
        raise BadRecord("an affected package has an ecosystem and a name")
    specific, rated = entry.get("ecosystem_specific"), entry.get("severity")
    urgency = specific.get("urgency") if specific else None
    ranges = [
        events
        for found in entry.get("ranges") or ()
        if found.get("type") in _COMPARED and (events := _events(found.get("events") or []))
    ]
    return Affected(
        ecosystem=ecosystem,
        package=canonicalize_name(name) if ecosystem == "PyPI" else name,
        ranges=tuple(ranges),
        versions=_texts(entry.get("versions")),
        severity=(severity.of_word(urgency) if urgency else None)
        or (severity.of_entries(rated)[0] if rated else None),
        status=urgency if urgency in ("unimportant", "end-of-life") else "",
        module=stream if _is_modular(ranges) else "",
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
    for events in ranges:
        for _, version in events:
            if ".module" in version:
                return True
    return False


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
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRecord(f"not a text: {str(value)[:60]}")
    return value
