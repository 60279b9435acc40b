"""A task's usage out of control groups of both versions, or out of the engine's own word."""

from pathlib import Path
from typing import Any

import pytest
from docker.errors import APIError

from tidegate.core.seen import Usage
from tidegate.local.containers import cgroups
from tidegate.local.containers.cgroups import Consumed
from tidegate.local.containers.usage import Subject, Usages

ID = "c0ffee" * 10 + "c0ff"


def files(root: Path, **texts: str) -> None:
    """Files below `root`; two underscores stand for a dot, three for a slash."""
    for name, text in texts.items():
        path = root / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def read(root: Path, pid: int = 7) -> Consumed | None:
    return cgroups.read(ID, pid, root / "mount", root / "proc")


def test_version_1_is_read(tmp_path: Path) -> None:
    files(
        tmp_path,
        proc___7___cgroup=f"4:memory:/docker/{ID}\n3:cpu,cpuacct:/docker/{ID}\n0::/\n",
    )
    group = tmp_path / "mount"
    files(group / "cpuacct" / "docker" / ID, cpuacct__usage="5000000000\n")
    files(
        group / "memory" / "docker" / ID,
        memory__usage_in_bytes="5242880\n",
        memory__stat="inactive_file 1\ntotal_inactive_file 1048576\n",
    )
    assert read(tmp_path) == Consumed(5_000_000_000, 4_194_304)


def test_version_2_is_read_wherever_the_group_lies(tmp_path: Path) -> None:
    files(tmp_path, proc___7___cgroup=f"0::/tidegate.slice/i-1/docker-{ID}.scope\n")
    files(
        tmp_path / "mount" / "tidegate.slice" / "i-1" / f"docker-{ID}.scope",
        cpu__stat="usage_usec 5000000\nuser_usec 1\n",
        memory__current="5242880\n",
        memory__stat="anon 1\ninactive_file 1048576\n",
    )
    assert read(tmp_path) == Consumed(5_000_000_000, 4_194_304)


def test_another_process_of_that_number_is_not_read(tmp_path: Path) -> None:
    files(tmp_path, proc___7___cgroup="0::/user.slice\n")
    assert read(tmp_path) is None


@pytest.mark.parametrize("pid", [0, 8])
def test_what_is_not_on_this_machine_is_not_read(tmp_path: Path, pid: int) -> None:
    assert read(tmp_path, pid) is None


class Engine:
    """An engine that answers `stats`, as far as `Usages` asks."""

    def __init__(self) -> None:
        self.api = self
        self.cpu_ns = 0
        self.broken = False
        self.told: dict[str, Any] = {}

    def info(self) -> dict[str, Any]:
        return self.told

    def stats(self, container: str, stream: bool, one_shot: bool) -> dict[str, Any]:
        assert (container, stream, one_shot) == (ID, False, True)
        if self.broken:
            raise APIError("no such container")
        memory = {"usage": 5 << 20, "stats": {"inactive_file": 1 << 20}}
        return {"cpu_stats": {"cpu_usage": {"total_usage": self.cpu_ns}}, "memory_stats": memory}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A clock of which a second passes at each look, and no files to read."""
    ticks = iter(range(1_000_000_000, 10**12, 1_000_000_000))
    monkeypatch.setattr("tidegate.local.containers.usage.monotonic_ns", lambda: next(ticks))
    return Engine()


def followed(engine: Engine) -> Usages:
    usages = Usages(engine)  # type: ignore[arg-type]
    usages.follow({"t1": Subject(ID, 0)})
    usages.measure()
    return usages


def test_the_engine_is_asked_where_the_files_are_not(engine: Engine) -> None:
    usages = followed(engine)
    assert usages.of("t1") is None  # one sample is none: CPU is a difference
    engine.cpu_ns = 250_000_000
    usages.measure()
    assert usages.of("t1") == Usage(256.0, 4.0)


def test_where_tasks_have_no_group_nothing_is_known_of_their_use(engine: Engine) -> None:
    engine.told = {"Rootless": True, "CgroupVersion": "1"}
    usages = followed(engine)
    engine.cpu_ns = 250_000_000
    usages.measure()
    assert usages.of("t1") is None


def test_a_sample_that_is_too_old_is_none(engine: Engine) -> None:
    usages = followed(engine)
    usages.measure()
    assert usages.of("t1") is not None
    engine.broken = True
    for _ in range(11):
        usages.measure()
        known = usages.of("t1")
    assert known is None


def test_a_task_that_is_not_followed_any_more_is_forgotten(engine: Engine) -> None:
    usages = followed(engine)
    usages.measure()
    usages.follow({})
    usages.measure()
    assert usages.of("t1") is None
