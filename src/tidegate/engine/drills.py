"""Whom a drill strikes: the spot instances that were named, or a share of all of them."""

from dataclasses import dataclass

from tidegate.core.errors import NotFound, UsageError
from tidegate.core.instance import InstancePhase, InstanceRecord
from tidegate.core.progress import Progress


@dataclass(frozen=True, slots=True)
class Drill:
    """Which spot instances get a notice: `instances` by id, or a storm on a share of them.

    `provider` narrows a storm to one provider; "" is every one.
    """

    instances: tuple[str, ...] = ()
    storm_percent: int = 0
    provider: str = ""


def struck(progress: Progress, drill: Drill) -> tuple[str, ...]:
    """The ids of those that the drill strikes. Raises `NotFound` or `UsageError`."""
    if not drill.instances:
        return _storm(progress, drill)
    for name in drill.instances:
        _interruptible(progress, name)
    return drill.instances


def _interruptible(progress: Progress, name: str) -> None:
    known = progress.fleet.instances
    if name not in known:
        running = ", ".join(one.id for one in _spot(progress))
        raise NotFound(
            f"no instance {name}", remedy=f"spot instances: {running or 'none'}", code="TG741"
        )
    if not known[name].kind.spot:
        raise UsageError(
            f"{name} is on-demand: only spot instances are taken back",
            remedy="tidegate capacity shows which are spot",
            code="TG160",
        )
    if known[name].phase is not InstancePhase.READY:
        raise UsageError(
            f"{name} cannot be taken back: it is {known[name].phase}",
            remedy="only a ready instance can; tidegate capacity shows them",
            code="TG161",
        )


def _storm(progress: Progress, drill: Drill) -> tuple[str, ...]:
    spot = [one.id for one in _spot(progress) if drill.provider in ("", one.provider)]
    if not spot:
        raise NotFound(
            f"no spot instance of {drill.provider or 'any provider'} runs",
            remedy="tidegate capacity shows the instances",
            code="TG742",
        )
    return tuple(spot[: -(-len(spot) * drill.storm_percent // 100)])


def _spot(progress: Progress) -> list[InstanceRecord]:
    known = progress.fleet.instances.values()
    return [one for one in known if one.kind.spot and one.phase is InstancePhase.READY]
