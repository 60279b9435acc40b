"""How bad an advisory is: from its CVSS vector, or from the word of whoever published it.

The distribution's or GitHub's word decides the level; the score is kept beside it. The newest CVSS
counts: 4 before 3 before 2 (its levels: CVSS 3.1, table 14).
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from cvss import CVSS2, CVSS3, CVSS4  # type: ignore[import-untyped]  # the library has no types
from cvss.exceptions import CVSSError  # type: ignore[import-untyped]

from tidegate.core.findings import Severity

_WORDS = {
    "critical": Severity.CRITICAL,
    "important": Severity.HIGH,
    "high": Severity.HIGH,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "negligible": Severity.NEGLIGIBLE,
    "unimportant": Severity.NEGLIGIBLE,
}
_RANKS = {severity: rank for rank, severity in enumerate(reversed(Severity))}
_LIMITS = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM))
_KINDS = (("CVSS_V4", CVSS4), ("CVSS_V3", CVSS3), ("CVSS_V2", CVSS2))
_MOST_CHARACTERS = 512


def rank(severity: Severity) -> int:
    """The worse, the higher; UNKNOWN is 0."""
    return _RANKS[severity]


def of_word(word: object) -> Severity | None:
    """The level that a publisher's word means; None when it is no level at all."""
    if not isinstance(word, str):
        return None
    return _WORDS.get(word) or _WORDS.get(word.strip("* ").lower())


def of_score(score: float) -> Severity:
    """The level of a CVSS base score, 0 to 10."""
    for limit, severity in _LIMITS:
        if score >= limit:
            return severity
    return Severity.LOW if score else Severity.NEGLIGIBLE


@lru_cache(maxsize=16384)
def base_score(kind: str, vector: str) -> float | None:
    """The base score of a CVSS vector; None for a text that is no such vector."""
    reader = next((found for name, found in _KINDS if name == kind), None)
    if reader is None or len(vector) > _MOST_CHARACTERS:
        return None
    try:
        return float(reader(vector).base_score)
    except (CVSSError, ValueError, KeyError):
        return None


def of_entries(entries: object) -> tuple[Severity | None, float | None]:
    """The level and score of OSV's `severity` list: [{"type": "CVSS_V3", "score": vector}]."""
    if not entries:
        return None, None
    found = {str(e.get("type")): str(e.get("score")) for e in _mappings(entries)}
    score = None
    for kind, _ in _KINDS:
        if kind in found and (score := base_score(kind, found[kind])) is not None:
            break
    level = of_word(found["Ubuntu"]) if "Ubuntu" in found else None
    return level or (of_score(score) if score is not None else None), score


def _mappings(entries: object) -> Iterable[Mapping[str, Any]]:
    return (e for e in entries if isinstance(e, Mapping)) if isinstance(entries, list) else ()
