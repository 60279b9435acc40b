"""A service's task definition and AppSpec as plain JSON, for stacks and for the deploy function.

One place makes both, so a task that the pipeline registers is the task that the stack has. Names
and ARNs that only CloudFormation knows come in as text. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tidegate.aws import fit
from tidegate.aws.names import (
    PLACEHOLDER_TASK,
    TAG_APP,
    TAG_SERVICE,
    Names,
)
from tidegate.core.model import App, Architecture, Launch, Service

Json = dict[str, Any]

_LONGEST_STOP_S = 120
_TMPFS_MIB = 64
_AS_WRITTEN = frozenset({"options"})
"""Mappings whose keys are not the API's."""


@dataclass(frozen=True, slots=True)
class Known:
    """What CloudFormation knows: roles, the log group, and the prefix of SSM parameters' ARNs."""

    execution_role: str
    task_role: str
    log_group: str
    region: str
    parameters_arn: str
    """`arn:aws:ssm:REGION:ACCOUNT:parameter`, without a slash at its end."""


def definition(app: App, service: Service, image: str, known: Known) -> Json:
    """The input of RegisterTaskDefinition."""
    cpu, memory = fit.size(app, service) or (service.cpu_units, service.memory_mib)
    arm = app.aws.architecture is Architecture.ARM64
    return {
        "family": Names(app.name).task_family(service.name),
        "networkMode": "awsvpc",
        "requiresCompatibilities": [app.aws.fleet.launch.value.upper()],
        "cpu": str(cpu),
        "memory": str(memory),
        "executionRoleArn": known.execution_role,
        "taskRoleArn": known.task_role,
        "runtimePlatform": {
            "cpuArchitecture": "ARM64" if arm else "X86_64",
            "operatingSystemFamily": "LINUX",
        },
        "containerDefinitions": [_container(app, service, image, known)],
        "tags": [
            {"key": TAG_APP, "value": app.name},
            {"key": TAG_SERVICE, "value": service.name},
        ],
    }


def _container(app: App, service: Service, image: str, known: Known) -> Json:
    names = Names(app.name)
    secrets = [
        {
            "name": secret.name,
            "valueFrom": known.parameters_arn + names.secret_parameter(service.name, secret.name),
        }
        for secret in service.secrets
    ]
    return {
        "name": service.name,
        "image": image,
        "essential": True,
        "portMappings": [{"containerPort": service.port, "protocol": "tcp"}],
        **({"command": list(service.command)} if service.command else {}),
        "environment": [{"name": n, "value": v} for n, v in service.environment],
        **({"secrets": secrets} if secrets else {}),
        **_hardening(app, service),
        "stopTimeout": fit.seconds(service.stop_grace_ms, 2, _LONGEST_STOP_S),
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": known.log_group,
                "awslogs-region": known.region,
                "awslogs-stream-prefix": service.name,
                "mode": "non-blocking",
                "max-buffer-size": "25m",
            },
        },
    }


def _hardening(app: App, service: Service) -> Json:
    """As on one machine: nothing is given that is not asked for. ECS has no limit of processes."""
    security = service.security
    capabilities: Json = {"drop": ["ALL"]}
    if security.capabilities:
        capabilities["add"] = sorted(security.capabilities)
    tmpfs = [
        {"containerPath": path, "size": _TMPFS_MIB, "mountOptions": ["rw", "noexec", "nosuid"]}
        for path in security.tmpfs
    ]
    linux: Json = {"initProcessEnabled": True, "capabilities": capabilities}
    if tmpfs:
        linux["tmpfs"] = tmpfs
    hardened: Json = {"readonlyRootFilesystem": security.read_only, "linuxParameters": linux}
    if security.user:
        hardened["user"] = security.user
    if app.aws.fleet.launch is Launch.EC2:
        hardened["dockerSecurityOptions"] = ["no-new-privileges"]
    return hardened


def strategy(app: App, service: Service, on_demand: str, spot: str) -> list[Json]:
    """The capacity provider strategy; a provider without base and weight is left out."""
    fleet = fit.fleet_of(app, service)
    items = [{"capacityProvider": on_demand, "base": fleet.base, "weight": fleet.on_demand_weight}]
    if fleet.spot_weight:
        items.append({"capacityProvider": spot, "base": 0, "weight": fleet.spot_weight})
    if not fleet.base and not fleet.on_demand_weight:
        del items[0]
    return items


@dataclass(frozen=True, slots=True)
class Places:
    """Where CodeDeploy starts the new tasks."""

    subnets: list[str]
    security_group: str
    on_demand: str
    spot: str
    hook_function: str


def appspec(app: App, service: Service, places: Places) -> Json:
    """CodeDeploy's AppSpec for ECS.

    It repeats the capacity provider strategy: CodeDeploy forgets the service's own, and its tasks
    then silently turn on-demand (containers-roadmap 713).
    """
    properties = {
        "TaskDefinition": PLACEHOLDER_TASK,
        "LoadBalancerInfo": {"ContainerName": service.name, "ContainerPort": service.port},
        "NetworkConfiguration": {
            "AwsvpcConfiguration": {
                "Subnets": places.subnets,
                "SecurityGroups": [places.security_group],
                "AssignPublicIp": "DISABLED",
            }
        },
        "CapacityProviderStrategy": [
            {
                "CapacityProvider": item["capacityProvider"],
                "Base": item["base"],
                "Weight": item["weight"],
            }
            for item in strategy(app, service, places.on_demand, places.spot)
        ],
    }
    if app.aws.fleet.launch is Launch.FARGATE:
        properties["PlatformVersion"] = "LATEST"
    target = {"Type": "AWS::ECS::Service", "Properties": properties}
    policy = fit.policy_of(app, service)
    hooks = [{"AfterAllowTestTraffic": places.hook_function}] if policy.checks else []
    hooks += [{"AfterAllowTraffic": places.hook_function}] if policy.analysis.enabled else []
    return {"version": 0.0, "Resources": [{"TargetService": target}], "Hooks": hooks}


def as_properties(value: Any) -> Any:
    """An API's JSON as a resource's properties: keys begin with a capital."""
    if isinstance(value, Mapping):
        return {
            key[:1].upper() + key[1:]: dict(inner) if key in _AS_WRITTEN else as_properties(inner)
            for key, inner in value.items()
        }
    return [as_properties(one) for one in value] if isinstance(value, list) else value
