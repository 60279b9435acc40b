"""Alarms follow CloudWatch's rules: AWS's own tables, ALB's metrics, and a reason for a person."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.alarms import breaches, evaluate, judge, judge_points
from tidegate.core.datapoints import Point, datapoints, gauge_datapoints, is_statistic
from tidegate.core.decision import AlarmState
from tidegate.core.metrics import Second, bucket_of
from tidegate.core.model import Alarm, Comparison, MissingData

OK, ALARM, INSUFFICIENT = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
COLUMNS = tuple(MissingData)  # missing, ignore, breaching, notBreaching

# Both tables of AWS's page, as it prints them: datapoints oldest first (0 good, X breaching,
# - missing), then MISSING, IGNORE, BREACHING, NOT BREACHING. "Retain" keeps the current state.
AWS_TABLES = """
3 | 0 - X - X | OK           | OK     | OK    | OK
3 | 0 - - - - | OK           | OK     | OK    | OK
3 | - - - - - | Insufficient | Retain | ALARM | OK
3 | 0 X X - X | ALARM        | ALARM  | ALARM | ALARM
3 | - - X - - | ALARM        | Retain | ALARM | OK
2 | 0 - X - X | ALARM        | ALARM  | ALARM | ALARM
2 | 0 0 X 0 X | ALARM        | ALARM  | ALARM | ALARM
2 | 0 - X - - | OK           | OK     | ALARM | OK
2 | - - - - 0 | OK           | OK     | ALARM | OK
2 | - - - X - | ALARM        | Retain | ALARM | OK
"""

CELLS = [
    (int(m), points.strip(), column, wanted.strip())
    for m, points, *row in (line.split("|") for line in AWS_TABLES.strip().splitlines())
    for column, wanted in zip(COLUMNS, row, strict=True)
]


@pytest.mark.parametrize(("m", "points", "treat", "wanted"), CELLS)
def test_every_cell_of_the_aws_tables_holds(
    m: int, points: str, treat: MissingData, wanted: str
) -> None:
    symbols: dict[str, bool | None] = {"0": False, "X": True, "-": None}
    for before in AlarmState:
        states = {"OK": OK, "ALARM": ALARM, "Insufficient": INSUFFICIENT, "Retain": before}
        got = evaluate([symbols[s] for s in points.split()], m, 3, treat, before)
        assert got is states[wanted]


def test_there_are_forty_cells() -> None:
    assert len(CELLS) == 40


def test_one_early_breaching_datapoint_waits_for_more() -> None:
    early = [None, None, None, None, True]
    for before in AlarmState:
        assert evaluate(early, 3, 3, MissingData.MISSING, before) is before


@given(
    st.lists(st.one_of(st.none(), st.booleans()), min_size=5, max_size=5),
    st.integers(1, 3),
    st.sampled_from(MissingData),
    st.sampled_from(AlarmState),
)
def test_another_breaching_datapoint_never_ends_an_alarm(
    points: list[bool | None], m: int, treat: MissingData, before: AlarmState
) -> None:
    worse = [True if point is False else point for point in points]
    if evaluate(points, m, 3, treat, before) is ALARM and any(points):
        assert evaluate(worse, m, 3, treat, before) is ALARM


# --- datapoints ------------------------------------------------------------------------------

T0 = 1_700_000_000_000  # a multiple of ten seconds
ERRORS = Alarm("errors", "HTTPCode_Target_5XX_Count", threshold=5, period_ms=10_000)
TIME = Alarm("time", "TargetResponseTime", threshold=0.1, statistic="p90", period_ms=10_000)


def second(at_s: int, requests: int, errors: int = 0, latency_ms: float = 10) -> Second:
    good = requests - errors
    bucket = bucket_of(int(latency_ms * 1000))
    return Second(
        T0 + at_s * 1000, requests, errors, ((bucket, requests),), ((2, good), (5, errors))
    )


def steady(from_s: int, to_s: int, requests: int = 10, errors: int = 0) -> tuple[Second, ...]:
    return tuple(second(s, requests, errors) for s in range(from_s, to_s))


def test_only_complete_periods_count() -> None:
    traffic = steady(0, 39, errors=1)
    assert datapoints(ERRORS, traffic, T0 + 39_999) == (10.0, 10.0, 10.0)
    assert datapoints(ERRORS, traffic, T0 + 40_000) == (10.0, 10.0, 9.0)


def test_the_evaluation_range_is_two_periods_longer_than_the_alarm() -> None:
    alarm = replace(ERRORS, evaluation_periods=3)
    assert datapoints(alarm, steady(30, 60), T0 + 60_000) == (None, None, 0.0, 0.0, 0.0)


def test_periods_are_aligned_to_the_clock() -> None:
    assert datapoints(ERRORS, steady(8, 12, errors=1), T0 + 20_000) == (None, 2.0, 2.0)


def test_a_period_without_requests_has_no_datapoint_but_a_request_count_of_zero() -> None:
    traffic = (*steady(10, 15), *steady(30, 35))
    count = replace(ERRORS, metric="RequestCount", evaluation_periods=3)
    assert datapoints(count, traffic, T0 + 40_000) == (None, None, 50.0, 0.0, 50.0)
    errors = replace(ERRORS, evaluation_periods=3)
    assert datapoints(errors, traffic, T0 + 40_000) == (None, None, 0.0, None, 0.0)


@pytest.mark.parametrize(
    ("metric", "wanted"),
    [
        ("RequestCount", 10.0),
        ("HTTPCode_Target_2XX_Count", 4.0),
        ("HTTPCode_Target_3XX_Count", 3.0),
        ("HTTPCode_Target_4XX_Count", 2.0),
        ("HTTPCode_Target_5XX_Count", 1.0),
        ("ErrorPercent", 10.0),
    ],
)
def test_each_metric_counts_what_its_name_says(metric: str, wanted: float) -> None:
    traffic = Second(T0, 10, 1, ((100, 10),), ((2, 4), (3, 3), (4, 2), (5, 1)))
    assert datapoints(replace(ERRORS, metric=metric), [traffic], T0 + 10_000)[-1] == wanted


@pytest.mark.parametrize(
    ("statistic", "wanted_s"),
    [("Minimum", 0.01), ("p50", 0.01), ("p90", 0.01), ("p91", 0.5), ("Maximum", 0.5),
     ("Average", 0.059), ("Sum", 5.9), ("SampleCount", 100)],
)  # fmt: skip
def test_response_times_are_seconds_and_at_most_five_percent_too_high(
    statistic: str, wanted_s: float
) -> None:
    traffic = (second(0, 90, latency_ms=10), second(1, 10, latency_ms=500))
    point = datapoints(replace(TIME, statistic=statistic), traffic, T0 + 10_000)[-1]
    assert point is not None
    assert wanted_s <= point <= wanted_s * 1.05


def test_a_count_is_one_by_any_statistic_but_the_sum_as_at_aws() -> None:
    for statistic in ("Average", "Minimum", "Maximum", "p99"):
        alarm = replace(ERRORS, statistic=statistic)
        assert datapoints(alarm, steady(0, 10, errors=3), T0 + 10_000)[-1] == 1


def test_healthy_hosts_are_read_from_samples() -> None:
    alarm = Alarm("hosts", "HealthyHostCount", threshold=2, statistic="Minimum")
    samples = [(T0 + 1_000, 4), (T0 + 5_000, 1), (T0 + 11_000, 3)]
    points = gauge_datapoints(alarm, samples, T0 + 20_000)
    assert points == (None, 1.0, 3.0)
    assert gauge_datapoints(replace(alarm, statistic="Average"), samples, T0 + 20_000)[1] == 2.5
    assert gauge_datapoints(replace(alarm, statistic="p50"), samples, T0 + 20_000)[1] == 1


@pytest.mark.parametrize("text", ["Sum", "p95", "p99.9", "p100", "p0"])
def test_a_statistic_of_cloudwatch_is_known(text: str) -> None:
    assert is_statistic(text)


@pytest.mark.parametrize("text", ["sum", "p", "p101", "p99.", "median", "P95", ""])
def test_another_statistic_is_not(text: str) -> None:
    assert not is_statistic(text)


@pytest.mark.parametrize(
    ("comparison", "wanted"),
    [
        (Comparison.GREATER, [False, False, True]),
        (Comparison.GREATER_OR_EQUAL, [False, True, True]),
        (Comparison.LESS, [True, False, False]),
        (Comparison.LESS_OR_EQUAL, [True, True, False]),
    ],
)
def test_the_four_comparisons_differ_at_the_threshold(
    comparison: Comparison, wanted: list[bool]
) -> None:
    alarm = replace(ERRORS, comparison=comparison)
    assert [breaches(alarm, value) for value in (4, 5, 6)] == wanted


# --- the judgement ---------------------------------------------------------------------------


def test_three_of_three_bad_datapoints_raise_the_alarm_and_say_so() -> None:
    alarm = replace(ERRORS, evaluation_periods=3, datapoints_to_alarm=3)
    traffic = (second(0, 50, 12), second(10, 50, 9), second(20, 50, 15))
    assert judge(alarm, "cats/errors", traffic, T0 + 30_000, OK) == (
        ALARM,
        "3 of the last 3 datapoints (12, 9, 15) were greater than the threshold 5",
    )


def test_too_few_bad_datapoints_are_ok_and_the_reason_says_how_many_it_takes() -> None:
    alarm = replace(ERRORS, evaluation_periods=3, datapoints_to_alarm=2)
    traffic = (second(0, 50, 12), second(10, 50, 0), second(20, 50, 5))
    assert judge(alarm, "cats/errors", traffic, T0 + 30_000, ALARM) == (
        OK,
        "1 of the last 3 datapoints (12, 0, 5) was greater than the threshold 5; ALARM needs 2",
    )


def test_the_first_good_datapoint_ends_insufficient_data() -> None:
    state, reason = judge(ERRORS, "cats/errors", steady(0, 10), T0 + 10_000, INSUFFICIENT)
    assert state is OK
    assert reason == ("the last datapoint (0) was not greater than the threshold 5; ALARM needs 1")


@pytest.mark.parametrize(
    ("treat", "state", "ending"),
    [
        (MissingData.MISSING, INSUFFICIENT, ""),
        (MissingData.IGNORE, OK, ", which leaves the state as it is"),
        (MissingData.BREACHING, ALARM, ", which counts as breaching"),
        (MissingData.NOT_BREACHING, OK, ", which counts as not breaching"),
    ],
)
def test_no_traffic_is_judged_as_the_alarm_says(
    treat: MissingData, state: AlarmState, ending: str
) -> None:
    alarm = replace(ERRORS, treat_missing_data=treat)
    wanted = f"no datapoint in the last 3 periods of 10 s{ending}"
    assert judge(alarm, "cats/errors", (), T0, OK) == (state, wanted)


def test_a_hole_is_named_with_what_it_counts_as() -> None:
    alarm = replace(
        ERRORS,
        evaluation_periods=3,
        datapoints_to_alarm=3,
        treat_missing_data=MissingData.BREACHING,
    )
    points: tuple[Point, ...] = (None, None, None, 9.0, 8.5)
    assert judge_points(alarm, points, OK) == (
        ALARM,
        "2 of the last 2 datapoints (9, 8.5) were greater than the threshold 5, "
        "1 of 3 missing, which counts as breaching",
    )


@pytest.mark.parametrize("treat", MissingData)
@pytest.mark.parametrize("before", AlarmState)
def test_metrics_that_cannot_be_read_are_insufficient_data_whatever_the_policy(
    treat: MissingData, before: AlarmState
) -> None:
    alarm = replace(ERRORS, treat_missing_data=treat)
    state, reason = judge(alarm, "cats/errors", None, T0, before)
    assert state is INSUFFICIENT
    assert reason == "the metrics of cats/errors cannot be read"


@pytest.mark.parametrize(
    "alarm",
    [
        replace(ERRORS, metric="Errors"),
        replace(ERRORS, statistic="p999"),
        replace(ERRORS, metric="HealthyHostCount"),
    ],
)
def test_an_alarm_that_traffic_cannot_answer_is_never_ok(alarm: Alarm) -> None:
    state, reason = judge(alarm, "cats/errors", steady(0, 30), T0 + 30_000, OK)
    assert state is INSUFFICIENT
    assert reason.startswith("cats/errors asks for ")
