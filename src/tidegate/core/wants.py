"""Which tasks each service should have now: its stable release's, and its candidate's."""

from dataclasses import dataclass

from tidegate.core.model import Colour, LifecycleStage, Release
from tidegate.core.progress import Deployment, Progress
from tidegate.core.routing import settled
from tidegate.core.seen import Seen


@dataclass(frozen=True, slots=True)
class Want:
    """`count` tasks of `release` in `colour`. Without `start` no new ones, but none is stopped."""

    release: Release
    colour: Colour
    count: int
    start: bool = True


def wants(progress: Progress, seen: Seen) -> tuple[Want, ...]:
    """Which tasks each service should have now."""
    found: list[Want] = []
    served = seen.balancer.routing if seen.balancer else {}
    for service in progress.services.values():
        in_file = progress.app is not None and progress.app.service(service.name) is not None
        if not in_file and service.name not in served and seen.balancer is not None:
            continue  # gone from the file, and the balancer sends it nothing any more
        if service.stable is not None:
            stable = progress.releases[service.stable]
            found.append(Want(stable, service.colour, service.desired))
        deployment = progress.deployment_of(service.name)
        if deployment and deployment.promoted:
            found += _old_stable(progress, deployment, seen)
        elif deployment:
            found += _candidate(progress, deployment, service.desired, seen)
    return tuple(found)


def _old_stable(progress: Progress, deployment: Deployment, seen: Seen) -> tuple[Want, ...]:
    """The old release's tasks stay until the balancer is seen to send all traffic to the new."""
    if deployment.stable is None or settled(progress, seen, deployment.service):
        return ()
    old = progress.releases[deployment.stable]
    return (Want(old, deployment.colour.other, 0, start=False),)


def _candidate(
    progress: Progress, deployment: Deployment, desired: int, seen: Seen
) -> tuple[Want, ...]:
    """The candidate's tasks, from SCALE_UP until a rollback is seen to have taken its traffic."""
    release = progress.releases[deployment.candidate]
    if deployment.rollback is not None:
        return (
            ()
            if traffic_is_back(progress, deployment, seen)
            else (Want(release, deployment.colour, 0, start=False),)
        )
    if deployment.stage is LifecycleStage.PRE_SCALE_UP:
        return ()
    return (Want(release, deployment.colour, desired),)


def traffic_is_back(progress: Progress, deployment: Deployment, seen: Seen) -> bool:
    """Whether the balancer is observed to give the rolled-back candidate nothing.

    Without a stable release there is no other place for the traffic, so nothing to wait for.
    """
    return deployment.stable is None or settled(progress, seen, deployment.service)
