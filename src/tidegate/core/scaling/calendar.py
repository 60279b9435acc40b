"""The civil calendar in UTC, in integers: days since 1 January 1970, and back.

Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (civil_from_days and
days_from_civil), for the proleptic Gregorian calendar.
"""

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000


def days_of(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to that date."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def date_of(days: int) -> tuple[int, int, int]:
    """(year, month, day) of so many days since 1970-01-01."""
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + (3 if shifted < 10 else -9)
    return year + era * 400 + (month <= 2), month, of_year - (153 * shifted + 2) // 5 + 1


def weekday_of(days: int) -> int:
    """1 for Sunday to 7 for Saturday, as AWS's cron counts."""
    return (days + 4) % 7 + 1


def month_length(year: int, month: int) -> int:
    """How many days the month has."""
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    return days_of(*following, 1) - days_of(year, month, 1)


def text_of(at_ms: int) -> str:
    """A moment as people write it: `2026-11-25 08:00 UTC`."""
    days, rest = divmod(at_ms, DAY_MS)
    year, month, day = date_of(days)
    hour, minute = divmod(rest // MINUTE_MS, 60)
    return f"{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC"
