"""The keys of `aws`: where and how the same app runs in an AWS account."""

import ipaddress
from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from tidegate.core import model
from tidegate.core.model import Architecture, Controller, Egress, Launch
from tidegate.spec.keys import Keys, Short, conflict, key, many, needed, part
from tidegate.spec.kinds import Kind, Moment, Switch, one_of, refuse, shaped
from tidegate.spec.strategy import StrategyKeys

TARGET = model.Target()
FLEET = TARGET.fleet
NETWORK = TARGET.network


def _cidr(value: object) -> object:
    if isinstance(value, str):
        try:
            return str(ipaddress.IPv4Network(value))
        except ValueError as error:
            raise refuse() from error
    return value


_CIDR_SCHEMA = (("type", "string"), ("pattern", r"^([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}$"))
Cidr = Annotated[str, Kind("a range of IPv4 addresses, such as `10.0.0.0/16`", _CIDR_SCHEMA, _cidr)]
Region = Annotated[
    str, shaped("[a-z]{2}(?:-[a-z]{2,8}){1,3}-[0-9]{1,2}", "an AWS region, such as `eu-central-1`")
]
Certificate = Annotated[
    str,
    shaped(
        r"arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[a-f0-9-]{36}",
        "the ARN of a certificate in AWS Certificate Manager",
    ),
]
VpcId = Annotated[str, shaped("vpc-[0-9a-f]{8,17}", "the id of a VPC, such as `vpc-0a1b2c3d`")]
SubnetId = Annotated[
    str, shaped("subnet-[0-9a-f]{8,17}", "the id of a subnet, such as `subnet-0a1b2c3d`")
]
InstanceType = Annotated[
    str, shaped(r"[a-z][a-z0-9-]{1,15}\.[a-z0-9-]{2,15}", "an instance type, such as `m7i.large`")
]
Weight = Annotated[int, Field(ge=0, le=1_000)]


class FleetKeys(Keys):
    """What tasks run on, and how much of it is spot."""

    launch: Annotated[str, one_of(*Launch)] = key(
        FLEET.launch.value, "Fargate, or EC2 instances in two Auto Scaling groups.", "ec2"
    )
    base: Annotated[int, Field(ge=0, le=1_000)] = key(
        FLEET.base, "The first so many tasks of each service are on-demand.", 2
    )
    on_demand: Weight = key(
        FLEET.on_demand_weight, "Of the tasks after the base: the share that is on-demand.", 1
    )
    spot: Weight = key(FLEET.spot_weight, "The share that is spot.", 0)
    instances: Annotated[list[InstanceType], Field(max_length=20)] = many(
        "With `launch: ec2`: the instance types, of one architecture. Left out: four large ones.",
        ["m7i.large", "m6i.large", "m5.large", "m7a.large"],
    )
    max_instances: Annotated[int, Field(ge=1, le=500)] = key(
        FLEET.most_instances, "With `launch: ec2`: the most instances of each group.", 20
    )

    @model_validator(mode="after")
    def _something_runs(self) -> "FleetKeys":
        if self.on_demand == 0 and self.spot == 0:
            raise conflict("both weights are 0", "give on_demand or spot a weight")
        if self.instances and self.launch != Launch.EC2:
            raise conflict("instances are for EC2 only", "add `launch: ec2`, or leave them out")
        return self

    def core(self) -> model.Fleet:
        """As the core knows it."""
        return model.Fleet(
            Launch(self.launch),
            self.base,
            self.on_demand,
            self.spot,
            tuple(self.instances),
            self.max_instances,
            for_all=bool(self.model_fields_set & {"base", "on_demand", "spot"}),
        )


