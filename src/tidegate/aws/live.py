"""What is live of a service, read before its stack is updated.

A stack update writes listener rules and task definitions as the template has them, while ECS and
CodeDeploy have long moved them (aws/aws-cdk#36649, aws/containers-roadmap#2853). So what is live
is fed in as parameters, and nothing is updated while it moves.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tidegate.aws import moving, running
from tidegate.aws.account import Account
from tidegate.aws.names import ServiceOutput as Out
from tidegate.aws.names import ServiceParameter
from tidegate.core.errors import AccountError, Busy
from tidegate.core.model import Colour


@dataclass(frozen=True, slots=True)
class Live:
    """One service as it runs. `weights_bp` is production's split as the listener's rules hold it.

    `image` is `REPOSITORY@DIGEST`, empty while nothing was deployed. `moving` names the
    deployment under way, or is empty. `task_definition` is its ARN, `of_stack` that of the
    revision that the stack itself made.
    """

    service: str
    weights_bp: Mapping[Colour, int]
    image: str
    task_definition: str
    desired: int
    moving: str = ""
    of_stack: str = ""

    @property
    def colour(self) -> Colour | None:
        """The target group with all production traffic, or None while it is split."""
        return next((c for c, weight in self.weights_bp.items() if weight == 10_000), None)

    def parameters(self, kept: Mapping[str, str], renewed: bool = False) -> dict[str, str]:
        """What the template is to be given, beside the parameters that it keeps.

        The revision that runs is left as it is, whoever deployed it. When the settings of its
        tasks are `renewed` by the update, its image goes into a new revision instead. Raises
        `Busy` or `AccountError` when the stack may not be updated.
        """
        if self.moving:
            raise Busy(
                f"a deployment of {self.service} is under way, so its stack is left alone",
                cause=f"{self.moving}; an update now could send traffic to an empty target group",
                remedy=f"wait for its end, or: tidegate abort {self.service} --target aws",
                code="TG811",
            )
        if self.colour is None:
            split = ", ".join(f"{c} {bp / 100:g} %" for c, bp in self.weights_bp.items())
            raise AccountError(
                f"the traffic of {self.service} is split, though nothing is being deployed",
                cause=split,
                remedy="give all weight of its listener rules to the group that serves, then again",
                code="TG260",
            )
        given = {ServiceParameter.LIVE_COLOUR.value: self.colour.value}
        revision = ServiceParameter.LIVE_TASK_DEFINITION.value
        if not self.image:
            return given  # nothing was deployed yet
        if renewed:
            return {**given, ServiceParameter.LIVE_IMAGE.value: self.image, revision: ""}
        if self.task_definition == self.of_stack and not kept.get(revision):
            return given  # it is the stack's own that runs
        return {**given, revision: self.task_definition}


def read(account: Account, service: str, outputs: Mapping[str, str], cluster: str) -> Live:
    """The service of a stack with these outputs. Raises `AccountError` or `CloudFailed`."""
    name = outputs[Out.SERVICE_NAME]
    one = running.described(account, cluster, name)
    task_definition = running.task_definition(one)
    return Live(
        service,
        weights_bp(account, service, outputs),
        running.deployed_image(account, task_definition),
        task_definition,
        int(one.get("desiredCount", 0)),
        _moving(account, outputs, cluster),
        outputs.get(Out.TASK_DEFINITION_ARN, ""),
    )


def weights_bp(account: Account, service: str, outputs: Mapping[str, str]) -> dict[Colour, int]:
    """Production's split by the rules themselves. Raises `AccountError` when they disagree."""
    rules = [arn for arn in outputs[Out.PRODUCTION_RULE_ARNS].split(",") if arn]
    answer = account.ask("elbv2", "describe_rules", RuleArns=rules)
    splits = [_split(rule, outputs) for rule in answer["Rules"]]
    if not splits or any(split != splits[0] for split in splits):
        raise AccountError(
            f"the listener rules of {service} do not agree on its weights",
            cause=f"{len(splits)} rules: {splits}",
            remedy="set them alike in the console, or wait for the deployment that moves them",
            code="TG261",
        )
    return splits[0]


def _split(rule: Mapping[str, Any], outputs: Mapping[str, str]) -> dict[Colour, int]:
    colours = {
        outputs[Out.BLUE_TARGET_GROUP_ARN]: Colour.BLUE,
        outputs[Out.GREEN_TARGET_GROUP_ARN]: Colour.GREEN,
    }
    forward = next(a for a in rule["Actions"] if a["Type"] == "forward")
    groups = (forward.get("ForwardConfig") or {}).get("TargetGroups") or ()
    weights = {Colour.BLUE: 0, Colour.GREEN: 0}
    for group in groups or [{"TargetGroupArn": forward.get("TargetGroupArn"), "Weight": 1}]:
        if group["TargetGroupArn"] in colours:
            weights[colours[group["TargetGroupArn"]]] += int(group.get("Weight", 1))
    total = sum(weights.values())
    if not total:
        return weights
    green = round(10_000 * weights[Colour.GREEN] / total)
    return {Colour.BLUE: 10_000 - green, Colour.GREEN: green}


def _moving(account: Account, outputs: Mapping[str, str], cluster: str) -> str:
    if outputs.get(Out.CONTROLLER) == "codedeploy":
        where = (outputs[Out.DEPLOYMENT_APPLICATION_NAME], outputs[Out.DEPLOYMENT_GROUP_NAME])
        return moving.of_codedeploy(account, *where)
    found = moving.of_ecs(account, cluster, outputs[Out.SERVICE_NAME])
    return str(found["serviceDeploymentArn"]).rpartition("/")[2] if found else ""
