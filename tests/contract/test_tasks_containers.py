"""Tasks as real containers: their hardening, their ends, their owners, and a lost engine."""

import gc
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from docker import DockerClient
from docker.models.containers import Container

from tests.contract.test_tasks import healthy, stopped, unhealthy
from tests.support.relay import Relay
from tests.support.tasks_bench import ContainerBench, Nature, container_bench
from tidegate.core.errors import EffectFailed
from tidegate.core.model import HealthCheck, Secret, Security
from tidegate.core.seen import Health, TaskState
from tidegate.local.containers import clear_away, network
from tidegate.local.containers.hostports import candidates
from tidegate.local.containers.labels import container_name
from tidegate.local.podman import podman

pytestmark = pytest.mark.engine

CAP_CHOWN = 0
"""Its number in the kernel."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ContainerBench]:
    with container_bench(tmp_path / "home") as made:
        yield made


# --- what it is started with ----------------------------------------------------------------


def test_a_task_can_do_nothing_but_what_it_is_for(bench: ContainerBench) -> None:
    bench.tasks.start(bench.start("t1"))
    bench.wait_for("t1", healthy)
    status = bench.inside("t1", "cat /proc/self/status")
    rows = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(rows["CapEff"], 16) == int(rows["CapBnd"], 16) == 0
    assert (rows["NoNewPrivs"], rows["Seccomp"]) == ("1", "2")
    assert rows["Uid"].split()[0] == rows["Gid"].split()[0] == "1000"
    assert "Read-only file system" in bench.inside("t1", "echo x >/file")
    assert bench.inside("t1", "echo x >/tmp/f && echo x >/run/f && cat /tmp/f /run/f") == "x\nx\n"
    assert "tmpfs" in bench.inside("t1", "busybox grep ' /tmp ' /proc/mounts")


def test_the_engine_holds_the_limits_that_were_asked_for(bench: ContainerBench) -> None:
    security = Security(user="1000", capabilities=("CHOWN",), pids_limit=50)
    bench.tasks.start(
        bench.start_of("t1", "exec busybox sleep 99", security=security, cpu_units=512)
    )
    found = bench.container("t1").attrs
    host = found["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == 32 * 1024 * 1024
    assert (host["NanoCpus"], host["PidsLimit"]) == (500_000_000, 50)
    bounds = bench.inside("t1", "busybox grep CapBnd /proc/self/status")
    assert int(bounds.split()[1], 16) == 1 << CAP_CHOWN
    assert host["RestartPolicy"]["Name"] in ("no", "")
    assert host["ReadonlyRootfs"] and host["Init"] and not host["Privileged"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    if not podman(bench.client):  # which keeps 5 MB, too, but tells it elsewhere
        assert host["LogConfig"]["Config"] == {"max-size": "5m", "max-file": "2"}
    (binding,) = found["NetworkSettings"]["Ports"]["80/tcp"]
    assert binding["HostIp"] == "127.0.0.1"


@pytest.mark.parametrize("of_the_engine", [network.DEFAULT, "no-such-network"])
def test_tasks_of_one_app_cannot_reach_each_other(
    bench: ContainerBench, monkeypatch: pytest.MonkeyPatch, of_the_engine: str
) -> None:
    if podman(bench.client):
        pytest.skip("Podman cannot part the containers of one network")
    monkeypatch.setattr(network, "DEFAULT", of_the_engine)
    for task in ("t1", "t2"):
        bench.tasks.start(bench.start(task))
        bench.wait_for(task, healthy)
    networks = bench.container("t2").attrs["NetworkSettings"]["Networks"]
    (address,) = [network["IPAddress"] for network in networks.values()]
    assert bench.inside("t1", "busybox wget -qO- http://127.0.0.1/") == "fine\n"
    assert "fine" not in bench.inside(
        "t1", f"busybox timeout 1 busybox wget -qO- http://{address}/"
    )


def test_a_task_gets_its_settings_and_its_secrets_and_no_label_has_them(
    bench: ContainerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "hush-hush")
    file = bench.home.path / "password"
    file.write_text("psst\n")
    secrets = (Secret("KEY", "env:SHOP_KEY"), Secret("PASSWORD", f"file:{file}"))
    action = bench.start_of(
        "t1", "exec busybox sleep 99", secrets=secrets, environment=(("COLOUR", "blue"),)
    )
    bench.tasks.start(action)
    lines = set(bench.inside("t1", "env").splitlines())
    assert {"KEY=hush-hush", "PASSWORD=psst", "COLOUR=blue", "PORT=80"} <= lines
    assert {"TIDEGATE_SERVICE=cats", "TIDEGATE_RELEASE=v7", "TIDEGATE_TASK=t1"} <= lines
    labels = json.dumps(bench.container("t1").labels)
    assert "hush-hush" not in labels and "psst" not in labels


def test_a_missing_secret_starts_nothing_and_is_named_by_its_source(bench: ContainerBench) -> None:
    action = bench.start_of("t1", "exit 0", secrets=(Secret("KEY", "env:NOT_SET_ANYWHERE"),))
    with pytest.raises(EffectFailed, match="NOT_SET_ANYWHERE"):
        bench.tasks.start(action)
    bench.wait_until_gone("t1")


def test_a_tag_is_refused_since_it_can_be_moved(bench: ContainerBench) -> None:
    tagged = replace(bench.start("t1"), digest="nginx:stable")
    with pytest.raises(EffectFailed, match="not an image id"):
        bench.tasks.start(tagged)


def test_a_port_that_somebody_holds_is_passed_over(bench: ContainerBench) -> None:
    port = next(iter(candidates(container_name(bench.home.owner, "t1"))))
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        bench.tasks.start(bench.start("t1"))
        seen = bench.wait_for("t1", healthy)
    assert seen.address and int(seen.address.split(":")[1]) > port


def test_a_port_that_only_the_engine_knows_to_be_taken_is_passed_over(
    bench: ContainerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.local.containers.hostports._free", lambda _address, _port: True)
    port = next(iter(candidates(container_name(bench.home.owner, "t1"))))
    with closing(socket.socket()) as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        bench.tasks.start(bench.start("t1"))
        bench.wait_for("t1", healthy)


# --- how it fails and ends ------------------------------------------------------------------


RELAX = {
    "echo x >/etc/x": "security.read_only",
    "busybox chown 5 /tmp": "security: {user: NAME}",
    "busybox dd if=/dev/zero of=/tmp/big bs=1M count=20": "security.tmpfs",
    "exec /no/such/program": "",
}


def test_a_task_that_the_hardening_ends_says_which_setting_to_relax(bench: ContainerBench) -> None:
    for number, program in enumerate(RELAX):
        bench.tasks.start(bench.start_of(f"t{number}", program))
    bench.tasks.start(bench.start_of("t9", "", command=("/no/such/program",)))
    for number, setting in enumerate(RELAX.values()):
        note = bench.wait_for(f"t{number}", stopped).note
        assert setting in note and bool(setting) == bool(note)
    assert "`command`" in bench.wait_for("t9", stopped).note


def test_a_start_that_the_engine_refuses_leaves_nothing(bench: ContainerBench) -> None:
    security = Security(user="nobody-of-that-name")
    with pytest.raises(EffectFailed, match=r"security\.user"):
        bench.tasks.start(bench.start_of("t1", "exit 0", security=security))
    assert not bench.client.containers.list(all=True, filters={"name": bench.home.owner})
    bench.wait_until_gone("t1")


class Crash(BaseException):
    """The end of the controller, which nothing catches."""


def _created_only(bench: ContainerBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start t1, and die between its container's creation and its start."""

    def die(_: Container) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(Container, "start", die)
        with pytest.raises(Crash):
            bench.tasks.start(bench.start("t1"))


