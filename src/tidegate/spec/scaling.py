"""The keys of `scaling`: a target for the recommended controller, and AWS's policies."""

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from tidegate.core.scaling import policy as model
from tidegate.spec.keys import Short, conflict, key, many
from tidegate.spec.kinds import HOUR_MS, Span, time
from tidegate.spec.scaling_aws import PolicyKeys, Positive, ScheduledKeys, step_of, tracking_of
from tidegate.spec.units import time_text

TOTALS = model.Totals()
Window = Annotated[int, time(1, HOUR_MS, "a time such as `20s`, `5m`, up to `1h`")]
"""What is measured is kept for an hour: nothing would ever go after a longer time."""
Share = Annotated[float, Field(gt=0, le=100)]


class TargetKeys(Short):
    """What one task should carry. A plain value is requests per second."""

    short: ClassVar[str] = "requests"
    requests: Positive | None = key(None, "Requests per second.", 50)
    concurrency: Positive | None = key(None, "Requests under way at once.", 8)
    cpu: Share | None = key(None, "CPU, in percent of what a task reserves.", 60)
    memory: Share | None = key(None, "Memory, in percent of what a task reserves.", 80)
    p95: Span | None = key(
        None, "95 of 100 requests are to be answered in this time; longer asks for tasks.", "300ms"
    )

    @model_validator(mode="after")
    def _at_least_one(self) -> "TargetKeys":
        if all(value is None for _, value in self):
            raise conflict("target is empty", "write how many requests a second a task carries")
        return self


class ScalingKeys(Short):
    """What changes the number of tasks, within `tasks`. A plain value is `target`."""

    short: ClassVar[str] = "target"
    target: TargetKeys | None = key(
        None,
        "What one task should carry: the recommended controller divides the load by it.",
        {"requests": 50, "p95": "300ms"},
    )
    scale_in_after: Window = key(
        time_text(TOTALS.scale_in_after_ms), "So long the need must have been lower.", "2m"
    )
    panic: Span = key(
        time_text(TOTALS.panic_ms), "Requests that take longer make it act at once.", "500ms"
    )
    fallback: Annotated[int, Field(ge=0, le=1_000)] = key(
        TOTALS.fallback, "So many tasks at least while nothing can be measured.", 4
    )
    policies: list[PolicyKeys] = many(
        "AWS's policies, by AWS's field names.",
        [
            {
                "PolicyName": "cats-cpu",
                "TargetTrackingScalingPolicyConfiguration": {
                    "TargetValue": 60,
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "ECSServiceAverageCPUUtilization"
                    },
                },
            }
        ],
    )
    scheduled: list[ScheduledKeys] = many(
        "AWS's scheduled actions, by AWS's field names.",
        [
            {
                "ScheduledActionName": "morning",
                "Schedule": "cron(0 8 ? * MON-FRI *)",
                "ScalableTargetAction": {"MinCapacity": 4},
            }
        ],
    )

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        """A plain number is how many requests a second one task should carry."""
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        return {"target": value} if plain else value

    @model_validator(mode="after")
    def _names_once(self) -> "ScalingKeys":
        names = [one.PolicyName for one in self.policies]
        names += [one.ScheduledActionName for one in self.scheduled]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice or model.Totals().name in names:
            raise conflict(
                f"the name {twice or model.Totals().name} is taken",
                "give every policy and action a name of its own",
            )
        return self

    def core(self) -> model.Scaling:
        """As the core knows it."""
        given = [policy for policy in self.policies if policy.StepScalingPolicyConfiguration]
        tracking = [policy for policy in self.policies if policy not in given]
        return model.Scaling(
            self._totals(),
            tuple(tracking_of(policy) for policy in tracking),
            tuple(step_of(policy) for policy in given),
            tuple(action.core() for action in self.scheduled),
        )

    def _totals(self) -> model.Totals | None:
        target = self.target
        if target is None:
            return None
        return model.Totals(
            target.requests,
            target.concurrency,
            target.cpu,
            target.memory,
            target.p95,
            self.panic,
            self.fallback,
            self.scale_in_after,
        )
