"""Each alarm reads the traffic that it is about, and is recorded only when its state changes."""

from dataclasses import replace

import pytest

from tests.support.builders import ERRORS, T0, app_of, fold, second, service
from tests.support.small_world import World, moving, serving
from tidegate.core import decision as d
from tidegate.core import watch
from tidegate.core.decision import AlarmState
from tidegate.core.fold import advance_all
from tidegate.core.model import Alarm, AlarmScope, Colour, Comparison, MissingData
from tidegate.core.model import LifecycleStage as Stage
from tidegate.core.scaling.sample import Hosts, Sample, Series, Spread
from tidegate.core.seen import Seen

BLUE, GREEN = ("cats", Colour.BLUE), ("cats", Colour.GREEN)


def read(world: World, scope: AlarmScope) -> int | None:
    """How many requests an alarm of the scope counts."""
    seconds = watch.seconds_for(world.progress, world.seen(), "cats", scope)
    return None if seconds is None else sum(s.requests for s in seconds)


def requests(world: World, group: tuple[str, Colour], since: int = 0) -> int:
    """How many requests a target group has answered."""
    return sum(s.requests for s in world.metrics.get(group, []) if s.at_ms + 1_000 > since)


def test_the_candidate_s_alarm_reads_stable_until_the_candidate_has_traffic() -> None:
    world = moving(app_of()).until_stage(Stage.TEST_TRAFFIC_SHIFT)
    assert read(world, AlarmScope.CANDIDATE) == requests(world, BLUE)


def test_then_it_reads_the_candidate_from_its_first_traffic_on() -> None:
    world = moving(app_of()).until_quiet()
    world.push(app_of())
    world.until_weight(5_000)
    assert world.last.colour is Colour.BLUE  # which has old traffic of v1, too
    shifted_at = world.last.shifted_at
    assert shifted_at is not None
    assert read(world, AlarmScope.CANDIDATE) == requests(world, BLUE, shifted_at)
    assert read(world, AlarmScope.STABLE) == requests(world, GREEN)


def test_after_a_rollback_it_reads_stable_again() -> None:
    world = moving(app_of()).until_weight(5_000)
    world.abort()
    world.tick()
    assert read(world, AlarmScope.CANDIDATE) == requests(world, BLUE)


def test_the_service_s_alarm_reads_both_groups_second_by_second() -> None:
    world = moving(app_of()).until_weight(5_000)
    assert read(world, AlarmScope.SERVICE) == requests(world, BLUE) + requests(world, GREEN)
    seconds = watch.seconds_for(world.progress, world.seen(), "cats", AlarmScope.SERVICE)
    assert seconds is not None
    times = [s.at_ms for s in seconds]
    assert times == sorted(set(times))


@pytest.mark.parametrize("scope", AlarmScope)
def test_metrics_that_cannot_be_read_are_nothing_to_read(scope: AlarmScope) -> None:
    world = serving(app_of(), blind={"metrics"})
    assert read(world, scope) is None


def test_a_state_is_recorded_once_and_again_only_when_it_changes() -> None:
    world = serving(app_of(alarms=(ERRORS,)))
    before = world.events(d.AlarmChanged)
    assert before[-1].state is AlarmState.OK
    for _ in range(40):
        world.tick()
    assert world.events(d.AlarmChanged) == before
    world.until(lambda w: w.now % 2_000 == 0)
    world.nature(1).error_share = 0.5
    world.until(lambda w: w.events(d.AlarmChanged)[-1].state is AlarmState.ALARM)
    changed = world.events(d.AlarmChanged)[-1]
    assert changed.alarm == "cats/errors"
    assert changed.reason == "the last datapoint (50) was greater than the threshold 2"


def test_unreadable_metrics_end_an_ok() -> None:
    world = serving(app_of(alarms=(ERRORS,)))
    world.blind = {"metrics"}
    world.tick()
    changed = world.events(d.AlarmChanged)[-1]
    assert changed.state is AlarmState.INSUFFICIENT_DATA
    assert changed.reason == "the metrics of cats/errors cannot be read"


def test_an_alarm_whose_metrics_can_be_read_again_says_what_is_missing_now() -> None:
    progress = fold(d.AppAccepted(app_of(alarms=(ERRORS,))))
    blind = watch.decide(progress, Seen(metrics=None)).events
    progress = advance_all(progress, blind, T0)
    quiet = watch.decide(progress, Seen(metrics={}, metrics_until=T0 + 60_000)).events
    (said,) = quiet
    assert isinstance(said, d.AlarmChanged)
    assert (said.state, said.reason[:12]) == (AlarmState.INSUFFICIENT_DATA, "no datapoint")
    progress = advance_all(progress, quiet, T0 + 60_000)
    assert progress.alarms["cats/errors"].since == T0
    assert watch.decide(progress, Seen(metrics={}, metrics_until=T0 + 60_000)).events == ()


