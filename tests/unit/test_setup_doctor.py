"""How `tidegate doctor` judges what was found."""

from dataclasses import replace

import pytest

from tidegate.local.instances.cgroups import why_not_limited
from tidegate.local.setup.doctor import MIB, CheckState, assess
from tidegate.local.setup.facts import EngineFacts, Facts, copying, limits_of, skew_s
from tidegate.local.setup.programs import Program

ENGINE = EngineFacts(
    "unix:///var/run/docker.sock",
    "20.10.24",
    "1.41",
    frozenset({"memory", "cpu", "pids"}),
    skew_s=0.1,
    start="",
    free_bytes=50_000 * MIB,
)
WELL = Facts(
    python=(3, 11),
    engine=ENGINE,
    haproxy=Program("/usr/sbin/haproxy", (2, 6, 12)),
    git=Program("/usr/bin/git", (2, 39, 5)),
    ports=(("127.0.0.1", 8080, ""),),
    free_bytes=50_000 * MIB,
    unwritable="",
    files=20_000,
    inotify=128,
    now_s=1_800_000_000.0,
)


def test_a_rootless_engine_limits_nothing_on_cgroup_v1_whatever_it_says() -> None:
    told = {"MemoryLimit": True, "CpuCfsQuota": True, "PidsLimit": True}
    assert limits_of(told) == {"memory", "cpu", "pids"}
    for rootless in ({"Rootless": True}, {"SecurityOptions": ["name=seccomp", "name=rootless"]}):
        assert limits_of(told | rootless) == set()
        assert limits_of(told | rootless | {"CgroupVersion": "2"}) == {"memory", "cpu", "pids"}
        ready = {"OSType": "linux", "CgroupDriver": "cgroupfs", "CgroupVersion": "2"}
        assert "rootless" in why_not_limited(ready | rootless)


def test_the_process_that_copies_to_a_published_port_is_known_by_its_program() -> None:
    assert copying(["/sbin/init", "/usr/sbin/docker-proxy -proto tcp -host-ip 127.0.0.1"])
    assert not copying(["dockerd --userland-proxy=false", "grep docker-proxy", ""])


def test_a_slow_answer_is_no_wrong_clock() -> None:
    assert skew_s(1_004.0, 1_000.0, 1_005.0) == 0
    assert skew_s(1_090.0, 1_000.0, 1_005.0) == 85
    assert skew_s(910.0, 1_000.0, 1_005.0) == -90


def test_all_is_ok_on_a_machine_that_is_well() -> None:
    assert {check.state for check in assess(WELL)} == {CheckState.OK}


@pytest.mark.parametrize(
    ("facts", "name", "state"),
    [
        (replace(WELL, python=(3, 10)), "python", CheckState.FAIL),
        (replace(WELL, engine="no engine", engine_remedy="start one"), "engine", CheckState.FAIL),
        (replace(WELL, engine=replace(ENGINE, limits=frozenset())), "limits", CheckState.WARN),
        (replace(WELL, engine=replace(ENGINE, unlimited="systemd")), "instances", CheckState.WARN),
        (replace(WELL, engine=replace(ENGINE, start="no cgroup")), "container", CheckState.FAIL),
        (replace(WELL, engine=replace(ENGINE, free_bytes=MIB)), "image disk", CheckState.FAIL),
        (replace(WELL, engine=replace(ENGINE, skew_s=-90)), "clock", CheckState.WARN),
        (replace(WELL, engine=replace(ENGINE, copying=True)), "published ports", CheckState.WARN),
        (replace(WELL, engine=replace(ENGINE, lacks=("talk",))), "podman", CheckState.WARN),
        (replace(WELL, haproxy=None), "haproxy", CheckState.FAIL),
        (replace(WELL, haproxy=Program("/x", (2, 5, 9))), "haproxy", CheckState.FAIL),
        (replace(WELL, git=Program("/x", ())), "git", CheckState.FAIL),
        (replace(WELL, ports=(("127.0.0.1", 80, "in use"),)), "port 80", CheckState.FAIL),
        (replace(WELL, unwritable="/x: Read-only"), "state", CheckState.FAIL),
        (replace(WELL, free_bytes=1_999 * MIB), "disk", CheckState.WARN),
        (replace(WELL, free_bytes=199 * MIB), "disk", CheckState.FAIL),
        (replace(WELL, files=1_024), "files", CheckState.WARN),
        (replace(WELL, inotify=8), "files", CheckState.WARN),
        (replace(WELL, now_s=0.0), "clock", CheckState.FAIL),
    ],
)
def test_each_trouble_is_found_alone_and_has_a_remedy(
    facts: Facts, name: str, state: CheckState
) -> None:
    (found,) = [check for check in assess(facts) if check.state is not CheckState.OK]
    assert (found.name, found.state) == (name, state)
    assert found.remedy


def test_an_image_that_is_not_there_yet_is_no_trouble() -> None:
    untried = replace(WELL, engine=replace(ENGINE, start=None))
    assert {check.state for check in assess(untried)} == {CheckState.OK}
