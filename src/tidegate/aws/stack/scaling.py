"""How many tasks: between the file's bounds, by the CPU of both colours together.

`ALBRequestCountPerTarget` is not supported with blue/green: it reads one target group, and the
service's CPU is an average over the tasks of both, so it needs no correction while two colours run.
"""

from aws_cdk import Fn, Token
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_ecs as ecs

from tidegate.aws.names import PlatformOutput
from tidegate.aws.stack.parts import Parts

_CPU_PERCENT = 60
_OUT_S, _IN_S = 60, 300


def scaling(parts: Parts, made: ecs.CfnService) -> str:
    """The scalable target and its policy; the target's id."""
    cluster = parts.platform(PlatformOutput.CLUSTER_NAME)
    count = parts.service.count
    target = Fn.join("/", ["service", cluster, made.attr_name])
    scalable = autoscaling.CfnScalableTarget(
        parts.stack,
        "ScalableTarget",
        service_namespace="ecs",
        scalable_dimension="ecs:service:DesiredCount",
        resource_id=target,
        min_capacity=Token.as_number(Fn.condition_if("HasImage", count.minimum, 0)),
        max_capacity=count.maximum,
    )
    autoscaling.CfnScalingPolicy(
        parts.stack,
        "CpuPolicy",
        policy_name="cpu",
        policy_type="TargetTrackingScaling",
        scaling_target_id=scalable.ref,
        target_tracking_scaling_policy_configuration={
            "predefinedMetricSpecification": {
                "predefinedMetricType": "ECSServiceAverageCPUUtilization"
            },
            "targetValue": _CPU_PERCENT,
            "scaleOutCooldown": _OUT_S,
            "scaleInCooldown": _IN_S,
        },
    )
    return target
