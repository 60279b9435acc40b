"""Days as people write them: `7d`, `never`, and the date `2026-12-31`."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from tidegate.core.model import DAY_MS
from tidegate.spec.kinds import Kind, refuse

NEVER = -1
"""How `never` is read."""

_DAYS = re.compile(r"([0-9]{1,4}) ?d", re.ASCII)
_PATTERN = r"^[0-9]{1,4} ?d$"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def days_ms(text: str) -> int | None:
    """Milliseconds of a time such as `7d`; None when it is none."""
    match = _DAYS.fullmatch(text)
    return int(match[1]) * DAY_MS if match else None


def days_text(ms: int | None) -> str:
    """How a span of whole days is written: `7d`; None is `never`."""
    return "never" if ms is None else f"{ms // DAY_MS}d"


def day_ms(text: str) -> int | None:
    """The first moment (ms, UTC) of a day such as `2026-12-31`; None when it is no day."""
    if not _DATE.fullmatch(text):
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1_000)


def _days(value: object) -> object:
    ms = days_ms(value) if isinstance(value, str) else 0 if value == 0 else None
    if ms is None or value is False:
        raise refuse()
    return ms


def _days_or_never(value: object) -> object:
    return NEVER if value == "never" else _days(value)


def _date(value: object) -> object:
    if isinstance(value, str) and day_ms(value) is None:
        raise refuse()
    return value


Days = Annotated[
    int,
    Kind(
        "a time in days, such as `7d`",
        (("anyOf", [{"type": "string", "pattern": _PATTERN}, {"const": 0}]),),
        _days,
    ),
]
DaysOrNever = Annotated[
    int,
    Kind(
        "a time in days, such as `7d`, or `never`",
        (("anyOf", [{"type": "string", "pattern": _PATTERN}, {"const": 0}, {"const": "never"}]),),
        _days_or_never,
    ),
]
Date = Annotated[
    str,
    Kind(
        "a day of the calendar, such as `2026-12-31`",
        (("type", "string"), ("pattern", f"^{_DATE.pattern}$")),
        _date,
    ),
]
