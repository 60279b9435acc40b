"""No dropped request: whatever is changed, killed or taken over while a strict client asks."""

import os
import random
import signal
import socket
import time
from contextlib import ExitStack

import pytest

from tests.support.backends import Backend, Load
from tests.support.dataplane import SHOP, Plane, eventually
from tidegate.core.actions import DeregisterTarget, DrainTarget, RegisterTarget
from tidegate.core.errors import EffectFailed
from tidegate.core.model import Colour, Route, Service
from tidegate.core.seen import Routing, Target
from tidegate.local.haproxy.balancer import HAProxyBalancer

pytestmark = pytest.mark.haproxy

DRAINED = Target("shop", Colour.BLUE, "t3", draining=True)
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def assert_all_answered(load: Load) -> None:
    ledger = load.ledger
    wrong = {key: n for key, n in ledger.answers.items() if key[1] != 200}
    assert (ledger.failed, wrong) == ([], {})


def test_200_weight_changes_while_targets_come_and_go_drop_nothing() -> None:
    with Plane() as plane, Backend("t1") as one, Backend("t2") as two, Backend("t3") as three:
        plane.register(one, Colour.BLUE)
        plane.register(two, Colour.GREEN)
        draw = random.Random(7)
        with Load(plane.app.listener.port) as load:
            for change in range(200):
                plane.balancer.route(Routing("shop", draw.randrange(10_001)))
                if change % 10 == 0:
                    plane.register(three, Colour.BLUE)
                elif change % 10 == 5:
                    plane.balancer.drain(DrainTarget("t3", "shop", Colour.BLUE))
                    assert eventually(lambda: plane.target("t3") == DRAINED)
                    plane.balancer.deregister(DeregisterTarget("t3", "shop", Colour.BLUE))
            assert eventually(lambda: load.ledger.sent >= 2_000, 60)
        assert_all_answered(load)
        assert {"t1", "t2", "t3"} == {body for body, _ in load.ledger.answers}


def test_reloads_drop_nothing() -> None:
    other = Service("other", routes=(Route("/other"),))
    with Plane() as plane, Backend("t1") as one, Backend("t2") as two:
        plane.register(one, Colour.BLUE)
        plane.register(two, Colour.GREEN)
        plane.balancer.route(Routing("shop", 5_000))
        with Load(plane.app.listener.port) as load:
            for services in [(SHOP, other), (SHOP,)] * 3:
                plane.balancer.serve(plane.with_services(*services))
        assert_all_answered(load)


def test_a_target_that_is_killed_takes_no_request_with_it() -> None:
    with Plane() as plane, Backend("t1") as one, Backend("t2") as two:
        plane.register(one, Colour.BLUE)
        plane.register(two, Colour.BLUE)
        with Load(plane.app.listener.port) as load:
            time.sleep(0.3)
            two.kill()
            time.sleep(0.7)
        assert_all_answered(load)


def test_a_target_too_busy_to_accept_for_a_moment_costs_no_request() -> None:
    with Plane() as plane, socket.socket() as busy, ExitStack() as waiting:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        host, port = busy.getsockname()
        with pytest.raises(TimeoutError):
            for _ in range(8):
                waiting.enter_context(socket.create_connection((host, port), timeout=0.1))
        register = RegisterTarget("t1", "shop", Colour.BLUE, f"{host}:{port}")
        plane.balancer.register(register)
        client = plane.client()
        client.send("/")
        time.sleep(0.5)
        with Backend("t1", busy):
            assert client.receive().status == 200


def test_a_request_that_may_have_been_acted_on_is_not_sent_twice() -> None:
    unsafe = Service("unsafe", routes=(Route("/unsafe"),), retry_unsafe=True)
    with Plane(SHOP, unsafe) as plane, Backend("t1") as backend:
        plane.register(backend, Colour.BLUE)
        plane.register(backend, Colour.BLUE, "unsafe")
        for path, method in [("/cut", "POST"), ("/p/cut", "PATCH"), ("/cut?", "GET")]:
            client = plane.client()
            try:
                assert client.get(path, method).status == 502
            except ConnectionResetError:
                client.close()
        with pytest.raises((AssertionError, ConnectionResetError)):
            assert plane.client().get("/unsafe/cut", "POST").status == 200
        assert (backend.seen["/cut"], backend.seen["/p/cut"]) == (1, 1)
        assert backend.seen["/cut?"] > 1
        assert backend.seen["/unsafe/cut"] > 1


