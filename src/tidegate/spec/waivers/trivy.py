"""Trivy's ignore files: `.trivyignore` and `.trivyignore.yaml`.

Source: Trivy's documentation, "Filtering", and `pkg/result/ignore.go`: `exp:` and `expired_at` end
at the first moment of their day (UTC).
"""

from typing import Any

from tidegate.core.errors import AppFileError
from tidegate.core.model import Waiver
from tidegate.spec.source import parse
from tidegate.spec.waivers.parts import (
    broken,
    items,
    moment_ms,
    name_of,
    package_of,
    text_of,
    words,
)


def read_lines(name: str, data: bytes) -> list[Waiver]:
    """`.trivyignore`: an id on each line, perhaps with `exp:2026-12-31`; `#` begins a comment.

    The comment right above an id is its reason.
    """
    waivers, reason = [], ""
    for number, line in enumerate(text_of(name, data).splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            reason = " ".join(line.strip("# ").split())[:500]
            continue
        id, *rest = line.split()
        until = None
        for word in rest:
            if word.startswith("exp:"):
                until = _day(name, word.removeprefix("exp:"), number)
        waivers.append(Waiver(id[:200], reason, until=until, source=name))
        reason = ""
    return waivers


def _day(name: str, text: str, line: int) -> int | None:
    try:
        return moment_ms(name, text, "exp:")
    except AppFileError as error:
        raise broken(name, error.cause, line) from error


def read_yaml(name: str, data: bytes) -> list[Waiver]:
    """`.trivyignore.yaml`: its `vulnerabilities`; what else stands there is not about packages."""
    source = parse(text_of(name, data), name)
    if source.problems or not isinstance(source.data, dict):
        cause = source.problems[0].cause if source.problems else "it is no mapping"
        raise broken(name, cause)
    found = items(name, source.data.get("vulnerabilities"), "vulnerabilities")
    return [_waiver(name, entry) for entry in found]


def _waiver(name: str, entry: dict[str, Any]) -> Waiver:
    id = name_of(name, entry.get("id"), "a vulnerability's id")
    if entry.get("paths"):
        raise broken(name, f"{id} is waived by path, which the gate does not know; name `purls`")
    purls = entry.get("purls") or []
    if not isinstance(purls, list) or not all(isinstance(purl, str) for purl in purls):
        raise broken(name, f"the purls of {id} are no list of texts")
    return Waiver(
        id,
        words(name, entry.get("statement"), f"the statement of {id}"),
        until=moment_ms(name, entry.get("expired_at"), f"expired_at of {id}"),
        packages=tuple(package_of(purl) for purl in purls),
        source=name,
    )
