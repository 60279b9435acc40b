"""`scaling` and `capacity` of the file as resources of AWS, field by field."""

from typing import Any

from tests.support.aws_stacks import of_type, only, service


def policies(variant: str) -> dict[str, dict[str, Any]]:
    found = of_type(service(variant), "ApplicationAutoScaling::ScalingPolicy").values()
    return {one["PolicyName"]: one for one in found}


def test_a_target_of_requests_follows_both_colours_for_each_task_of_one() -> None:
    found = policies("native-ec2")["totals-requests"]
    said = found["TargetTrackingScalingPolicyConfiguration"]
    assert (said["TargetValue"], said["ScaleInCooldown"]) == (3_000, 120)  # 50 a second
    metrics = said["CustomizedMetricSpecification"]["Metrics"]
    assert metrics[-1]["Expression"] == (
        "(FILL(requests0, 0) + FILL(requests1, 0)) / MAX([FILL(hosts0, 0), FILL(hosts1, 0)])"
    )
    assert {"Period"} & {key for one in metrics for key in one.get("MetricStat", {})} == set()


def test_a_target_of_cpu_is_aws_s_own_metric() -> None:
    said = policies("native-ec2")["totals-cpu"]["TargetTrackingScalingPolicyConfiguration"]
    metric = said["PredefinedMetricSpecification"]["PredefinedMetricType"]
    assert (metric, said["TargetValue"]) == ("ECSServiceAverageCPUUtilization", 70)


def test_a_tracking_policy_keeps_its_fields() -> None:
    said = policies("codedeploy-fargate")["load"]["TargetTrackingScalingPolicyConfiguration"]
    assert (said["TargetValue"], said["DisableScaleIn"]) == (600, True)
    assert (said["ScaleOutCooldown"], said["ScaleInCooldown"]) == (300, 120)
    assert "CustomizedMetricSpecification" in said


def test_a_step_policy_is_invoked_by_its_alarm_in_aws_s_period() -> None:
    template = service("codedeploy-fargate")
    (logical,) = (
        name
        for name, one in of_type(template, "ApplicationAutoScaling::ScalingPolicy").items()
        if one["PolicyName"] == "out"
    )
    alarm = of_type(template, "CloudWatch::Alarm")["WatchBusy"]
    assert alarm["AlarmActions"] == [{"Ref": logical}]
    assert alarm["Threshold"] == 3_000  # 500 in 10 s
    steps = policies("codedeploy-fargate")["out"]["StepScalingPolicyConfiguration"]
    assert steps["StepAdjustments"] == [
        {
            "MetricIntervalLowerBound": 0,
            "MetricIntervalUpperBound": 600,
            "ScalingAdjustment": 1,
        },
        {"MetricIntervalLowerBound": 600, "ScalingAdjustment": 2},
    ]


def test_a_scheduled_action_sets_the_bounds_that_it_names() -> None:
    target = only(service("codedeploy-fargate"), "ApplicationAutoScaling::ScalableTarget")
    (morning,) = target["ScheduledActions"]
    assert morning["Schedule"] == "cron(0 8 ? * MON-FRI *)"
    assert morning["ScalableTargetAction"] == {"MinCapacity": 2}


def test_an_alarm_that_only_scales_stops_no_deployment() -> None:
    template = service("codedeploy-fargate")
    group = only(template, "CodeDeploy::DeploymentGroup")
    assert "WatchBusy" not in str(group.get("AlarmConfiguration"))
    names = template["Outputs"]["AlarmNames"]["Value"]
    assert "WatchBusy" not in str(names)
    assert "WatchBusy" in str(template["Outputs"]["OtherAlarmNames"]["Value"])


def test_a_service_without_scaling_follows_its_cpu() -> None:
    assert list(policies("native-fargate")) == ["cpu"]


def test_a_service_s_strategy_of_one_machine_is_its_strategy_on_aws() -> None:
    strategy = only(service("native-ec2"), "ECS::Service")["CapacityProviderStrategy"]
    assert [(item["Base"], item["Weight"]) for item in strategy] == [(2, 1), (0, 1)]
