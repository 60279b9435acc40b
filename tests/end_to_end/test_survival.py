"""Kill anything at any moment: traffic flows, the work goes on, and nothing is left over."""

import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.relay import Relay
from tests.support.shop import Shop
from tidegate.core import decision as d
from tidegate.core.model import LifecycleStage as Stage

pytestmark = [pytest.mark.engine, pytest.mark.haproxy]


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    found = Relay(tmp_path_factory.mktemp("relay") / "engine.sock")
    yield found
    found.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, relay: Relay) -> Iterator[Shop]:
    shop = Shop(tmp_path_factory.mktemp("shop") / "app", {"TIDEGATE_ENGINE": relay.url})
    try:
        yield shop.open()
    finally:
        shop.close()


@pytest.fixture
def shop(running: Shop) -> Iterator[Shop]:
    """The running app; after each test it must be as whole as before, and nothing dropped."""
    yield running
    running.must_be_quiet()
    running.must_have_dropped(nothing=0)


@pytest.mark.parametrize(
    "stage", [Stage.SCALE_UP, Stage.PRODUCTION_TRAFFIC_SHIFT, Stage.BAKE_TIME, Stage.CLEAN_UP]
)
def test_a_controller_killed_in_any_stage_comes_back_and_finishes(shop: Shop, stage: Stage) -> None:
    colour = shop.push_a_colour()
    shop.until(lambda: shop.stage() is stage, f"in {stage}")
    shop.kill_controller()
    time.sleep(0.5)
    shop.up()
    shop.until(shop.story.quiet, "ended")
    assert shop.story.last_deployment("cats").outcome is d.Outcome.SUCCEEDED
    shop.must_serve(colour)


def test_a_controller_killed_while_it_builds_takes_the_execution_up_again(shop: Shop) -> None:
    colour = shop.push_a_colour()
    shop.until(lambda: not shop.story.quiet(), "an execution began")
    shop.kill_controller()
    shop.up()
    shop.until(shop.story.quiet, "ended")
    shop.must_serve(colour)


def test_a_controller_killed_while_it_rolls_back_rolls_back(shop: Shop) -> None:
    shop.push_failing()
    shop.until(lambda: shop.story.rolls_back("cats"), "rolling back")
    shop.kill_controller()
    shop.up()
    shop.until(shop.story.quiet, "ended")
    assert shop.story.last_deployment("cats").outcome is d.Outcome.ROLLED_BACK


def test_a_second_controller_is_refused_and_told_who_holds_the_state(shop: Shop) -> None:
    second = shop.tidegate("up", "--foreground")
    assert second.returncode == 9, second.stderr
    assert f"process {shop.pid}" in second.stderr


def test_a_killed_task_is_replaced_and_no_request_is_lost(shop: Shop) -> None:
    gone = shop.kill_a_task("cats")
    shop.until(
        lambda: gone not in [c.name for c in shop.containers("cats")], "the dead one is gone"
    )
    shop.must_be_quiet()


def test_with_a_hung_engine_traffic_flows_and_abort_still_wins(shop: Shop, relay: Relay) -> None:
    shop.push_a_colour()
    shop.until(lambda: shop.story.weight_bp("cats") >= 2_000, "shifting")
    stable = _stable_colour(shop)
    relay.hang()
    try:
        assert shop.tidegate("abort", "cats").returncode == 0
        shop.until(lambda: shop.clients.only(stable, last_s=0.2), "back on stable", 20)
    finally:
        relay.go_on()
    shop.until(shop.story.quiet, "ended")
    assert shop.story.last_deployment("cats").outcome is d.Outcome.ROLLED_BACK
    shop.must_serve(stable)


def _stable_colour(shop: Shop) -> str:
    """The colour that served before the deployment under way."""
    seen = shop.clients.colours(last_s=30)
    return next(iter(seen))


def test_a_damaged_journal_is_named_and_mended_while_traffic_flows(shop: Shop) -> None:
    shop.until(shop.story.quiet, "quiet")
    shop.kill_controller()
    journal = shop.home.journal
    files = [journal.with_name(journal.name + suffix) for suffix in ("", "-wal", "-shm")]
    whole = {file: file.read_bytes() for file in files if file.exists()}
    for file in whole:
        file.unlink()
    journal.write_bytes(b"garbage" * 4096)
    refused = shop.tidegate("up")
    assert refused.returncode != 0
    assert "TG920" in refused.stderr
    assert "--repair" in refused.stderr
    for file, held in whole.items():
        file.write_bytes(held)
    shop.up()


class TestAHaproxyThatIsKilled:
    """Its requests fail until it is back; nothing else may."""

    def test_comes_back_with_the_same_targets_and_weights(self, place: Path) -> None:
        shop = Shop(place)
        try:
            shop.open()
            colour = shop.push_a_colour()
            shop.until(lambda: shop.story.weight_bp("cats") >= 2_000, "shifting")
            before = shop.balancer_pids()
            shop.kill_balancer()
            shop.until(lambda: set(shop.balancer_pids()) - set(before), "another HAProxy")
            shop.until(lambda: "started again" in shop.tidegate("events").stdout, "told")
            said = re.compile(
                r"the balancer \(process (\d+)\) was gone and was started again "
                r"\(process (\d+)\), after at most \d+\.\d s without an answer"
            )
            told = shop.tidegate("events").stdout, shop.tidegate("status", "--json").stdout
            for text in (" ".join(told[0].split()), json.loads(told[1])["balancer"]):
                found = said.search(text)
                assert found is not None, text
                assert int(found[1]) in before
                assert int(found[2]) in shop.balancer_pids()
            shop.until(shop.story.quiet, "ended")
            assert shop.story.last_deployment("cats").outcome is d.Outcome.SUCCEEDED
            shop.must_serve(colour)
            shop.must_be_quiet()
        finally:
            shop.close()


def test_a_port_in_use_is_named_before_anything_is_started(place: Path) -> None:
    shop = Shop(place)
    shop.space.prepare()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", shop.space.port))
        holder.listen()
        refused = shop.tidegate("up")
    assert refused.returncode == 3, refused.stderr
    assert str(shop.space.port) in refused.stderr
    assert "in use" in refused.stderr
