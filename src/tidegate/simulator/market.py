"""A spot market from a seed: prices, room, and instances that are taken back, often many at once.

Every answer is a function of the seed, the names and the time, so that nothing depends on the order
of asking. Sources: EC2 user guide, "Spot Instance interruptions" (two minutes' notice); Spot
advisor's bands as a monthly share f, so a hazard of -ln(1 - f)/720 an hour. That storms matter more
than single losses: in a public trace of a 16-node fleet 84 % of the lost nodes went in events that
took at least half of the fleet within five minutes.
"""

from dataclasses import dataclass
from math import log
from random import Random

from tidegate.simulator.rng import Rng

HOUR_MS = 3_600_000
NOTICE_MS = 120_000
"""EC2's notice before a spot instance is taken back."""

_LOOK_AHEAD_HOURS = 24 * 31


@dataclass(frozen=True, slots=True)
class Pool:
    """A kind of instance in a zone. `price` is of on-demand, 0..1; `monthly_loss` a share, 0..1."""

    name: str
    zone: str = "a"
    price: float = 0.35
    monthly_loss: float = 0.10


@dataclass(frozen=True, slots=True)
class Storm:
    """From `at_ms` on a zone takes back this share (0..1) of its instances within five minutes.

    No new ones are to be had before `until_ms`.
    """

    at_ms: int
    until_ms: int
    share: float


class Market:
    """`storms_per_day` is the mean in each zone; 0 for none."""

    def __init__(self, seed: int, storms_per_day: float = 0.1) -> None:
        self._seed = seed
        self._per_hour = storms_per_day / 24
        self._storms: dict[tuple[str, int], Storm | None] = {}

    def price(self, pool: Pool, now: int) -> float:
        """The spot price as a share of the on-demand price, 0..1; it changes by the hour."""
        hour = now // HOUR_MS
        usual = pool.price * (0.9 + 0.2 * self._draws(f"price/{pool.name}/{hour}").random())
        return min(1.0, usual * (1.6 if self._raging(pool.zone, now) else 1.0))

    def has_room(self, pool: Pool, now: int) -> bool:
        """Whether an instance can be launched."""
        return not self._raging(pool.zone, now)

    def notice(self, pool: Pool, instance: str, launched_at: int, now: int) -> int | None:
        """When the instance will be taken back, once its notice has come; None before that."""
        taken_at = self.taken_at(pool, instance, launched_at)
        return taken_at if taken_at is not None and now >= taken_at - NOTICE_MS else None

    def taken_at(self, pool: Pool, instance: str, launched_at: int) -> int | None:
        """When an instance that is launched then will be taken back; None within a month."""
        draws = self._draws(f"instance/{pool.name}/{instance}")
        hazard = -log(1 - pool.monthly_loss) / 720
        alone_ms = int(draws.expovariate(hazard) * HOUR_MS) if hazard else None
        alone_at = None if alone_ms is None else launched_at + NOTICE_MS + alone_ms
        storm_at = self._stormed_at(pool, instance, launched_at)
        known = [at for at in (alone_at, storm_at) if at is not None]
        limit = launched_at + _LOOK_AHEAD_HOURS * HOUR_MS
        return min((at for at in known if at <= limit), default=None)

    def storms(self, zone: str, since: int, until: int) -> list[Storm]:
        """The storms of a zone that begin in [since, until)."""
        hours = range(since // HOUR_MS, -(-until // HOUR_MS))
        found = (self._storm(zone, hour) for hour in hours)
        return [storm for storm in found if storm and since <= storm.at_ms < until]

    def _stormed_at(self, pool: Pool, instance: str, launched_at: int) -> int | None:
        """The first storm that takes the instance: it must have been there for the notice."""
        since = launched_at + NOTICE_MS
        for storm in self.storms(pool.zone, since, since + _LOOK_AHEAD_HOURS * HOUR_MS):
            draws = self._draws(f"storm/{storm.at_ms}/{instance}")
            if draws.random() < storm.share:
                return storm.at_ms + draws.randrange(5 * 60_000)
        return None

    def _raging(self, zone: str, now: int) -> bool:
        return any(storm.until_ms > now for storm in self.storms(zone, now - HOUR_MS, now + 1))

    def _storm(self, zone: str, hour: int) -> Storm | None:
        key = (zone, hour)
        if key not in self._storms:
            draws = self._draws(f"storms/{zone}/{hour}")
            happens = draws.random() < self._per_hour
            at_ms = hour * HOUR_MS + draws.randrange(HOUR_MS)
            until_ms = at_ms + draws.randrange(10, 60) * 60_000
            storm = Storm(at_ms, until_ms, 0.5 + draws.random() / 2)
            self._storms[key] = storm if happens else None
        return self._storms[key]

    def _draws(self, name: str) -> Random:
        return Rng(self._seed)(name)
