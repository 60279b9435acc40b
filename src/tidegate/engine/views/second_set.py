"""What a deployment's second task set cost: blue/green runs two, and one of them is extra.

Until the promotion the candidate's tasks are the extra ones, after it the old release's are.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tidegate.core import decision as d
from tidegate.core.cost import Stay, share_of
from tidegate.core.instance import InstanceRecord
from tidegate.core.model import Service
from tidegate.engine.journal import Entry


@dataclass(slots=True)
class _Story:
    """What the journal has said so far."""

    services: dict[int, Service] = field(default_factory=dict)
    releases: dict[str, int] = field(default_factory=dict)
    instances: dict[str, InstanceRecord] = field(default_factory=dict)
    placed: dict[str, tuple[int, str]] = field(default_factory=dict)
    stays: list[Stay] = field(default_factory=list)
    managed: bool = False


def second_set_micros(deployment: str, entries: Iterable[Entry]) -> int | None:
    """Micro-dollars of the extra tasks' share of their instances; None without instances."""
    story = _Story()
    extra: int | None = None
    since = 0
    for entry in entries:
        event = entry.event
        _follow(story, entry)
        match event:
            case d.DeploymentStarted(name, _, stable, candidate) if name == deployment:
                extra, old, since = candidate, stable, entry.at
            case d.StablePromoted(name) if name == deployment and extra is not None:
                _count(story, extra, since, entry.at)
                extra, since = old, entry.at
            case d.DeploymentFinished(name) if name == deployment:
                _count(story, extra, since, entry.at)
                return share_of(story.stays) if story.managed else None
            case d.TaskRemoved(task) if story.releases.get(task) == extra:
                _leave(story, task, since, entry.at)
    return share_of(story.stays) if story.managed else None


def _follow(story: _Story, entry: Entry) -> None:
    match entry.event:
        case d.ReleaseMade(release):
            story.services[release.number] = release.service
        case d.TaskStarted(task, _, number):
            story.releases[task] = number
        case d.TaskPlaced(task, _, instance):
            story.placed[task] = (entry.at, instance)
            story.managed = True
        case d.InstanceLaunched():
            made = entry.event
            sizes = (made.cpu_units, made.memory_mib, made.price_micros, made.on_demand_micros)
            story.instances[made.instance] = InstanceRecord(
                made.instance, made.provider, made.kind, made.zone, *sizes, launched_at=entry.at
            )
        case _:
            pass


def _count(story: _Story, release: int | None, since: int, until: int) -> None:
    """The tasks of the release that are there now have stayed until now."""
    for task in [t for t, number in story.releases.items() if number == release]:
        _leave(story, task, since, until)


def _leave(story: _Story, task: str, since: int, until: int) -> None:
    placed = story.placed.get(task)
    if placed is None:
        return
    at, instance = placed
    settings = story.services[story.releases[task]]
    stay = Stay(
        max(0, until - max(since, at)),
        settings.cpu_units,
        settings.memory_mib,
        story.instances[instance],
    )
    story.stays.append(stay)
    del story.placed[task]
