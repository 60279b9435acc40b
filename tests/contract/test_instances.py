"""Instances on a real engine: a limit that holds, an address, a latency, and an end."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from docker import DockerClient

from tests.support.tasks_bench import QUICK, ContainerBench, container_bench
from tidegate.core.decision import LaunchInstance, StartTask
from tidegate.core.errors import EffectFailed
from tidegate.core.model import HealthCheck
from tidegate.core.provider import Capacity, Market, Provider, ProviderKind
from tidegate.core.seen import Health, InstanceState, TaskState
from tidegate.local.containers import ContainerTasks
from tidegate.local.instances import LocalInstances, Records, find
from tidegate.local.instances.cgroups import Cgroups
from tidegate.local.instances.market import strikes

pytestmark = pytest.mark.engine

SMALL = Provider("small", cpu_units=512, memory_mib=48, launch_ms=1_000)
SPOT = replace(SMALL, name="spot", kind=ProviderKind.SPOT, memory_mib=256)


@dataclass
class Yard:
    """Instances with a clock of their own, and tasks on them."""

    bench: ContainerBench
    cgroups: Cgroups
    now: int = 1_000_000
    capacity: Capacity | None = None
    changes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.instances = self.another()
        client, home = self.bench.client, self.bench.home
        place = lambda instance: self.instances.place(instance)  # noqa: E731
        self.tasks = ContainerTasks(client, home, lambda: "shop", place=place).open()

    def another(self) -> LocalInstances:
        """As after a restart of the controller."""
        records = Records(self.bench.home.instances)
        made = LocalInstances(
            self.bench.client, self.cgroups, records, lambda: self.now, lambda: self.capacity
        )
        made.on_change = lambda: self.changes.append(self.now)
        return made

    def running(self, name: str = "i1", provider: Provider = SMALL) -> str:
        """An instance that runs."""
        self.instances.launch(LaunchInstance(name, provider, "a"))
        self.now += provider.launch_ms
        return name

    def start(
        self,
        task: str,
        instance: str,
        program: str,
        memory_mib: int = 32,
        health: HealthCheck = QUICK,
    ) -> StartTask:
        """Start a program on the instance."""
        start = self.bench.start_of(task, program, memory_mib=memory_mib, health=health)
        action = replace(start, instance=instance)
        self.tasks.start(action)
        return action

    def states(self) -> dict[str, InstanceState]:
        """What is seen of the instances."""
        return {one.id: one.state for one in self.instances.observe() or ()}


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    with container_bench(tmp_path / "home") as bench:
        assert isinstance(bench, ContainerBench)
        made = Yard(bench, find(bench.client, bench.home.owner))
        yield made
        made.tasks.close()
        for name in ("i1", "i2"):
            made.instances.terminate(name)
        made.instances.clear()


SERVE = "mkdir -p /tmp/www && echo fine >/tmp/www/index.html && "
SERVE += "exec busybox httpd -f -p $PORT -h /tmp/www"
TAKE_A_LOT = "x=xxxxxxxx; while [ ${#x} -lt 20000000 ]; do x=$x$x; done; sleep 60"


def test_it_runs_once_its_latency_has_passed_however_often_it_is_ordered(yard: Yard) -> None:
    for _ in range(3):
        yard.instances.launch(LaunchInstance("i1", SMALL, "a"))
    assert yard.states() == {"i1": InstanceState.PENDING}
    with pytest.raises(EffectFailed, match="TG958"):
        yard.instances.place("i1")
    yard.now += 1_000
    assert yard.states() == {"i1": InstanceState.RUNNING}


def test_a_restart_of_the_controller_forgets_nothing(yard: Yard) -> None:
    yard.running()
    yard.instances.interrupt(["i1"], 5_000, "a drill")
    before = yard.instances.observe()
    assert yard.another().observe() == before


def test_a_task_answers_at_the_address_of_its_instance_alone(yard: Yard) -> None:
    yard.running("i1", SPOT)
    yard.running("i2", SPOT)
    yard.start("t1", "i1", SERVE)
    yard.start("t2", "i2", SERVE)
    found = {t: yard.bench.wait_for(t, _healthy, yard.tasks).address for t in ("t1", "t2")}
    hosts = {str(address).rpartition(":")[0] for address in found.values()}
    assert len(hosts) == 2
    assert all(host.startswith("127.") and host != "127.0.0.1" for host in hosts)


def test_the_limit_of_the_instance_holds_for_its_tasks_together(yard: Yard) -> None:
    """The task may have 96 MiB, the instance has 48: the one that takes too much is killed.

    The same task lives on an instance that has more. The others are asked for their health once:
    each question makes them start a process, and Linux may kill whoever wants memory before the
    one that it has just killed has given its own back.
    """
    if yard.cgroups.why_not:
        pytest.skip(yard.cgroups.why_not)
    yard.running("i1", SMALL)
    yard.running("i2", SPOT)
    once = replace(QUICK, interval_ms=600_000)
    yard.start("t1", "i1", SERVE, 64, once)
    yard.start("t2", "i2", SERVE, 64, once)
    yard.bench.wait_for("t1", _healthy, yard.tasks)
    yard.start("t3", "i1", TAKE_A_LOT, 96)
    yard.start("t4", "i2", TAKE_A_LOT, 96)
    killed = yard.bench.wait_for("t3", lambda t: t.state is TaskState.STOPPED, yard.tasks)
    assert killed.exit_code != 0
    known = {t.id: t.state for t in yard.tasks.observe() or ()}
    assert [known[t] for t in ("t1", "t2", "t4")] == [TaskState.RUNNING] * 3


def test_one_that_is_given_back_takes_its_tasks_and_its_group_with_it(yard: Yard) -> None:
    yard.running("i1", SPOT)
    yard.start("t1", "i1", SERVE)
    yard.bench.wait_for("t1", _healthy, yard.tasks)
    for _ in range(2):
        yard.instances.terminate("i1")
    assert yard.states() == {}
    assert _gone(yard, "t1")
    assert not list(Path("/sys/fs/cgroup").glob(f"*/tidegate/{yard.bench.home.owner}"))


def test_at_the_deadline_of_its_notice_it_is_taken_back(yard: Yard) -> None:
    yard.running("i1", SPOT)
    yard.start("t1", "i1", SERVE)
    assert yard.instances.interrupt(["i1", "i9"], 5_000, "a drill") == ("i1",)
    assert yard.instances.interrupt(["i1"], 90_000, "another") == ()
    noticed = (yard.instances.observe() or ())[0]
    assert (noticed.deadline, noticed.note) == (yard.now + 5_000, "a drill")
    yard.now += 5_000
    assert yard.instances.observe() == ()
    assert _gone(yard, "t1")


def test_storms_follow_from_the_seed_and_strike_spot_alone(yard: Yard) -> None:
    yard.running("i1", SMALL)
    yard.running("i2", SPOT)
    yard.capacity = Capacity((SMALL, SPOT), market=Market(7, 720.0, 100))
    for _ in range(3):
        yard.now += 5_000
        yard.instances.observe()
    deadlines = {one.id: one.deadline for one in yard.instances.observe() or ()}
    assert deadlines["i1"] is None
    assert deadlines["i2"] is not None
    calm, storm = Market(7, 0.0, 100), Market(7, 720.0, 50)
    assert [strikes(calm, slot, ("i2",)) for slot in range(50)] == [[]] * 50
    first = [strikes(storm, slot, ("i2", "i3")) for slot in range(50)]
    assert first == [strikes(storm, slot, ("i2", "i3")) for slot in range(50)]
    assert 20 < sum(map(len, first)) < 80


def test_where_groups_cannot_be_had_instances_are_accounting_only(
    yard: Yard, tmp_path: Path
) -> None:
    class Elsewhere:
        def info(self) -> dict[str, str]:
            return {"OSType": "linux", "CgroupDriver": "systemd", "CgroupVersion": "2"}

    client: DockerClient = Elsewhere()  # type: ignore[assignment]
    groups = find(client, "someone", tmp_path)
    assert groups.why_not == "the engine's cgroup driver is systemd, not cgroupfs"
    assert groups.parent("i1") is None
    groups.make("i1", 512, 64)
    groups.clear("i1")
    assert not list(tmp_path.glob("*/tidegate"))


def test_version_two_s_files_are_written_by_their_names(tmp_path: Path) -> None:
    groups = Cgroups("me", 2, root=tmp_path)
    groups.make("i1", 512, 64)
    folder = tmp_path / "tidegate" / "me" / "i1"
    assert (folder / "memory.max").read_text() == str(64 * 1024 * 1024)
    assert (folder / "cpu.max").read_text() == "50000 100000"
    assert (folder.parent / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
    assert groups.parent("i1") == "/tidegate/me/i1"


def _healthy(seen: object) -> bool:
    return getattr(seen, "health", None) is Health.HEALTHY


def _gone(yard: Yard, task: str) -> bool:
    until = time.monotonic() + 10
    while any(t.id == task for t in yard.tasks.observe() or ()):
        assert time.monotonic() < until, f"{task} is still there"
        time.sleep(0.05)
    return True
