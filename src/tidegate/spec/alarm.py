"""The keys of an alarm, by CloudWatch's words."""

from typing import Annotated

from pydantic import Field, model_validator

from tidegate.core import datapoints, gauges, model
from tidegate.core.model import AlarmScope, Comparison, MissingData
from tidegate.spec.keys import Keys, conflict, key, needed
from tidegate.spec.kinds import Name, Period, Switch, one_of, shaped
from tidegate.spec.units import time_text

ALARM = model.Alarm("alarm", "RequestCount", 0)
_LONGEST_WINDOW_MS = 24 * 3_600_000
_STATISTIC = r"Sum|Average|Minimum|Maximum|SampleCount|p([0-9]{1,2}(\.[0-9]{1,10})?|100)"


class AlarmKeys(Keys):
    """A metric alarm, by CloudWatch's rules: M of N datapoints are beyond the threshold."""

    metric: Annotated[str, one_of(*sorted(datapoints.METRICS))] = needed(
        "An AWS/ApplicationELB or AWS/ECS metric, or `ErrorPercent`: the share of 5xx answers.",
        "TargetResponseTime",
    )
    threshold: float = needed(
        "What a datapoint is compared with; times in seconds, shares in percent.", 0.5
    )
    statistic: (
        Annotated[
            str,
            shaped(_STATISTIC, "`Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount` or `pNN`"),
        ]
        | None
    ) = key(
        None,
        "How a period becomes one datapoint; `p95` is a percentile. Left out: what means most, "
        "such as `Sum` of counts, `p95` of times, `Minimum` of healthy hosts.",
        "p95",
    )
    comparison: Annotated[str, one_of(*Comparison)] = key(
        ALARM.comparison.value, "Which side of the threshold breaches.", "LessThanThreshold"
    )
    period: Period = key(time_text(ALARM.period_ms), "The length of one datapoint.", "1m")
    evaluation_periods: Annotated[int, Field(ge=1, le=1_440)] = key(
        ALARM.evaluation_periods, "N: how many datapoints are looked at.", 3
    )
    datapoints_to_alarm: Annotated[int, Field(ge=1, le=1_440)] = key(
        ALARM.datapoints_to_alarm, "M: how many of them must breach.", 2
    )
    treat_missing_data: Annotated[str, one_of(*MissingData)] = key(
        ALARM.treat_missing_data.value, "What a period without data counts as.", "notBreaching"
    )
    scope: Annotated[str, one_of(*AlarmScope)] = key(
        ALARM.scope.value, "Whose answers it reads; `service` is both together.", "service"
    )
    service: Name | None = key(
        None, "The service that it guards. Left out: each service for itself.", "cats"
    )
    guards: Switch | None = key(
        None,
        "Whether it holds and rolls back deployments. Left out: unless it invokes a step policy.",
        False,
    )

    @model_validator(mode="after")
    def _window(self) -> "AlarmKeys":
        m, n = self.datapoints_to_alarm, self.evaluation_periods
        if m > n:
            raise conflict(
                f"datapoints_to_alarm {m} is more than evaluation_periods {n}",
                "raise evaluation_periods, or lower datapoints_to_alarm",
            )
        if self.period * n > _LONGEST_WINDOW_MS or self.period % 1_000:
            raise conflict(
                f"{n} periods of {time_text(self.period)} are no window of traffic",
                "whole seconds, and at most 24h together",
            )
        short = self.period < gauges.SHORTEST_MS or self.period * (n + 2) > gauges.LONGEST_MS
        if self.metric in datapoints.GAUGES and short:
            raise conflict(
                f"{self.metric} is measured every {time_text(gauges.SHORTEST_MS)}, for an hour",
                "a longer period, or fewer of them",
            )
        return self

    def core(self, name: str, invokes: bool = False) -> model.Alarm:
        """As the core knows it; `invokes` says that a step policy hangs on it."""
        return model.Alarm(
            name=name,
            metric=self.metric,
            threshold=float(self.threshold),
            statistic=self.statistic or datapoints.USUAL.get(self.metric, ALARM.statistic),
            comparison=Comparison(self.comparison),
            period_ms=self.period,
            evaluation_periods=self.evaluation_periods,
            datapoints_to_alarm=self.datapoints_to_alarm,
            treat_missing_data=MissingData(self.treat_missing_data),
            scope=AlarmScope(self.scope),
            service=self.service,
            guards=not invokes if self.guards is None else self.guards,
        )
