"""What the app file says about AWS: where, by which controller, on which capacity.

Nothing here decides on one machine; `tidegate.aws` makes stacks of it. Times are ms, money is
whole US dollars a month. Words are AWS's where it has one.
"""

from dataclasses import dataclass
from enum import StrEnum

from tidegate.core.policy import Shift


class Controller(StrEnum):
    """Who moves the traffic: Amazon ECS itself (AWS's advice), or AWS CodeDeploy."""

    ECS = "ecs"
    CODEDEPLOY = "codedeploy"


class Launch(StrEnum):
    """Where tasks run: on Fargate, or on EC2 instances of the account."""

    FARGATE = "fargate"
    EC2 = "ec2"


class Egress(StrEnum):
    """How private subnets reach the internet: what it costs against what a zone's loss breaks."""

    NAT_PER_ZONE = "nat-per-zone"
    SINGLE_NAT = "single-nat"


class Architecture(StrEnum):
    """The processor that images are built for and tasks run on."""

    X86_64 = "x86_64"
    ARM64 = "arm64"


@dataclass(frozen=True, slots=True)
class Fleet:
    """A capacity provider strategy of two providers.

    The first `base` tasks of each service are on-demand; the rest are split by the weights.
    `instances` and `most_instances` (of each group) are for `launch: ec2` only. `for_all`: the file
    says it under `aws`, so that it goes before `capacity` and the services' own strategies.
    """

    launch: Launch = Launch.FARGATE
    base: int = 1
    on_demand_weight: int = 1
    spot_weight: int = 3
    instances: tuple[str, ...] = ()
    most_instances: int = 10
    for_all: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """A new network with that CIDR, or an existing one (`vpc_id` and its subnets)."""

    cidr: str = "10.42.0.0/16"
    zones: int = 2
    egress: Egress = Egress.NAT_PER_ZONE
    vpc_id: str | None = None
    public_subnets: tuple[str, ...] = ()
    private_subnets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repository:
    """Where pushes come from: `owner/name` on GitHub.

    By CodeConnections, or with `token` by a GitHub token that lies in Secrets Manager.
    """

    name: str
    token: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """The app's place on AWS. Without `source`, the revision is uploaded by `tidegate deploy`.

    `shift` and `bake_ms` replace every service's own: seconds are for one machine, AWS counts
    minutes. `test_from` are the CIDRs that reach the test listener; none is the network alone.
    """

    region: str | None = None
    controller: Controller = Controller.ECS
    fleet: Fleet = Fleet()
    architecture: Architecture = Architecture.X86_64
    network: Network = Network()
    certificate: str | None = None
    source: Repository | None = None
    shift: Shift | None = None
    bake_ms: int | None = None
    budget_usd: int | None = None
    test_from: tuple[str, ...] = ()
    protect: bool = True


NO_TARGET = Target()
"""What an app has that says nothing of AWS."""
