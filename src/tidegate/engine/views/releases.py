"""Releases: what each is, what part it plays now, and what became of it."""

from dataclasses import dataclass

from tidegate.core.decision import Event
from tidegate.core.model import Release, Service
from tidegate.core.progress import Progress
from tidegate.engine.journal import Entry
from tidegate.engine.views.events import Moment, moment
from tidegate.engine.views.related import Related


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """`state`: stable, candidate, waiting, good (a rollback may go to it) or past."""

    number: int
    service: str
    state: str
    commit: str
    digest: str
    execution: str
    verdict: str
    made_at: int


@dataclass(frozen=True, slots=True)
class ReleaseDetail:
    """One release with its settings and all that its deployments went through."""

    release: ReleaseView
    settings: Service
    history: tuple[Moment, ...]


def view_release(progress: Progress, release: Release) -> ReleaseView:
    """The release and the part that it plays in `progress`."""
    return ReleaseView(
        release.number,
        release.service.name,
        _state(progress, release),
        release.commit,
        release.digest,
        release.execution,
        release.verdict,
        release.made_at,
    )


def view_detail(progress: Progress, release: Release, entries: list[Entry]) -> ReleaseDetail:
    """The release with its history out of the whole journal, `entries`."""
    related = Related(releases={release.number})
    held = [entry for entry in entries if related.holds(entry.event)]
    told = [entry for entry in held if not _of_task(entry.event)]
    history = tuple(moment(entry, release.made_at) for entry in told)
    return ReleaseDetail(view_release(progress, release), release.service, history)


def _state(progress: Progress, release: Release) -> str:
    service = progress.services.get(release.service.name)
    if service is None:
        return "past"
    moving = progress.deployment_of(service.name)
    if service.stable == release.number:
        return "stable"
    if moving and moving.candidate == release.number:
        return "candidate"
    if service.waiting and service.waiting.release == release.number:
        return "waiting"
    return "good" if release.number in service.good else "past"


def _of_task(event: Event) -> bool:
    """A task's comings and goings; what goes wrong with one stays in."""
    return hasattr(event, "task") and not getattr(event, "failed", False)
