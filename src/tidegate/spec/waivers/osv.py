"""osv-scanner's settings: the `IgnoredVulns` of `osv-scanner.toml`.

Source: osv-scanner's documentation, "Configuration": `ignoreUntil` ends at that moment, a plain day
at its first. What it overrides for whole packages is left out, so that it waives nothing here.
"""

import tomllib

from tidegate.core.model import Waiver
from tidegate.spec.waivers.parts import broken, items, moment_ms, name_of, text_of, words


def read(name: str, data: bytes) -> list[Waiver]:
    """Its waivers. Raises `AppFileError`."""
    try:
        found = tomllib.loads(text_of(name, data))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise broken(name, f"it is not TOML: {error}") from error
    return [
        Waiver(
            name_of(name, entry.get("id"), "the id of IgnoredVulns"),
            words(name, entry.get("reason"), "the reason of IgnoredVulns"),
            until=moment_ms(name, entry.get("ignoreUntil"), "ignoreUntil"),
            source=name,
        )
        for entry in items(name, found.get("IgnoredVulns"), "IgnoredVulns")
    ]
