"""Times and sizes as people write them, and back: `500ms`, `2s`, `10m`, `1h`; `512MiB`, `2GiB`."""

import re

_TIME_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}
_SIZE_UNITS_MIB = {"": 1, "mib": 1, "gib": 1_024}
_TIME = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?(ms|s|m|h)", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?((?:mib|gib)?)", re.ASCII | re.IGNORECASE)

TIME_PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,3})? ?(ms|s|m|h)$"
"""What `time_ms` reads, as a JSON Schema pattern."""

SIZE_PATTERN = r"^[0-9]{1,9}(\.[0-9]{1,3})? ?([mM][iI][bB]|[gG][iI][bB])?$"
"""What `size_mib` reads, as a JSON Schema pattern."""


def time_ms(text: str) -> int | None:
    """Milliseconds of a time such as `1.5s`; None when it is none, or not whole milliseconds."""
    return _whole(_TIME.fullmatch(text), _TIME_UNITS_MS)


def size_mib(text: str) -> int | None:
    """MiB of a size such as `512MiB` or `512`; None when it is none, or not whole MiB."""
    return _whole(_SIZE.fullmatch(text), _SIZE_UNITS_MIB)


def time_text(ms: int) -> str:
    """The shortest way to write a time: 90,000 is `90s`, 3,600,000 is `1h`, 0 is `0s`."""
    for unit in ("h", "m", "s"):
        if ms % _TIME_UNITS_MS[unit] == 0 and (ms or unit == "s"):
            return f"{ms // _TIME_UNITS_MS[unit]}{unit}"
    return f"{ms}ms"


def size_text(mib: int) -> str:
    """The shortest way to write a size: 512 is `512MiB`, 2,048 is `2GiB`."""
    return f"{mib // 1_024}GiB" if mib and mib % 1_024 == 0 else f"{mib}MiB"


def _whole(match: re.Match[str] | None, units: dict[str, int]) -> int | None:
    if match is None:
        return None
    thousandths = round(float(match[1]) * 1_000) * units[match[2].lower()]
    return thousandths // 1_000 if thousandths % 1_000 == 0 else None
