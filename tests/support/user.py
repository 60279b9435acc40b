"""A user of a test: settings, data and cache below one folder."""

from pathlib import Path

from tidegate.scan.advisories.settings import Addresses

NOWHERE = Addresses("http://127.0.0.1:1/osv", "http://127.0.0.1:1/kev", "http://127.0.0.1:1/epss")
NO_APT = 'keyrings = {debian = "/nowhere", ubuntu = "/nowhere"}\n'


def own_places(folder: Path, addresses: Addresses = NOWHERE, more: str = NO_APT) -> dict[str, str]:
    """The environment of a user whose advisories come from these addresses."""
    settings(folder, addresses, more)
    names = ("config", "data", "cache")
    return {f"XDG_{name.upper()}_HOME": str(folder / name) for name in names}


def settings(folder: Path, addresses: Addresses, more: str = NO_APT) -> None:
    """Write the user's settings."""
    file = folder / "config" / "tidegate" / "advisories.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [f'{name} = "{getattr(addresses, name)}"' for name in ("osv", "kev", "epss")]
    file.write_text("\n".join([*rows, more]))


def advisories(folder: Path) -> Path:
    """Where that user's advisories lie."""
    return folder / "data" / "tidegate" / "advisories"
