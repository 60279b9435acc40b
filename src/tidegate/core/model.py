"""What the user asked for: an app, its services and their policies, as plain frozen data.

`tidegate.spec` builds these from `tidegate.yaml`; nothing here reads a file.
Time is integer milliseconds. Weights are basis points (`_bp`): 10,000 is all traffic, 10 is 0.1 %.
"""

from dataclasses import dataclass
from enum import StrEnum

from tidegate.core.policy import *  # noqa: F403 — a policy is part of what was asked for
from tidegate.core.policy import ALL_AT_ONCE, Alarm, DeploymentPolicy
from tidegate.core.provider import Capacity, StrategyItem
from tidegate.core.scaling.policy import NO_SCALING, Scaling
from tidegate.core.target import *  # noqa: F403 — and so is the place on AWS
from tidegate.core.target import NO_TARGET, Target


class Colour(StrEnum):
    """One of the two target groups of a service. A place; the part it plays is a role."""

    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> "Colour":
        """The target group beside this one."""
        return Colour.GREEN if self is Colour.BLUE else Colour.BLUE


class Role(StrEnum):
    """The part that a release plays in a service now."""

    STABLE = "stable"
    CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True)
class Header:
    """A header of a request and the value that it must have."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Route:
    """A listener rule: a path prefix and, if given, headers that must all be equal."""

    path: str = "/"
    headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """How a task shows that it is healthy. A new task needs one pass, as in ALB."""

    path: str = "/"
    interval_ms: int = 1_000
    timeout_ms: int = 1_000
    healthy_threshold: int = 2
    unhealthy_threshold: int = 2
    grace_period_ms: int = 30_000


@dataclass(frozen=True, slots=True)
class Security:
    """The hardening of a container. The defaults take everything away; a service asks back."""

    user: str | None = None
    read_only: bool = True
    tmpfs: tuple[str, ...] = ("/tmp", "/run", "/var/cache/nginx")  # what most web servers write to
    capabilities: tuple[str, ...] = ()
    pids_limit: int = 128


@dataclass(frozen=True, slots=True)
class Secret:
    """An environment variable whose value is read where the task starts, and never stored.

    `source` is `env:NAME` (the daemon's environment) or `file:PATH`.
    """

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Build:
    """How an image is made: a folder of the revision with a Dockerfile, or a ready image."""

    context: str = "."
    dockerfile: str = "Dockerfile"
    args: tuple[tuple[str, str], ...] = ()
    image: str | None = None


@dataclass(frozen=True, slots=True)
class TaskCount:
    """min ≤ desired ≤ max; `desired` is where a first deployment starts."""

    minimum: int = 1
    desired: int = 2
    maximum: int = 10


@dataclass(frozen=True, slots=True)
class Service:
    """One service of the app, as its release freezes it."""

    name: str
    port: int = 80
    build: Build = Build()
    routes: tuple[Route, ...] = (Route(),)
    cpu_units: int = 256
    memory_mib: int = 128
    count: TaskCount = TaskCount()
    health: HealthCheck = HealthCheck()
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    secrets: tuple[Secret, ...] = ()
    security: Security = Security()
    test: tuple[str, ...] = ()
    deployment: DeploymentPolicy = ALL_AT_ONCE
    stop_grace_ms: int = 10_000
    drain_timeout_ms: int = 30_000
    sticky: bool = False
    retry_unsafe: bool = False
    capacity_provider_strategy: tuple[StrategyItem, ...] = ()
    scaling: Scaling = NO_SCALING


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the app answers: production, test traffic, the header that reaches the candidate."""

    address: str = "127.0.0.1"
    port: int = 8080
    test_port: int = 8081
    test_header: str = "x-tidegate-test"
    certificate: str | None = None


class GateMode(StrEnum):
    """Whether the scan gate judges (`enforce`) or is switched off by the file (`off`)."""

    ENFORCE = "enforce"
    OFF = "off"


class UnknownRule(StrEnum):
    """What becomes of an image whose verdict is UNKNOWN: refused, or run with a warning."""

    REFUSE = "refuse"
    WARN = "warn"


APP_FILE = "tidegate.yaml"


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody's dated word that one vulnerability may stand.

    `id` and `aliases` are names of it. `until` (ms) is the first moment at which the waiver counts
    no longer, None when the file that it was read from knows no end. `packages` are names with
    `*`, or purls; empty: every package. `service` and `digest` narrow it to one service and one
    image. `source` is the file that it stands in.
    """

    id: str
    reason: str
    owner: str = ""
    until: int | None = None
    packages: tuple[str, ...] = ()
    service: str = ""
    digest: str = ""
    aliases: tuple[str, ...] = ()
    source: str = APP_FILE


DAY_MS = 86_400_000


class ScannerName(StrEnum):
    """Who looks at the images: Tidegate itself, or a program that is installed beside it."""

    TIDEGATE = "tidegate"
    TRIVY = "trivy"
    GRYPE = "grype"
    OSV_SCANNER = "osv-scanner"


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """The policy of the scan gate (`core.gate` has the rules).

    `limits` holds (severity, most allowed) pairs; a severity without a pair is not limited.
    `grace_ms` holds (severity, ms since its publication) pairs. `data_warn_ms` and
    `data_unknown_ms` are the ages of vulnerability data from which on the gate warns, and from
    which on it knows nothing; None: never. `vex` names files with waivers.
    """

    mode: GateMode = GateMode.ENFORCE
    limits: tuple[tuple[str, int], ...] = (("CRITICAL", 0), ("HIGH", 0))
    only_fixable: bool = True
    new_only: bool = True
    on_unknown: UnknownRule = UnknownRule.REFUSE
    grace_ms: tuple[tuple[str, int], ...] = ()
    data_warn_ms: int | None = 3 * DAY_MS
    data_unknown_ms: int | None = 14 * DAY_MS
    waivers: tuple[Waiver, ...] = ()
    vex: tuple[str, ...] = ()
    scanner: ScannerName = ScannerName.TIDEGATE


@dataclass(frozen=True, slots=True)
class PipelinePolicy:
    """What a push goes through before it is deployed."""

    branch: str = "main"
    approval: bool = False
    approval_timeout_ms: int = 3_600_000
    stage_timeout_ms: int = 1_800_000


@dataclass(frozen=True, slots=True)
class App:
    """What `tidegate.yaml` describes. `retention` good releases of each service are kept.

    `capacity` None: one machine as it is, with no instances.
    """

    name: str
    services: tuple[Service, ...]
    listener: Listener = Listener()
    alarms: tuple[Alarm, ...] = ()
    gate: GatePolicy = GatePolicy()
    pipeline: PipelinePolicy = PipelinePolicy()
    retention: int = 5
    aws: Target = NO_TARGET
    capacity: Capacity | None = None

    def service(self, name: str) -> Service | None:
        """The service of that name, or None."""
        return next((s for s in self.services if s.name == name), None)


@dataclass(frozen=True, slots=True)
class Release:
    """A numbered pair of image and service settings, never changed once made.

    `digest` names the image by content. `verdict` is the gate's word on that digest; `allowed`:
    it is unknown, and the file of that revision lets such an image run.
    """

    number: int
    service: Service
    digest: str
    commit: str
    execution: str
    verdict: str
    made_at: int
    allowed: bool = False

    @property
    def label(self) -> str:
        """Its number as people write it: `v42`."""
        return f"v{self.number}"
