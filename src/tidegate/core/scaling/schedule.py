"""When a scheduled action is due: `cron(...)`, `rate(...)` and `at(...)`, to the minute, in UTC.

Source: Application Auto Scaling user guide, "Schedule recurring scaling actions using cron
expressions" (minutes, hours, day of month, month, day of week, year; one of the two days is `?`)
and "Rate expressions". `L`, `W` and `#` are as Amazon EventBridge documents them.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from tidegate.core.scaling.calendar import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    date_of,
    days_of,
    month_length,
    weekday_of,
)

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_UNITS_MS = {"minute": MINUTE_MS, "hour": HOUR_MS, "day": DAY_MS}
_RATE = re.compile(r"rate\((\d{1,6}) (minute|hour|day)s?\)")
_AT = re.compile(r"at\((\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d))?\)")
_CRON = re.compile(r"cron\((.*)\)")
_ITEM = re.compile(r"(?:\*|(\d+)(?:-(\d+))?)(?:/(\d+))?")
_FAR_DAYS = 366 * 9
"""A date that does not come in so many days (29 February, on one weekday) is taken as never."""


class ScheduleError(ValueError):
    """The text is no schedule; it says why."""


@dataclass(frozen=True, slots=True)
class Cron:
    """The fields of a cron expression, read. The two days may have their special forms left."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    day: str
    months: frozenset[int]
    weekday: str
    years: frozenset[int]

    def holds(self, days: int) -> bool:
        """Whether it is due on that day, whatever the hour."""
        year, month, day = date_of(days)
        if year not in self.years or month not in self.months:
            return False
        if self.day != "?":
            return _day_holds(self.day, year, month, day)
        return _weekday_holds(self.weekday, year, month, day)


@lru_cache(maxsize=256)
def next_due(schedule: str, after_ms: int) -> int | None:
    """The first time (ms) after `after_ms` at which it is due; None when it never is.

    Raises `ScheduleError` when the text is no schedule.
    """
    rate = _RATE.fullmatch(schedule)
    if rate:
        return after_ms // MINUTE_MS * MINUTE_MS + int(rate[1]) * _UNITS_MS[rate[2]]
    once = _AT.fullmatch(schedule)
    if once:
        year, month, day, hour, minute, _ = (int(part or 0) for part in once.groups())
        at_ms = days_of(year, month, day) * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS
        return at_ms if at_ms > after_ms else None
    return _next_of(cron_of(schedule), after_ms)


def last_due(schedule: str, after_ms: int, until_ms: int) -> int | None:
    """The last time (ms) after `after_ms`, and not after `until_ms`, at which it was due; or None.

    Raises `ScheduleError` when the text is no schedule.
    """
    first = next_due(schedule, after_ms)
    if first is None or first > until_ms:
        return None
    rate = _RATE.fullmatch(schedule)
    if rate:
        each_ms = int(rate[1]) * _UNITS_MS[rate[2]]
        return first + (until_ms - first) // each_ms * each_ms
    return first if _AT.fullmatch(schedule) else _last_of(cron_of(schedule), first, until_ms)


def check(schedule: str) -> None:
    """Raise `ScheduleError` unless this is a schedule."""
    rate, once = _RATE.fullmatch(schedule), _AT.fullmatch(schedule)
    if rate and int(rate[1]) == 0:
        raise ScheduleError("a rate is at least 1")
    if once:
        year, month, day, hour, minute, second = (int(part or 0) for part in once.groups())
        known = 1 <= month <= 12 and 1 <= day <= month_length(year, month)
        if not (known and hour < 24 and minute < 60 and second < 60):
            raise ScheduleError("there is no such date and time")
    if not rate and not once:
        cron_of(schedule)