def test_a_start_that_a_crash_cut_short_goes_on(
    bench: ContainerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _created_only(bench, monkeypatch)
    assert bench.wait_for("t1", lambda t: t.state is TaskState.PENDING)
    bench.tasks.start(bench.start("t1"))
    bench.wait_for("t1", healthy)


def test_a_start_that_was_cut_short_and_is_not_wanted_any_more_can_be_stopped(
    bench: ContainerBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    _created_only(bench, monkeypatch)
    bench.tasks.stop("t1", 1_000)
    bench.wait_until_gone("t1")


def test_a_killed_task_is_seen_to_be_stopped_at_once(bench: ContainerBench) -> None:
    bench.tasks.start(bench.start("t1"))
    bench.wait_for("t1", healthy)
    before = bench.changes
    os.kill(bench.container("t1").attrs["State"]["Pid"], signal.SIGKILL)
    assert bench.wait_for("t1", stopped).exit_code == 137
    assert bench.changes > before


def test_the_last_lines_of_a_removed_task_are_kept(bench: ContainerBench) -> None:
    bench.tasks.start(bench.start_of("t1", "for i in $(busybox seq 300); do echo line $i; done"))
    bench.wait_for("t1", stopped)
    bench.tasks.remove("t1")
    lines = bench.home.task_log("t1").read_text().splitlines()
    assert len(lines) == 200
    assert lines[-1].endswith("line 300")


def test_a_hung_task_becomes_unhealthy_and_recovers(bench: ContainerBench) -> None:
    bench.tasks.start(bench.start("t1"))
    bench.wait_for("t1", healthy)
    container = bench.container("t1")
    container.pause()
    assert bench.wait_for("t1", unhealthy).state is TaskState.RUNNING
    container.unpause()
    bench.wait_for("t1", healthy)


# --- whose it is, and who looks -------------------------------------------------------------


def test_two_owners_never_touch_each_other(
    bench: ContainerBench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(network, "DEFAULT", "no-such-network")
    with container_bench(tmp_path / "other") as other:
        for each in (bench, other):
            each.tasks.start(each.start("t1"))
            each.wait_for("t1", healthy)
        bench.tasks.stop("t1", 0)
        bench.tasks.remove("t1")
        clear_away(bench.client, bench.home.owner)
        assert bench.tasks.observe() == ()
        assert other.wait_for("t1", healthy)
        assert not bench.client.networks.list(names=[f"tidegate-{bench.home.owner}"])
        assert other.client.networks.list(names=[f"tidegate-{other.home.owner}"])


def test_another_controller_takes_over_addresses_and_health(bench: ContainerBench) -> None:
    check = HealthCheck(path="/index.html", interval_ms=100, timeout_ms=300, grace_period_ms=0)
    program = bench.start("t1").service.command[2]
    bench.tasks.start(bench.start_of("t1", program, health=check))
    bench.tasks.start(bench.start("t2", Nature.DEAF))
    before = bench.wait_for("t1", healthy)
    bench.wait_for("t2", unhealthy)
    bench.tasks.close()
    bench.tasks = bench.another()
    assert bench.wait_for("t1", healthy) == before
    bench.wait_for("t2", unhealthy)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of the SDK, which cannot connect
def test_an_engine_that_is_not_there_is_known_at_once(
    bench: ContainerBench, tmp_path: Path
) -> None:
    dead = DockerClient(base_url=f"unix://{tmp_path}/none.sock", version="1.41")
    tasks = bench.another(dead)
    try:
        assert tasks.observe() is None
        with pytest.raises(EffectFailed, match="does not answer"):
            tasks.start(bench.start("t1"))
        assert tasks.observe() is None
    finally:
        tasks.close()
        dead.close()
        gc.collect()


def test_a_hung_engine_is_unknown_within_seconds_and_then_recovers(
    bench: ContainerBench, tmp_path: Path
) -> None:
    bench.tasks.start(bench.start("t1"))
    bench.wait_for("t1", healthy)
    relay = Relay(tmp_path / "relay.sock")
    with closing(DockerClient(base_url=relay.url)) as client:
        tasks = bench.another(client)
        bench.wait_for("t1", healthy, tasks)
        relay.hang()
        end = time.monotonic() + 10
        while tasks.observe() is not None and time.monotonic() < end:
            time.sleep(0.05)
        assert tasks.observe() is None
        relay.go_on()
        assert bench.wait_for("t1", healthy, tasks).health is Health.HEALTHY
        tasks.close()
    relay.close()


# --- what they use ----------------------------------------------------------------------------


def test_usage_is_in_units_of_the_reservation(bench: ContainerBench) -> None:
    """A loop without end takes its whole 256 units, and little memory; a sleep takes nothing."""
    bench.tasks.start(bench.start_of("t1", "while :; do :; done", cpu_units=256))
    bench.tasks.start(bench.start_of("t2", "exec busybox sleep 99", cpu_units=256))
    busy = bench.wait_for("t1", lambda seen: seen.usage is not None).usage
    idle = bench.wait_for("t2", lambda seen: seen.usage is not None).usage
    assert busy is not None
    assert idle is not None
    assert 0 <= idle.cpu_units < 20 < busy.cpu_units < 320
    assert 0 < busy.memory_mib < 32
