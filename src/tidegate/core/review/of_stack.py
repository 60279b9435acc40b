"""Checks of the stack: CloudFormation's templates, resource by resource.

On one machine there is no stack, and these are not applicable.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tidegate.core.review.case import Answer, Case, Check, State, failed, passed, unless
from tidegate.core.review.resources import Stack
from tidegate.core.review.words import Principle as P

_REGIONS = ("us-", "eu-", "ap-", "sa-", "ca-", "af-", "me-")


def _statements(stack: Stack) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every statement that allows something to a role of ours, with the id of its resource."""
    for one in stack.all("IAM::Policy") + stack.all("IAM::Role"):
        documents = [one.properties.get("PolicyDocument")]
        documents += [p.get("PolicyDocument") for p in one.properties.get("Policies", ())]
        for document in documents:
            for statement in (document or {}).get("Statement", ()):
                if statement.get("Effect") == "Allow":
                    yield one.id, statement


def _words(value: object) -> list[str]:
    """The text, or the texts of a list."""
    if isinstance(value, str):
        return [value]
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def _least(stack: Stack) -> Answer:
    wide = [
        name
        for name, statement in _statements(stack)
        if any(action == "*" or action.endswith(":*") for action in _words(statement.get("Action")))
    ]
    return unless(
        sorted(set(wide)),
        "every role names the actions that it may do",
        "roles that may do everything of a service",
        "name the actions",
    )


def _traced(stack: Stack) -> Answer:
    forever = stack.without("Logs::LogGroup", lambda p: p.get("RetentionInDays"))
    if not stack.all("EC2::FlowLog") and stack.all("EC2::VPC"):
        forever.append("no flow log of the VPC")
    quiet = stack.without("ElasticLoadBalancingV2::LoadBalancer", _access_logged)
    return unless(
        forever + quiet,
        "access, flow and container logs are kept, for a set time",
        "what leaves no trace, or one for ever",
        "set RetentionInDays; switch access and flow logs on",
    )


def _access_logged(properties: Mapping[str, Any]) -> bool:
    rows = {row["Key"]: row["Value"] for row in properties.get("LoadBalancerAttributes", ())}
    return str(rows.get("access_logs.s3.enabled", "")).lower() == "true"


def _task_doors(stack: Stack) -> Answer:
    doors = len(stack.all("EC2::SecurityGroup"))
    if doors < 2:
        return failed(f"{doors} security group for balancer and tasks", "one for each")
    return passed(f"{doors} security groups: balancer and tasks have their own")


def _scanned(stack: Stack) -> Answer:
    unscanned = stack.without(
        "ECR::Repository", lambda p: p.get("ImageScanningConfiguration", {}).get("ScanOnPush")
    )
    movable = stack.without(
        "ECR::Repository", lambda p: str(p.get("ImageTagMutability", "")).startswith("IMMUTABLE")
    )
    return unless(
        sorted({*unscanned, *movable}),
        "every repository scans on push, and no tag moves",
        "repositories that do not scan, or whose tags move",
        "ScanOnPush: true, ImageTagMutability: IMMUTABLE",
    )


def _at_rest(stack: Stack) -> Answer:
    open_to_all = stack.without("S3::Bucket", lambda p: p.get("PublicAccessBlockConfiguration"))
    plain = stack.without("S3::Bucket", lambda p: p.get("BucketEncryption"))
    return unless(
        sorted({*open_to_all, *plain}),
        "every bucket is encrypted and closed to the public",
        "buckets that are not encrypted, or not closed",
        "BucketEncryption and PublicAccessBlockConfiguration",
    )


def _https(stack: Stack) -> Answer:
    listeners = stack.all("ElasticLoadBalancingV2::Listener")
    secure = [one for one in listeners if one.properties.get("Protocol") == "HTTPS"]
    if not listeners:
        return failed("no listener", "the platform's stack has them: tidegate up --target aws")
    bare = [one.id for one in listeners if one not in secure and not _redirects(one.properties)]
    return unless(
        bare,
        f"{len(secure)} of {len(listeners)} listeners speak TLS, the others only redirect to it",
        "listeners that answer without TLS",
        "aws: {certificate: ARN}, of a certificate in AWS Certificate Manager",
    )


def _redirects(properties: Mapping[str, Any]) -> bool:
    actions = properties.get("DefaultActions", ())
    return bool(actions) and all(action.get("Type") == "redirect" for action in actions)


def _no_shell(stack: Stack) -> Answer:
    keys = [one.id for one in stack.all("EC2::LaunchTemplate") if _has_key(one.properties)]
    shells = [one.id for one in stack.all("ECS::Service") if _may_exec(one.properties)]
    return unless(
        keys + shells,
        "nobody has a shell on an instance or in a task",
        "ways to a shell",
        "no key pair; EnableExecuteCommand: false",
    )


def _has_key(properties: Mapping[str, Any]) -> bool:
    return "KeyName" in properties.get("LaunchTemplateData", {})


def _may_exec(properties: Mapping[str, Any]) -> bool:
    return bool(properties.get("EnableExecuteCommand"))


