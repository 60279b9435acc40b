"""Bets at fair odds: their mean is at most 1 while the candidate is no worse (Ville's bound)."""

from itertools import product
from math import comb, isfinite, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import second
from tidegate.core.baseline import Baseline
from tidegate.core.eprocess import (
    ERROR_EFFECTS,
    ERROR_PRIOR,
    MOST_PER_STEP,
    STAKE_PRIOR,
    STAKES,
    EProcess,
    Tally,
    error_factors,
    slow_factors,
)
from tidegate.core.metrics import BUCKET_BOUNDS_US, bucket_of


def chance(bad: int, n: int, share: float) -> float:
    """The binomial probability of so many bad ones."""
    return comb(n, bad) * share**bad * (1 - share) ** (n - bad)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("base", [0.001, 0.01, 0.2])
@pytest.mark.parametrize(("stable", "candidate"), [(6, 6), (9, 3), (3, 9), (1, 12)])
def test_the_mean_of_an_error_bet_is_at_most_one_whatever_the_common_share(
    share: float, base: float, stable: int, candidate: int
) -> None:
    means = [0.0] * len(ERROR_EFFECTS)
    for a, b in product(range(stable + 1), range(candidate + 1)):
        p = chance(a, stable, share) * chance(b, candidate, share)
        for index, factor in enumerate(error_factors(base, Tally(1, stable, a, candidate, b))):
            means[index] += p * factor
    assert all(mean <= 1 + 1e-9 for mean in means)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.7])
@pytest.mark.parametrize(("stable", "candidate"), [(9, 3), (6, 6), (12, 1)])
def test_the_mean_of_a_slowness_bet_is_at_most_one_while_both_are_equal(
    share: float, stable: int, candidate: int
) -> None:
    means = [0.0] * len(STAKES)
    for a, b in product(range(stable + 1), range(candidate + 1)):
        p = chance(a, stable, share) * chance(b, candidate, share)
        for index, factor in enumerate(slow_factors(Tally(1, stable, a, candidate, b), 0.05)):
            means[index] += p * factor
    assert all(mean <= 1 + 1e-9 for mean in means)


counts = st.integers(0, 10_000)


@given(counts, counts, counts, counts, st.floats(1e-6, 1 - 1e-6))
def test_every_factor_is_a_finite_number_that_is_not_negative(
    stable: int, stable_bad: int, candidate: int, candidate_bad: int, base: float
) -> None:
    tally = Tally(1, stable, min(stable, stable_bad), candidate, min(candidate, candidate_bad))
    for factor in (*error_factors(base, tally), *slow_factors(tally, 0.05)):
        assert factor >= 0
        assert isfinite(factor)


def test_the_priors_spread_all_the_capital() -> None:
    assert sum(ERROR_PRIOR) == pytest.approx(1)
    assert sum(STAKE_PRIOR) == pytest.approx(1)
    assert (len(ERROR_PRIOR), len(STAKE_PRIOR)) == (len(ERROR_EFFECTS), len(STAKES))


@given(st.lists(st.floats(0, 3), min_size=1, max_size=12))
def test_the_wealth_is_the_average_of_a_bet_begun_at_each_second(factors: list[float]) -> None:
    bet = EProcess((1.0,))
    for factor in factors:
        bet.bet((factor,), Tally(1))
    n = len(factors)
    parts = [prod(factors[k:]) / ((k + 1) * (k + 2)) for k in range(n)]
    assert bet.value == pytest.approx(sum(parts) + 1 / (n + 1))


def test_no_second_alone_multiplies_the_wealth_beyond_the_cap() -> None:
    bet = EProcess((1.0,))
    bet.bet((1e30,), Tally(1))
    assert bet.value <= MOST_PER_STEP


def test_bad_seconds_later_do_not_take_the_peak_away() -> None:
    bet = EProcess((1.0,))
    for factor in (10.0, 10.0, 0.0, 0.0):
        bet.bet((factor,), Tally(1))
    assert bet.peak > 10
    assert bet.value < 1


def test_the_suspect_stretch_begins_where_the_evidence_begins_to_grow() -> None:
    bet = EProcess((1.0,))
    for factor, bad in ((0.5, 0), (0.9, 0), (2.0, 5), (3.0, 7)):
        bet.bet((factor,), Tally(1, 100, 0, 10, bad))
    assert bet.suspect == Tally(2, 200, 0, 20, 12)
    assert bet.suspect.difference == pytest.approx(0.6)


def test_shares_of_nothing_are_zero() -> None:
    assert (Tally().stable_share, Tally().candidate_share, Tally().difference) == (0, 0, 0)


# --- what is normal ------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 500), min_size=1, max_size=300))
def test_the_baseline_s_pooled_p95_is_that_of_all_it_learned_the_last_seconds_counting_most(
    latencies_ms: list[int],
) -> None:
    normal = Baseline()
    weights = [0.0] * len(BUCKET_BOUNDS_US)
    for age, latency_ms in enumerate(reversed(latencies_ms)):
        weights[bucket_of(latency_ms * 1000)] += 0.9**age
    for latency_ms in latencies_ms:
        normal.learn(second(0, 7, latency_ms=latency_ms))
    above = sum(weights[normal.pooled + 1 :]) / sum(weights)
    from_it = sum(weights[normal.pooled :]) / sum(weights)
    assert above <= 0.05 + 1e-6
    assert from_it >= 0.05 - 1e-6


def test_what_was_slow_under_a_load_that_has_passed_is_not_normal_any_more() -> None:
    normal = Baseline()
    for _ in range(40):
        normal.learn(second(0, 2_000, latency_ms=80))
    for _ in range(45):
        normal.learn(second(0, 500, latency_ms=10))
    assert normal.p95 == bucket_of(10_000)


def test_pauses_of_the_machine_do_not_hide_what_is_normal_between_them() -> None:
    normal = Baseline()
    for number in range(60):
        paused = number % 5 < 2
        normal.learn(second(0, 500, latency_ms=80 if paused else 10))
    assert normal.pooled == bucket_of(80_000)
    assert normal.p95 == bucket_of(10_000)


@pytest.mark.parametrize("requests", [7, 99, 100, 2_000])
def test_what_is_slow_all_the_time_is_normal_at_any_rate(requests: int) -> None:
    normal = Baseline()
    for latency_ms in (10, 80):
        for _ in range(15 * -(-100 // requests)):
            normal.learn(second(0, requests, latency_ms=latency_ms))
    assert normal.p95 == bucket_of(80_000)


def test_the_error_share_is_never_zero_and_forgets() -> None:
    normal = Baseline()
    assert 0 < normal.error_share < 0.01
    for _ in range(60):
        normal.learn(second(0, 100, 50))
    assert normal.error_share == pytest.approx(0.5, abs=0.05)
    for _ in range(200):
        normal.learn(second(0, 100))
    assert 0 < normal.error_share < 0.01