def test_a_slow_answer_and_a_websocket_outlive_the_drain_of_their_target() -> None:
    with Plane() as plane, Backend("t1") as one, Backend("t2") as two:
        plane.register(one, Colour.BLUE)
        slow, chat = plane.client(), plane.client()
        slow.send("/stream/5")
        assert chat.get("/chat", **UPGRADE).status == 101
        assert eventually(lambda: plane.target("t1") == Target("shop", Colour.BLUE, "t1", False, 2))
        plane.register(two, Colour.BLUE)
        plane.balancer.drain(DrainTarget("t1", "shop", Colour.BLUE))
        assert {plane.client().get("/").body for _ in range(10)} == {"t2"}
        with pytest.raises(EffectFailed, match="t1 is busy"):
            plane.balancer.deregister(DeregisterTarget("t1", "shop", Colour.BLUE))
        assert slow.receive().body == "t1" * 5
        chat.write(b"still there?")
        assert chat.read(12) == b"still there?"
        assert eventually(lambda: plane.target("t1") == Target("shop", Colour.BLUE, "t1", True, 1))
        plane.balancer.deregister(DeregisterTarget("t1", "shop", Colour.BLUE, force=True))
        with pytest.raises(OSError, match="closed"):
            chat.read(1)
        assert eventually(lambda: plane.target("t1") is None)


def test_what_began_before_a_reload_goes_on_and_still_counts_as_under_way() -> None:
    other = Service("other", routes=(Route("/other"),))
    with Plane() as plane, Backend("t1") as one, Backend("t2") as two:
        plane.register(one, Colour.BLUE)
        chat = plane.client()
        assert chat.get("/chat", **UPGRADE).status == 101
        plane.balancer.serve(plane.with_services(SHOP, other))
        assert plane.target("t1") == Target("shop", Colour.BLUE, "t1", False, 1)
        plane.register(two, Colour.BLUE)
        plane.balancer.drain(DrainTarget("t1", "shop", Colour.BLUE))
        with pytest.raises(EffectFailed, match="t1 is busy"):
            plane.balancer.deregister(DeregisterTarget("t1", "shop", Colour.BLUE))
        chat.write(b"still there?")
        assert chat.read(12) == b"still there?"
        plane.balancer.deregister(DeregisterTarget("t1", "shop", Colour.BLUE, force=True))
        with pytest.raises(OSError, match="closed"):
            chat.read(1)
        assert eventually(lambda: plane.target("t1") is None)


def test_an_idle_connection_of_before_a_reload_follows_the_changes_after_it() -> None:
    other = Service("other", routes=(Route("/other"),))
    with Plane() as plane, Backend("t1") as one, Backend("t2") as two:
        plane.register(one, Colour.BLUE)
        idle = [plane.client() for _ in range(4)]
        assert {client.get("/").body for client in idle} == {"t1"}
        plane.balancer.serve(plane.with_services(SHOP, other))
        plane.register(two, Colour.GREEN)
        plane.balancer.route(Routing("shop", 10_000))
        plane.balancer.deregister(DeregisterTarget("t1", "shop", Colour.BLUE))
        assert {client.get("/").body for client in idle} == {"t2"}


@pytest.mark.parametrize("which", [0, 1], ids=["master", "worker"])
def test_a_killed_haproxy_comes_back_with_the_same_targets_and_weights(which: int) -> None:
    with Plane() as plane, Backend("t1") as one, Backend("t2") as two, Backend("t3") as three:
        for backend in (one, three):
            plane.register(backend, Colour.BLUE)
        plane.register(two, Colour.GREEN)
        plane.balancer.drain(DrainTarget("t3", "shop", Colour.BLUE))
        plane.balancer.route(Routing("shop", 2_500, Colour.GREEN))
        before = plane.balancer.observe()
        os.kill(plane.pids()[which], signal.SIGKILL)
        assert eventually(lambda: plane.balancer.observe() is None)
        plane.balancer.serve(plane.app)
        assert plane.balancer.observe() == before
        assert {plane.client().get("/").body for _ in range(100)} == {"t1", "t2"}
        assert plane.tests().get("/").body == "t2"


def test_a_haproxy_that_hangs_gives_no_answer_and_is_started_anew() -> None:
    with Plane() as plane, Backend("t1") as one:
        plane.register(one, Colour.BLUE)
        master, worker = plane.pids()
        os.kill(worker, signal.SIGSTOP)
        os.kill(master, signal.SIGSTOP)
        asked = time.monotonic()
        assert plane.balancer.observe() is None
        assert time.monotonic() - asked < 2  # it never waits for the hung process itself
        plane.balancer.serve(plane.app)
        assert plane.client().get("/").body == "t1"


def test_another_controller_takes_over_without_a_dropped_request() -> None:
    with Plane() as plane, Backend("t1") as one, Backend("t2") as two:
        plane.register(one, Colour.BLUE)
        pids = plane.pids()
        with Load(plane.app.listener.port) as load:
            heir = HAProxyBalancer(plane.directory)
            assert heir.observe() is not None
            heir.serve(plane.app)
            plane.balancer = heir
            plane.register(two, Colour.GREEN)
            heir.route(Routing("shop", 10_000))
            time.sleep(0.2)
            heir.drain(DrainTarget("t1", "shop", Colour.BLUE))
        assert_all_answered(load)
        assert plane.pids() == pids
        assert {body for body, _ in load.ledger.answers} == {"t1", "t2"}
