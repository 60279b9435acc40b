"""The bounds of a service's desired count: the file's, unless a scheduled action set others."""

from tidegate.core.model import TaskCount
from tidegate.core.progress import Progress
from tidegate.core.scaling.state import UNSCALED


def bounds(progress: Progress, service: str) -> tuple[int, int]:
    """(min, max) of the desired count now; (0, 0) for a service that is in no file."""
    known = progress.app.service(service) if progress.app else None
    return bounds_of(progress, service, known.count) if known else (0, 0)


def bounds_of(progress: Progress, service: str, count: TaskCount) -> tuple[int, int]:
    """`bounds` when the file's count is at hand."""
    state = progress.scaling.get(service, UNSCALED)
    least = count.minimum if state.minimum is None else state.minimum
    most = count.maximum if state.maximum is None else state.maximum
    return least, max(least, most)
