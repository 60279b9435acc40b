"""What a new app file would change, before anything does: a tree for people and for JSON.

What counts when follows the core: a release is made of what `core.releases.task_settings` keeps,
routes and counts follow the accepted file, and the rest of a service is frozen into its next
release.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from tidegate.core.model import App, Release, Service
from tidegate.core.progress import Progress
from tidegate.core.releases import task_settings
from tidegate.spec.flatten import flatten
from tidegate.spec.warnings import weaker


class Effect(StrEnum):
    """When a change counts."""

    RELEASE = "makes a new release"
    BUILD = "built again; a new release if the image differs"
    AT_ONCE = "at once"
    NEXT = "from the next release on"
    FIRST = "only at a first deployment; now use: tidegate scale"


class Kind(StrEnum):
    """What happens to a service."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Change:
    """One key by its path in the file. `old` or `new` is None when the key is not there."""

    path: str
    old: str | None
    new: str | None
    effect: Effect


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """One service: the release that it runs or heads for (`v3`), and what would change.

    `makes_release`: a new release is certain, whatever the build gives.
    """

    name: str
    kind: Kind
    release: str | None
    changes: tuple[Change, ...] = ()
    makes_release: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a push of `commit` would change; `app` holds the changes outside the services."""

    commit: str
    services: tuple[ServicePlan, ...]
    app: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()


_AT_ONCE = frozenset(
    {"routes", "count", "sticky", "retry_unsafe", "capacity_provider_strategy", "scaling"}
)
"""Fields of a service that follow the accepted file, not the release."""


def _release_fields() -> frozenset[str]:
    """The fields of a service that `task_settings` leaves as they are."""
    names = [field.name for field in fields(Service)]
    probe: dict[str, Any] = {name: object() for name in names}
    kept = task_settings(Service(**probe))
    return frozenset(name for name in names if getattr(kept, name) is probe[name]) - {"name"}


_RELEASE = _release_fields()


def plan(progress: Progress, wanted: App, commit: str) -> Plan:
    """Compare what runs, or is on its way, with what `wanted` asks for at `commit`."""
    running = progress.app
    services = [_service(progress, service, commit) for service in wanted.services]
    for service in running.services if running else ():
        if wanted.service(service.name) is None:
            release = _heading(progress, service.name)
            label = release.label if release else None
            services.append(ServicePlan(service.name, Kind.REMOVED, label))
    changes = tuple(_app_changes(running, wanted)) if running else ()
    return Plan(commit, tuple(services), changes, tuple(weaker(running, wanted)))


def _heading(progress: Progress, name: str) -> Release | None:
    """The release that the pipeline would compare with: waiting, candidate or stable."""
    known = progress.services.get(name)
    if known is None:
        return None
    deployment = progress.deployment_of(name)
    number = known.stable
    if known.waiting:
        number = known.waiting.release
    elif deployment and deployment.rollback is None:
        number = deployment.candidate
    return progress.releases.get(number) if number is not None else None


def _service(progress: Progress, wanted: Service, commit: str) -> ServicePlan:
    release = _heading(progress, wanted.name)
    if release is None:
        return ServicePlan(wanted.name, Kind.NEW, None, makes_release=True)
    accepted = progress.app.service(wanted.name) if progress.app else None
    changes = list(_service_changes(release.service, accepted or release.service, wanted))
    if release.commit != commit and wanted.build.image is None:
        path = f"services.{wanted.name}.commit"
        changes.append(Change(path, release.commit[:12], commit[:12], Effect.BUILD))
    certain = any(change.effect is Effect.RELEASE for change in changes)
    kind = Kind.CHANGED if changes else Kind.UNCHANGED
    return ServicePlan(wanted.name, kind, release.label, tuple(changes), certain)


def _service_changes(released: Service, accepted: Service, wanted: Service) -> Iterator[Change]:
    """Against the release where that is what runs, else against the file that counts now."""
    for field in fields(Service):
        before = getattr(released if field.name in _RELEASE else accepted, field.name)
        for path, old, new in _differences(field.name, before, getattr(wanted, field.name)):
            yield Change(f"services.{wanted.name}.{path}", old, new, _effect(field.name, path))


def _effect(field: str, path: str) -> Effect:
    if field in _RELEASE:
        return Effect.RELEASE
    if field == "build":
        return Effect.BUILD
    if path == "tasks.desired":
        return Effect.FIRST
    return Effect.AT_ONCE if field in _AT_ONCE else Effect.NEXT


def _app_changes(running: App, wanted: App) -> Iterator[Change]:
    for name in ("listener", "alarms", "gate", "pipeline", "retention", "capacity"):
        for path, old, new in _differences(name, getattr(running, name), getattr(wanted, name)):
            yield Change(path, old, new, Effect.AT_ONCE)


def _differences(
    name: str, before: object, after: object
) -> Iterator[tuple[str, str | None, str | None]]:
    old, new = flatten(name, before), flatten(name, after)
    for path in [*old, *(p for p in new if p not in old)]:
        if old.get(path) != new.get(path):
            yield path, old.get(path), new.get(path)


# --- words ---------------------------------------------------------------------------------------

_MARKS = {Kind.NEW: "+", Kind.CHANGED: "~", Kind.UNCHANGED: "=", Kind.REMOVED: "-"}


def lines(plan: Plan) -> list[str]:
    """The plan as lines of text: a mark and a word for each service, its changes below it."""
    text = [f"plan for {plan.commit[:12]}"]
    for service in plan.services:
        release = f" (runs {service.release})" if service.release else ""
        text.append(f"{_MARKS[service.kind]} {service.name}  {service.kind}{release}")
        text += [f"    {_line(change)}" for change in service.changes]
    text += [f"~ {_line(change)}" for change in plan.app]
    text += [f"! warning: {warning}" for warning in plan.warnings]
    return text


def _line(change: Change) -> str:
    old = "(not set)" if change.old is None else change.old
    new = "(not set)" if change.new is None else change.new
    return f"{change.path}: {old} → {new}  [{change.effect}]"
