"""A spot market: the same for the same seed, and its storms take many at once."""

import pytest

from tidegate.simulator.market import HOUR_MS, NOTICE_MS, Market, Pool

POOL = Pool("c5.large", monthly_loss=0.10)
DAY_MS = 24 * HOUR_MS
NAMES = [f"i{number}" for number in range(400)]


def test_the_answers_do_not_depend_on_the_order_of_asking() -> None:
    one, other = Market(1), Market(1)
    forward = [one.taken_at(POOL, name, 0) for name in NAMES[:50]]
    backward = [other.taken_at(POOL, name, 0) for name in reversed(NAMES[:50])]
    assert forward == backward[::-1]
    assert forward != [Market(2).taken_at(POOL, name, 0) for name in NAMES[:50]]


def test_without_storms_a_month_takes_the_share_that_the_pool_says() -> None:
    calm = Market(1, storms_per_day=0)
    taken = [calm.taken_at(POOL, name, 0) for name in NAMES]
    assert sum(at is not None for at in taken) / len(NAMES) == pytest.approx(0.10, abs=0.04)


def test_a_storm_takes_at_least_half_of_a_zone_within_minutes_and_leaves_no_room() -> None:
    market = Market(3, storms_per_day=0.2)
    storm = market.storms("a", DAY_MS, 60 * DAY_MS)[0]
    taken = [market.taken_at(POOL, name, storm.at_ms - HOUR_MS) for name in NAMES]
    together = [at for at in taken if at and 0 <= at - storm.at_ms < 5 * 60_000]
    assert len(together) / len(NAMES) == pytest.approx(storm.share, abs=0.08)
    assert storm.share >= 0.5
    assert not market.has_room(POOL, storm.at_ms + 1)
    assert market.has_room(POOL, storm.until_ms + 1)
    assert market.has_room(Pool("c5.large", zone="b"), storm.at_ms + 1)


def test_a_notice_comes_two_minutes_before_the_end_and_never_before_the_launch() -> None:
    market = Market(3, storms_per_day=5)
    for name in NAMES[:100]:
        taken_at = market.taken_at(POOL, name, 1_000)
        assert taken_at is not None and taken_at >= 1_000 + NOTICE_MS
        assert market.notice(POOL, name, 1_000, taken_at - NOTICE_MS - 1) is None
        assert market.notice(POOL, name, 1_000, taken_at - NOTICE_MS) == taken_at


def test_the_price_stays_between_nothing_and_on_demand_and_rises_in_a_storm() -> None:
    market = Market(3, storms_per_day=0.2)
    prices = [market.price(POOL, hour * HOUR_MS) for hour in range(500)]
    assert all(0 < price <= 1 for price in prices)
    storm = market.storms("a", DAY_MS, 60 * DAY_MS)[0]
    assert market.price(POOL, storm.at_ms + 1) > 1.3 * POOL.price