def cron_of(schedule: str) -> Cron:
    """The cron expression, read. Raises `ScheduleError`."""
    found = _CRON.fullmatch(schedule)
    fields = found[1].upper().split() if found else []
    if len(fields) != 6:
        raise ScheduleError("it is neither cron(six fields) nor rate(...) nor at(...)")
    minutes, hours, day, months, weekday, years = fields
    if (day == "?") is (weekday == "?"):
        raise ScheduleError("one of day-of-month and day-of-week must be `?`")
    cron = Cron(
        tuple(sorted(_numbers(minutes, 0, 59))),
        tuple(sorted(_numbers(hours, 0, 23))),
        day,
        frozenset(_numbers(_named(months, _MONTHS), 1, 12)),
        _named(weekday, _WEEKDAYS),
        frozenset(_numbers(years, 1970, 2199)),
    )
    if cron.day != "?":
        _day_holds(cron.day, 2000, 1, 1)  # raises on what is no day
    if cron.weekday != "?":
        _weekday_holds(cron.weekday, 2000, 1, 1)
    return cron


def _next_of(cron: Cron, after_ms: int) -> int | None:
    first = after_ms // DAY_MS
    for days in range(first, first + _FAR_DAYS):
        found = next((at_ms for at_ms in _times(cron, days) if at_ms > after_ms), None)
        if found is not None:
            return found
    return None


def _times(cron: Cron, days: int) -> list[int]:
    """Each time (ms) of that day at which it is due, the earliest first."""
    if not cron.holds(days):
        return []
    hours = [days * DAY_MS + hour * HOUR_MS for hour in cron.hours]
    return [hour_ms + minute * MINUTE_MS for hour_ms in hours for minute in cron.minutes]


def _last_of(cron: Cron, first_ms: int, until_ms: int) -> int:
    """The last time from `first_ms`, at which it is due, to `until_ms`."""
    for days in range(until_ms // DAY_MS, first_ms // DAY_MS - 1, -1):
        found = [at_ms for at_ms in _times(cron, days) if first_ms <= at_ms <= until_ms]
        if found:
            return found[-1]
    return first_ms


def _day_holds(field: str, year: int, month: int, day: int) -> bool:
    """`L` is the month's last day, `15W` the working day nearest to the 15th."""
    last = month_length(year, month)
    if field == "L":
        return day == last
    near = re.fullmatch(r"(\d+|L)W", field)
    if not near:
        return day in _numbers(field, 1, 31)
    wanted = last if near[1] == "L" else int(near[1])
    if not 1 <= wanted <= 31:
        raise ScheduleError(f"{wanted} is no day of a month")
    return wanted <= last and day == _working_day(year, month, wanted, last)


def _working_day(year: int, month: int, day: int, last: int) -> int:
    """The Monday to Friday nearest to that day, in the same month."""
    weekday = weekday_of(days_of(year, month, day))
    if weekday == 7:
        return day - 1 if day > 1 else day + 2
    if weekday == 1:
        return day + 1 if day < last else day - 2
    return day


def _weekday_holds(field: str, year: int, month: int, day: int) -> bool:
    """`L` is Saturday, `6L` the month's last Friday, `3#2` its second Tuesday."""
    weekday = weekday_of(days_of(year, month, day))
    if field == "L":
        return weekday == 7
    last, nth = re.fullmatch(r"([1-7])L", field), re.fullmatch(r"([1-7])#([1-5])", field)
    if last:
        return weekday == int(last[1]) and day + 7 > month_length(year, month)
    if nth:
        return weekday == int(nth[1]) and (day - 1) // 7 + 1 == int(nth[2])
    return weekday in _numbers(field, 1, 7)


def _numbers(field: str, least: int, most: int) -> set[int]:
    """What a field of `*`, numbers, ranges and steps stands for."""
    found: set[int] = set()
    for item in field.split(","):
        match = _ITEM.fullmatch(item)
        if not match:
            raise ScheduleError(f"{item} is no part of a cron expression")
        first, last, step = match.groups()
        low = int(first) if first else least
        high = int(last) if last else most if step or not first else low
        if not (least <= low <= high <= most) or step == "0":
            raise ScheduleError(f"{item} is not within {least} to {most}")
        found.update(range(low, high + 1, int(step or 1)))
    return found


def _named(field: str, names: list[str]) -> str:
    """The field with its names as numbers, from 1."""
    for number, name in enumerate(names, 1):
        field = field.replace(name, str(number))
    return field
