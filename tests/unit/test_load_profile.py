"""Intended send times follow the rates, in order, and exactly as many as expected."""

import math
from itertools import islice, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.errors import UsageError
from tidegate.load.profile import (
    Profile,
    Segment,
    constant,
    parse,
    parse_seconds,
    ramp,
    replay,
    spike,
    steps,
)

rates = st.floats(0, 300).map(lambda rate: round(rate, 3))
segments = st.builds(Segment, rates, rates, st.floats(0.05, 5).map(lambda s: round(s, 3)))
profiles = st.builds(
    lambda parts: Profile(tuple(parts)), st.lists(segments, min_size=1, max_size=5)
)


@settings(max_examples=50)
@given(profiles)
def test_times_rise_within_the_profile_and_are_as_many_as_expected(profile: Profile) -> None:
    times = list(profile.times_us())
    assert len(times) == math.ceil(round(profile.expected, 6))
    assert all(a <= b for a, b in pairwise(times))
    assert all(0 <= at_us <= profile.seconds * 1e6 for at_us in times)


@settings(max_examples=50)
@given(segments, st.floats(0.1, 0.9))
def test_a_rate_cut_in_two_sends_at_the_same_times(segment: Segment, where: float) -> None:
    middle = segment.from_rps + (segment.to_rps - segment.from_rps) * where
    first = Segment(segment.from_rps, middle, segment.seconds * where)
    second = Segment(middle, segment.to_rps, segment.seconds * (1 - where))
    whole = list(Profile((segment,)).times_us())
    cut = list(Profile((first, second)).times_us())
    assert abs(len(whole) - len(cut)) <= 1
    # near a rate of 0 the inverse is steep: what must agree is the count by then, within rounding
    for number, at_us in enumerate(cut[: len(whole)]):
        t = at_us / 1e6
        slope = (segment.to_rps - segment.from_rps) / segment.seconds
        assert segment.from_rps * t + slope * t * t / 2 == pytest.approx(number, abs=0.01)


@settings(max_examples=50)
@given(profiles, st.integers(0, 2**32))
def test_poisson_arrivals_are_the_same_for_the_same_seed(profile: Profile, seed: int) -> None:
    random = Profile(profile.segments, seed)
    times = list(random.times_us())
    assert times == list(random.times_us())
    assert all(a <= b for a, b in pairwise(times))


def test_poisson_arrivals_have_the_rate_and_the_spread_of_a_poisson_process() -> None:
    times = list(Profile(constant(1000, 100).segments, poisson_seed=7).times_us())
    gaps = [(b - a) / 1e6 for a, b in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert mean == pytest.approx(0.001, rel=0.02)
    assert deviation == pytest.approx(mean, rel=0.03)  # of an exponential


def test_a_constant_rate_is_evenly_spaced_and_may_have_no_end() -> None:
    assert list(islice(constant(4).times_us(), 6)) == [
        0,
        250_000,
        500_000,
        750_000,
        10**6,
        1_250_000,
    ]
    assert len(list(constant(20_000, 3).times_us())) == 60_000


def test_a_ramp_reaches_each_rate_when_it_should() -> None:
    times = list(ramp(0, 100, 10).times_us())
    assert len(times) == 500
    assert sum(at_us < 5_000_000 for at_us in times) == 125  # a quarter of the triangle


def test_steps_and_a_spike_hold_each_rate_for_its_time() -> None:
    times = list(spike(10, 100, before_s=2, peak_s=1).times_us())
    per_second = [sum(int(t // 10**6) == s for t in times) for s in range(5)]
    assert per_second == [10, 10, 100, 10, 10]
    assert [segment.from_rps for segment in steps((5, 10, 20), 1).segments] == [5, 10, 20]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.sampled_from([60, 120, 600]))
def test_a_replay_sends_each_minutes_count_in_its_time(counts: list[int], speed: int) -> None:
    width_us = 60_000_000 // speed
    found = [0] * len(counts)
    for at_us in replay(counts, speed).times_us():
        found[min(len(counts) - 1, at_us // width_us)] += 1
    assert found == counts


def test_the_written_form_reads_back() -> None:
    profile = parse("100:30s, 100-1000:1m,1000:500ms")
    assert profile == constant(100, 30) + ramp(100, 1000, 60) + constant(1000, 0.5)
    assert parse(str(profile)) == profile
    assert str(replay(range(1, 100), 60)).count("more") == 1
    assert parse_seconds("1.5m") == 90


@pytest.mark.parametrize(
    "text", ["", "100", "x:3s", "10:", "10:3 weeks", "-5:3s", "1-2-3:4s", "nan:1s"]
)
def test_a_load_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert refused.value.number == "TG150"


@pytest.mark.parametrize(
    ("first", "last", "seconds"),
    [(-1, 1, 1), (1, 1, 0), (1, 1, -1), (1, 2, math.inf), (0, 0, math.inf), (math.inf, 1, 1)],
)
def test_an_impossible_segment_is_refused(first: float, last: float, seconds: float) -> None:
    with pytest.raises(UsageError):
        Segment(first, last, seconds)


def test_a_replay_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError):
        replay([])
    with pytest.raises(UsageError):
        replay([1], speed=0)
