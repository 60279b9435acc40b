"""Which providers are closed because they could not deliver, and for how long."""

from tidegate.core.capacity_events import ProviderClosed
from tidegate.core.progress import Progress
from tidegate.core.provider import Capacity, Provider

SHORT_BACKOFF_MS = 5_000
"""On-demand has nobody to stand in for it: it is tried again sooner, up to the first backoff."""


def closed(progress: Progress, now: int) -> frozenset[str]:
    """The providers from which nothing is ordered now."""
    known = progress.fleet.closures.items()
    return frozenset(name for name, closure in known if now < closure.until)


def close(
    progress: Progress, capacity: Capacity, provider: Provider, now: int, why: str
) -> ProviderClosed:
    """The provider closes: twice as long as the last time, up to the file's most."""
    known = progress.fleet.closures.get(provider.name)
    failures = min(known.failures if known else 0, 16)
    first, most = capacity.backoff_ms, capacity.backoff_most_ms
    if not provider.spot:
        first, most = min(SHORT_BACKOFF_MS, first), first
    return ProviderClosed(provider.name, now + min(first << failures, most), why)


def open_for_ms(progress: Progress, provider: str, now: int) -> int | None:
    """How long the provider has been open again; None when it was never closed."""
    known = progress.fleet.closures.get(provider)
    return None if known is None else now - known.until
