"""Looks that can decide nothing are left out, whatever scales the app, and nothing else changes."""

from dataclasses import replace

import pytest

from tidegate.core import decision as d
from tidegate.core.model import (
    Alarm,
    AlarmScope,
    App,
    DeploymentPolicy,
    MissingData,
    Service,
    TaskCount,
)
from tidegate.core.provider import Capacity, Provider, ProviderKind, StrategyItem
from tidegate.core.scaling.policy import (
    AdjustmentType,
    Metric,
    Scaling,
    ScheduledAction,
    StepAdjustment,
    StepScaling,
    TargetTracking,
    Totals,
)
from tidegate.core.traffic import linear
from tidegate.engine.codec import encode
from tidegate.load.profile import constant, ramp
from tidegate.simulator.behaviour import Behaviour, failing, slow
from tidegate.simulator.rehearse.outcome import outcome_of
from tidegate.simulator.rehearse.plan import Rehearsal
from tidegate.simulator.rehearse.run import play, told
from tidegate.simulator.rehearse.scenarios import Change, Loss, Outage, Scenario
from tidegate.simulator.rehearse.text import as_text

CROWD = constant(0.6, 150) + ramp(0.6, 3.0, 120) + constant(3.0, 150) + ramp(3.0, 0.3, 180) + (
    constant(0.3, 300)
)  # fmt: skip
STORY = Scenario("crowd", "a crowd that comes and goes", CROWD)
COUNT = TaskCount(1, 3, 12)


def app(scaling: Scaling, *alarms: Alarm, capacity: Capacity | None = None) -> App:
    """One service, scaled so: 200 requests/s for each task, and a base rate of 240."""
    cats = Service("cats", count=COUNT, scaling=scaling)
    return App("shop", (cats,), alarms=alarms, capacity=capacity)


ON_DEMAND = Provider("on-demand", cpu_units=512, memory_mib=512, minimum=1, launch_ms=2_000,
                     price_micros=40_000, on_demand_micros=40_000)  # fmt: skip
SPOT = replace(ON_DEMAND, name="spot", kind=ProviderKind.SPOT, minimum=0, price_micros=10_000)
CAPACITY = Capacity(
    (ON_DEMAND, SPOT),
    (StrategyItem("on-demand", 1, 0), StrategyItem("spot")),
    idle_ms=20_000,
    return_after_ms=60_000,
    interruption_notice_ms=15_000,
)
BUSY = Alarm("busy", "RequestCountPerTarget", 6_000, "Sum", period_ms=60_000, guards=False,
             scope=AlarmScope.SERVICE, treat_missing_data=MissingData.NOT_BREACHING)  # fmt: skip
TOTALS = Scaling(Totals(requests=100, scale_in_after_ms=60_000))
TRACKING = Scaling(
    tracking=(
        TargetTracking("requests", Metric.REQUESTS, 6_000, 60_000, 90_000),
        TargetTracking("p95", Metric.P95, 0.2, disable_scale_in=True),
    )
)
STEPPED = Scaling(
    step=(
        StepScaling("up", "busy", AdjustmentType.CHANGE,
                    (StepAdjustment(0, 3_000, 1), StepAdjustment(3_000, None, 3)), 90_000),
    ),
    scheduled=(ScheduledAction("tea", "rate(7 minutes)", 4, 12),),
)  # fmt: skip


def recorded(rehearsal: Rehearsal) -> tuple[list[str], int]:
    """The journal since the story began, and how many looks it took."""
    stage = play(rehearsal)
    return [f"{entry.at} {encode(entry.event)}" for entry in stage.entries], stage.looks


