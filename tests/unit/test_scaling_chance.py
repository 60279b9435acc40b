"""What a count tells: a few requests say little, many say all, and out and in never overlap."""

from math import exp, inf, lgamma, log

import pytest

from tests.support.scaled import Plant, scaled
from tidegate.core.scaling.chance import TOLERANCE, Need, largest, lower, mean_of, upper
from tidegate.core.scaling.policy import Scaling, Totals

MISTAKE = 3.4e-6  # one-sided, of 4.5 standard deviations


def at_least(count: int, mean: float) -> float:
    """The probability of so many or more."""
    terms = (exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(count, count + 400))
    return sum(terms)


def at_most(count: int, mean: float) -> float:
    """The probability of so many or fewer."""
    return sum(exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(count + 1))


@pytest.mark.parametrize("count", [20, 60, 150, 400])
def test_the_lower_bound_is_the_poisson_one(count: int) -> None:
    assert at_least(count, lower(count)) == pytest.approx(MISTAKE, rel=0.5)


@pytest.mark.parametrize("count", [0, 3, 20, 60, 150, 400])
def test_the_upper_bound_is_the_poisson_one(count: int) -> None:
    assert at_most(count, upper(count)) == pytest.approx(MISTAKE, rel=0.7)


def rate(requests: float, target: float = 1.0) -> Need:
    """A beat with so many requests of which a task should carry `target` a second."""
    return Need(requests / 5 / target, "requests/s", requests / 5, False, requests, 1 / 5 / target)


@pytest.mark.parametrize(
    ("requests", "target", "over", "enough"),
    [
        (10, 1, False, False),  # 2.0 tasks, or anything from 0.2 to 6
        (20, 2, False, False),
        (60, 6, False, False),  # 2.0 tasks, or anything from 1.04 to 3.5
        (80, 8, True, False),  # 2.0 tasks of 40 requests each: more than 1, for sure
        (600, 60, True, False),
        (5, 10, False, True),  # 0.1 tasks by five requests: up to 0.5, so one is enough
        (0, 1, False, False),  # nothing in five seconds, and one a second may well be the load
        (0, 10, False, True),
        (10_000, 2_000, False, True),
    ],
)
def test_a_beat_tells_as_much_as_its_requests(
    requests: float, target: float, over: bool, enough: bool
) -> None:
    need = rate(requests, target)
    assert need.over(1) is over
    assert (need.enough <= 1) is enough


def test_beats_in_a_row_tell_what_one_does_not() -> None:
    assert not rate(10).over(1)
    assert not mean_of([rate(10)] * 4).over(1)
    assert mean_of([rate(10)] * 8).over(1)
    assert mean_of([rate(2.5)] * 20).enough <= 1 < mean_of([rate(2.5)] * 4).enough


def test_many_requests_leave_the_tolerance_alone() -> None:
    fit, more = rate(10_000, 2_000 / 1.09), rate(10_000, 2_000 / 1.11)
    assert not fit.over(1) and more.over(1)
    assert rate(10_000, 2_000).enough == rate(10_000, 2_000).seen == 1.0


def test_out_and_in_are_never_sure_of_the_same_numbers() -> None:
    for requests in (0, 1, 5, 25, 125, 625, 3_125, 15_625):
        for share in range(50, 200):
            need = rate(requests, max(requests, 1) / 5 * 100 / share)
            assert not (need.over(1) and need.enough <= 1 + TOLERANCE / 2)


def test_what_is_no_matter_of_chance_is_taken_as_it_is() -> None:
    memory = Need(1.2, "memory percent", 90.0)
    assert memory.counted == inf
    assert memory.over(1) and memory.enough == memory.seen == 1.2
    assert not Need(1.08, "memory percent", 81.0).over(1)


def test_the_largest_need_is_the_largest_that_is_more_than_chance() -> None:
    many = [rate(n, 1_000) for n in (5_000, 9_000, 6_000)]
    assert largest(many) == pytest.approx(1.8, rel=0.02)
    few = [rate(n) for n in (5, 9, 6)]
    assert largest(few) < 1
    burst = [*[rate(5)] * 8, *[rate(50)] * 2, *[rate(5)] * 6]
    assert 5 < largest(burst) <= 10


# --- the controller ------------------------------------------------------------------------------


def test_a_few_requests_more_are_no_load() -> None:
    calm = Plant(scaled(Scaling(Totals(requests=1)), desired=1), lambda second: 1)
    calm.run(60)
    calm.load = lambda second: 2 if second < 70 else 1
    assert calm.run(60).counts == []


def test_twice_a_tiny_load_is_answered_once_it_is_sure_and_says_over_which_time() -> None:
    made = Plant(scaled(Scaling(Totals(requests=1)), desired=1), lambda s: 1 if s < 60 else 2)
    made.run(120)
    (activity,) = made.activities
    assert (activity.before, activity.after) == (1, 2)
    assert 20 <= made.changed_at()[0] - 60 <= 45
    assert activity.reason == (
        "1.875 requests/s ask for 1.9 tasks and 1 are there, over the last 40 s"
    )


def test_ten_times_a_tiny_load_is_answered_in_one_beat() -> None:
    made = Plant(scaled(Scaling(Totals(requests=1)), desired=1), lambda s: 1 if s < 60 else 10)
    made.run(70)
    assert made.changed_at()[0] <= 66
    assert made.counts[0] == 5


def test_an_idle_service_goes_in_once_it_is_sure() -> None:
    """13.6 requests are the most that a silent time may have had: 70 s at 0.2 a second."""
    totals = Totals(requests=0.2, scale_in_after_ms=10_000)
    made = Plant(scaled(Scaling(totals), desired=2), lambda second: 0)
    assert made.run(60).counts == []
    assert made.run(60).counts == [1]


def test_a_saturated_processor_is_no_chance() -> None:
    """One request in two seconds that uses a whole reservation: the tasks cannot do more."""
    totals = Totals(cpu_percent=60)
    busy = Plant(scaled(Scaling(totals), desired=1), lambda s: s % 2, cpu_per_request=600)
    assert busy.run(30).counts


def test_the_cpu_of_requests_is_believed_as_of_half_as_many() -> None:
    """160 requests in 40 s, each of another length, tell what 80 of equal weight would."""
    cpu = Scaling(Totals(cpu_percent=40))
    made = Plant(scaled(cpu, desired=1), lambda s: 1 if s < 60 else 4, cpu_per_request=51.2)
    assert made.run(60).counts == []
    made.run(60)
    (activity,) = made.activities
    assert activity.reason == "80 CPU percent ask for 2.0 tasks and 1 are there, over the last 40 s"


def test_it_looks_back_ten_minutes_and_what_is_not_sure_by_then_changes_nothing() -> None:
    slow = Plant(scaled(Scaling(Totals(requests=1 / 3)), desired=1), lambda s: s % 2)
    slow.run(700)
    (activity,) = slow.activities
    assert activity.reason.endswith("ask for 1.5 tasks and 1 are there, over the last 640 s")
    less = Plant(scaled(Scaling(Totals(requests=0.4)), desired=1), lambda s: s % 2)
    assert less.run(900).counts == []
