"""Days of the calendar (UTC) out of milliseconds, for people: the core has no `datetime`."""

from tidegate.core.model import DAY_MS


def day_text(ms: int) -> str:
    """The UTC day that holds this moment (ms since 1970), as `2026-12-31`.

    Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    """
    shifted = ms // DAY_MS + 719_468  # days since 0000-03-01
    era, day_of_era = divmod(shifted, 146_097)
    year_of_era = (
        day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153  # from March
    day = day_of_year - (153 * shifted_month + 2) // 5 + 1
    month = shifted_month + 3 if shifted_month < 10 else shifted_month - 9
    year = year_of_era + era * 400 + (month <= 2)
    return f"{year:04}-{month:02}-{day:02}"


def age_text(ms: int) -> str:
    """A span in whole days: `1 day`, `14 days`."""
    days = ms // DAY_MS
    return f"{days} day{'' if days == 1 else 's'}"
