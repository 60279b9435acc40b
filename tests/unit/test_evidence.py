"""What is held against a candidate, and what is not known of it."""

from dataclasses import replace

import pytest

from tests.support.builders import ERRORS, app_of, service
from tests.support.small_world import World, moving, serving
from tidegate.core import evidence
from tidegate.core.decision import AlarmChanged, AlarmState
from tidegate.core.model import AnalysisPolicy
from tidegate.core.seen import Seen


def unknown(world: World, **changes: object) -> str | None:
    """Why the evidence is unknown, with this much of the look changed."""
    seen = replace(world.seen(), **changes)  # type: ignore[arg-type]
    return evidence.unknown(world.progress, world.last, seen, world.now)


def test_fresh_metrics_and_quiet_alarms_are_known() -> None:
    world = moving(app_of(alarms=(ERRORS,)))
    assert unknown(world) is None
    assert evidence.firing(world.progress, "cats") is None


def test_metrics_that_cannot_be_read_are_unknown() -> None:
    assert unknown(moving(app_of()), metrics=None) == "the data plane's metrics cannot be read"


def test_metrics_older_than_five_seconds_are_unknown() -> None:
    world = moving(app_of())
    assert unknown(world, metrics_until=world.now - 5_000) is None
    old = unknown(world, metrics_until=world.now - 5_001)
    assert old == "the newest metrics are 5 s old"


@pytest.mark.parametrize("state", [AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA])
def test_an_alarm_that_is_not_ok_is_unknown(state: AlarmState) -> None:
    world = moving(app_of(alarms=(ERRORS,)))
    world.record((AlarmChanged("cats/errors", state, "because"),))
    assert unknown(world) == f"alarm errors is {state}: because"


def test_an_alarm_that_nobody_evaluated_yet_is_unknown() -> None:
    world = moving(app_of(alarms=(ERRORS,)))
    world.progress = replace(world.progress, alarms={})
    assert unknown(world) == "alarm errors is INSUFFICIENT_DATA"


def test_every_alarm_that_fires_is_named() -> None:
    other = replace(ERRORS, name="others")
    world = serving(app_of(alarms=(ERRORS, other)))
    for name in ("errors", "others"):
        world.record((AlarmChanged(f"cats/{name}", AlarmState.ALARM, "bad"),))
    assert evidence.firing(world.progress, "cats") == "alarm errors: bad; alarm others: bad"


def test_an_alarm_that_left_the_file_fires_no_more() -> None:
    world = serving(app_of())
    world.record((AlarmChanged("cats/errors", AlarmState.ALARM, "bad"),))
    assert evidence.firing(world.progress, "cats") is None


def worse(world: World) -> str | None:
    """What the comparison holds against the candidate now."""
    return evidence.worse(world.progress, world.last, world.seen())


def shifting(**policy: object) -> World:
    """A candidate with a fifth of its answers wrong, some seconds into its first step."""
    cats = service(analysis=AnalysisPolicy(**policy), rollback_on=frozenset())  # type: ignore[arg-type]
    world = moving(app_of(cats), app_of(), rate=400).until_weight(2_500)
    world.nature(2).error_share = 0.2
    world.pause()
    for _ in range(60):
        world.tick()
    return world


def test_the_comparison_names_what_it_found() -> None:
    world = shifting()
    found = worse(world)
    assert found is not None
    assert found.startswith("5xx share ")


def test_a_comparison_that_is_switched_off_finds_nothing() -> None:
    assert worse(shifting(enabled=False)) is None


def test_without_traffic_or_metrics_there_is_nothing_to_compare() -> None:
    world = moving(app_of())
    assert worse(world) is None
    world = shifting()
    assert evidence.worse(world.progress, world.last, Seen()) is None


def test_a_first_deployment_has_nothing_to_be_compared_with() -> None:
    world = World()
    world.push(app_of())
    world.until(lambda w: w.progress.deployments and w.last.shifted_at)
    assert worse(world) is None
