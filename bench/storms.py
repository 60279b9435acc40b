"""Spot storms under load: how many requests are dropped while instances are taken back.

simulated   the real controller in virtual time, every request followed by itself; most of spot
            once a minute
real        containers on this machine's instances, a notice for every spot instance at once;
            the next one when the last has been made good
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, repeat
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.instances import leaving, spot
from tests.support.shop import Shop

from bench.claims import Claim, Goal
from bench.images import say
from bench.size import Size
from tidegate.core import decision as d
from tidegate.core.model import App, Service, TaskCount
from tidegate.core.provider import Capacity, Provider, ProviderKind, StrategyItem
from tidegate.load.profile import constant
from tidegate.simulator.rehearse.plan import Rehearsal
from tidegate.simulator.rehearse.run import play, told
from tidegate.simulator.rehearse.scenarios import Loss, Scenario

EVERY_S = 60.0
IN_A_RUN = 10
SHARE = 0.9
RPS = 60.0
_ON_DEMAND = Provider("on-demand", cpu_units=512, memory_mib=512, minimum=1, launch_ms=2_000)
_SPOT = replace(_ON_DEMAND, name="spot", kind=ProviderKind.SPOT, minimum=0)
APP = App(
    "storms",
    tuple(Service(name, count=TaskCount(2, 4, 8)) for name in ("cats", "dogs")),
    capacity=Capacity(
        (_ON_DEMAND, _SPOT),
        (StrategyItem("on-demand", 1, 0), StrategyItem("spot")),
        interruption_notice_ms=15_000,
        idle_ms=10_000,
        return_after_ms=10_000,
        return_every_ms=1_000,
    ),
)


def measure(size: Size) -> Sequence[Claim]:
    """Both kinds."""
    return (*simulated(size.simulated_storms), *(real(size.storms) if size.storms else ()))


def simulated(storms: int) -> tuple[Claim, ...]:
    """So many storms, ten in each run, a seed for each."""
    struck = sent = dropped = failed = 0
    for seed in range(1, -(-storms // IN_A_RUN) + 1):
        count = min(IN_A_RUN, storms - (seed - 1) * IN_A_RUN)
        times = accumulate(repeat(EVERY_S, count))
        story = Scenario(
            "storms", "", constant(RPS, EVERY_S * (count + 1)), absolute=True,
            storms=tuple(Loss(at_s, SHARE) for at_s in times),
        )  # fmt: skip
        stage = play(Rehearsal(APP, story, seed=seed, each=True))
        ledger = stage.world.traffic.ledger
        struck += sum(isinstance(event, d.InterruptionNoticed) for _, event in told(stage))
        sent += ledger.sent
        dropped += len(ledger.dropped)
        failed += ledger.failed + ledger.cut_at_deadline + sum(ledger.excused.values())
        say(f"seed {seed}: {struck} notices, {sent:,} requests, {dropped} dropped")
    note = f"{storms} storms on {SHARE:.0%} of spot, {struck} notices, {sent:,} requests"
    return (
        Claim("storms, simulated: requests dropped", dropped, goal=Goal(0), note=note),
        Claim("storms, simulated: requests failed for any reason", failed, goal=Goal(0), note=note),
    )


def real(storms: int) -> tuple[Claim, ...]:
    """So many storms on all of spot, of the example app under its usual clients."""
    with TemporaryDirectory() as folder:
        shop = Shop(Path(folder) / "app")
        try:
            shop.open()
            struck = sum(_storm(shop, number) for number in range(1, storms + 1))
            counts = shop.clients.counts("all", faulty="crimson")
        finally:
            shop.close()
    note = f"{storms} storms on all of spot, {struck} notices, {counts.requests:,} requests"
    return (Claim("storms, real: requests dropped", counts.dropped, goal=Goal(0), note=note),)


def _storm(shop: Shop, number: int) -> int:
    """One, until everything is as whole as before; how many instances it struck."""
    shop.until(lambda: spot(shop), "tasks on spot", 90)
    struck = spot(shop)
    asked = shop.tidegate("interrupt", "--storm", "100%")
    if asked.returncode:
        raise SystemExit(f"storm {number} was refused: {asked.stderr}")
    shop.until(lambda: not set(struck) & {*spot(shop), *leaving(shop)}, "they are gone", 90)
    shop.must_be_quiet()
    say(f"storm {number}: {len(struck)} instances")
    return len(struck)
