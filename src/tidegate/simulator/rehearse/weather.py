"""What befalls the app in a rehearsal: losses, spot storms, a market, launches that fail, gaps."""

from functools import partial
from random import Random

from tidegate.core.model import App
from tidegate.simulator.cloud import SimInstance
from tidegate.simulator.cloud_mishaps import storm
from tidegate.simulator.fleet import Cause
from tidegate.simulator.fluid import Fluid
from tidegate.simulator.market import Market, Pool
from tidegate.simulator.rehearse.scenarios import Loss, Outage, Scenario
from tidegate.simulator.rng import Rng
from tidegate.simulator.traffic import Traffic
from tidegate.simulator.world import AnyWorld


class Weather:
    """One story's, on one world. Storms take tasks without notice where there is no capacity."""

    def __init__(self, world: AnyWorld[Fluid] | AnyWorld[Traffic], app: App, seed: int) -> None:
        self._world = world
        self._app = app
        self._seed = seed
        self._market: Market | None = None

    def begin(self, story: Scenario) -> None:
        """The story begins now."""
        clock, draws = self._world.clock, Rng(self._seed)("losses")
        for loss in story.losses:
            clock.after(round(loss.at_s * 1000), partial(self._lose, loss, draws))
        strike = self._lose if self._app.capacity is None else self._storm
        for one in story.storms:
            clock.after(round(one.at_s * 1000), partial(strike, one, draws))
        for outage in story.no_launches:
            clock.after(round(outage.at_s * 1000), partial(self._shut, outage))
        for outage in story.no_metrics:
            clock.after(round(outage.at_s * 1000), partial(self._blind, outage))
        if story.storms_per_day and self._app.capacity is not None:
            self._market = Market(self._seed, story.storms_per_day)
            self._world.cloud.on_running = self._trade
            self._world.cloud.has_room = self._has_room
            for instance in self._world.cloud.spot():
                self._trade(instance)

    def _lose(self, loss: Loss, draws: Random) -> None:
        """Each service loses its share, whichever tasks are drawn."""
        for service in self._app.services:
            tasks = [t for t in self._world.fleet.alive() if t.service.name == service.name]
            doomed = sorted(tasks, key=lambda task: draws.random())
            for task in doomed[: round(loss.share * len(tasks))]:
                self._world.fleet.end(task, Cause.MISHAP, 137)

    def _storm(self, loss: Loss, draws: Random) -> None:
        storm(self._world.cloud, self._world.faults, draws, loss.share)

    def _shut(self, outage: Outage) -> None:
        self._world.cloud.shut_until = self._world.clock.elapsed + round(outage.for_s * 1000)

    def _blind(self, outage: Outage) -> None:
        self._world.meter.blind_until = self._world.clock.elapsed + round(outage.for_s * 1000)

    def _trade(self, instance: SimInstance) -> None:
        """A spot instance gets its notice when the market says so."""
        clock, market = self._world.clock, self._market
        if market is None or not instance.provider.spot:
            return
        pool = Pool(instance.provider.name, instance.zone)
        taken_at = market.taken_at(pool, instance.id, clock.elapsed)
        if taken_at is not None:
            wait_ms = max(0, taken_at - self._world.cloud.notice_ms - clock.elapsed)
            clock.after(wait_ms, partial(self._notice, instance))

    def _notice(self, instance: SimInstance) -> None:
        cloud = self._world.cloud
        if cloud.instances.get(instance.id) is instance and instance.deadline is None:
            cloud.notice(instance, self._world.faults)

    def _has_room(self, provider: str, zone: str) -> bool:
        market = self._market
        return market is None or market.has_room(Pool(provider, zone), self._world.clock.elapsed)
