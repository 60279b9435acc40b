"""The keys of `strategy`: the timetable of a traffic shift, by name or of one's own."""

from itertools import pairwise
from typing import Annotated, ClassVar

from pydantic import model_validator

from tidegate.core import model, traffic
from tidegate.spec.keys import Keys, Short, conflict, key, needed
from tidegate.spec.kinds import Moment, Percent, one_of

SHIFTS = {**traffic.PRESETS, **traffic.NATIVE}


class LinearKeys(Keys):
    """The same increment of traffic again and again, the first at once."""

    percent: Percent = needed("How much traffic each step adds.", 10)
    every: Moment = needed("The time between two steps.", "1m")


class CanaryKeys(Keys):
    """A little traffic first, then all of it."""

    percent: Percent = needed("How much traffic the first step has.", 5)
    hold: Moment = needed("How long the first step is held.", "10m")


class StepKeys(Keys):
    """One step of a timetable of your own."""

    at: Moment = needed("When, counted from the first step.", "30s")
    percent: Percent = needed("The candidate's share of the traffic from then on.", 25)


class StrategyKeys(Short):
    """The timetable of the traffic shift. A plain value is one of the named ones."""

    short: ClassVar[str] = "name"
    name: Annotated[str, one_of(*SHIFTS)] | None = key(
        None,
        "A timetable by CodeDeploy's or ECS's name.",
        "ECSLinear10PercentEvery1Minutes",
    )
    linear: LinearKeys | None = key(
        None, "Equal steps at equal times.", {"percent": 10, "every": "2s"}
    )
    canary: CanaryKeys | None = key(
        None, "Two steps: a little, then all.", {"percent": 5, "hold": "10s"}
    )
    steps: list[StepKeys] | None = key(
        None,
        "Any steps: the first at `0s`, the last with 100 percent, both rising.",
        [{"at": "0s", "percent": 5}, {"at": "30s", "percent": 100}],
    )

    @model_validator(mode="after")
    def _one_that_rises(self) -> "StrategyKeys":
        if (
            len([v for v in (self.name, self.linear, self.canary, self.steps) if v is not None])
            != 1
        ):
            raise conflict(
                "a strategy is one timetable",
                "write a name, or one of linear, canary and steps",
            )
        if self.steps is not None and not _is_timetable(self.steps):
            raise conflict(
                "the steps are no timetable",
                "begin at 0s, raise both `at` and `percent` with every step, end with percent: 100",
            )
        return self

    def core(self) -> model.Shift:
        """As the core knows it."""
        if self.linear is not None:
            return traffic.linear(self.linear.percent, self.linear.every)
        if self.canary is not None:
            return traffic.canary(self.canary.percent, self.canary.hold)
        if self.steps is not None:
            steps = tuple(model.ShiftStep(step.at, step.percent) for step in self.steps)
            return model.Shift(f"{len(steps)} steps", steps)
        return SHIFTS[str(self.name)]


def _is_timetable(steps: list[StepKeys]) -> bool:
    pairs = pairwise(steps)
    rising = all(a.at < b.at and a.percent < b.percent for a, b in pairs)
    return bool(steps) and rising and steps[0].at == 0 and steps[-1].percent == model.ALL_BP