def _rolls_back(stack: Stack) -> Answer:
    groups = {one.id: one.properties for one in stack.all("CodeDeploy::DeploymentGroup")}
    native = {
        one.id: one.properties.get("DeploymentConfiguration", {}).get("Alarms", {})
        for one in stack.all("ECS::Service")
        if one.properties.get("DeploymentController", {}).get("Type") != "CODE_DEPLOY"
    }
    if not stack.all("CloudWatch::Alarm"):
        return failed("no alarm", "the service's stack has them: tidegate up --target aws")
    unguarded = [name for name, alarms in native.items() if not _on(alarms, "Enable")]
    unguarded += [n for n, p in groups.items() if not _on(p.get("AlarmConfiguration", {}))]
    return unless(
        unguarded,
        f"alarms stop the deployments of {len(native) + len(groups)} services",
        "deployments that no alarm stops",
        "let rollback_on have DEPLOYMENT_STOP_ON_ALARM; then: tidegate up --target aws",
    )


def _on(alarms: Mapping[str, Any], switch: str = "Enabled") -> bool:
    """Whether that configuration has alarms, and is switched on."""
    return bool(alarms.get(switch) and (alarms.get("Alarms") or alarms.get("AlarmNames")))


def _zones(stack: Stack) -> Answer:
    if not stack.all("EC2::VPC"):
        return Answer(State.UNKNOWN, "the network was there before; no template tells its zones")
    subnets = stack.all("EC2::Subnet")
    zones = {json.dumps(one.properties.get("AvailabilityZone")) for one in subnets}
    if len(zones) < 2:
        return failed(f"{len(zones)} zone for all subnets", "aws: {vpc: {zones: 2}}")
    return passed(f"{len(subnets)} subnets in {len(zones)} zones")


def _scales(stack: Stack) -> Answer:
    services = len(stack.all("ECS::Service"))
    scaled = len(stack.all("ApplicationAutoScaling::ScalableTarget"))
    if scaled < services:
        return failed(f"{scaled} of {services} services scale", "give each a `scaling` policy")
    return passed(f"{scaled} of {services} services scale with their load")


def _anywhere(stack: Stack) -> Answer:
    fixed = sorted(
        {
            text
            for template in stack.templates.values()
            for text in _texts(template.get("Resources", {}))
            if text.startswith(_REGIONS) and text[-1:].isdigit() and text.count("-") == 2
        }
    )
    return unless(
        fixed,
        "no template names a region",
        "regions that the templates name",
        "AWS::Region instead",
    )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _serverless(stack: Stack) -> Answer:
    machines = [one.id for one in stack.all("AutoScaling::AutoScalingGroup")]
    return unless(
        machines,
        "tasks run on Fargate: no machine to keep",
        "machines to keep",
        "aws: {capacity: {launch: fargate}}, unless their price or their size asks for them",
    )


def _budget(stack: Stack) -> Answer:
    if not stack.all("Budgets::Budget"):
        return failed("no budget", "aws: {budget: 150}, in US dollars a month")
    return passed("a budget tells before the money is spent")


def _expires(stack: Stack) -> Answer:
    hoards = stack.without("ECR::Repository", lambda p: p.get("LifecyclePolicy"))
    hoards += stack.without("S3::Bucket", lambda p: p.get("LifecycleConfiguration"))
    return unless(
        hoards,
        "images, logs and artifacts expire",
        "what is kept and paid for ever",
        "a lifecycle for each",
    )


def _managed(stack: Stack) -> Answer:
    own = [one.id for one in stack.all("EC2::Instance")]
    return unless(
        own,
        "balancer, pipeline, builds and scaling are AWS's own services",
        "machines of our own that do AWS's work",
        "leave it to the managed service",
    )


def _attributed(stack: Stack) -> Answer:
    silent = stack.without("ECS::Service", lambda p: p.get("PropagateTags"))
    return unless(
        silent,
        "every task carries the tags of its app and service",
        "services whose tasks carry no tags",
        "PropagateTags: SERVICE",
    )


def _check(name: str, principle: P, ask: Callable[[Stack], Answer]) -> Check:
    def of(case: Case) -> Answer:
        if case.stack is None:
            return Answer(State.NOT_APPLICABLE, "on one machine there is no stack")
        return ask(Stack(case.stack))

    return Check(name, principle, "stack", of)


CHECKS: tuple[Check, ...] = (
    _check("roles are narrow", P.IDENTITY, _least),
    _check("logs are kept for a set time", P.TRACEABILITY, _traced),
    _check("balancer and tasks are apart", P.LAYERS, _task_doors),
    _check("repositories scan, tags stand", P.AUTOMATE_SECURITY, _scanned),
    _check("buckets are closed", P.PROTECT_DATA, _at_rest),
    _check("listeners speak TLS", P.PROTECT_DATA, _https),
    _check("nobody has a shell", P.PEOPLE_AWAY, _no_shell),
    _check("alarms stop a deployment", P.RECOVER, _rolls_back),
    _check("two zones", P.SCALE_OUT, _zones),
    _check("services scale", P.STOP_GUESSING, _scales),
    _check("templates name no region", P.GO_GLOBAL, _anywhere),
    _check("tasks need no machines", P.SERVERLESS, _serverless),
    _check("a budget watches", P.FINANCE, _budget),
    _check("what is old expires", P.EFFICIENCY, _expires),
    _check("managed services do the work", P.HEAVY_LIFTING, _managed),
    _check("costs have owners", P.ATTRIBUTE, _attributed),
)
"""What is asked of the stack."""
