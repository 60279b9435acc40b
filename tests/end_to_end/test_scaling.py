"""A load rises and falls on real containers: tasks follow, alarms fire, nothing is dropped."""

import threading
from pathlib import Path

import pytest

from tests.support.shop import Shop
from tidegate.api.client import Client
from tidegate.load import Generator, Limits, Plan, Target, constant

pytestmark = [pytest.mark.engine, pytest.mark.haproxy]

LOAD_RPS = 380
"""Beside the 200 a second that cats get from the usual clients; 150 are for one task."""


def alarm_of(shop: Shop, name: str) -> str:
    """The alarm's state."""
    return next(one.state for one in Client(shop.home).alarms() if one.name == name)


def tasks_of(shop: Shop, service: str) -> tuple[int, int]:
    """Desired and healthy tasks of the service."""
    found = next(s for s in Client(shop.home).status().services if s.name == service)
    return found.desired, sum(group.healthy for group in found.groups)


def latest(shop: Shop, metric: str) -> float:
    """The newest value of a metric of cats, 0 without one."""
    rows = Client(shop.home).metrics("cats").services[0].metrics
    return next(row.latest or 0 for row in rows if row.name == metric)


def last_event(shop: Shop, service: str) -> str:
    """The newest of the service's events, in ECS's words."""
    return str(shop.tidegate("events", "--service", service).stdout).rstrip()


@pytest.mark.timeout(600)
def test_tasks_follow_the_load_and_no_request_is_dropped(place: Path) -> None:
    shop = Shop(place)
    try:
        shop.open()
        shop.until(lambda: alarm_of(shop, "CatsScaleUpAlarm") == "OK", "judged")
        target = Target(f"http://127.0.0.1:{shop.space.port}/cats")
        load = Generator(Plan((target,), constant(LOAD_RPS), limits=Limits(10)))
        thread = threading.Thread(target=load.run)
        thread.start()
        try:
            shop.until(lambda: tasks_of(shop, "cats") == (4, 4), "four healthy tasks")
            shop.until(lambda: alarm_of(shop, "CatsScaleUpAlarm") == "ALARM", "in ALARM")
        finally:
            load.stop()
            thread.join()
        assert {load.records.outcome[row] for row in range(len(load.records))} == {200}
        shop.until(lambda: tasks_of(shop, "cats") == (2, 2), "back to two")
        (scaling,) = Client(shop.home).scaling("cats")
        out, back = scaling.activities
        assert (out.before, out.after, back.after) == (2, 4, 2)
        assert "requests/s ask for" in out.reason
        events = shop.tidegate("events", "--service", "cats").stdout
        assert "Successfully set desired count to 4. Waiting for change to be fulfilled" in events
        shop.until(lambda: last_event(shop, "cats").endswith("reached a steady state."), "steady")
        shop.until(lambda: latest(shop, "HealthyHostCount") == 2, "two hosts in the metrics")
        for name in ("CPUUtilization", "MemoryUtilization", "MemoryReservation"):
            assert 0 < latest(shop, name) < 101, name
        shop.must_be_quiet()
        shop.must_have_dropped(nothing=0)
    finally:
        shop.close()
