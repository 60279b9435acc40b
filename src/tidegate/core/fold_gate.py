"""The fold of the gate's events about running releases."""

from dataclasses import replace

from tidegate.core import decision as d
from tidegate.core.progress import Progress


def advance_gate(progress: Progress, event: d.GateEvent) -> Progress:
    """The progress after it: the last word on the service's running release."""
    return replace(progress, rejudged={**progress.rejudged, event.service: event})
