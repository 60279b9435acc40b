"""What the acts came to: a table for a person, JSON for a program."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `dropped` are the failed requests for which no release's own fault is the cause.

    `share_error_points` is how far the measured shares of the colours were from the planned ones
    at most; times are in ms. None: the act does not measure it.
    """

    name: str
    ok: bool
    requests: int
    failed: int
    dropped: int
    share_error_points: float | None = None
    detect_ms: int | None = None
    back_ms: int | None = None
    detail: dict[str, Any] = field(default_factory=dict)


def facts(acts: Sequence[Act], timing: str) -> dict[str, Any]:
    """For `--json`."""
    return {
        "ok": bool(acts) and all(act.ok for act in acts),
        "dropped": sum(act.dropped for act in acts),
        "requests": sum(act.requests for act in acts),
        "timing": timing,
        "acts": [asdict(act) for act in acts],
    }


def table(acts: Sequence[Act]) -> Table:
    """For a person."""
    made = Table(title="what the client saw", title_justify="left")
    for name in ("act", "held"):
        made.add_column(name, no_wrap=True)
    for name in (
        "requests",
        "failed",
        "without cause",
        "share error",
        "detected after",
        "back after",
    ):
        made.add_column(name, justify="right")
    for act in acts:
        share = act.share_error_points
        made.add_row(
            act.name,
            "✓ held" if act.ok else "✗ broken",
            f"{act.requests:,}",
            f"{act.failed:,}",
            f"{act.dropped:,}",
            "" if share is None else f"{share:.1f} points",
            _time(act.detect_ms),
            _time(act.back_ms),
        )
    return made


def _time(ms: int | None) -> str:
    return "" if ms is None else f"{ms / 1000:.1f} s"