def test_each_service_evaluates_the_app_s_alarms_for_itself() -> None:
    only_dogs = replace(ERRORS, name="dogs", service="dogs")
    app = app_of(service("cats"), service("dogs"), alarms=(ERRORS, only_dogs))
    progress = fold(d.AppAccepted(app))
    named = [e.alarm for e in watch.decide(progress, Seen()).events if hasattr(e, "alarm")]
    assert named == ["cats/errors", "dogs/errors", "dogs/dogs"]
    assert watch.alarms_of(progress, "cats") == (ERRORS,)


STRICT = Alarm(
    "traffic",
    "ErrorPercent",
    2,
    period_ms=2_000,
    evaluation_periods=2,
    datapoints_to_alarm=2,
    treat_missing_data=MissingData.BREACHING,
)


def state(world: World) -> AlarmState:
    """What the strict alarm says."""
    return world.progress.alarms["cats/traffic"].state


def test_missing_data_counts_as_breaching_for_a_release_that_serves() -> None:
    world = serving(app_of(alarms=(STRICT,)))
    assert state(world) is AlarmState.OK
    world.rate = 0
    world.until(lambda w: state(w) is AlarmState.ALARM, limit_s=20)


def test_it_does_not_before_the_candidate_could_have_any() -> None:
    world = moving(app_of(alarms=(STRICT,))).until_weight(2_500)
    shifted_at = world.last.shifted_at
    assert shifted_at is not None
    world.rate = 0
    while world.tick() and world.now < shifted_at + 6_000:
        assert state(world) is AlarmState.INSUFFICIENT_DATA
    world.until(lambda w: state(w) is AlarmState.ALARM, limit_s=3)


def test_a_service_that_never_served_has_no_data_to_miss() -> None:
    progress = fold(d.AppAccepted(app_of(alarms=(STRICT,))))
    (changed,) = watch.decide(progress, Seen(metrics={}, metrics_until=T0)).events
    assert isinstance(changed, d.AlarmChanged)
    assert changed.state is AlarmState.INSUFFICIENT_DATA


def test_bad_data_of_a_young_candidate_counts_at_once() -> None:
    world = moving(app_of(alarms=(replace(STRICT, evaluation_periods=1, datapoints_to_alarm=1),)))
    world.until_weight(2_500)
    world.nature(2).error_share = 0.5
    world.until(lambda w: state(w) is AlarmState.ALARM, limit_s=5)
    assert second(T0, 4, 2).errors == 2


HOSTS = Alarm(
    "hosts",
    "HealthyHostCount",
    4,
    statistic="Minimum",
    comparison=Comparison.LESS,
    period_ms=5_000,
)


def hosts(blue: int, green: int) -> Hosts:
    """The same number in each look."""
    one, other = Spread(blue, blue, blue), Spread(green, green, green)
    return Hosts(one, other, Spread(*[blue + green] * 3))


def measured(world: World, *beats: Sample) -> tuple[float | None, ...]:
    """The datapoints of `HOSTS` when cats were measured so."""
    seen = replace(world.seen(), series={"cats": Series(beats)})
    return watch.points(world.progress, seen, "cats", HOSTS)


def test_healthy_hosts_are_those_of_the_group_that_the_alarm_is_about() -> None:
    beat = Sample(T0, healthy=hosts(4, 3), unhealthy=hosts(0, 1))
    assert measured(serving(app_of()), beat) == (None, None, 4)
    moved = moving(app_of()).until_weight(2_500)
    shifted_at = moved.last.shifted_at
    assert shifted_at is not None
    after = beat._replace(at_ms=shifted_at // 5_000 * 5_000 + 5_000)
    assert measured(moved, after) == (None, None, 3)


def test_a_candidate_s_hosts_count_only_from_its_first_traffic_on() -> None:
    """While its tasks started it had none; that is no reason to roll it back."""
    moved = moving(app_of()).until_weight(2_500)
    shifted_at = moved.last.shifted_at
    assert shifted_at is not None
    starting = Sample(shifted_at // 5_000 * 5_000, healthy=hosts(4, 0))
    assert measured(moved, starting) == (None, None, None)


def test_hosts_that_were_never_measured_are_insufficient_data() -> None:
    world = serving(app_of(alarms=(HOSTS,)))
    assert world.progress.alarms["cats/hosts"].state is AlarmState.INSUFFICIENT_DATA
    assert measured(world) == (None, None, None)


@pytest.mark.parametrize(
    ("statistic", "scope", "point"),
    [
        ("Minimum", AlarmScope.STABLE, 0),
        ("Average", AlarmScope.STABLE, 1.5),
        ("Maximum", AlarmScope.STABLE, 2),
        ("Minimum", AlarmScope.SERVICE, 1),
    ],
)
def test_a_statistic_of_hosts_is_taken_of_every_look_and_not_of_means(
    statistic: str, scope: AlarmScope, point: float
) -> None:
    """One look of five saw no healthy host in blue, while green had one."""
    looks = Hosts(Spread(0, 1.5, 2), Spread(1, 1, 1), Spread(1, 2.5, 3))
    alarm = replace(HOSTS, statistic=statistic, scope=scope)
    world = serving(app_of(alarms=(alarm,)))
    seen = replace(world.seen(), series={"cats": Series((Sample(T0, healthy=looks),))})
    assert watch.points(world.progress, seen, "cats", alarm)[-1] == point
