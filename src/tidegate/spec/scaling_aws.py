"""The keys of AWS's scaling policies and scheduled actions, by AWS's field names."""

from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from tidegate.core.scaling import policy as model
from tidegate.core.scaling.schedule import ScheduleError, check
from tidegate.spec.keys import Keys, conflict, key, needed
from tidegate.spec.kinds import Kind, Label, Switch, one_of, refuse

_COOLDOWN_S = model.COOLDOWN_MS // 1_000


def _schedule(value: object) -> object:
    if isinstance(value, str):
        try:
            check(value)
        except ScheduleError as error:
            raise refuse() from error
    return value


Times = Annotated[
    str,
    Kind(
        "`cron(...)` with six fields, `rate(5 minutes)` or `at(2026-11-25T08:00:00)`, in UTC",
        (("type", "string"), ("pattern", r"^(cron|rate|at)\(.+\)$")),
        _schedule,
    ),
]
Positive = Annotated[float, Field(gt=0, le=1_000_000_000)]
Seconds = Annotated[int, Field(ge=0, le=86_400)]
Capacity = Annotated[int, Field(ge=1, le=1_000)]


class MetricKeys(Keys):
    """AWS's `PredefinedMetricSpecification`."""

    PredefinedMetricType: Annotated[str, one_of(*model.Metric)] = needed(
        "The metric. Requests are per minute and task, `p95` is in seconds.",
        "ECSServiceAverageCPUUtilization",
    )


class TrackingKeys(Keys):
    """AWS's `TargetTrackingScalingPolicyConfiguration`."""

    TargetValue: Positive = needed("Where the metric is to be.", 60)
    PredefinedMetricSpecification: MetricKeys = needed(
        "The metric.", {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}
    )
    ScaleOutCooldown: Seconds = key(_COOLDOWN_S, "Seconds after scaling out.", 60)
    ScaleInCooldown: Seconds = key(_COOLDOWN_S, "Seconds after scaling in.", 120)
    DisableScaleIn: Switch = key(False, "Whether it never takes tasks away.", True)


class AdjustmentKeys(Keys):
    """AWS's `StepAdjustment`: what to change while the metric is so far from the threshold."""

    MetricIntervalLowerBound: float | None = key(
        None, "The metric less the alarm's threshold is at least this. Left out: anything.", 0
    )
    MetricIntervalUpperBound: float | None = key(
        None, "And less than this. Left out: anything.", 1000
    )
    ScalingAdjustment: Annotated[int, Field(ge=-1_000, le=1_000)] = needed(
        "How many tasks, or percent, more or less.", 2
    )


class StepScalingKeys(Keys):
    """AWS's `StepScalingPolicyConfiguration`."""

    AdjustmentType: Annotated[str, one_of(*model.AdjustmentType)] = needed(
        "What `ScalingAdjustment` counts.", "ChangeInCapacity"
    )
    StepAdjustments: Annotated[list[AdjustmentKeys], Field(min_length=1)] = needed(
        "The steps, without gap or overlap.",
        [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 2}],
    )
    Cooldown: Seconds = key(_COOLDOWN_S, "Seconds after a change.", 60)
    MinAdjustmentMagnitude: Annotated[int, Field(ge=1, le=1_000)] | None = key(
        None, "The least change of a percentage, in tasks.", 2
    )
    MetricAggregationType: Annotated[str, one_of(*model.Aggregation)] = key(
        model.Aggregation.AVERAGE.value,
        "How the alarm's last datapoints become one.",
        "Maximum",
    )

    @model_validator(mode="after")
    def _no_gaps(self) -> "StepScalingKeys":
        steps = sorted(self.StepAdjustments, key=_lower)
        bounds = [(_lower(step), _upper(step)) for step in steps]
        if any(low >= high for low, high in bounds):
            raise conflict("a step's bounds are not in order", "write lower < upper")
        if any(a[1] != b[0] for a, b in pairwise(bounds)):
            raise conflict(
                "the steps have a gap or an overlap", "begin each step where the last one ends"
            )
        exact = self.AdjustmentType == model.AdjustmentType.EXACT
        if exact and any(step.ScalingAdjustment < 0 for step in steps):
            raise conflict("ExactCapacity cannot be negative", "write how many tasks to have")
        return self


def _lower(step: AdjustmentKeys) -> float:
    given = step.MetricIntervalLowerBound
    return float("-inf") if given is None else given


