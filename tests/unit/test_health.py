"""What a row of checks says of a task's health."""

from functools import reduce

import pytest

from tidegate.core.model import HealthCheck
from tidegate.core.seen import Health
from tidegate.local.health import Checked, after, pause_ms

CHECK = HealthCheck(
    interval_ms=1_000, healthy_threshold=3, unhealthy_threshold=2, grace_period_ms=5_000
)
OLD = 60_000


def checked(results: str, age_ms: int = OLD) -> Checked:
    """After these results: + passed, - failed."""
    return reduce(lambda so_far, r: after(so_far, CHECK, r == "+", age_ms), results, Checked())


def test_nothing_is_known_of_a_task_before_its_first_check() -> None:
    assert Checked().health is Health.UNKNOWN


@pytest.mark.parametrize("age_ms", [0, OLD])
def test_one_pass_makes_a_new_task_healthy(age_ms: int) -> None:
    assert checked("+", age_ms).health is Health.HEALTHY


@pytest.mark.parametrize(
    ("results", "health"),
    [
        ("+-", Health.HEALTHY),
        ("+--", Health.UNHEALTHY),
        ("+-+-+-", Health.HEALTHY),
        ("+--++", Health.UNHEALTHY),
        ("+--++-+++", Health.HEALTHY),
        ("+--+++", Health.HEALTHY),
    ],
)
def test_only_results_in_a_row_change_the_health(results: str, health: Health) -> None:
    assert checked(results).health is health


def test_failures_in_the_grace_period_of_a_task_that_was_never_healthy_do_not_count() -> None:
    assert checked("-" * 50, age_ms=4_999).health is Health.UNKNOWN
    assert checked("-" * 50 + "+", age_ms=4_999).health is Health.HEALTHY


def test_a_task_that_was_never_healthy_is_unhealthy_after_its_grace_period() -> None:
    young = checked("-" * 50, age_ms=4_999)
    once = after(young, CHECK, False, 5_000)
    assert once.health is Health.UNKNOWN
    assert after(once, CHECK, False, 5_100).health is Health.UNHEALTHY


def test_failures_of_a_task_that_was_healthy_count_in_its_grace_period_too() -> None:
    assert checked("+--", age_ms=100).health is Health.UNHEALTHY


def test_a_new_task_is_asked_often_and_a_healthy_one_at_its_interval() -> None:
    assert pause_ms(Checked(), CHECK, 0) == 50
    assert pause_ms(Checked(), CHECK, 10_000) == 500
    assert pause_ms(Checked(), CHECK, OLD) == 1_000
    assert pause_ms(checked("+"), CHECK, 0) == 1_000
    assert pause_ms(checked("+--"), CHECK, 0) == 1_000
