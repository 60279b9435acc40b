"""Spot instances are taken back under load, one, several, in a deployment: nothing is dropped."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.instances import capacity, leaving, spot
from tests.support.shop import Shop
from tidegate.core import decision as d

pytestmark = [pytest.mark.engine, pytest.mark.haproxy]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("cloud") / "app")
    try:
        yield shop.open()
    finally:
        shop.close()


@pytest.fixture
def shop(running: Shop) -> Iterator[Shop]:
    """The running app; after each test it must be as whole as before, and nothing dropped."""
    yield running
    running.until(lambda: not leaving(running), "no instance is leaving")
    running.must_be_quiet()
    running.must_have_dropped(nothing=0)


def test_every_task_runs_on_an_instance_at_its_address_and_the_cost_is_shown(shop: Shop) -> None:
    view = json.loads(shop.tidegate("capacity", "--json").stdout)
    assert {p["name"]: p["reservation"] for p in view["providers"]} == {
        "on-demand": 100,
        "spot": 100,
    }
    held = [task for i in view["instances"] for task in i["tasks"]]
    assert len(held) == 6
    addresses = {
        bound["HostIp"]
        for service in ("home", "cats", "dogs")
        for container in shop.containers(service)
        for bindings in container.ports.values()
        for bound in bindings or ()
    }
    assert len(addresses) == len([i for i in view["instances"] if i["tasks"]])
    assert view["cost"]["micros"] > 0
    assert "so far" in shop.tidegate("status").stdout


def test_an_instance_that_is_taken_back_is_replaced_before_it_goes(shop: Shop) -> None:
    struck = spot(shop)[0]
    asked = shop.tidegate("interrupt", struck)
    assert asked.returncode == 0, asked.stderr
    assert f"{struck} will be taken back" in asked.stderr
    shop.until(lambda: struck not in spot(shop) + leaving(shop), f"{struck} is gone")
    assert len(shop.containers("cats")) >= 2


def test_a_storm_on_all_of_spot_in_a_deployment_only_makes_it_wait(shop: Shop) -> None:
    colour = shop.push_a_colour()
    shop.until(lambda: shop.story.weight_bp("cats") >= 2_000, "shifting")
    struck = spot(shop)
    assert shop.tidegate("interrupt", "--storm", "100%").returncode == 0
    shop.until(shop.story.quiet, "ended")
    assert shop.story.last_deployment("cats").outcome is d.Outcome.SUCCEEDED
    shop.must_serve(colour)
    shop.until(lambda: not set(struck) & set(spot(shop)), "all of the old ones are gone")
    report = json.loads(shop.tidegate("report", _newest(shop), "--json").stdout)
    assert report["second_set_micros"] > 0


def _newest(shop: Shop) -> str:
    return shop.story.last_deployment("cats").id


def test_a_controller_that_is_killed_after_the_notice_still_empties_the_instance(
    shop: Shop,
) -> None:
    struck = spot(shop)[0]
    shop.tidegate("interrupt", struck)
    shop.kill_controller()
    time.sleep(1)
    shop.up()
    shop.until(lambda: struck not in spot(shop) + leaving(shop), f"{struck} is gone")


def test_a_controller_that_is_killed_while_instances_come_and_go_finishes(shop: Shop) -> None:
    assert shop.tidegate("scale", "cats", "6").returncode == 0
    shop.kill_controller()
    shop.up()
    shop.until(lambda: _running(shop) == 6, "six cats run")
    assert shop.tidegate("scale", "cats", "2").returncode == 0
    shop.until(lambda: _running(shop) == 2, "two cats run")
    shop.kill_controller()
    shop.up()
    shop.until(lambda: all(i["tasks"] for i in capacity(shop)["instances"]), "no instance is empty")


def _running(shop: Shop) -> int:
    return sum(container.status == "running" for container in shop.containers("cats"))


def test_what_cannot_be_interrupted_is_said(shop: Shop) -> None:
    on_demand = [i["id"] for i in capacity(shop)["instances"] if i["kind"] == "on-demand"]
    for words, code in (
        ((on_demand[0],), "TG160"),
        (("i9999",), "TG741"),
        ((), "TG162"),
        ((on_demand[0], "--provider", "spot"), "TG162"),
        (("--storm", "much"), "TG163"),
    ):
        refused = shop.tidegate("interrupt", *words)
        assert refused.returncode != 0
        assert code in refused.stderr


def test_down_takes_instances_and_their_groups_away(running: Shop) -> None:
    """The last one: nothing runs after it."""
    running.clients.stop()
    assert running.tidegate("down", "--everything").returncode == 0
    running.until(lambda: not list(running.home.instances.glob("i*.json")), "forgotten")
    assert not list(Path("/sys/fs/cgroup").glob(f"*/tidegate/{running.home.owner}"))
