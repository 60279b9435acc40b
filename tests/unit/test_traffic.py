"""The timetables of a traffic shift are AWS's, minute by minute, and steps fall due by them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.model import ALL_BP, Shift
from tidegate.core.traffic import (
    NATIVE,
    PRESETS,
    canary,
    duration_ms,
    hold_ms,
    linear,
    next_due_ms,
    step_due,
)

MINUTE_MS = 60_000

# (minute, percent of traffic that the candidate has from then on)
TIMETABLES = {
    "ECSLinear10PercentEvery1Minutes": [
        (0, 10), (1, 20), (2, 30), (3, 40), (4, 50),
        (5, 60), (6, 70), (7, 80), (8, 90), (9, 100),
    ],
    "ECSLinear10PercentEvery3Minutes": [
        (0, 10), (3, 20), (6, 30), (9, 40), (12, 50),
        (15, 60), (18, 70), (21, 80), (24, 90), (27, 100),
    ],
    "ECSCanary10Percent5Minutes": [(0, 10), (5, 100)],
    "ECSCanary10Percent15Minutes": [(0, 10), (15, 100)],
    "ECSAllAtOnce": [(0, 100)],
}  # fmt: skip

shifts = st.one_of(
    st.builds(linear, st.integers(50, ALL_BP), st.integers(0, 10**7)),
    st.builds(canary, st.integers(1, ALL_BP), st.integers(0, 10**7)),
    st.sampled_from([*PRESETS.values(), *NATIVE.values()]),
)


def minutes(shift: Shift) -> list[tuple[float, float]]:
    return [(step.at_ms / MINUTE_MS, step.weight_bp / 100) for step in shift.steps]


@pytest.mark.parametrize("name", TIMETABLES)
def test_a_codedeploy_preset_shifts_at_the_minutes_that_aws_documents(name: str) -> None:
    assert minutes(PRESETS[name]) == TIMETABLES[name]
    assert PRESETS[name].name == name


def test_there_are_exactly_the_five_presets_of_codedeploy_for_ecs() -> None:
    assert set(PRESETS) == set(TIMETABLES)


def test_the_native_strategies_have_the_defaults_of_ecs() -> None:
    assert minutes(NATIVE["LINEAR"]) == [(6 * n, 10 * (n + 1)) for n in range(10)]
    assert minutes(NATIVE["CANARY"]) == [(0, 5), (10, 100)]
    assert minutes(NATIVE["BLUE_GREEN"]) == [(0, 100)]


@given(shifts)
def test_a_shift_begins_at_once_never_falls_and_ends_with_all_traffic(shift: Shift) -> None:
    weights = [step.weight_bp for step in shift.steps]
    times = [step.at_ms for step in shift.steps]
    assert times[0] == 0
    assert times == sorted(times)
    assert all(earlier < later for earlier, later in pairwise(weights))
    assert weights[0] > 0
    assert weights[-1] == ALL_BP


@given(shifts, st.integers(0, 10**13))
def test_steps_that_are_observed_at_once_follow_the_timetable(shift: Shift, start: int) -> None:
    since = start
    for index, step in enumerate(shift.steps):
        assert since == start + step.at_ms
        due = next_due_ms(shift, index, since)
        if due is None:
            assert index == len(shift.steps) - 1
        else:
            assert not step_due(shift, index, since, due - 1)
            assert step_due(shift, index, since, due)
            since = due
    assert since - start == duration_ms(shift)


def test_an_odd_increment_ends_with_a_smaller_last_step() -> None:
    assert [step.weight_bp for step in linear(3_000, 2_000).steps] == [3_000, 6_000, 9_000, 10_000]


def test_a_late_balancer_makes_the_shift_longer_and_never_shortens_a_hold() -> None:
    shift = PRESETS["ECSLinear10PercentEvery1Minutes"]
    seen_at = 5 * MINUTE_MS
    assert not step_due(shift, 0, seen_at, seen_at + MINUTE_MS - 1)
    assert step_due(shift, 0, seen_at, seen_at + MINUTE_MS)


def test_nothing_is_due_after_the_last_step() -> None:
    shift = PRESETS["ECSAllAtOnce"]
    assert hold_ms(shift, 0) is None
    assert not step_due(shift, 0, 0, 10**12)


def test_custom_shifts_are_named_by_what_they_do() -> None:
    assert linear(1_000, 2_000).name == "linear 10 % every 2 s"
    assert canary(250, 90_000).name == "canary 2.5 % for 90 s"
    assert canary(ALL_BP, 120_000).name == "canary 100 % for 2 min"
    assert linear(1_000, 1_500).name == "linear 10 % every 1500 ms"


@pytest.mark.parametrize(("percent_bp", "every_ms"), [(0, 1), (10_001, 1), (-5, 1), (100, -1)])
def test_an_impossible_shift_is_refused(percent_bp: int, every_ms: int) -> None:
    with pytest.raises(ValueError, match=r"basis points|negative"):
        linear(percent_bp, every_ms)
    with pytest.raises(ValueError, match=r"basis points|negative"):
        canary(percent_bp, every_ms)


def test_a_step_that_the_timetable_does_not_have_is_an_error() -> None:
    with pytest.raises(IndexError, match="no step 2"):
        hold_ms(PRESETS["ECSCanary10Percent5Minutes"], 2)
