"""What every implementation of `core.ports.Tasks` must do."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.simulated import simulated_bench
from tests.support.tasks_bench import Nature, TasksBench, container_bench
from tidegate.core.errors import EffectFailed
from tidegate.core.seen import Health, TaskSeen, TaskState

Factory = Callable[[Path], AbstractContextManager[TasksBench]]

BENCHES = [
    pytest.param(container_bench, id="containers", marks=pytest.mark.engine),
    pytest.param(simulated_bench, id="simulator"),
]


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TasksBench]:
    factory: Factory = request.param
    with factory(tmp_path / "home") as made:
        yield made


def healthy(seen: TaskSeen) -> bool:
    return seen.health is Health.HEALTHY


def unhealthy(seen: TaskSeen) -> bool:
    return seen.health is Health.UNHEALTHY


def stopped(seen: TaskSeen) -> bool:
    return seen.state is TaskState.STOPPED


def test_a_started_task_comes_up_healthy_at_an_address_and_says_what_it_is(
    bench: TasksBench,
) -> None:
    action = bench.start("t1")
    bench.tasks.start(action)
    seen = bench.wait_for("t1", healthy)
    assert seen.state is TaskState.RUNNING
    assert (seen.service, seen.release, seen.digest) == ("cats", 7, action.digest)
    assert seen.address is not None and seen.address.startswith("127.")
    assert seen.exit_code is None


def test_a_task_that_is_started_twice_is_one_task_at_one_address(bench: TasksBench) -> None:
    bench.tasks.start(bench.start("t1"))
    before = bench.wait_for("t1", healthy)
    bench.tasks.start(bench.start("t1"))
    bench.tasks.start(bench.start("t2"))
    bench.wait_for("t2", healthy)
    assert bench.wait_for("t1", healthy) == before
    assert len(bench.tasks.observe() or ()) == 2


def test_a_task_that_exits_is_stopped_with_its_exit_code(bench: TasksBench) -> None:
    bench.tasks.start(bench.start("t1", Nature.CRASHES))
    seen = bench.wait_for("t1", stopped)
    assert (seen.exit_code, seen.out_of_memory, seen.address) == (3, False, None)


def test_a_task_that_takes_too_much_memory_is_stopped_for_it(bench: TasksBench) -> None:
    bench.tasks.start(bench.start("t1", Nature.LEAKS))
    seen = bench.wait_for("t1", stopped)
    assert seen.out_of_memory or (bench.silent_on_memory and seen.exit_code == 137)


def test_a_task_that_never_answers_is_unhealthy_after_its_grace_and_still_runs(
    bench: TasksBench,
) -> None:
    bench.tasks.start(bench.start("t1", Nature.DEAF))
    assert bench.wait_for("t1", unhealthy).state is TaskState.RUNNING


def test_a_stopped_task_is_there_until_it_is_removed(bench: TasksBench) -> None:
    bench.tasks.start(bench.start("t1"))
    bench.wait_for("t1", healthy)
    for _ in range(2):
        bench.tasks.stop("t1", 5_000)
        bench.wait_for("t1", stopped)
    for _ in range(2):
        bench.tasks.remove("t1")
        bench.wait_until_gone("t1")


def test_a_stopped_task_is_not_started_again(bench: TasksBench) -> None:
    bench.tasks.start(bench.start("t1"))
    bench.wait_for("t1", healthy)
    bench.tasks.stop("t1", 0)
    bench.tasks.start(bench.start("t1"))
    assert bench.wait_for("t1", stopped).state is TaskState.STOPPED


def test_stopping_and_removing_what_is_not_there_does_nothing(bench: TasksBench) -> None:
    bench.tasks.stop("t9", 1_000)
    bench.tasks.remove("t9")
    bench.wait_until_gone("t9")


def test_a_running_task_cannot_be_removed(bench: TasksBench) -> None:
    bench.tasks.start(bench.start("t1"))
    bench.wait_for("t1", healthy)
    with pytest.raises(EffectFailed):
        bench.tasks.remove("t1")
    bench.wait_for("t1", healthy)


def test_an_image_that_is_not_there_starts_nothing(bench: TasksBench) -> None:
    absent = replace(bench.start("t1"), digest="sha256:" + "0" * 64)
    with pytest.raises(EffectFailed, match="image"):
        bench.tasks.start(absent)
    bench.wait_until_gone("t1")