def _upper(step: AdjustmentKeys) -> float:
    given = step.MetricIntervalUpperBound
    return float("inf") if given is None else given


class PolicyKeys(Keys):
    """A policy by the names of AWS's `PutScalingPolicy`: target tracking, or steps of an alarm."""

    PolicyName: Label = needed("A name for it.", "cats-cpu")
    PolicyType: Annotated[str, one_of("TargetTrackingScaling", "StepScaling")] | None = key(
        None, "Follows from its configuration; may be said as well.", "TargetTrackingScaling"
    )
    TargetTrackingScalingPolicyConfiguration: TrackingKeys | None = key(
        None,
        "Keep a metric at a value.",
        {
            "TargetValue": 60,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "ECSServiceAverageCPUUtilization"
            },
        },
    )
    StepScalingPolicyConfiguration: StepScalingKeys | None = key(
        None,
        "Change by steps while `Alarm` is in ALARM.",
        {
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 2}],
        },
    )
    Alarm: Label | None = key(None, "The alarm of this file that invokes it.", "CatsScaleUpAlarm")

    @model_validator(mode="after")
    def _one_kind(self) -> "PolicyKeys":
        tracking = self.TargetTrackingScalingPolicyConfiguration is not None
        step = self.StepScalingPolicyConfiguration is not None
        if tracking is step:
            raise conflict(
                "a policy has one configuration",
                "write TargetTrackingScalingPolicyConfiguration or StepScalingPolicyConfiguration",
            )
        if step is not (self.Alarm is not None):
            raise conflict(
                "an alarm invokes a step policy, and no other",
                "name it with `Alarm: NAME`" if step else "leave `Alarm` out",
            )
        if self.PolicyType not in (None, "StepScaling" if step else "TargetTrackingScaling"):
            raise conflict(f"its configuration is not {self.PolicyType}'s", "leave PolicyType out")
        return self


class BoundsKeys(Keys):
    """AWS's `ScalableTargetAction`."""

    MinCapacity: Capacity | None = key(None, "The least tasks from then on.", 4)
    MaxCapacity: Capacity | None = key(None, "The most tasks from then on.", 20)

    @model_validator(mode="after")
    def _in_order(self) -> "BoundsKeys":
        least, most = self.MinCapacity, self.MaxCapacity
        if least is None and most is None:
            raise conflict("neither MinCapacity nor MaxCapacity is given", "write one of them")
        if least is not None and most is not None and least > most:
            raise conflict(
                f"MinCapacity {least} is more than MaxCapacity {most}", "write min ≤ max"
            )
        return self


class ScheduledKeys(Keys):
    """A scheduled action by the names of AWS's `PutScheduledAction`. Times are UTC."""

    ScheduledActionName: Label = needed("A name for it.", "morning")
    Schedule: Times = needed("When, to the minute.", "cron(0 8 ? * MON-FRI *)")
    ScalableTargetAction: BoundsKeys = needed("The bounds from then on.", {"MinCapacity": 4})

    def core(self) -> model.ScheduledAction:
        """As the core knows it."""
        to = self.ScalableTargetAction
        return model.ScheduledAction(
            self.ScheduledActionName, self.Schedule, to.MinCapacity, to.MaxCapacity
        )


def tracking_of(policy: PolicyKeys) -> model.TargetTracking:
    """A target tracking policy as the core knows it."""
    given = policy.TargetTrackingScalingPolicyConfiguration
    assert given is not None
    metric = model.Metric(given.PredefinedMetricSpecification.PredefinedMetricType)
    cooldowns = given.ScaleOutCooldown * 1_000, given.ScaleInCooldown * 1_000
    target = float(given.TargetValue)
    return model.TargetTracking(policy.PolicyName, metric, target, *cooldowns, given.DisableScaleIn)


def step_of(policy: PolicyKeys) -> model.StepScaling:
    """A step policy as the core knows it."""
    given = policy.StepScalingPolicyConfiguration
    assert given is not None
    steps = (
        model.StepAdjustment(
            step.MetricIntervalLowerBound, step.MetricIntervalUpperBound, step.ScalingAdjustment
        )
        for step in sorted(given.StepAdjustments, key=_lower)
    )
    return model.StepScaling(
        policy.PolicyName,
        str(policy.Alarm),
        model.AdjustmentType(given.AdjustmentType),
        tuple(steps),
        given.Cooldown * 1_000,
        given.MinAdjustmentMagnitude,
        model.Aggregation(given.MetricAggregationType),
    )
