"""AWS's policies, each documented rule with its vector; sources are in the modules' docstrings."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.scaled import Load, Plant, scaled
from tidegate.core import decision as d
from tidegate.core.model import Alarm, AlarmScope, Colour, Comparison
from tidegate.core.scaling.policy import (
    AdjustmentType,
    Aggregation,
    Metric,
    Scaling,
    StepAdjustment,
    StepScaling,
    TargetTracking,
    Totals,
)
from tidegate.core.scaling.record import Recording
from tidegate.core.scaling.step import adjusted, step_for
from tidegate.core.scaling.tracking import wants_in

PER_TARGET = TargetTracking("requests", Metric.REQUESTS, 3_000)
"""Fifty requests a second for each task."""


def plant(scaling: Scaling, load: Load, **changes: object) -> Plant:
    """A service that is scaled so, under that load."""
    counts = {k: changes.pop(k) for k in ("least", "desired", "most") if k in changes}
    return Plant(scaled(scaling, **counts), load, **changes)  # type: ignore[arg-type]


def tracked(*policies: TargetTracking) -> Scaling:
    return Scaling(tracking=policies)


# --- target tracking: user guide "Target tracking scaling policies" -----------------------------


def test_it_scales_out_after_three_of_three_minutes_above_the_target() -> None:
    """T0 is 20 s into a minute: minutes end at 40, 100, 160, 220 s."""
    made = plant(tracked(PER_TARGET), lambda second: 80 if second < 100 else 160)
    assert made.run(279).counts == []
    assert made.run(6).counts == [4]
    (activity,) = made.activities
    assert activity.reason == ("ALBRequestCountPerTarget was over 3000 for 3 minutes, last 4800")
    assert (activity.metric, activity.value) == ("ALBRequestCountPerTarget", 4_800)


def test_two_of_three_minutes_are_not_enough() -> None:
    made = plant(tracked(PER_TARGET), lambda second: 160 if 100 <= second < 220 else 80)
    assert made.run(600).counts == []


def test_it_scales_in_after_fifteen_minutes_below_ninety_percent() -> None:
    made = plant(tracked(PER_TARGET), lambda second: 60, desired=4)
    assert made.run(40 + 14 * 60).counts == []
    assert made.run(66).counts == [2]
    assert made.activities[0].reason == (
        "ALBRequestCountPerTarget was under 2700 for 15 minutes, last 900"
    )


def test_between_ninety_percent_and_the_target_nothing_happens() -> None:
    assert plant(tracked(PER_TARGET), lambda second: 95).run(1_800).counts == []


@given(st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=1, max_size=20))
def test_a_minute_without_data_never_lets_it_in(points: list[float | None]) -> None:
    policy = TargetTracking("cpu", Metric.CPU, 100)
    if wants_in(points, policy):
        assert None not in points[-15:]


def test_it_cannot_scale_in_when_that_is_disabled() -> None:
    policy = replace(PER_TARGET, disable_scale_in=True)
    assert plant(tracked(policy), lambda second: 60, desired=4).run(1_800).counts == []


def test_scaling_in_rounds_so_that_never_too_much_goes() -> None:
    """4 tasks at 1,650 of 3,000: 2.2 are needed, 3 stay."""
    made = plant(tracked(PER_TARGET), lambda second: 110, desired=4).run(1_000)
    assert made.counts == [3]


def test_cpu_and_memory_are_in_percent_of_the_reservation() -> None:
    """256 units reserved; 100 requests of 3 units each on 2 tasks: 150 units, 58.6 %."""
    cpu = TargetTracking("cpu", Metric.CPU, 30)
    made = plant(tracked(cpu), lambda second: 100, cpu_per_request=3).run(300)
    assert made.counts == [4]
    assert made.activities[0].value == pytest.approx(58.59, abs=0.01)
    memory = TargetTracking("memory", Metric.MEMORY, 20)  # 40 of 128 MiB
    made = plant(tracked(memory), lambda second: 100).run(300)
    assert made.counts == [4]
    assert made.activities[0].value == 31.25


def test_concurrency_and_p95_are_followed_as_well() -> None:
    busy = TargetTracking("busy", Metric.CONCURRENCY, 5)
    assert plant(tracked(busy), lambda second: 100, latency_ms=200).run(300).counts == [4]
    slow = TargetTracking("slow", Metric.P95, 0.15)
    made = plant(tracked(slow), lambda second: 100, latency_ms=200).run(300)
    assert made.counts == [3]


# --- cooldowns: "during the cooldown what was added counts" --------------------------------------


def test_during_a_cooldown_only_a_larger_request_adds_more() -> None:

    def load(second: int) -> float:
        return 80 if second < 100 else 160 if second < 220 else 200

    policy = replace(PER_TARGET, target=2_400)
    made = plant(tracked(policy), load, start_ms=600_000)  # what was ordered does not come yet
    made.run(290)
    assert made.counts == [5]
    assert made.run(200).counts == [5]  # asked for each minute, and no more than that
    assert made.activities[0].base == 2


def test_a_larger_one_does() -> None:
    def load(second: int) -> float:
        return 80 if second < 100 else 160 if second < 280 else 240

    made = plant(tracked(PER_TARGET), load, start_ms=600_000).run(480)
    assert made.counts == [4, 5]


def test_the_base_is_what_runs_and_not_what_is_desired() -> None:
    """No runaway while tasks cannot be placed: 2 run, so 4 are asked for, again and again."""
    quick = replace(PER_TARGET, scale_out_cooldown_ms=0)
    made = plant(tracked(quick), lambda second: 160, start_ms=10_000_000).run(1_200)
    assert made.counts == [4]


def test_scaling_in_waits_for_its_cooldown() -> None:
    """The load falls twice: at 960 s it is 15 minutes low, and lower still two minutes later."""
    made = plant(tracked(PER_TARGET), lambda s: 160 if s < 1_000 else 20, desired=8, least=1)
    made.run(1_600)
    first, second = made.changed_at()
    assert made.counts == [4, 1]
    assert second - first == 300


def test_a_scale_out_ends_the_cooldown_of_a_scale_in() -> None:
    made = plant(tracked(PER_TARGET), lambda s: 100 if s < 960 else 700, desired=8, most=40)
    made.run(1_200)
    ins, outs = made.activities[0], made.activities[1]
    assert (ins.after, outs.after > 8) == (2, True)
    assert made.changed_at()[1] - made.changed_at()[0] < 300


# --- several policies ---------------------------------------------------------------------------


def test_out_if_any_policy_wants_out_and_to_the_largest() -> None:
    cpu = TargetTracking("cpu", Metric.CPU, 30)
    made = plant(tracked(PER_TARGET, cpu), lambda second: 160, cpu_per_request=3).run(290)
    assert made.counts == [7]  # requests ask for 4, cpu for 6.25
    assert made.activities[0].policy == "cpu"


def test_in_only_if_all_want_in() -> None:
    cpu = TargetTracking("cpu", Metric.CPU, 8)  # 60 x 1.5 on 4 tasks: 8.8 %
    one = plant(tracked(PER_TARGET, cpu), lambda second: 60, desired=4, cpu_per_request=1.3)
    assert one.run(1_300).counts == []
    alone = plant(tracked(PER_TARGET), lambda second: 60, desired=4, cpu_per_request=1.3)
    assert alone.run(1_300).counts == [2]


def test_the_largest_count_wins_on_the_way_in_as_well() -> None:
    cpu = TargetTracking("cpu", Metric.CPU, 30)
    made = plant(tracked(PER_TARGET, cpu), lambda second: 60, desired=8, cpu_per_request=8)
    made.run(1_000)
    assert made.counts == [7]  # requests would do with 2; 480 units on 8 tasks are 23.4 %


def test_a_policy_that_may_not_scale_in_has_no_say_in_it() -> None:
    """40 of 128 MiB, 31.25 %, is neither over 32 nor under 90 % of it, however many tasks."""
    memory = TargetTracking("memory", Metric.MEMORY, 32)
    made = plant(tracked(PER_TARGET, memory), lambda second: 60, desired=4)
    assert made.run(1_000).counts == []
    memory = replace(memory, disable_scale_in=True)
    made = plant(tracked(PER_TARGET, memory), lambda second: 60, desired=4)
    assert made.run(1_000).counts == [2]


def test_the_recommended_controller_votes_like_a_tracking_policy() -> None:
    both = Scaling(Totals(requests=15), (PER_TARGET,))
    assert plant(both, lambda second: 60, desired=4).run(1_300).counts == []


def test_nothing_goes_in_during_a_deployment() -> None:
    made = plant(tracked(PER_TARGET), lambda second: 60, desired=4)
    made.record(d.DeploymentStarted("d2", "cats", 1, 1, Colour.GREEN))
    assert made.run(1_800).counts == []


# --- step scaling: user guide "Step scaling policies" ---------------------------------------------

VECTORS = [
    (10, 10, None, 11),
    (11, 30, None, 14),
    (14, -10, None, 13),
    (13, -30, None, 10),
    (4, 25, 2, 6),
    (5, 10, None, 6),  # 0.5 rounds to 1
    (5, -10, None, 4),  # -0.5 rounds to -1
    (10, 127, None, 22),  # 12.7 rounds to 12
    (10, -67, None, 4),  # -6.7 rounds to -6
]


@pytest.mark.parametrize(("base", "percent", "least", "wanted"), VECTORS)
def test_percentages_round_as_aws_documents(
    base: int, percent: int, least: int | None, wanted: int
) -> None:
    policy = StepScaling("s", "a", AdjustmentType.PERCENT, (), minimum_magnitude=least)
    assert adjusted(policy, base, percent) == wanted


def test_a_change_and_an_exact_count_are_what_they_say() -> None:
    assert adjusted(StepScaling("s", "a", AdjustmentType.CHANGE, ()), 10, -3) == 7
    assert adjusted(StepScaling("s", "a", AdjustmentType.EXACT, ()), 10, 3) == 3


UP = tuple(StepAdjustment(*one) for one in ((0, 10, 1), (10, 20, 2), (20, None, 3)))
DOWN = tuple(StepAdjustment(*one) for one in ((None, -20, -3), (-20, -10, -2), (-10, 0, -1)))


@pytest.mark.parametrize(
    ("above", "wanted"), [(0, 1), (9.9, 1), (10, 2), (19.9, 2), (20, 3), (1e9, 3), (-0.1, None)]
)
def test_above_the_threshold_the_lower_bound_is_inclusive(above: float, wanted: int | None) -> None:
    for comparison in (Comparison.GREATER, Comparison.GREATER_OR_EQUAL):
        step = step_for(UP, above, comparison)
        assert (step.adjustment if step else None) == wanted


@pytest.mark.parametrize(
    ("above", "wanted"), [(0, -1), (-9.9, -1), (-10, -2), (-20, -3), (-1e9, -3), (0.1, None)]
)
def test_below_the_threshold_the_upper_bound_is_inclusive(above: float, wanted: int | None) -> None:
    for comparison in (Comparison.LESS, Comparison.LESS_OR_EQUAL):
        step = step_for(DOWN, above, comparison)
        assert (step.adjustment if step else None) == wanted


SCALE_UP = Alarm(
    "CatsScaleUpAlarm", "RequestCountPerTarget", 3_000, period_ms=60_000, evaluation_periods=2,
    datapoints_to_alarm=2, scope=AlarmScope.SERVICE, service="cats", guards=False,
)  # fmt: skip
QUIET = replace(SCALE_UP, name="CatsScaleDownAlarm", threshold=1_000, comparison=Comparison.LESS)


def stepping(*steps: StepAdjustment, **changes: object) -> StepScaling:
    """A policy that hangs on `CatsScaleUpAlarm` and adds tasks."""
    policy = StepScaling("up", "CatsScaleUpAlarm", AdjustmentType.CHANGE, steps)
    return replace(policy, **changes)  # type: ignore[arg-type]


BY_TWO = stepping(StepAdjustment(0, None, 2), cooldown_ms=300_000)


def test_a_named_alarm_goes_to_alarm_under_sustained_load_and_invokes_its_policy() -> None:
    made = plant(Scaling(step=(BY_TWO,)), lambda s: 80 if s < 100 else 160, alarms=(SCALE_UP,))
    made.run(219)
    assert made.progress.alarms["cats/CatsScaleUpAlarm"].state == "OK"
    assert made.run(7).counts == [4]
    assert made.progress.alarms["cats/CatsScaleUpAlarm"].state == "ALARM"
    assert made.activities[0].reason == "alarm CatsScaleUpAlarm is in ALARM with 4800: +2 tasks"


def test_it_is_invoked_once_a_minute_while_the_alarm_stays() -> None:
    """A load that no count can carry: a change each minute once the cooldown is over."""
    policy = replace(BY_TWO, cooldown_ms=0)
    made = plant(Scaling(step=(policy,)), lambda second: 4_000, alarms=(SCALE_UP,))
    made.run(580)  # the first minute is not whole
    assert made.counts == [4, 6, 8, 10, 12, 14, 16, 18]
    times = made.changed_at()
    assert all(b - a == 60 for a, b in pairwise(times))


def test_during_the_cooldown_two_and_then_three_adds_one() -> None:
    """The user guide's own example: +2, then a trigger of +3 adds 1."""
    steps = (StepAdjustment(0, 4_000, 2), StepAdjustment(4_000, None, 3))
    made = plant(
        Scaling(step=(stepping(*steps, aggregation=Aggregation.MAXIMUM),)),
        lambda s: 80 if s < 100 else 180 if s < 220 else 600,
        alarms=(SCALE_UP,),
    )  # fmt: skip
    made.run(420)
    assert made.counts == [4, 5]
    assert [one.base for one in made.activities] == [2, 2]


