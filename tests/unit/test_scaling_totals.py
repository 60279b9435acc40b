"""The recommended controller: fast out, slow in, still at a constant load, and never blind."""

from dataclasses import replace
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.builders import T0
from tests.support.scaled import Load, Plant, scaled
from tidegate.core import decision as d
from tidegate.core.fold import advance
from tidegate.core.model import Colour
from tidegate.core.progress import Progress
from tidegate.core.provider import ProviderKind
from tidegate.core.scaling import totals
from tidegate.core.scaling.look import Look, look_at
from tidegate.core.scaling.policy import Scaling, Totals
from tidegate.core.scaling.record import Recording
from tidegate.core.scaling.sample import BEAT_MS, Sample, Series

FIFTY = Scaling(Totals(requests=50))


def step(before: float, after: float, at_s: int = 60) -> Load:
    return lambda second: before if second < at_s else after


def constant(rate: float) -> Load:
    return lambda second: rate


def plant(scaling: Scaling = FIFTY, load: Load | None = None, **changes: object) -> Plant:
    """A service that is scaled so, under that load."""
    counts = {k: changes.pop(k) for k in ("least", "desired", "most") if k in changes}
    return Plant(scaled(scaling, **counts), load or constant(80), **changes)  # type: ignore[arg-type]


@given(
    st.integers(1, 8), st.integers(1, 12), st.integers(200, 900), st.lists(st.integers(0, 9_000)),
    st.floats(0, 1),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_a_beat_in_the_quiet_range_wants_nothing_whatever_was_before(
    least: int, desired: int, target: int, before: list[int], share: float
) -> None:
    policy = Totals(requests=target, scale_in_after_ms=30_000)
    made = plant(Scaling(policy), least=min(least, desired), desired=desired)
    look = look_at(made.progress, made.service, made.seen(), T0)
    assert look is not None
    quiet = totals.quiet(look, policy)
    assert quiet, "there are enough requests to tell"
    counts = (*before, quiet[round(share * (len(quiet) - 1))])
    beats = tuple(Sample(T0 + n * BEAT_MS, c, hosts=desired) for n, c in enumerate(counts))
    asked = look.later({"cats": Series(beats)}, beats[-1].at_ms + BEAT_MS)
    assert totals.wish(asked, policy) is None
    crowd = Series((Sample(T0, quiet.stop, hosts=desired),))
    over = totals.need_now(look.later({"cats": crowd}, T0 + BEAT_MS), policy)[0]
    assert over.tasks > 1.1 * desired, "it ends where more are wanted"
    few = Series((Sample(T0, max(0, quiet.start - 1), hosts=desired),))
    under = totals.need_now(look.later({"cats": few}, T0 + BEAT_MS), policy)[0]
    assert not quiet.start or ceil(under.seen) < 0.9 * desired, "it begins where fewer may do"


@given(
    st.integers(2, 12), st.lists(st.integers(0, 3_000), min_size=1, max_size=30),
    st.lists(st.integers(0, 3_000), min_size=1, max_size=12), st.integers(0, 30_000),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_no_task_goes_before_the_moment_until_which_all_stay(
    desired: int, before: list[int], after: list[int], lag_ms: int
) -> None:
    policy = Totals(requests=50, scale_in_after_ms=30_000)
    made = plant(Scaling(policy), least=1, desired=desired)
    look = look_at(made.progress, made.service, made.seen(), T0)
    assert look is not None

    def asked(requests: list[int], late_ms: int) -> Look:
        beats = [Sample(T0 + n * BEAT_MS, c, hosts=desired) for n, c in enumerate(requests)]
        now = beats[-1].at_ms + BEAT_MS + late_ms
        return look.later({"cats": Series(tuple(beats))}, now)

    until_ms = totals.stays_until(asked(before, 0), policy)
    for count in range(1, len(after) + 1):
        later = asked(before + after[:count], lag_ms % BEAT_MS)
        wanted = totals.wish(later, policy)
        assert later.now >= until_ms or wanted is None or wanted.after > desired
    assert until_ms <= T0 + (len(before) + 6) * BEAT_MS, "a beat leaves the window"


def test_all_stay_while_a_beat_of_the_window_needs_them_and_a_minute_after_one_went() -> None:
    policy = Totals(requests=50, scale_in_after_ms=30_000)
    made = plant(Scaling(policy), least=1, desired=4)
    look = look_at(made.progress, made.service, made.seen(), T0)
    assert look is not None
    counts = (100, 3_000, 100, 100)
    beats = tuple(Sample(T0 + n * BEAT_MS, c, hosts=4) for n, c in enumerate(counts))
    asked = look.later({"cats": Series(beats)}, T0 + 4 * BEAT_MS)
    assert totals.stays_until(asked, policy) == T0 + (1 + 7) * BEAT_MS
    low = look.later({"cats": Series(beats[2:])}, T0 + 4 * BEAT_MS)
    assert totals.stays_until(low, policy) == totals.IN_EVERY_MS, "none ever went"
    assert totals.stays_until(asked, Totals(requests=50, p95_ms=200)) == 0


def test_a_policy_of_several_metrics_is_never_quiet_by_the_requests_alone() -> None:
    made = plant(Scaling(Totals(requests=50, cpu_percent=70)))
    look = look_at(made.progress, made.service, made.seen(), made.now)
    assert look is not None
    assert not totals.quiet(look, Totals(requests=50, cpu_percent=70))
    assert not totals.quiet(look, Totals(requests=50, p95_ms=200))
    assert 500 in totals.quiet(look, Totals(requests=50))


def test_a_load_that_fits_changes_nothing() -> None:
    assert plant(load=constant(100)).run(900).counts == []


def test_twice_the_load_is_answered_with_healthy_tasks_within_25_seconds() -> None:
    for at_s in range(60, 65):  # whatever the phase of the step
        made = plant(load=step(80, 240, at_s))
        made.run(at_s + 25)
        assert made.healthy == 5, at_s
        assert made.counts == [5]


def test_a_rise_needs_two_of_three_beats() -> None:
    """One beat of 60 % more is a burst; two of them are a load."""
    burst = plant(load=lambda second: 160 if 60 <= second < 65 else 90).run(120)
    assert burst.counts == []
    load = plant(load=step(90, 160)).run(75)
    (activity,) = load.activities
    assert (activity.before, activity.after, activity.policy) == (2, 4, "totals")
    assert activity.reason == (
        "160 requests/s ask for 3.2 tasks and 2 are there, in 2 of the last 3 beats"
    )


def test_twice_what_is_there_needs_one_beat() -> None:
    made = plant(load=step(80, 250)).run(70)
    assert made.changed_at()[0] <= 66
    assert made.activities[0].reason.endswith("and 2 are there, at least twice as many")


def test_requests_that_take_too_long_need_one_beat() -> None:
    """Little's law: under way, divided by answered a second."""
    slow = plant(load=step(90, 130), latency_ms=1_500).run(67)
    assert slow.changed_at() == [65]
    assert slow.activities[0].reason.endswith("and requests take 1.5 s")
    assert plant(load=step(90, 130)).run(67).counts == []


def test_it_grows_by_four_or_by_as_many_as_there_are() -> None:
    """Within 15 s, as Kubernetes' HPA does."""
    made = plant(load=step(80, 5_000), most=100).run(110)
    assert made.counts == [6, 12, 24, 48]
    assert [b - a for a, b in pairwise(made.changed_at())] == [15, 15, 15]
    assert plant(load=step(400, 50_000), desired=8, most=100).run(66).counts == [16]


def test_tasks_that_are_coming_count_as_there() -> None:
    made = plant(load=step(80, 240), start_ms=40_000).run(100)
    assert made.counts == [5]


def test_tasks_on_an_instance_that_is_taken_back_are_not_there_beside_their_replacements() -> None:
    """So a load that rises in a storm is answered at once, and not when the old ones are gone."""
    made = plant()
    launched = d.InstanceLaunched("i1", "spot", ProviderKind.SPOT, "a", 512, 512, 0, 0, "waiting")
    made.record(launched, d.InstanceReady("i1"))
    for task in tuple(made.progress.tasks):
        made.record(d.TaskPlaced(task, "spot", "i1"), d.TaskHealthy(task))
    made.record(d.InterruptionNoticed("i1", made.now + 3_600_000, "a storm"))
    look = look_at(made.progress, made.service, made.seen(), made.now)
    assert look is not None
    assert look.counts == (2, 2)  # nothing has replaced them, and they serve
    for task in ("t8", "t9"):
        made.record(d.TaskStarted(task, "cats", 1, Colour.BLUE, "desired"), d.TaskHealthy(task))
    look = look_at(made.progress, made.service, made.seen(), made.now)
    assert look is not None
    assert look.counts == (4, 2)


def test_it_goes_in_only_after_five_minutes_of_lower_need_and_at_most_by_half() -> None:
    made = plant(load=step(900, 50), desired=18).run(60 + 299)
    assert made.counts == []
    made.run(150)
    assert made.counts == [9, 5, 3]
    first, second, _ = made.changed_at()
    assert second - first >= 60
    assert made.activities[0].reason == (
        "the largest need of the last 300 s was 1.0 tasks, and at most half go at once"
    )


@pytest.mark.parametrize("after_ms", [1, 4_000, 7_200_000])
def test_it_goes_in_after_less_than_a_beat_and_after_more_than_is_kept(after_ms: int) -> None:
    """An hour is kept; a file of an earlier time may ask for more."""
    scaling = Scaling(Totals(requests=50, scale_in_after_ms=after_ms))
    made = plant(scaling, constant(100), desired=8).run(60 if after_ms < BEAT_MS else 3_700)
    assert made.counts[0] == 4


def test_a_single_beat_of_load_keeps_the_tasks_for_five_minutes() -> None:
    made = plant(load=lambda s: 400 if 300 <= s < 305 else 50, desired=8).run(590)
    assert made.counts == []


def test_it_never_goes_in_while_a_deployment_is_under_way() -> None:
    made = plant(load=constant(50), desired=8)
    made.record(d.DeploymentStarted("d2", "cats", 1, 1, Colour.GREEN))
    assert made.run(900).counts == []
    made.record(d.DeploymentFinished("d2", d.Outcome.FAILED, "over"))
    assert made.run(10).counts == [4]


def test_it_goes_out_while_a_deployment_is_under_way() -> None:
    made = plant(load=constant(400))
    made.record(d.DeploymentStarted("d2", "cats", 1, 1, Colour.GREEN))
    assert made.run(60).counts == [6, 8]


def test_blue_and_green_are_never_counted_twice() -> None:
    """Two revisions serve: the need is of the load, and each is sized as it must carry it alone."""
    made = plant(load=constant(100), desired=2).run(60)
    candidate = replace(made.progress.releases[1], number=2)
    made.record(
        d.ReleaseMade(candidate), d.DeploymentStarted("d2", "cats", 1, 2, Colour.GREEN),
        d.TrafficShifted("d2", 0, 5_000, "half"),
    )  # fmt: skip
    for number in ("g1", "g2"):
        made.record(d.TaskStarted(number, "cats", 2, Colour.GREEN, "desired"))
    look = look_at(made.progress, made.service, made.seen(), made.now)
    assert look is not None
    assert (look.counts.running, look.counts.coming) == (2, 2)


@pytest.mark.parametrize("part", ["metrics", "tasks"])
def test_it_never_goes_in_on_missing_data(part: str) -> None:
    made = plant(load=constant(50), desired=8).run(200)
    made.blind = {part}
    made.run(15)
    made.blind = set()
    made.run(280)
    assert made.counts == []
    assert made.run(40).counts == [4]


def test_requests_that_hang_are_no_lack_of_load() -> None:
    """None is answered, some are under way: that is an outage, and nothing is taken away in it."""
    made = plant(load=constant(300), desired=8).run(60)
    made.load = constant(0)
    made.hung = 5
    assert made.run(900).counts == []


def test_without_data_for_three_beats_it_falls_back() -> None:
    made = plant(Scaling(Totals(requests=50, fallback=6)), constant(100)).run(60)
    made.blind = {"metrics"}
    made.run(40)
    assert made.counts == [6]
    assert made.activities[0].reason == (
        "nothing could be measured for three beats, so the fallback of 6"
    )


def test_a_fallback_below_the_count_takes_nothing_away() -> None:
    made = plant(Scaling(Totals(requests=50, fallback=1)), constant(100), desired=4)
    made.blind = {"metrics"}
    assert made.run(600).counts == []


def test_the_largest_of_several_metrics_counts() -> None:
    made = plant(Scaling(Totals(requests=50, cpu_percent=50)), constant(100), cpu_per_request=4)
    made.run(30)
    (activity,) = made.activities
    assert activity.metric == "CPU percent"
    assert activity.after == 4  # 400 of 256 units each, at 50 %: 3.1


def test_concurrency_is_a_total_as_well() -> None:
    made = plant(Scaling(Totals(concurrency=4)), constant(100), latency_ms=200).run(30)
    assert made.counts == [5]


def test_a_p95_over_its_target_asks_for_more_and_is_remembered() -> None:
    """Two tasks carry 100 a second each at most; at 300 they queue."""
    made = plant(Scaling(Totals(p95_ms=300)), constant(300), capacity=100, desired=2, least=2)
    made.run(1_200)
    assert made.healthy >= 3
    assert made.turns <= 1
    assert made.activities[0].metric == "p95 ms"
    assert made.progress.scaling["cats"].limit is not None
    before = made.counts
    assert made.run(600).counts == before


def test_min_and_max_hold() -> None:
    assert plant(load=constant(5_000), most=4).run(120).counts == [4]
    assert plant(load=constant(0), least=3, desired=4).run(900).counts == [3]


def test_a_restart_forgets_what_was_measured_and_so_takes_nothing_away() -> None:
    made = plant(load=constant(50), desired=8).run(250)
    made.recording = Recording()
    made.run(290)
    assert made.counts == []
    made.run(30)
    assert made.counts == [4]


def test_a_replay_of_the_journal_knows_every_cooldown_and_limit() -> None:
    made = plant(Scaling(Totals(p95_ms=300)), constant(300), capacity=100, desired=2, least=2)
    made.run(300)
    again = Progress()
    for at, event in made.journal:
        again = advance(again, event, at)
    assert made.progress.scaling["cats"].last_out
    assert again.scaling == made.progress.scaling


# --- invariants --------------------------------------------------------------------------------

rates = st.integers(0, 3_000)


@settings(max_examples=6, deadline=None)
@given(rate=rates, desired=st.integers(1, 20), cpu=st.booleans())
def test_a_constant_load_turns_at_most_once_and_then_rests(
    rate: int, desired: int, cpu: bool
) -> None:
    totals = Totals(requests=50, cpu_percent=60 if cpu else None)
    made = plant(Scaling(totals), constant(rate), desired=desired).run(800)
    assert made.turns <= 1
    before = made.counts
    assert made.run(320).counts == before
    assert all(1 <= count <= 20 for count in before)


loads = st.lists(st.tuples(st.integers(5, 400), rates), min_size=1, max_size=4)


def along(pieces: list[tuple[int, int]], factor: int = 1) -> Load:
    def load(second: int) -> float:
        for length, rate in pieces:
            if second < length:
                return rate * factor
            second -= length
        return pieces[-1][1] * factor

    return load


@settings(max_examples=5, deadline=None)
@given(pieces=loads)
def test_twice_the_load_and_twice_the_target_change_nothing(pieces: list[tuple[int, int]]) -> None:
    many = 10_000  # so many requests leave nothing to chance
    one = plant(Scaling(Totals(requests=50 * many)), along(pieces, many), capacity=10**9).run(550)
    two = plant(Scaling(Totals(requests=100 * many)), along(pieces, 2 * many), capacity=10**9)
    two.run(550)
    assert one.counts == two.counts
    assert one.changed_at() == two.changed_at()


@settings(max_examples=5, deadline=None)
@given(pieces=loads, minutes=st.integers(1, 10_000_000))
def test_another_origin_of_time_changes_nothing(
    pieces: list[tuple[int, int]], minutes: int
) -> None:
    one = plant(FIFTY, along(pieces)).run(550)
    two = plant(FIFTY, along(pieces), t0=one.t0 + 60_000 * minutes).run(550)
    assert (one.counts, one.changed_at()) == (two.counts, two.changed_at())


@settings(max_examples=6, deadline=None)
@given(pieces=loads, holes=st.sets(st.integers(0, 23), min_size=8), part=st.booleans())
def test_nothing_is_taken_away_while_data_is_missing(
    pieces: list[tuple[int, int]], holes: set[int], part: bool
) -> None:
    """Holes of half a minute, anywhere: whoever goes in has seen five whole minutes."""
    made = plant(FIFTY, along(pieces), desired=10)
    blind_at = made.now
    for half in range(24):
        made.blind = {"metrics" if part else "tasks"} if half in holes else set()
        before = len(made.activities)
        made.run(30)
        if made.blind:
            blind_at = made.now
        fresh = made.activities[before:]
        if any(one.after < one.before for one in fresh):
            assert made.now - blind_at >= 270_000
