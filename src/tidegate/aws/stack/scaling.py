"""How many tasks: between the file's bounds, by the policies of the file, in AWS's words.

`ALBRequestCountPerTarget` is not supported with blue/green: it reads one target group. So requests
are followed by metric math over both. A service without `scaling` follows its CPU.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from aws_cdk import Fn, Token
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs

from tidegate.aws import watched
from tidegate.aws.names import PlatformOutput
from tidegate.aws.stack.alarms import sources
from tidegate.aws.stack.parts import Parts, Traffic
from tidegate.core.model import Alarm
from tidegate.core.scaling.policy import Metric, Scaling, StepScaling, TargetTracking, Totals

_CPU_PERCENT = 60.0
_OUT_MS, _IN_MS = 60_000, 300_000
DEFAULT = (TargetTracking("cpu", Metric.CPU, _CPU_PERCENT, _OUT_MS, _IN_MS),)
"""What scales a service on AWS whose file says nothing of it, within its bounds."""


def scaling(
    parts: Parts,
    made: ecs.CfnService,
    traffic: Traffic,
    alarms: Mapping[str, cloudwatch.CfnAlarm],
) -> str:
    """The scalable target and its policies; the target's id."""
    said = parts.service.scaling
    target = Fn.join("/", ["service", parts.platform(PlatformOutput.CLUSTER_NAME), made.attr_name])
    scalable = _target(parts, target, said)
    for policy in tracking(said):
        _tracking(parts, scalable, traffic, policy)
    for step in said.step:
        alarm = next(a for a in watched.others(parts.app, parts.service) if a.name == step.alarm)
        made_policy = _step(parts, scalable, step, alarm)
        actions = alarms[step.alarm].alarm_actions or []
        alarms[step.alarm].alarm_actions = [*actions, made_policy.ref]
    return target


def tracking(said: Scaling) -> tuple[TargetTracking, ...]:
    """Every target tracking policy: the file's, what `target` comes to, or the default."""
    totals = tuple(_of_totals(said.totals)) if said.totals else ()
    return (*totals, *said.tracking) if said.on else DEFAULT


def _of_totals(totals: Totals) -> Iterator[TargetTracking]:
    """`target` as policies: AWS takes the largest count that one of them asks for, as we do."""
    wanted = (
        ("requests", Metric.REQUESTS, totals.requests and totals.requests * 60),
        ("cpu", Metric.CPU, totals.cpu_percent),
        ("memory", Metric.MEMORY, totals.memory_percent),
    )
    for name, metric, value in wanted:
        if value:
            name = f"{totals.name}-{name}"
            yield TargetTracking(name, metric, value, _OUT_MS, totals.scale_in_after_ms)


def _target(parts: Parts, target: str, said: Scaling) -> autoscaling.CfnScalableTarget:
    count = parts.service.count
    scheduled: list[dict[str, Any]] = [
        {
            "scheduledActionName": action.name,
            "schedule": action.schedule,
            "scalableTargetAction": {
                **({} if action.minimum is None else {"minCapacity": action.minimum}),
                **({} if action.maximum is None else {"maxCapacity": action.maximum}),
            },
        }
        for action in said.scheduled
    ]
    return autoscaling.CfnScalableTarget(
        parts.stack,
        "ScalableTarget",
        service_namespace="ecs",
        scalable_dimension="ecs:service:DesiredCount",
        resource_id=target,
        min_capacity=Token.as_number(Fn.condition_if("IsDeployed", count.minimum, 0)),
        max_capacity=count.maximum,
        scheduled_actions=scheduled or None,
    )


def _tracking(
    parts: Parts,
    scalable: autoscaling.CfnScalableTarget,
    traffic: Traffic,
    policy: TargetTracking,
) -> None:
    """AWS's `TargetTrackingScalingPolicyConfiguration`, field by field."""
    said: dict[str, Any] = {
        "targetValue": policy.target,
        "scaleOutCooldown": policy.scale_out_cooldown_ms // 1_000,
        "scaleInCooldown": policy.scale_in_cooldown_ms // 1_000,
    }
    if policy.disable_scale_in:
        said["disableScaleIn"] = True
    if policy.metric is Metric.REQUESTS:
        load = watched.load_per_task(sources(parts, traffic))
        said["customizedMetricSpecification"] = {"metrics": load}
    else:
        predefined = {"predefinedMetricType": policy.metric.value}
        said["predefinedMetricSpecification"] = predefined
    autoscaling.CfnScalingPolicy(
        parts.stack,
        _logical(policy.name),
        policy_name=policy.name,
        policy_type="TargetTrackingScaling",
        scaling_target_id=scalable.ref,
        target_tracking_scaling_policy_configuration=said,
    )


def _step(
    parts: Parts, scalable: autoscaling.CfnScalableTarget, policy: StepScaling, alarm: Alarm
) -> autoscaling.CfnScalingPolicy:
    """AWS's `StepScalingPolicyConfiguration`; bounds grow with the alarm's period, as it does."""
    factor = watched.factor(alarm)
    steps = [
        {
            **({} if one.lower is None else {"metricIntervalLowerBound": one.lower * factor}),
            **({} if one.upper is None else {"metricIntervalUpperBound": one.upper * factor}),
            "scalingAdjustment": one.adjustment,
        }
        for one in policy.steps
    ]
    least = policy.minimum_magnitude
    return autoscaling.CfnScalingPolicy(
        parts.stack,
        _logical(policy.name),
        policy_name=policy.name,
        policy_type="StepScaling",
        scaling_target_id=scalable.ref,
        step_scaling_policy_configuration={
            "adjustmentType": policy.adjustment_type.value,
            "cooldown": policy.cooldown_ms // 1_000,
            "metricAggregationType": policy.aggregation.value,
            "stepAdjustments": steps,
            **({} if least is None else {"minAdjustmentMagnitude": least}),
        },
    )


def _logical(name: str) -> str:
    return "".join(c for c in name.title() if c.isalnum()) + "Policy"
