"""ECS with its own deployments: a service deployment goes through its stages as it is told to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.support.aws.fake import NOW, NUMBER, REGION, Clock, Refused
from tests.support.aws.services import MOVING, time_of

BASE = f"arn:aws:ecs:{REGION}:{NUMBER}"


@dataclass
class Kept:
    """One service: its groups (blue, green), its deployments, the newest first."""

    name: str
    arn: str
    groups: tuple[str, str]
    rule: str
    controller: str
    desired: int = 2
    task_definition: str = ""
    task_sets: list[dict[str, Any]] = field(default_factory=list)
    deployments: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Ecs:
    clock: Clock
    cluster: str
    services: dict[str, Kept] = field(default_factory=dict)
    definitions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    revisions: dict[str, dict[str, Any]] = field(default_factory=dict)
    drains_at_look: int = 2
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    instances: list[dict[str, Any]] = field(default_factory=list)

    # --- what a test says ------------------------------------------------------------------

    def make(
        self, name: str, arn: str, groups: tuple[str, str], rule: str, controller: str
    ) -> None:
        self.services[name] = Kept(name, arn, groups, rule, controller)

    def define(self, family: str, digest: str) -> str:
        image = f"{NUMBER}.registry.example/shop@{digest}"
        known = self.definitions.setdefault(family, [])
        number = len(known) + 1
        arn = f"{BASE}:task-definition/{family}:{number}"
        container = {"name": "web", "image": image, "portMappings": [{"containerPort": 80}]}
        known.append(
            {
                "taskDefinitionArn": arn,
                "family": family,
                "revision": number,
                "cpu": "256",
                "memory": "512",
                "containerDefinitions": [container],
                "registeredAt": time_of(NOW - 1_000_000 + number * 1_000),
            }
        )
        return arn

    def settle(self, service: str, *numbers: int) -> None:
        """Deployments to these releases have succeeded; the last one serves in blue."""
        kept = self.services[service]
        for number in numbers:
            self._deploy(kept, number, "SUCCESSFUL")
        kept.task_definition = self._definition(kept, numbers[-1])
        kept.task_sets = [self._task_set(kept, numbers[-1], "PRIMARY")]

    def move(self, service: str, number: int, stage: str, weight: float, **facts: Any) -> Any:
        """A deployment to that release is under way, its candidate in green."""
        kept = self.services[service]
        made = self._deploy(kept, number, "IN_PROGRESS")
        made.update(facts)
        made["lifecycleStage"] = stage
        made["targetServiceRevision"]["requestedProductionTrafficWeight"] = weight
        return made

    def run(self, service: str, number: int, address: str) -> str:
        kept = self.services[service]
        name = f"{len(self.tasks):032x}"
        arn = f"{BASE}:task/{self.cluster}/{name}"
        details = [{"name": "privateIPv4Address", "value": address}]
        self.tasks[name] = {
            "taskArn": arn,
            "group": f"service:{kept.name}",
            "taskDefinitionArn": self._definition(kept, number),
            "lastStatus": "RUNNING",
            "desiredStatus": "RUNNING",
            "createdAt": time_of(NOW - 60_000),
            "startedAt": time_of(NOW - 50_000),
            "cpu": "256",
            "memory": "512",
            "capacityProviderName": "FARGATE" if len(self.tasks) % 2 == 0 else "FARGATE_SPOT",
            "availabilityZone": f"{REGION}a",
            "attachments": [{"id": "eni", "type": "eni", "status": "OK", "details": details}],
            "containers": [{"name": "web"}],
        }
        return arn

    def _definition(self, kept: Kept, number: int) -> str:
        return f"{BASE}:task-definition/tidegate-shop-{kept.name}:{number}"

    def _task_set(self, kept: Kept, number: int, status: str) -> dict[str, Any]:
        return {"status": status, "taskDefinition": self._definition(kept, number)}

    def _deploy(self, kept: Kept, number: int, status: str) -> dict[str, Any]:
        count = len(kept.deployments)
        where = f"{self.cluster}/{kept.name}"
        arn = f"{BASE}:service-revision/{where}/{count:04d}"
        candidate = kept.groups[count % 2 if status == "SUCCESSFUL" else 1]
        self.revisions[arn] = {
            "serviceRevisionArn": arn,
            "taskDefinition": self._definition(kept, number),
            "loadBalancers": [
                {
                    "targetGroupArn": kept.groups[0],
                    "advancedConfiguration": {
                        "alternateTargetGroupArn": kept.groups[1],
                        "productionListenerRule": kept.rule,
                    },
                }
            ],
            "resolvedConfiguration": {
                "loadBalancers": [
                    {"targetGroupArn": candidate, "productionListenerRule": kept.rule}
                ]
            },
        }
        at = NOW - 900_000 + count * 60_000
        before = kept.deployments[0]["targetServiceRevision"]["arn"] if kept.deployments else ""
        made = {
            "serviceDeploymentArn": f"{BASE}:service-deployment/{where}/dep{count:04d}",
            "serviceArn": kept.arn,
            "status": status,
            "createdAt": time_of(at),
            "startedAt": time_of(at + 1_000),
            "targetServiceRevision": {"arn": arn},
            "sourceServiceRevisions": [{"arn": before}] if before else [],
            "deploymentConfiguration": {
                "strategy": "LINEAR",
                "linearConfiguration": {"stepPercent": 10.0, "stepBakeTimeInMinutes": 1},
            },
        }
        if status == "SUCCESSFUL":
            made["finishedAt"] = time_of(at + 50_000)
        kept.deployments.insert(0, made)
        return made

    # --- the API ---------------------------------------------------------------------------

    def _named(self, name: str) -> Kept:
        found = next((k for k in self.services.values() if name in (k.name, k.arn)), None)
        if found is None:
            raise Refused("ServiceNotFoundException", "Service not found.")
        return found

    def DescribeServices(self, cluster: str, services: list[str]) -> Any:
        kept = self._named(services[0])
        running = sum(t["group"] == f"service:{kept.name}" for t in self.tasks.values())
        one: dict[str, Any] = {
            "serviceName": kept.name,
            "serviceArn": kept.arn,
            "status": "ACTIVE",
            "desiredCount": kept.desired,
            "runningCount": running if kept.desired or self.drains_at_look > 0 else 0,
            "taskDefinition": kept.task_definition,
            "events": self.events.get(kept.name, []),
        }
        if not kept.desired:
            self.drains_at_look -= 1
        if kept.controller == "codedeploy":
            one["taskSets"] = kept.task_sets
        return {"services": [one]}

    def UpdateService(self, cluster: str, service: str, **asked: Any) -> Any:
        kept = self._named(service)
        if kept.controller == "codedeploy" and "taskDefinition" in asked:
            raise Refused(
                "InvalidParameterException",
                "Unable to update task definition on services with a CODE_DEPLOY deployment "
                "controller. Use AWS CodeDeploy to trigger a new deployment.",
            )
        kept.desired = asked.get("desiredCount", kept.desired)
        one = {"serviceName": kept.name, "serviceArn": kept.arn, "desiredCount": kept.desired}
        if "taskDefinition" in asked:
            number = int(asked["taskDefinition"].rpartition(":")[2])
            made = self._deploy(kept, number, "IN_PROGRESS")
            one["currentServiceDeployment"] = made["serviceDeploymentArn"]
        return {"service": one}

    def ListServiceDeployments(self, service: str, cluster: str, **asked: Any) -> Any:
        wanted = asked.get("status")
        found = [
            {k: d[k] for k in ("serviceDeploymentArn", "serviceArn", "status", "createdAt")}
            for d in self._named(service).deployments
            if not wanted or d["status"] in wanted
        ]
        return {"serviceDeployments": found}

    def DescribeServiceDeployments(self, serviceDeploymentArns: list[str]) -> Any:
        every = (d for kept in self.services.values() for d in kept.deployments)
        found = [d for d in every if d["serviceDeploymentArn"] in serviceDeploymentArns]
        return {"serviceDeployments": found}

    def DescribeServiceRevisions(self, serviceRevisionArns: list[str]) -> Any:
        return {"serviceRevisions": [self.revisions[arn] for arn in serviceRevisionArns]}

    def _deployment(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = self.DescribeServiceDeployments([arn])["serviceDeployments"][0]
        return found

    def StopServiceDeployment(self, serviceDeploymentArn: str, stopType: str) -> Any:
        one = self._deployment(serviceDeploymentArn)
        if one["status"] not in MOVING:
            raise Refused("ConflictException", "The deployment is over.")
        one["status"] = "ROLLBACK_REQUESTED"
        return {"serviceDeploymentArn": serviceDeploymentArn}

    def ContinueServiceDeployment(self, serviceDeploymentArn: str, hookId: str, action: str) -> Any:
        one = self._deployment(serviceDeploymentArn)
        hook = next((h for h in one["lifecycleHookDetails"] if h["hookId"] == hookId), None)
        if hook is None or hook["status"] != "AWAITING_ACTION":
            raise Refused("ConflictException", "The hook does not wait.")
        hook["status"] = "SUCCEEDED"
        return {"serviceDeploymentArn": serviceDeploymentArn}

    def ListTasks(self, cluster: str, serviceName: str) -> Any:
        group = f"service:{self._named(serviceName).name}"
        return {"taskArns": [t["taskArn"] for t in self.tasks.values() if t["group"] == group]}

    def DescribeTasks(self, cluster: str, tasks: list[str]) -> Any:
        names = [one.rpartition("/")[2] for one in tasks]
        return {"tasks": [self.tasks[name] for name in names if name in self.tasks]}

    def ListContainerInstances(self, cluster: str) -> Any:
        return {"containerInstanceArns": [one["containerInstanceArn"] for one in self.instances]}

    def DescribeContainerInstances(self, cluster: str, containerInstances: list[str]) -> Any:
        return {"containerInstances": self.instances}

    def ListTaskDefinitions(self, familyPrefix: str, sort: str, maxResults: int) -> Any:
        arns = [one["taskDefinitionArn"] for one in self.definitions.get(familyPrefix, [])]
        return {"taskDefinitionArns": list(reversed(arns))[:maxResults]}

    def DescribeTaskDefinition(self, taskDefinition: str) -> Any:
        for known in self.definitions.values():
            for one in known:
                if one["taskDefinitionArn"].endswith(taskDefinition.rpartition("/")[2]):
                    return {"taskDefinition": one}
        raise Refused("ClientException", "Unable to describe task definition.")

    def RegisterTaskDefinition(self, family: str, containerDefinitions: Any, **_: Any) -> Any:
        digest = containerDefinitions[0]["image"].partition("@")[2]
        self.define(family, digest)
        return {"taskDefinition": self.definitions[family][-1]}
