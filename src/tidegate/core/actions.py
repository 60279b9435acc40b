"""What a controller may do to the world. Each action is imperative and safe to do twice.

`Action` is a closed union: `match` with `assert_never` makes a forgotten case a type error.
"""

from dataclasses import dataclass

from tidegate.core.model import App, Colour, Hook, Service, TrafficCheck
from tidegate.core.provider import Provider
from tidegate.core.seen import Routing

# --- jobs: work that takes a while, started by `StartJob`, seen in `Seen.jobs` ------------------


@dataclass(frozen=True, slots=True)
class BuildImages:
    """Build one image for each service from the execution's source; answers `images`."""

    id: str
    execution: str
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True)
class RunTests:
    """Run each service's `test` command inside its image."""

    id: str
    execution: str
    services: tuple[Service, ...]
    images: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ScanImages:
    """Ask the scanner about each digest of `images` and `running`; answers `reports`.

    `running` are the images of the stable releases, to tell what is new. `execution` is empty when
    running releases are matched again.
    """

    id: str
    execution: str
    images: tuple[tuple[str, str], ...]
    running: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RunChecks:
    """Send the smoke checks to the test listener."""

    id: str
    service: Service
    checks: tuple[TrafficCheck, ...]


@dataclass(frozen=True, slots=True)
class RunHook:
    """Run a command or call a URL. The deployment's facts are passed as TIDEGATE_* variables."""

    id: str
    hook: Hook
    deployment: str
    service: str
    release: int
    weight_bp: int


Job = BuildImages | RunTests | ScanImages | RunChecks | RunHook

# --- actions ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartTask:
    """Start one container of `release`, by digest, on `instance` (None: on the machine itself).

    Nothing happens when `task` is already there.
    """

    task: str
    service: Service
    release: int
    digest: str
    instance: str | None = None


@dataclass(frozen=True, slots=True)
class StopTask:
    """Ask the task to stop, and kill it after `grace_ms`. It is STOPPED afterwards."""

    task: str
    grace_ms: int


@dataclass(frozen=True, slots=True)
class RemoveTask:
    """Remove what is left of a STOPPED task; its last log lines are kept."""

    task: str


@dataclass(frozen=True, slots=True)
class RegisterTarget:
    """Put a healthy task into a target group of the balancer, ready for requests."""

    task: str
    service: str
    colour: Colour
    address: str


@dataclass(frozen=True, slots=True)
class DrainTarget:
    """Send the task no new requests; those under way go on."""

    task: str
    service: str
    colour: Colour


@dataclass(frozen=True, slots=True)
class DeregisterTarget:
    """Take the task out of its target group. `force` cuts what is still under way."""

    task: str
    service: str
    colour: Colour
    force: bool = False


@dataclass(frozen=True, slots=True)
class ApplyRouting:
    """Set the split of one service's traffic, at run time, without a reload."""

    routing: Routing


@dataclass(frozen=True, slots=True)
class ApplyListener:
    """Make the balancer serve exactly these services and their routes."""

    app: App


@dataclass(frozen=True, slots=True)
class StartJob:
    """Start a job. Nothing happens when one of that id runs or has ended."""

    job: Job


@dataclass(frozen=True, slots=True)
class PruneImages:
    """Remove the app's images except these digests."""

    keep: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LaunchInstance:
    """Order an instance of the provider. Nothing happens when `instance` is already there."""

    instance: str
    provider: Provider
    zone: str


@dataclass(frozen=True, slots=True)
class TerminateInstance:
    """Give the instance back, with whatever is still on it. Nothing happens when it is gone."""

    instance: str


Action = (
    StartTask
    | StopTask
    | RemoveTask
    | RegisterTarget
    | DrainTarget
    | DeregisterTarget
    | ApplyRouting
    | ApplyListener
    | StartJob
    | PruneImages
    | LaunchInstance
    | TerminateInstance
)


def identity(action: Action) -> str:
    """The deterministic id of an action: two actions with one identity are the same action."""
    kind = type(action).__name__
    match action:
        case StartJob(job):
            return f"{kind}/{job.id}"
        case ApplyRouting(routing):
            return f"{kind}/{routing.service}/{routing.green_bp}/{routing.test or '-'}"
        case ApplyListener(app):
            served = [(s.name, s.routes, s.sticky, s.retry_unsafe) for s in app.services]
            return f"{kind}/{app.listener}/{served}"
        case PruneImages(keep):
            return f"{kind}/{','.join(keep)}"
        case LaunchInstance(instance) | TerminateInstance(instance):
            return f"{kind}/{instance}"
        case _:
            return f"{kind}/{action.task}"
