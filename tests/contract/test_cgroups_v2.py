"""An instance's limits, and what its tasks use, on a kernel with control groups of version 2."""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support import cgroup_v2, uml

pytestmark = pytest.mark.skipif(bool(uml.why_not()), reason=uml.why_not())


@pytest.fixture(scope="module", name="found")
def _found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return uml.answer(Path(cgroup_v2.__file__), tmp_path_factory.mktemp("uml"))


def test_an_instance_can_be_a_group_of_version_2(found: Any) -> None:
    assert found["why_not"] == ""
    assert found["memory.max"] == str(64 << 20)
    assert found["cpu.max"] == "50000 100000"
    assert {"cpu", "memory", "pids"} <= set(found["cgroup.subtree_control"].split())


def test_its_containers_share_its_cpu_time_and_each_is_measured(found: Any) -> None:
    assert 0.3 < found["cores"] < 0.6
    assert found["memory_bytes"] > 1 << 20


def test_the_one_that_takes_more_memory_than_it_has_is_killed_alone(found: Any) -> None:
    assert found["greedy"] == -signal.SIGKILL
    assert found["oom_kill"] >= 1
    assert found["neighbour"] and found["roomy"]


def test_one_that_is_given_back_leaves_no_group(found: Any) -> None:
    assert not found["left"]
