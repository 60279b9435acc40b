"""Scheduled actions: when they are due, to the minute, and what they do to bounds and count."""

import calendar
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.builders import T0
from tests.support.scaled import Plant, scaled
from tidegate.core import decision as d
from tidegate.core.errors import UsageError
from tidegate.core.model import App, Colour
from tidegate.core.requests import Scale, answer
from tidegate.core.scaling.calendar import (
    date_of,
    days_of,
    month_length,
    text_of,
    weekday_of,
)
from tidegate.core.scaling.policy import Scaling, ScheduledAction, Totals
from tidegate.core.scaling.schedule import ScheduleError, check, last_due, next_due

UTC = dt.UTC


def ms(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


def due(schedule: str, after: str) -> str | None:
    at_ms = next_due(schedule, ms(after))
    return None if at_ms is None else text_of(at_ms).removesuffix(" UTC")


@given(st.dates(dt.date(1970, 1, 1), dt.date(2199, 12, 31)))
def test_the_calendar_is_that_of_the_standard_library(date: dt.date) -> None:
    days = days_of(date.year, date.month, date.day)
    assert days == (date - dt.date(1970, 1, 1)).days
    assert date_of(days) == (date.year, date.month, date.day)
    assert weekday_of(days) == date.isoweekday() % 7 + 1
    assert month_length(date.year, date.month) == calendar.monthrange(date.year, date.month)[1]


@pytest.mark.parametrize(
    ("schedule", "after", "wanted"),
    [
        # the examples of EventBridge's and Application Auto Scaling's pages on cron expressions
        ("cron(0 10 * * ? *)", "2026-11-25 09:00", "2026-11-25 10:00"),
        ("cron(0 10 * * ? *)", "2026-11-25 10:00", "2026-11-26 10:00"),
        ("cron(15 12 * * ? *)", "2026-11-25 13:00", "2026-11-26 12:15"),
        ("cron(0 18 ? * MON-FRI *)", "2026-11-27 18:00", "2026-11-30 18:00"),
        ("cron(0 8 1 * ? *)", "2026-11-25 00:00", "2026-12-01 08:00"),
        ("cron(0/15 * * * ? *)", "2026-11-25 10:16", "2026-11-25 10:30"),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-11-25 17:55", "2026-11-26 08:00"),
        ("cron(0 9 ? * 2#1 *)", "2026-11-25 00:00", "2026-12-07 09:00"),
        ("cron(0 0 L * ? *)", "2027-02-01 00:00", "2027-02-28 00:00"),
        ("cron(0 0 ? * 6L *)", "2026-11-01 00:00", "2026-11-27 00:00"),
        ("cron(0 0 15W * ? *)", "2026-11-01 00:00", "2026-11-16 00:00"),
        ("cron(0 0 29 2 ? *)", "2026-11-25 00:00", "2028-02-29 00:00"),
        ("cron(0 0 1,15 JAN,JUL ? 2027)", "2026-11-25 00:00", "2027-01-01 00:00"),
        ("cron(0 0 1 1 ? 2020)", "2026-11-25 00:00", None),
        ("cron(0 0 30 2 ? *)", "2026-11-25 00:00", None),
        ("rate(5 minutes)", "2026-11-25 10:16:30", "2026-11-25 10:21"),
        ("rate(1 day)", "2026-11-25 10:16", "2026-11-26 10:16"),
        ("at(2026-11-25T10:16:59)", "2026-11-25 10:00", "2026-11-25 10:16"),
        ("at(2026-11-25T10:16:00)", "2026-11-25 10:16", None),
    ],
)
def test_when_it_is_due(schedule: str, after: str, wanted: str | None) -> None:
    check(schedule)
    assert due(schedule, after) == wanted


@pytest.mark.parametrize(
    "schedule",
    [
        "", "daily", "cron(0 8 * * *)", "cron(0 8 * * * *)", "cron(0 8 ? * ? *)",
        "cron(60 8 * * ? *)", "cron(0 24 * * ? *)", "cron(0 8 0 * ? *)", "cron(0 8 32W * ? *)",
        "cron(0 8 * 13 ? *)", "cron(0 8 ? * 8 *)", "cron(0 8 ? * FUN *)", "cron(5-1 8 * * ? *)",
        "cron(0/0 8 * * ? *)", "cron(0 8 * * ? 1900)", "rate(0 minutes)", "rate(5 weeks)",
        "at(2026-02-30T00:00:00)", "at(2026-02-03)", "at(2026-02-03T24:00:00)",
    ],
)  # fmt: skip
def test_what_is_no_schedule_is_refused(schedule: str) -> None:
    with pytest.raises(ScheduleError):
        check(schedule)


@given(st.integers(0, 2**42), st.sampled_from(["cron(7 3 ? * TUE *)", "cron(*/9 * 3 * ? *)"]))
def test_it_is_never_due_in_the_past_and_always_to_the_minute(after: int, schedule: str) -> None:
    found = next_due(schedule, after)
    assert found is not None
    assert found > after
    assert found % 60_000 == 0
    assert next_due(schedule, found - 1) == found


@given(
    st.sampled_from(["cron(7 3 ? * TUE *)", "cron(*/9 1,13 3 * ? *)", "rate(7 minutes)",
                     "rate(2 hours)", "at(2026-11-25T10:16:59)"]),
    st.integers(ms("2026-11-20 00:00"), ms("2026-11-26 00:00")), st.integers(0, 15 * 86_400_000),
)  # fmt: skip
def test_the_last_time_is_the_one_after_which_none_comes(
    schedule: str, after: int, span: int
) -> None:
    found, step = None, next_due(schedule, after)
    while step is not None and step <= after + span:
        found, step = step, next_due(schedule, step)
    assert last_due(schedule, after, after + span) == found


# --- what they do --------------------------------------------------------------------------------

START = ms("2026-11-25 07:59:00")


def plant(*actions: ScheduledAction, totals: Totals | None = None, desired: int = 2) -> Plant:
    """A service of 1 to 8 tasks with these actions, from one minute before 08:00 on."""
    made = scaled(Scaling(totals, scheduled=actions), desired=desired, most=8)
    return Plant(made, lambda second: 20, t0=START)


MORNING = ScheduledAction("morning", "cron(0 8 * * ? *)", 4, 12)
NIGHT = ScheduledAction("night", "cron(2 8 * * ? *)", 1, 3)


def test_a_minimum_above_the_count_raises_it_at_the_minute() -> None:
    made = plant(MORNING)
    assert made.run(59).counts == []
    assert made.run(1).counts == [4]
    (event,) = [e for _, e in made.journal if isinstance(e, d.BoundsChanged)]
    assert event.reason == "scheduled action morning of 2026-11-25 08:00 UTC: 4 to 12 tasks"


def test_a_maximum_below_the_count_lowers_it_whatever_the_cooldowns() -> None:
    made = plant(MORNING, NIGHT, desired=8).run(300)
    assert made.counts == [3]


def test_a_count_within_the_new_bounds_stays() -> None:
    assert plant(ScheduledAction("a", "cron(0 8 * * ? *)", 1, 3)).run(90).counts == []


def test_it_runs_once_for_each_time_that_it_is_due() -> None:
    made = plant(ScheduledAction("often", "rate(1 minute)", 2)).run(300)
    bounds = [e for _, e in made.journal if isinstance(e, d.BoundsChanged)]
    assert len(bounds) == 5


def test_what_was_due_while_nobody_controlled_is_done_late_and_once() -> None:
    made = plant(MORNING)
    made.now += 3 * 86_400_000
    made.run(2)
    assert made.counts == [4]
    assert len([e for _, e in made.journal if isinstance(e, d.BoundsChanged)]) == 1


@pytest.mark.parametrize(
    ("until", "bounds"), [("2026-11-27 09:00", (4, 12)), ("2026-11-27 21:00", (1, 3))]
)
def test_after_a_night_without_a_controller_the_bounds_are_those_of_the_last_that_was_due(
    until: str, bounds: tuple[int, int]
) -> None:
    day = ScheduledAction("day", "cron(0 8 * * ? *)", 4, 12)
    night = ScheduledAction("night", "cron(0 20 * * ? *)", 1, 3)
    for made in (plant(day, night), plant(night, day)):
        made.run(90)
        made.now = ms(until)
        made.run(2)
        state = made.progress.scaling["cats"]
        assert (state.minimum, state.maximum) == bounds


def test_what_was_due_before_the_file_counted_is_not() -> None:
    made = plant(ScheduledAction("once", "at(2026-11-25T07:00:00)", 4))
    assert made.run(120).counts == []


def test_a_lower_maximum_waits_for_the_end_of_a_deployment() -> None:
    made = plant(NIGHT, desired=8)
    made.record(d.DeploymentStarted("d2", "cats", 1, 1, Colour.GREEN))
    assert made.run(300).counts == []
    made.record(d.DeploymentFinished("d2", d.Outcome.FAILED, "over"))
    assert made.run(1).counts == [3]


def test_the_controller_keeps_to_the_bounds_of_the_schedule() -> None:
    made = plant(MORNING, totals=Totals(requests=50), desired=8).run(1_000)
    assert made.desired == 4
    assert min(made.counts) == 4


def test_so_does_a_person() -> None:
    made = plant(MORNING).run(61)
    assert answer(made.progress, Scale("cats", 12, "ann"), made.now)
    with pytest.raises(UsageError, match="cannot have 2 tasks") as caught:
        answer(made.progress, Scale("cats", 2, "ann"), made.now)
    assert caught.value.cause == "the app file allows 4 to 12"


def test_another_count_in_the_file_ends_the_bounds_of_a_schedule() -> None:
    made = plant(MORNING).run(61)
    assert made.progress.app is not None
    made.record(d.AppAccepted(made.progress.app))
    assert made.desired == 4
    other = scaled(Scaling(scheduled=(MORNING,)), most=3)
    made.record(d.AppAccepted(App("shop", (other,))))
    assert made.desired == 3


def test_the_origin_of_time_of_these_tests_is_no_special_one() -> None:
    assert T0 % 60_000 == 20_000