def test_after_the_cooldown_it_goes_on() -> None:
    made = plant(Scaling(step=(BY_TWO,)), lambda second: 4_000, alarms=(SCALE_UP,)).run(800)
    times = made.changed_at()
    assert made.counts == [4, 6, 8]
    assert all(b - a == 300 for a, b in pairwise(times))


def test_a_step_policy_may_scale_in_whatever_tracking_says() -> None:
    """A documented conflict, kept as it is."""
    down = StepScaling(
        "down", "CatsScaleDownAlarm", AdjustmentType.CHANGE, (StepAdjustment(None, 0, -1),)
    )
    both = Scaling(tracking=(PER_TARGET,), step=(down,))
    made = plant(both, lambda second: 20, desired=4, alarms=(QUIET,)).run(230)
    assert made.counts == [3]
    assert made.run(120).counts == [3]  # its own cooldown
    assert made.activities[0].policy == "down"


def test_two_alarms_around_one_threshold_do_not_flap() -> None:
    """The workshop's fault: `>= 1000` and `<= 1000` of a count that no task changes.

    On a metric per target, with bounds apart, the same load comes to rest.
    """
    down = StepScaling(
        "down", "CatsScaleDownAlarm", AdjustmentType.CHANGE, (StepAdjustment(None, 0, -1),)
    )
    made = plant(Scaling(step=(BY_TWO, down)), lambda second: 160, alarms=(SCALE_UP, QUIET))
    made.run(1_800)
    assert made.counts == [4]


def test_a_minute_that_was_measured_in_part_is_no_low_load() -> None:
    """After a restart of the controller the sum of ten seconds would be a sixth of the load."""
    down = StepScaling(
        "down", "CatsScaleDownAlarm", AdjustmentType.CHANGE, (StepAdjustment(None, 0, -1),)
    )
    quick = replace(QUIET, evaluation_periods=1, datapoints_to_alarm=1)
    made = plant(Scaling(step=(down,)), lambda second: 80, alarms=(quick,)).run(210)
    assert made.now % 60_000 == 50_000
    made.recording = Recording()
    assert made.run(200).counts == []
    assert made.progress.alarms["cats/CatsScaleDownAlarm"].state == "OK"


def test_an_alarm_without_data_invokes_nothing() -> None:
    made = plant(Scaling(step=(BY_TWO,)), lambda second: 4_000, alarms=(SCALE_UP,))
    made.blind = {"tasks"}
    assert made.run(400).counts == []
