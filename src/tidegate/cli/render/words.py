"""Small pieces of text: times, counts, shares, and states with an icon *and* a word."""

from datetime import datetime

from tidegate.engine.views.sentences import percent

_ICONS = {
    "succeeded": "✓",
    "healthy": "✓",
    "stable": "✓",
    "OK": "✓",
    "passed": "✓",
    "ok": "✓",
    "fail": "✗",
    "warn": "!",
    "good": "✓",
    "failed": "✗",
    "refused": "✗",
    "rolled back": "✗",
    "ALARM": "✗",
    "unknown": "✗",
    "ready": "✓",
    "running": "●",
    "launching": "●",
    "provisioning": "◌",
    "terminating": "◌",
    "candidate": "●",
    "started": "●",
    "waiting": "◌",
    "draining": "◌",
    "old": "◌",
    "stopping": "◌",
    "superseded": "◌",
    "INSUFFICIENT_DATA": "?",
}
_STYLES = {"✓": "green", "✗": "red", "●": "cyan", "◌": "yellow", "?": "yellow", "!": "yellow"}


def state(word: str) -> str:
    """The word with its icon, coloured where there is colour."""
    icon = _ICONS.get(word, "·")
    style = _STYLES.get(icon)
    return f"[{style}]{icon} {word}[/]" if style else f"{icon} {word}"


def span(ms: int) -> str:
    """A time as a person says it: 850 ms, 4.2 s, 3m11s, 2h05m."""
    if ms < 1_000:
        return f"{ms} ms"
    if ms < 60_000:
        return f"{ms / 1_000:.1f} s"
    seconds = ms // 1_000
    if seconds < 3_600:
        return f"{seconds // 60}m{seconds % 60:02d}s"
    if seconds < 86_400:
        return f"{seconds // 3_600}h{seconds % 3_600 // 60:02d}m"
    return f"{seconds // 86_400}d{seconds % 86_400 // 3_600:02d}h"


def clock(at: int) -> str:
    """A moment of this machine's day, to the second."""
    return datetime.fromtimestamp(at / 1_000).strftime("%Y-%m-%d %H:%M:%S")


def share(weight_bp: int | None) -> str:
    """A weight, or that it is not known."""
    return percent(weight_bp) if weight_bp is not None else "? %"


def commit(text: str) -> str:
    """The first 7 digits, as git shows them."""
    return text[:7]
