"""Numbers out of an account: metrics, alarms, scaling, events, capacity, the gate's word."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.support.aws.fake import NOW, FakeAws
from tests.support.aws.services import time_of
from tests.support.aws.shop import APP, CLUSTER, NAMES, digest, group, standing
from tidegate.aws.operations import AwsOperations
from tidegate.core.errors import CloudFailed, NotFound
from tidegate.core.findings import ScanReport
from tidegate.core.gate import judge
from tidegate.core.gate_record import grounds
from tidegate.core.model import Alarm, App, Fleet, GatePolicy, Launch, Target
from tidegate.core.plain import plain

MINUTE = 60_000
UNTIL = NOW // MINUTE * MINUTE
BLUE, GREEN = (group("cats", colour).split(":", 5)[-1] for colour in ("blue", "green"))
TARGET = f"service/{CLUSTER}/cats"
POLICY = f"arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:u:resource/ecs/{TARGET}"


@pytest.fixture
def fake() -> FakeAws:
    return standing()


def of(fake: FakeAws, app: App = APP) -> AwsOperations:
    return AwsOperations(fake.account(), app, fake.pace)


def told(fake: FakeAws, metric: str, target: str, statistic: str, *values: float) -> None:
    """The newest minutes of a metric."""
    points = {UNTIL - (len(values) - n) * MINUTE: value for n, value in enumerate(values)}
    fake.parts["cloudwatch"].series[metric, target, statistic] = points


# --- metrics ---------------------------------------------------------------------------------


def rows(fake: FakeAws) -> dict[str, Any]:
    view = of(fake).metrics("cats", 5 * MINUTE)
    (cats,) = view.services
    assert (view.until, view.period_ms) == (UNTIL, MINUTE)
    return {row.name: row for row in cats.metrics}


def test_counts_are_the_sum_of_both_colours_and_a_percentile_is_the_slower_one(
    fake: FakeAws,
) -> None:
    for target, requests, seconds in ((BLUE, 90, 0.2), (GREEN, 10, 0.5)):
        told(fake, "RequestCount", target, "Sum", requests, requests)
        told(fake, "TargetResponseTime", target, "p95", seconds)
        told(fake, "HealthyHostCount", target, "Minimum", 2, 2)
    found = rows(fake)
    assert found["RequestCount"].points == (None, None, None, 100, 100)
    assert found["TargetResponseTime"].latest == 0.5
    assert found["HealthyHostCount"].latest == 4
    assert found["RequestCountPerTarget"].latest == 25


def test_the_tasks_use_of_cpu_is_the_services(fake: FakeAws) -> None:
    told(fake, "CPUUtilization", "cats", "Average", 41.5)
    assert (rows(fake)["CPUUtilization"].latest, rows(fake)["CPUUtilization"].unit) == (41.5, "%")


def test_a_minute_without_data_is_a_hole_and_no_zero(fake: FakeAws) -> None:
    assert rows(fake)["RequestCount"].points == (None,) * 5


def test_a_longer_time_has_longer_periods_of_whole_minutes(fake: FakeAws) -> None:
    view = of(fake).metrics(None, 2 * 60 * MINUTE)
    assert (view.period_ms, len(view.services)) == (2 * MINUTE, 2)
    assert len(view.services[0].metrics[0].points) == 60


def test_a_service_that_is_not_there_is_named(fake: FakeAws) -> None:
    for question in ("metrics", "scaling", "service_events"):
        with pytest.raises(NotFound) as caught:
            getattr(of(fake), question)("birds")
        assert caught.value.remedy == "services: cats, dogs"


# --- alarms ----------------------------------------------------------------------------------


def ruled(fake: FakeAws, **more: Any) -> None:
    fake.parts["cloudwatch"].rules["shop-cats-5xx"] = {
        "AlarmDescription": "cats/errors blue",
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 5.0,
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 2,
        **more,
    }


def metric(name: str, target: str, statistic: str) -> dict[str, Any]:
    dimensions = [{"Name": "TargetGroup", "Value": target}]
    of = {"Namespace": "AWS/ApplicationELB", "MetricName": name, "Dimensions": dimensions}
    return {"Metric": of, "Period": 60, "Stat": statistic}


def test_an_alarm_of_metric_math_shows_its_rule_and_its_result_s_last_datapoints(
    fake: FakeAws,
) -> None:
    ruled(
        fake,
        Metrics=[
            {
                "Id": "e",
                "MetricStat": metric("HTTPCode_Target_5XX_Count", BLUE, "Sum"),
                "ReturnData": False,
            },
            {"Id": "result", "Expression": "100 * e / r", "ReturnData": True},
        ],
        AlarmActions=[f"{POLICY}:policyName/out", "arn:aws:sns:eu-west-1:123456789012:topic"],
    )
    told(fake, "100 * e / r", "", "", 1.0, 7.5)
    app = replace(APP, alarms=(Alarm("errors", "ErrorPercent", 5.0),))
    cats = of(fake, app).alarms()[0]
    assert (cats.name, cats.state, cats.reason) == ("shop-cats-5xx", "OK", "no datapoints breach")
    assert (cats.metric, cats.threshold, cats.period_ms) == ("ErrorPercent", 5.0, MINUTE)
    assert (cats.datapoints_to_alarm, cats.evaluation_periods) == (2, 2)
    assert cats.points == (None, None, 1.0, 7.5)
    assert (cats.guards, cats.invokes) == (True, ("out",))


def test_an_alarm_of_one_metric_that_the_file_does_not_have_is_told_by_its_own_words(
    fake: FakeAws,
) -> None:
    one = metric("RequestCount", BLUE, "Sum")
    ruled(fake, AlarmDescription="by hand", Statistic="Sum", Period=60, **one["Metric"])
    told(fake, "RequestCount", BLUE, "Sum", 12)
    cats = of(fake).alarms()[0]
    assert (cats.metric, cats.statistic, cats.points[-1]) == ("RequestCount", "Sum", 12)


def test_an_alarm_that_cloudwatch_has_not_says_so(fake: FakeAws) -> None:
    del fake.parts["cloudwatch"].states["shop-cats-5xx"]
    cats = of(fake).alarms()[0]
    assert (cats.state, cats.reason) == ("INSUFFICIENT_DATA", "CloudWatch has no such alarm")


# --- scaling and events ----------------------------------------------------------------------


def scaled(fake: FakeAws, suspended: bool = False) -> None:
    scaling = fake.parts["application-autoscaling"]
    same = {
        "ServiceNamespace": "ecs",
        "ResourceId": TARGET,
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    made = {**same, "CreationTime": time_of(NOW)}
    held = {"DynamicScalingInSuspended": suspended}
    scaling.targets[TARGET] = {
        **made, "MinCapacity": 1, "MaxCapacity": 4, "RoleARN": "r", "SuspendedState": held,
    }  # fmt: skip
    predefined = {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}
    tracking = {"TargetValue": 60.0, "PredefinedMetricSpecification": predefined}
    scaling.answers = {
        "ScalingPolicies": [
            {
                **made,
                "PolicyARN": POLICY,
                "PolicyName": "cpu",
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": tracking,
                "Alarms": [{"AlarmName": "TargetTracking-x-AlarmHigh-y", "AlarmARN": "a"}],
            }
        ],
        "ScheduledActions": [
            {
                **made,
                "ScheduledActionName": "morning",
                "ScheduledActionARN": "a",
                "Schedule": "rate(5 minutes)",
            }
        ],
        "ScalingActivities": [
            {
                **same,
                "ActivityId": str(count),
                "Description": f"Setting desired count to {count}.",
                "Cause": "monitor alarm X in state ALARM triggered policy cpu",
                "StartTime": time_of(NOW - (9 - count) * MINUTE),
                "StatusCode": "Successful",
                "StatusMessage": f"Successfully set desired count to {count}.",
            }
            for count in (4, 3)
        ],
    }
    fake.parts["cloudwatch"].states["TargetTracking-x-AlarmHigh-y"] = ("ALARM", "too high")


def test_scaling_tells_bounds_policies_and_activities_in_order(fake: FakeAws) -> None:
    scaled(fake)
    (cats,) = of(fake).scaling("cats")
    assert (cats.minimum, cats.desired, cats.maximum, cats.running) == (1, 2, 4, 2)
    cpu, morning = cats.policies
    assert (cpu.name, cpu.kind) == ("cpu", "TargetTracking")
    assert cpu.now == "ECSServiceAverageCPUUtilization, target 60, its alarm for more is ALARM"
    assert (morning.kind, morning.now.startswith("rate(5 minutes), next ")) == ("Scheduled", True)
    assert [(a.before, a.after, a.policy) for a in cats.activities] == [
        (None, 3, "cpu"),
        (3, 4, "cpu"),
    ]


def test_scaling_that_is_held_during_a_deployment_says_so(fake: FakeAws) -> None:
    scaled(fake, suspended=True)
    assert of(fake).scaling("cats")[0].policies[0].now.endswith("held: no scaling in")


def test_a_service_without_a_scalable_target_stays_as_it_is(fake: FakeAws) -> None:
    dogs = of(fake).scaling("dogs")[0]
    assert (dogs.minimum, dogs.desired, dogs.maximum, dogs.policies) == (2, 2, 2, ())


def test_service_events_are_ecs_s_own_words_the_oldest_first(fake: FakeAws) -> None:
    fake.parts["ecs"].events["cats"] = [
        {
            "id": "2",
            "createdAt": time_of(NOW),
            "message": "(service cats) has reached a steady state.",
        },
        {
            "id": "1",
            "createdAt": time_of(NOW - 5),
            "message": "(service cats) has started 1 tasks.",
        },
    ]
    events = of(fake).service_events("cats")
    assert [one.text.partition(") ")[2] for one in events] == [
        "has started 1 tasks.",
        "has reached a steady state.",
    ]
    assert events[0].seq < events[1].seq


# --- capacity --------------------------------------------------------------------------------


def test_on_fargate_each_task_is_a_machine_with_its_price(fake: FakeAws) -> None:
    view = of(fake).capacity()
    assert [(p.name, p.kind, p.ready) for p in view.providers] == [
        ("FARGATE", "on-demand", 2),
        ("FARGATE_SPOT", "spot", 2),
    ]
    hour = round((0.25 * 0.04048 + 0.5 * 0.004445) * 1e6)
    assert view.providers[0].price_micros == hour
    assert view.cost.per_hour_micros == 2 * hour + 2 * round(hour * 0.32)
    assert 0 < view.cost.micros < view.cost.on_demand_micros
    assert view.note.startswith(
        "what runs now, from its start; AWS's list prices of eu-west-1 today, not a quote"
    )


def test_on_fargate_in_a_region_without_prices_nothing_is_taken_as_free(fake: FakeAws) -> None:
    fake.parts["pricing"].rows = []
    view = of(fake).capacity()
    assert view.cost.per_hour_micros == 0
    assert "no prices of eu-west-1 are known here" in view.note
    assert view.note.endswith("; no price here for Fargate")


def test_on_instances_a_type_without_a_price_is_said_and_not_taken_as_free(fake: FakeAws) -> None:
    def instance(number: int, kind: str) -> dict[str, Any]:
        def has(cpu: int, memory: int) -> list[dict[str, Any]]:
            return [
                {"name": "CPU", "type": "INTEGER", "integerValue": cpu},
                {"name": "MEMORY", "type": "INTEGER", "integerValue": memory},
            ]

        return {
            "containerInstanceArn": f"arn:{number}",
            "ec2InstanceId": f"i-{number}",
            "capacityProviderName": "FARGATE_SPOT",
            "status": "ACTIVE",
            "registeredAt": time_of(NOW - 3_600_000),
            "registeredResources": has(2_048, 8_000),
            "remainingResources": has(1_792, 7_488),
            "attributes": [
                {"name": "ecs.instance-type", "value": kind},
                {"name": "ecs.availability-zone", "value": "eu-west-1a"},
            ],
        }

    fake.parts["ecs"].instances = [instance(1, "m5.large"), instance(2, "m99.large")]
    app = replace(APP, aws=Target(fleet=Fleet(Launch.EC2)))
    view = of(fake, app).capacity()
    assert [(i.id, i.cpu_reserved, i.cost_micros) for i in view.instances] == [
        ("i-1", 256, 33_600),
        ("i-2", 256, 0),
    ]
    assert view.note.endswith("no price here for m99.large")


def test_a_service_whose_tasks_find_no_room_waits_and_says_why(fake: FakeAws) -> None:
    why = "(service cats) was unable to place a task. Reason: Capacity is unavailable at this time."
    fake.parts["ecs"].events["cats"] = [{"id": "1", "createdAt": time_of(NOW - 5), "message": why}]
    assert of(fake).capacity().waiting == (("cats", why),)


# --- the gate --------------------------------------------------------------------------------


def kept(fake: FakeAws, **changed: Any) -> None:
    policy, report = GatePolicy(), ScanReport(digest(3), ())
    judgement = judge(policy, report, None, (), NOW)
    evidence = {
        "verdict": judgement.kind.value,
        "allowed": judgement.allowed,
        "reason": judgement.reason,
        "at": NOW,
        "request": {"execution": "u1"},
        "policy": plain(policy),
        "grounds": plain(grounds(policy, report, judgement)),
        "report": plain(report),
        **changed,
    }
    key = ("shop-artifacts", NAMES.evidence_key("cats", digest(3)))
    fake.parts["s3"].objects[key] = json.dumps(evidence).encode()


def test_the_gate_s_word_is_read_from_the_evidence_that_it_stored(fake: FakeAws) -> None:
    kept(fake)
    (view,) = of(fake).explain_gate("v3")
    assert (view.service, view.release, view.digest, view.at) == ("cats", 3, digest(3), NOW)
    assert (view.execution, view.policy) == ("u1", GatePolicy())
    assert view.grounds.policy.startswith("sha256:")


def test_no_evidence_and_no_release_are_told_apart(fake: FakeAws) -> None:
    for subject, code in (("v3", "TG731"), ("v99", "TG721"), ("e7", "TG702")):
        with pytest.raises(NotFound) as caught:
            of(fake).explain_gate(subject)
        assert caught.value.number == code


def test_evidence_of_another_shape_is_no_word_at_all(fake: FakeAws) -> None:
    kept(fake, policy={"nonsense": 1})
    with pytest.raises(CloudFailed) as caught:
        of(fake).explain_gate("v3")
    assert caught.value.number == "TG982"
