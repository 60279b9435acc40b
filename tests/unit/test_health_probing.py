"""Health checks over HTTP against small real servers."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tidegate.core.model import HealthCheck
from tidegate.core.seen import Health
from tidegate.local.probing import Probe, Prober

CHECK = HealthCheck(path="/up", interval_ms=50, timeout_ms=200, grace_period_ms=0)


@contextmanager
def server(answer: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """One that gives every connection this answer and keeps what it was asked."""
    asked: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                asked.append(client.recv(4096))
                client.sendall(answer)
                if not answer:
                    time.sleep(1)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture
def prober() -> Iterator[Prober]:
    made = Prober(lambda: None)
    yield made
    made.close()


def wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not until():
        assert time.monotonic() < end, "it never came to be so"
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("answer", "health"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", Health.HEALTHY),
        (b"HTTP/1.0 302 Found\r\n\r\n", Health.HEALTHY),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", Health.UNHEALTHY),
        (b"HTTP/1.1 500\r\n\r\n", Health.UNHEALTHY),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Health.UNHEALTHY),
        (b"\r\n", Health.UNHEALTHY),
        (b"", Health.UNHEALTHY),
    ],
)
def test_a_2xx_or_3xx_in_time_is_a_pass_and_all_else_is_a_failure(
    prober: Prober, answer: bytes, health: Health
) -> None:
    with server(answer) as (address, _):
        prober.follow({"t1": Probe(address, CHECK, time.time())})
        wait(lambda: prober.health("t1") is not Health.UNKNOWN)
        assert prober.health("t1") is health


def test_a_task_is_asked_for_its_path_with_a_host(prober: Prober) -> None:
    with server(b"HTTP/1.1 200 OK\r\n\r\n") as (address, asked):
        prober.follow({"t1": Probe(address, CHECK, time.time())})
        wait(lambda: prober.health("t1") is Health.HEALTHY)
        head = asked[0].decode()
    assert head.startswith("GET /up HTTP/1.1\r\n")
    assert f"\r\nHost: {address}\r\n" in head


def test_nobody_listening_is_a_failure(prober: Prober) -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        address = f"127.0.0.1:{once.getsockname()[1]}"
    prober.follow({"t1": Probe(address, CHECK, time.time())})
    wait(lambda: prober.health("t1") is Health.UNHEALTHY)


def test_a_task_that_is_not_followed_any_more_is_forgotten_and_the_others_stay(
    prober: Prober,
) -> None:
    with server(b"HTTP/1.1 200 OK\r\n\r\n") as (address, _):
        probe = Probe(address, CHECK, time.time())
        prober.follow({"t1": probe, "t2": probe})
        wait(lambda: {prober.health("t1"), prober.health("t2")} == {Health.HEALTHY})
        prober.follow({"t2": probe})
        wait(lambda: prober.health("t1") is Health.UNKNOWN)
        assert prober.health("t2") is Health.HEALTHY


def test_fifty_tasks_are_asked_by_one_thread() -> None:
    changes: list[int] = []
    prober = Prober(lambda: changes.append(1))
    before = set(threading.enumerate())
    with ExitStack() as stack:
        address, _ = stack.enter_context(server(b"HTTP/1.1 200 OK\r\n\r\n"))
        prober.follow({f"t{n}": Probe(address, CHECK, time.time()) for n in range(50)})
        wait(lambda: all(prober.health(f"t{n}") is Health.HEALTHY for n in range(50)))
        assert len(set(threading.enumerate()) - before) == 1  # the server's
        prober.close()
    assert len(changes) == 50


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "it answers 404"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no answer in HTTP"),
        (b"", "no answer within 0.2 s"),
    ],
    ids=["passed", "404", "another protocol", "silence"],
)
def test_what_was_wrong_with_the_latest_check_is_known(
    prober: Prober, answer: bytes, fault: str
) -> None:
    with server(answer) as (address, _):
        prober.follow({"t1": Probe(address, CHECK, time.time())})
        wait(lambda: prober.health("t1") is not Health.UNKNOWN)
        assert prober.fault("t1") == fault


def test_a_port_where_nobody_listens_is_named_as_such(prober: Prober) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    prober.follow({"t1": Probe(address, CHECK, time.time())})
    wait(lambda: prober.health("t1") is Health.UNHEALTHY)
    assert prober.fault("t1") == "nothing listens there"
