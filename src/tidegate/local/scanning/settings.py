"""Where the advisories of this user lie, and where they come from.

$XDG_DATA_HOME/tidegate/advisories        the sources and the index, shared by every app
$XDG_CACHE_HOME/tidegate/layers           what layers hold, for `tidegate scan`
$XDG_CONFIG_HOME/tidegate/advisories.toml the settings, all of them optional
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tidegate.core.errors import ConfigurationError
from tidegate.scan.advisories.settings import Addresses

HOUR_MS = 3_600_000
_ADDRESSES = ("osv", "kev", "epss")
_KEYRINGS = {
    "debian": "/usr/share/keyrings/debian-archive-keyring.gpg",
    "ubuntu": "/usr/share/keyrings/ubuntu-archive-keyring.gpg",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The places, the addresses, and how often the data is brought in (0: never by itself).

    `keyrings` are the keys of each distribution whose security index is believed; `apt` are
    options that apt is given (`Dir::Etc::sourcelist=…`).
    """

    root: Path
    layers: Path
    addresses: Addresses = field(default_factory=Addresses)
    refresh_ms: int = 12 * HOUR_MS
    keyrings: Mapping[str, str] = field(default_factory=lambda: dict(_KEYRINGS))
    apt: tuple[str, ...] = ()

    @classmethod
    def of_user(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """This user's settings. Raises `ConfigurationError` TG245 for a file that is wrong."""
        found = os.environ if environment is None else environment
        data = _place(found, "XDG_DATA_HOME", ".local/share") / "tidegate"
        cache = _place(found, "XDG_CACHE_HOME", ".cache") / "tidegate"
        file = _place(found, "XDG_CONFIG_HOME", ".config") / "tidegate" / "advisories.toml"
        return _read(file, cls(data / "advisories", cache / "layers"))


def _place(environment: Mapping[str, str], name: str, otherwise: str) -> Path:
    """A folder by the XDG base directory specification: an address that is not absolute is none."""
    told = Path(environment.get(name, ""))
    return told if told.is_absolute() else Path(environment.get("HOME", "/"), otherwise)


def _read(file: Path, settings: Settings) -> Settings:
    try:
        told = tomllib.loads(file.read_text("utf-8"))
        return _with(settings, told)
    except FileNotFoundError:
        return settings
    except (OSError, ValueError, TypeError) as error:
        keys = ", ".join((*_ADDRESSES, "refresh_hours", "keyrings", "apt"))
        raise ConfigurationError(
            "the settings of the advisories cannot be used",
            cause=str(error),
            where=str(file),
            remedy=f"it is TOML with the keys {keys}, each optional",
            code="TG245",
        ) from error


def _with(settings: Settings, told: dict[str, Any]) -> Settings:
    unknown = set(told) - {*_ADDRESSES, "refresh_hours", "keyrings", "apt"}
    if unknown:
        raise ValueError(f"unknown key: {min(unknown)}")
    hours = told.get("refresh_hours", settings.refresh_ms / HOUR_MS)
    if isinstance(hours, bool) or not isinstance(hours, int | float) or hours < 0:
        raise ValueError("refresh_hours is a number of hours, 0 for never")
    addresses = {key: told[key] for key in _ADDRESSES if key in told}
    keyrings, apt = told.get("keyrings", {}), told.get("apt", [])
    if not isinstance(keyrings, dict) or not isinstance(apt, list):
        raise ValueError("keyrings is a table of files, apt a list of options")
    if not all(isinstance(text, str) for text in (*addresses.values(), *keyrings.values(), *apt)):
        raise ValueError("addresses, keyrings and apt's options are texts")
    return replace(
        settings,
        addresses=replace(settings.addresses, **addresses),
        refresh_ms=int(hours * HOUR_MS),
        keyrings={**settings.keyrings, **keyrings},
        apt=tuple(apt),
    )
