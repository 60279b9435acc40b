"""Sums and percentiles of a target group's seconds keep every request and stay within 5 %."""

from itertools import pairwise
from math import ceil

from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.metrics import (
    BUCKET_BOUNDS_US,
    Second,
    bucket_of,
    merge,
    percentile_us,
    slower_than,
    slower_than_bucket,
)

latencies = st.lists(st.integers(50, 120_000_000), min_size=1, max_size=200)


def second_of(latency_us: list[int], at_ms: int = 0) -> Second:
    counts: dict[int, int] = {}
    for value in latency_us:
        counts[bucket_of(value)] = counts.get(bucket_of(value), 0) + 1
    return Second(at_ms, len(latency_us), 0, tuple(sorted(counts.items())), ((2, len(latency_us)),))


def test_bucket_bounds_rise_by_at_most_five_percent() -> None:
    for low, high in pairwise(BUCKET_BOUNDS_US):
        assert low < high <= max(low + 1, low * 1.05)


@given(st.integers(0, 10**9))
def test_a_latency_is_in_the_first_bucket_that_holds_it(latency_us: int) -> None:
    bucket = bucket_of(latency_us)
    assert bucket == 0 or BUCKET_BOUNDS_US[bucket - 1] < latency_us
    assert latency_us <= BUCKET_BOUNDS_US[bucket] or bucket == len(BUCKET_BOUNDS_US) - 1


@given(latencies, st.sampled_from([0.1, 25, 50, 90, 95, 99, 99.9, 100]))
def test_a_percentile_is_never_too_low_and_at_most_five_percent_too_high(
    latency_us: list[int], percent: float
) -> None:
    rank = max(1, ceil(round(len(latency_us) * percent / 100, 6)))
    exact = sorted(latency_us)[rank - 1]
    got = percentile_us(second_of(latency_us), percent)
    assert got is not None
    assert exact <= got <= max(exact + 1, exact * 1.05)


def test_a_fractional_percentile_is_not_rounded_up_by_the_arithmetic() -> None:
    second = Second(0, 1_000, latency=((10, 999), (200, 1)))
    assert percentile_us(second, 99.9) == BUCKET_BOUNDS_US[10]


def test_no_requests_have_no_percentile() -> None:
    assert percentile_us(Second(0, 0), 95) is None


@given(latencies, latencies)
def test_merged_seconds_hold_every_request(one: list[int], two: list[int]) -> None:
    both = merge([second_of(one, 1_000), second_of(two, 2_000)])
    assert both == second_of(one + two, 1_000)


def test_merging_nothing_is_an_empty_second() -> None:
    assert merge([]) == Second(0, 0)


@given(latencies, st.integers(0, len(BUCKET_BOUNDS_US) - 1))
def test_slower_requests_are_those_above_the_bucket(latency_us: list[int], limit: int) -> None:
    second = second_of(latency_us)
    wanted = sum(value > BUCKET_BOUNDS_US[limit] for value in latency_us)
    if limit < len(BUCKET_BOUNDS_US) - 1:
        assert slower_than_bucket(second, limit) == wanted
    assert slower_than(second, BUCKET_BOUNDS_US[limit]) == slower_than_bucket(second, limit)
