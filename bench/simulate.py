"""How fast virtual time runs: simulated seconds for each second of CPU, with the real controllers.

    python -m bench.simulate [--hours 6] [--json]

One tick of traffic a second; the engine decides at every tick that could decide anything, and, for
comparison, at every tick. CPU time is counted, not the clock, so that neighbours do not matter.
No other simulator runs this decision code, so there is no peer; the goal is 20,000 times real time.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass, replace

from tidegate.core.model import Alarm, AlarmScope, App, DeploymentPolicy, MissingData, Service
from tidegate.core.traffic import linear
from tidegate.load.profile import constant
from tidegate.simulator.behaviour import failing
from tidegate.simulator.rehearse.plan import Rehearsal
from tidegate.simulator.rehearse.run import play
from tidegate.simulator.rehearse.scenarios import Change, Scenario

GOAL = 20_000
QUIET = App("quiet", (Service("web"),))
ALARMED = replace(
    QUIET,
    alarms=(
        Alarm("errors", "ErrorPercent", 5, period_ms=60_000,
              treat_missing_data=MissingData.NOT_BREACHING),
        Alarm("slow", "TargetResponseTime", 0.5, "p95", period_ms=60_000, evaluation_periods=3,
              scope=AlarmScope.SERVICE, treat_missing_data=MissingData.NOT_BREACHING),
    ),
)  # fmt: skip
SHOP = replace(
    ALARMED,
    services=tuple(
        Service(name, deployment=DeploymentPolicy(linear(1_000, 60_000)))
        for name in ("home", "cats", "dogs")
    ),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One app: virtual seconds per CPU second, with looks left out and with every look."""

    name: str
    hours: float
    ratio: float
    looks: int
    every_look_ratio: float


def measure(name: str, app: App, hours: float, changes: tuple[Change, ...] = ()) -> Row:
    """Run it both ways; the second for a tenth of the time."""
    story = Scenario("steady", "", constant(1, hours * 3600), changes)
    ratio, looks = _run(Rehearsal(app, story))
    short = replace(story, demand=constant(1, hours * 360), changes=())
    every, _ = _run(Rehearsal(app, short, skip=False))
    return Row(name, hours, ratio, looks, every)


def _run(rehearsal: Rehearsal) -> tuple[float, int]:
    began = time.process_time()
    stage = play(rehearsal)
    cpu_s = time.process_time() - began
    return rehearsal.scenario.demand.seconds / cpu_s, stage.looks


def main() -> int:
    """Measure and print; 1 when the goal is missed for an app at rest."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulate", description=__doc__)
    parser.add_argument("--hours", type=float, default=6.0, help="of virtual time for each (6)")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    bad = (Change(600, failing(0.05)), Change(1_800))
    rows = [
        measure("one service at rest", QUIET, asked.hours),
        measure("one service, two alarms", ALARMED, asked.hours),
        measure("three services, alarms, two releases", SHOP, asked.hours, bad),
    ]
    if asked.json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    else:
        sys.stdout.write(f"{'app':<38} {'x real time':>12} {'looks':>7} {'every look':>11}\n")
        for row in rows:
            line = (
                f"{row.name:<38} {row.ratio:>12,.0f} {row.looks:>7,} {row.every_look_ratio:>11,.0f}"
            )
            sys.stdout.write(line + "\n")
        held = "met" if rows[0].ratio >= GOAL else "missed"
        sys.stdout.write(f"goal for an app at rest: {GOAL:,} times real time: {held}\n")
    return 0 if rows[0].ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
