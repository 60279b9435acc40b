"""Read secrets where and when a task starts. Their values go nowhere but into its environment."""

import os
from collections.abc import Iterable
from pathlib import Path

from tidegate.core.errors import EffectFailed
from tidegate.core.model import Secret


def read_secrets(secrets: Iterable[Secret]) -> dict[str, str]:
    """The value of each by name. Raises `EffectFailed` TG915, which names the source only."""
    return {secret.name: _read(secret) for secret in secrets}


def _read(secret: Secret) -> str:
    kind, _, place = secret.source.partition(":")
    if kind == "env":
        value = os.environ.get(place)
        if value is None:
            raise _missing(secret, f"the daemon's environment has no {place}")
        return value
    if kind == "file":
        try:
            return Path(place).expanduser().read_text().rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise _missing(secret, f"{place} cannot be read: {reason}") from None
    raise _missing(secret, "a source is env:NAME or file:PATH")


def _missing(secret: Secret, cause: str) -> EffectFailed:
    return EffectFailed(
        f"the secret {secret.name} cannot be had",
        cause=cause,
        remedy="set it where `tidegate up` was started, or make the file readable to it",
        code="TG915",
    )