class NetworkKeys(Short):
    """The network. A plain value is the CIDR of a new one."""

    short: ClassVar[str] = "cidr"
    cidr: Cidr = key(NETWORK.cidr, "The addresses of a new VPC, /16 to /24.", "10.0.0.0/16")
    zones: Annotated[int, Field(ge=2, le=3)] = key(
        NETWORK.zones, "How many availability zones the new VPC has.", 3
    )
    egress: Annotated[str, one_of(*Egress)] = key(
        NETWORK.egress.value,
        "A NAT gateway in each zone, or one for all: cheaper, and one zone can stop them all.",
        "single-nat",
    )
    id: VpcId | None = key(None, "An existing VPC, in place of a new one.", "vpc-0a1b2c3d4e5f6a7b8")
    public_subnets: list[SubnetId] = many(
        "Its subnets for the load balancer, in at least two zones.",
        ["subnet-0a1b2c3d", "subnet-1a2b3c4d"],
    )
    private_subnets: list[SubnetId] = many(
        "Its subnets for the tasks; they must reach the internet.",
        ["subnet-2a3b4c5d", "subnet-3a4b5c6d"],
    )

    @model_validator(mode="after")
    def _new_or_existing(self) -> "NetworkKeys":
        few = min(len(self.public_subnets), len(self.private_subnets)) < 2
        if self.id is not None and few:
            raise conflict(
                "an existing VPC needs its subnets",
                "write at least two each of public_subnets and private_subnets",
            )
        if self.id is None and (self.public_subnets or self.private_subnets):
            raise conflict("subnets without their VPC", "add `id: vpc-…`, or leave them out")
        if not 16 <= ipaddress.IPv4Network(self.cidr).prefixlen <= 24:
            raise conflict(f"{self.cidr} is no size for a VPC of ours", "take a /16 to /24")
        return self

    def core(self) -> model.Network:
        """As the core knows it."""
        return model.Network(
            self.cidr,
            self.zones,
            Egress(self.egress),
            self.id,
            tuple(self.public_subnets),
            tuple(self.private_subnets),
        )


class RepositoryKeys(Short):
    """The GitHub repository whose pushes are delivered. A plain value is `repository`."""

    short: ClassVar[str] = "repository"
    repository: Annotated[
        str, shaped("[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}", "`owner/name`")
    ] = needed("`owner/name` on GitHub.", "ann/catsndogs")
    token: Switch = key(
        False,
        "Use a token from Secrets Manager (`tidegate/APP/github-token`) and not CodeConnections.",
        True,
    )

    def core(self) -> model.Repository:
        """As the core knows it."""
        return model.Repository(self.repository, self.token)


class AwsKeys(Keys):
    """The same app on AWS. Nothing here matters on one machine."""

    region: Region | None = key(
        None, "The region. Left out: that of the credentials' profile.", "eu-central-1"
    )
    controller: Annotated[str, one_of(*Controller)] = key(
        TARGET.controller.value,
        "Who shifts the traffic: Amazon ECS itself, or AWS CodeDeploy.",
        "codedeploy",
    )
    capacity: FleetKeys = part(
        FleetKeys, "What tasks run on.", {"base": 2, "on_demand": 1, "spot": 3}
    )
    architecture: Annotated[str, one_of(*Architecture)] = key(
        TARGET.architecture.value, "The processor of builds and tasks.", "arm64"
    )
    vpc: NetworkKeys = part(NetworkKeys, "The network.", {"egress": "single-nat"})
    certificate: Certificate | None = key(
        None,
        "HTTPS with this certificate; HTTP is then only redirected.",
        "arn:aws:acm:eu-central-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef",
    )
    source: RepositoryKeys | None = key(
        None,
        "Where pushes come from. Left out: `tidegate deploy --target aws` uploads the revision.",
        "ann/catsndogs",
    )
    strategy: StrategyKeys | None = key(
        None,
        "The timetable on AWS, in place of every service's own. AWS counts whole minutes.",
        "ECSLinear10PercentEvery1Minutes",
    )
    bake: Moment | None = key(None, "The bake on AWS, in place of every service's own.", "5m")
    budget: Annotated[int, Field(ge=1, le=1_000_000)] | None = key(
        None, "US dollars a month; somebody is told at 80 % and when 100 % is forecast.", 150
    )
    test_from: list[Cidr] = many(
        "Who may reach the test listener; left out, only the network itself.", ["203.0.113.0/24"]
    )
    protect: Switch = key(
        TARGET.protect,
        "Whether stacks and load balancer are safe from deletion, and data outlives them.",
        False,
    )

    def core(self) -> model.Target:
        """As the core knows it."""
        return model.Target(
            self.region,
            Controller(self.controller),
            self.capacity.core(),
            Architecture(self.architecture),
            self.vpc.core(),
            self.certificate,
            self.source.core() if self.source else None,
            self.strategy.core() if self.strategy else None,
            self.bake,
            self.budget,
            tuple(self.test_from),
            self.protect,
        )
