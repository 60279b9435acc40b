"""The acts in which load and capacity come and go: `scale`, then `interruption`."""

import time
from dataclasses import dataclass

from tidegate.core import decision as d
from tidegate.core.provider import ProviderKind
from tidegate.demo.report import Act
from tidegate.demo.walk import Check, Walk
from tidegate.load import Background, Limits, Plan, Result, Target, constant
from tidegate.load.result import count

EXTRA_RPS = 680
STORM_PERCENT = 60
_SCALED = ("cats", "dogs")


@dataclass(frozen=True, slots=True)
class Rise:
    """When what came of a rising load, in ms after it rose; None: it has not come."""

    alarm_ms: int | None
    decision_ms: int | None
    healthy_ms: int | None

    def __str__(self) -> str:
        steps = (self.alarm_ms, self.decision_ms, self.healthy_ms)
        said = ["never" if ms is None else f"after {ms / 1000:.1f} s" for ms in steps]
        return f"alarm {said[0]}, decision {said[1]}, healthy {said[2]}"


def scale(walk: Walk) -> Act:
    """Load rises on cats and dogs: alarms, tasks, spot instances; it falls, and all of it goes."""
    check = Check()
    walk.ledger.mark("scale")
    story = walk.story
    before = {name: story.desired(name) for name in _SCALED}
    spot_before = story.ready(ProviderKind.SPOT)
    urls = (f"http://127.0.0.1:{walk.space.port}/{name}" for name in _SCALED)
    plan = Plan(tuple(Target(url) for url in urls), constant(EXTRA_RPS), limits=Limits(10))
    since = round(time.time() * 1000)
    with Background(plan) as load:
        walk.say(f"{EXTRA_RPS} more requests a second, to cats and dogs")
        check.that(walk.until(lambda: _grown(walk, before)), f"tasks did not grow: {before}")
        rises = {name: _rise(walk, name, since) for name in _SCALED}
        for name, rise in rises.items():
            walk.say(f"{name}: {before[name]} → {story.desired(name)} tasks; {rise}")
            check.that(None not in (rise.alarm_ms, rise.decision_ms), f"{name}: {rise}")
        spot_most = story.ready(ProviderKind.SPOT)
        check.that(spot_most > spot_before, "no spot instance was bought")
        result = load.stop()
    walk.say(f"spot instances: {spot_before} → {spot_most}; the load falls")
    most = {name: story.desired(name) for name in _SCALED}
    check.that(walk.until(lambda: _shrunk(walk, most, spot_before)), "it did not all shrink")
    fewer = ", ".join(f"{name} {most[name]} → {story.desired(name)}" for name in _SCALED)
    walk.say(f"tasks: {fewer} (a step a minute at most); {_cost(walk)}")
    detail = {
        "rise": {name: _facts(rise) for name, rise in rises.items()},
        "spot_instances": {"before": spot_before, "most": spot_most},
        "extra_requests": _counted(check, result),
        "cost": walk.space.cost(),
    }
    return walk.act("scale", check, detail=detail)


def interruption(walk: Walk) -> Act:
    """A storm takes most spot instances under load; they have a notice, and no request fails."""
    check = Check()
    walk.ledger.mark("interruption")
    story = walk.story
    before = story.ready(ProviderKind.SPOT)
    check.that(before > 0, "there is no spot instance to lose")
    began = round(time.time() * 1000)
    walk.space.tidegate("interrupt", "--storm", f"{STORM_PERCENT}%")
    check.that(walk.until(lambda: story.times(d.InterruptionNoticed, began) != []), "no notice")
    struck = len(story.times(d.InterruptionNoticed, began))
    walk.say(f"{struck} of {before} spot instances have their notice (15 s; EC2 gives 2 minutes)")
    check.that(walk.until(lambda: story.noticed() == 0), "a noticed instance is still there")
    check.that(walk.until(story.full), "not every service has its tasks again")
    gone = story.times(d.InstanceTerminated, began)
    ready = [at for at in story.times(d.InstanceReady, began) if at <= max(gone, default=0)]
    replaced_ms = ready[0] - began if ready else None
    check.that(bool(ready), "nothing replaced them before they went")
    waited = f"{replaced_ms / 1000:.1f} s" if replaced_ms is not None else "never"
    walk.say(f"the first replacement was ready after {waited}; {_cost(walk)}")
    time.sleep(1)
    detail = {"struck": struck, "of": before, "replaced_ms": replaced_ms}
    return walk.act("interruption", check, detail={**detail, "cost": walk.space.cost()})


def _grown(walk: Walk, before: dict[str, int]) -> bool:
    """More tasks of both than before, all of them healthy, and both alarms have fired."""
    story = walk.story
    more = all(story.desired(name) > before[name] for name in _SCALED)
    told = all(story.alarmed(f"{name}/{name.title()}ScaleUpAlarm") for name in _SCALED)
    return more and told and story.full()


def _shrunk(walk: Walk, most: dict[str, int], spot_before: int) -> bool:
    """Fewer tasks of both than at the most, and the bought instances given back."""
    story = walk.story
    tasks = all(story.desired(name) < most[name] for name in _SCALED)
    return tasks and story.full() and story.ready(ProviderKind.SPOT) <= spot_before


def _rise(walk: Walk, service: str, since: int) -> Rise:
    story = walk.story
    alarm = f"{service}/{service.title()}ScaleUpAlarm"
    alarms = story.times(d.AlarmChanged, since, alarm=alarm, state=d.AlarmState.ALARM)
    decisions = story.times(d.ScalingActivity, since, service=service)
    healthy = story.healthy_since(service, since)
    first = (alarms[:1], decisions[:1], healthy[-1:])
    return Rise(*(at[0] - since if at else None for at in first))


def _facts(rise: Rise) -> dict[str, int | None]:
    return {name: getattr(rise, name) for name in ("alarm_ms", "decision_ms", "healthy_ms")}


def _counted(check: Check, result: Result) -> int:
    """The requests of the extra load; each one that failed breaks the act."""
    counts = count(result.tally())
    check.that(counts.failed == 0, f"{counts.failed} of the extra requests: {counts.failures}")
    return counts.requests


def _cost(walk: Walk) -> str:
    cost = walk.space.cost()
    mine, all_on_demand = cost["micros"], cost["on_demand_micros"]
    saved = 100 - 100 * mine / all_on_demand if all_on_demand else 0
    return f"so far ${mine / 1e6:.6f}, {saved:.0f} % less than all on demand"