@pytest.mark.parametrize(
    ("name", "shop", "story"),
    [
        ("totals", app(TOTALS), STORY),
        ("tracking", app(TRACKING), STORY),
        ("steps and schedules", app(STEPPED, BUSY), STORY),
        ("gauges", app(Scaling(), replace(BUSY, period_ms=10_000, threshold=1_000)), STORY),
        ("capacity", app(TOTALS, capacity=CAPACITY), STORY),
        (
            "losses and a bad release on capacity",
            app(TOTALS, BUSY, capacity=CAPACITY),
            replace(STORY, losses=(Loss(200.3, 0.6),), changes=(Change(400, failing(0.2)),)),
        ),
    ],
)
def test_a_scaled_app_records_the_same_with_most_looks_left_out(
    name: str, shop: App, story: Scenario
) -> None:
    rehearsal = Rehearsal(shop, story, seed=len(name))
    every, all_looks = recorded(replace(rehearsal, skip=False))
    some, looks = recorded(rehearsal)
    assert some == every, name
    kind = "AlarmChanged" if name == "gauges" else "DesiredChanged"
    assert sum(kind in line for line in every) >= 1, "nothing was decided"
    assert looks < all_looks / 2


BRISK = DeploymentPolicy(linear(2_500, 10_000), bake_ms=20_000)
PAIR = tuple(
    Service(name, count=COUNT, scaling=scaling, deployment=BRISK)
    for name, scaling in (("cats", TOTALS), ("dogs", Scaling()))
)
"""Two services, deployed at once in steps that take a minute altogether."""
SLOW = Alarm("slow", "TargetResponseTime", 0.15, "p95", period_ms=10_000, datapoints_to_alarm=2,
             evaluation_periods=3, treat_missing_data=MissingData.NOT_BREACHING)  # fmt: skip
ERRORS = Alarm("errors", "ErrorPercent", 20, period_ms=10_000, scope=AlarmScope.SERVICE,
               treat_missing_data=MissingData.NOT_BREACHING)  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("capacity", [None, CAPACITY], ids=["bare", "capacity"])
@pytest.mark.parametrize("bad", [failing(0.03), failing(0.5), slow(4.0)], ids=["3%", "50%", "slow"])
def test_a_deployment_records_the_same_with_most_looks_left_out(
    seed: int, capacity: Capacity | None, bad: Behaviour
) -> None:
    shop = App("shop", PAIR, alarms=(SLOW, ERRORS), capacity=capacity)
    losses = (Loss(25 + 7.3 * seed, 0.5),) if seed % 2 else ()
    demand = ramp(0.7, 1.5, 120) + ramp(1.5, 0.4, 80)
    story = Scenario("releases", "", demand, (Change(5), Change(110, bad)), losses=losses)
    every, all_looks = recorded(Rehearsal(shop, story, seed=seed, skip=False))
    some, looks = recorded(Rehearsal(shop, story, seed=seed))
    assert some == every
    assert sum("StablePromoted" in line for line in every) >= 1, "nothing was deployed"
    assert looks < all_looks


SHORT_DAY = Scenario(
    "day", "an hour of it", constant(1.2, 3_600), storms_per_day=60.0, storms=(Loss(600, 0.8),)
)


def test_a_storm_takes_instances_back_after_a_notice_and_nothing_is_dropped() -> None:
    stage = play(Rehearsal(app(Scaling(), capacity=CAPACITY), SHORT_DAY))
    lines = [encode(entry.event) for entry in stage.entries]
    assert sum("InterruptionNoticed" in line for line in lines) >= 2
    assert stage.world.traffic.ledger.dropped == []
    found = outcome_of(stage)
    assert found.instances is not None
    assert 0 < found.instances.micros < found.instances.on_demand_micros
    assert "all on demand" in as_text(found)
    assert found.numbers()["cost"] == found.instances.micros / 1e6


def test_what_cannot_be_launched_waits_and_what_cannot_be_measured_takes_nothing_away() -> None:
    fewer = replace(STORY, no_launches=(Outage(160, 120),), no_metrics=(Outage(500, 120),))
    stage = play(Rehearsal(app(TOTALS, capacity=CAPACITY), fewer))
    failed = [at for at, event in told(stage) if isinstance(event, d.InstanceLaunchFailed)]
    assert failed and all(160 <= at <= 290 for at in failed)
    changed = [at for at, event in told(stage) if isinstance(event, d.DesiredChanged)]
    assert not any(510 < at < 620 for at in changed)
    every = play(Rehearsal(app(TOTALS, capacity=CAPACITY), fewer, skip=False))
    assert [*told(stage)] == [*told(every)]
