"""What a machine may have wrong: a port in use, a bad certificate, no HAProxy, a full disk."""

import os
import socket
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from bench.ports import free_port

from tests.support.backends import Backend
from tests.support.dataplane import SHOP, Plane
from tidegate.core.errors import SetupError, TidegateError
from tidegate.core.model import App, Colour, Listener, Route, Service
from tidegate.local.haproxy.balancer import HAProxyBalancer
from tidegate.local.haproxy.machine import processes

pytestmark = pytest.mark.haproxy


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost, with its key, in one file."""
    folder = tmp_path_factory.mktemp("a certificate")
    key, chain, both = folder / "key.pem", folder / "chain.pem", folder / "both.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    make = ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt"]
    make += ["ec_paramgen_curve:P-256", "-days", "2", *subject, "-keyout", str(key)]
    subprocess.run([*make, "-out", str(chain)], check=True, capture_output=True)
    both.write_text(chain.read_text() + key.read_text())
    return both


def refused(plane: Plane, listener: Listener) -> TidegateError:
    """Why the balancer will not serve the app on that listener."""
    with pytest.raises(SetupError) as caught:
        plane.balancer.serve(replace(plane.app, listener=listener))
    return caught.value


def words(pid: int, file: str) -> list[str]:
    """What /proc says a process was started with: its `cmdline` or its `environ`."""
    return Path(f"/proc/{pid}/{file}").read_text().split("\0")


def test_freed_buffers_are_kept_by_every_worker_in_huge_pages() -> None:
    with Plane() as plane:
        first = plane.pids()[1]
        plane.balancer.serve(plane.with_services(SHOP, replace(SHOP, name="other")))
        second = plane.pids()[1]
        assert first != second
        assert "-dMglobal" in words(second, "cmdline")
        assert "GLIBC_TUNABLES=glibc.malloc.hugetlb=1" in words(second, "environ")


def test_what_the_machine_has_set_for_the_c_library_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=0")
    with Plane() as plane:
        environment = words(plane.pids()[1], "environ")
    assert [w for w in environment if w.startswith("GLIBC_TUNABLES=")] == [
        "GLIBC_TUNABLES=glibc.malloc.hugetlb=0"
    ]


def test_a_port_in_use_is_named_with_its_holder_and_a_remedy() -> None:
    plane = Plane()
    try:
        with socket.create_server(("127.0.0.1", plane.app.listener.port)):
            error = refused(plane, plane.app.listener)
        assert error.number == "TG220"
        assert f"port {plane.app.listener.port}" in error.what
        assert f"process {os.getpid()}" in error.cause
        assert error.remedy
    finally:
        plane.close()


def test_a_second_haproxy_never_shares_the_port_of_the_first() -> None:
    with Plane() as first, Backend("t1") as backend:
        first.register(backend, Colour.BLUE)
        second = Plane()
        try:
            error = refused(second, first.app.listener)
            assert (error.number, "haproxy" in error.cause) == ("TG220", True)
        finally:
            second.close()
        assert first.client().get("/").body == "t1"


def test_a_new_port_in_use_leaves_what_is_served_as_it_is() -> None:
    with Plane() as plane, Backend("t1") as backend:
        plane.register(backend, Colour.BLUE)
        before = plane.balancer.observe()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            assert refused(plane, replace(plane.app.listener, port=port)).number == "TG220"
        assert plane.balancer.observe() == before
        assert plane.client().get("/").body == "t1"


def test_the_listener_moves_to_another_port() -> None:
    with Plane() as plane, Backend("t1") as backend:
        plane.register(backend, Colour.BLUE)
        moved = replace(plane.app.listener, port=free_port())
        plane.balancer.serve(replace(plane.app, listener=moved))
        assert plane.client(moved.port).get("/").body == "t1"


def test_an_address_of_another_machine_is_a_clear_error() -> None:
    plane = Plane()
    try:
        error = refused(plane, replace(plane.app.listener, address="192.0.2.1"))
        assert error.number == "TG227"
    finally:
        plane.close()


def test_a_broken_certificate_is_a_clear_error_and_changes_nothing(certificate: Path) -> None:
    broken = certificate.with_name("broken.pem")
    broken.write_text(certificate.read_text().replace("BEGIN CERT", "BEGIN NOTHING"))
    for path in (broken, broken.with_name("missing.pem"), certificate.with_name("chain.pem")):
        with Plane() as plane, Backend("t1") as backend:
            plane.register(backend, Colour.BLUE)
            error = refused(plane, replace(plane.app.listener, certificate=str(path)))
            assert (error.number, error.where) == ("TG221", str(path))
            assert plane.client().get("/").body == "t1"


def test_with_a_certificate_both_listeners_speak_tls(certificate: Path) -> None:
    with Plane() as plane, Backend("t1") as backend:
        plane.register(backend, Colour.BLUE)
        listener = replace(plane.app.listener, certificate=str(certificate))
        plane.balancer.serve(replace(plane.app, listener=listener))
        context = ssl.create_default_context(cafile=str(certificate.with_name("chain.pem")))
        for port in (listener.port, listener.test_port):
            with (
                socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as secure,
            ):
                secure.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert secure.recv(1000).startswith(b"HTTP/1.1 200")
        assert backend.headers["x-forwarded-proto"] == "https"


def test_a_missing_binary_is_a_clear_error() -> None:
    plane = Plane()
    try:
        balancer = HAProxyBalancer(plane.directory, "/nowhere/haproxy")
        with pytest.raises(SetupError, match="/nowhere/haproxy is not on this machine"):
            balancer.serve(plane.app)
    finally:
        plane.close()


def test_what_haproxy_refuses_is_told_in_its_words_and_changes_nothing() -> None:
    with Plane() as plane:
        before = plane.balancer.observe()
        with pytest.raises(SetupError) as caught:
            plane.balancer.serve(plane.with_services(SHOP, SHOP))
        assert caught.value.number == "TG222"
        assert caught.value.cause
        assert plane.balancer.observe() == before


def test_a_path_too_long_for_a_socket_is_a_clear_error(tmp_path: Path) -> None:
    listener = Listener(port=free_port(), test_port=free_port())
    directory = tmp_path / ("long" * 30)
    balancer = HAProxyBalancer(directory)
    with pytest.raises(SetupError) as caught:
        balancer.serve(App("test", (SHOP,), listener))
    assert caught.value.number == "TG225"
    assert balancer.observe() is None
    assert processes(directory) == []


def test_traffic_goes_before_other_work_where_the_system_allows_it() -> None:
    may = subprocess.run(["nice", "-n", "-10", "true"], capture_output=True, check=True)
    autogroup = Path("/proc/self/autogroup")
    with Plane() as plane:
        if autogroup.exists() and not may.stderr:
            words = Path(f"/proc/{plane.pids()[0]}/autogroup").read_text().split()
            assert words[-2:] == ["nice", "-10"]
        for turn in range(2):
            nice = [os.getpriority(os.PRIO_PROCESS, pid) for pid in plane.pids()]
            assert nice == ([0, 0] if may.stderr else [-10, -10]), f"after {turn} reloads"
            plane.balancer.serve(plane.with_services(SHOP, Service("b", routes=(Route("/b"),))))
