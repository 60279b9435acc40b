"""What a person asks where the engine runs, and what is told while it happens."""

import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.served import COMMIT, FILE, Served, served, source, tar_of
from tidegate.core import decision as d
from tidegate.core.errors import AppFileError, BuildError, NotFound
from tidegate.core.progress import TaskPhase
from tidegate.engine.messages import Message, Until
from tidegate.engine.operations import EngineOperations, Outside
from tidegate.engine.views.reviewed import running_of
from tidegate.operations import Operations


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as made:
        yield made


def told(daemon: Served, execution: str, until: Until = "end") -> list[Message]:
    """Everything that a follower of the execution is told, up to its end."""
    with daemon.going_on():
        return [message for message in daemon.operations.stream(execution, until) if message]


def test_the_engine_grants_the_one_protocol(daemon: Served) -> None:
    operations: Operations = daemon.operations
    assert isinstance(operations, EngineOperations)


def test_a_revision_goes_through_the_pipeline_to_traffic(daemon: Served) -> None:
    assert daemon.push() == "e1"
    daemon.until_quiet()
    view = daemon.operations.execution("e1")
    assert (view.outcome, view.exit_code, view.releases) == ("succeeded", 0, (1,))
    assert [stage.stage for stage in view.stages] == ["source", "build", "test", "scan", "deploy"]
    assert all(stage.ended_at is not None for stage in view.stages)
    assert view.images == (("cats", "sha256:cats-e1"),)
    assert (view.commit, view.subject, view.by) == (COMMIT, "Faster cats", "ann")


def test_the_source_is_kept_under_its_executions_id(daemon: Served) -> None:
    daemon.push()
    assert daemon.home.source("e1").read_bytes() == source().read()


def test_a_source_without_an_app_file_is_refused_and_leaves_nothing(daemon: Served) -> None:
    with pytest.raises(AppFileError, match=f"{COMMIT[:12]} has no tidegate.yaml"):
        daemon.operations.start_execution(tar_of(Dockerfile="FROM x"), commit=COMMIT)
    assert list((daemon.home.path / "sources").iterdir()) == []
    assert daemon.journal.last_seq == 0


def test_a_wrong_app_file_names_its_commit_and_line(daemon: Served) -> None:
    with pytest.raises(AppFileError) as caught:
        daemon.operations.start_execution(source(FILE + "    prot: 80\n"), commit=COMMIT)
    assert caught.value.where.startswith(f"{COMMIT[:12]}:tidegate.yaml:8")


def test_capacity_says_why_instances_are_accounting_only(daemon: Served) -> None:
    operations = EngineOperations(
        daemon.engine,
        Outside(daemon.home, daemon._task_lines, daemon.downs.append, why_not_limited="no cgroups"),
    )
    assert operations.capacity().note == "instances are accounting only here: no cgroups"
    assert daemon.operations.capacity().note == ""


def test_a_review_takes_a_service_s_facts_from_its_own_release(daemon: Served) -> None:
    operations = daemon.deployed().operations
    (own,) = operations.releases()
    others = [replace(own, service="dogs", verdict="refused"), own]  # on AWS each counts for itself
    (seen,) = running_of(operations.status(), others, ()).services
    assert (seen.stable, seen.verdict, seen.commit) == (1, own.verdict, COMMIT)


def test_what_is_no_tar_is_refused(daemon: Served) -> None:
    with pytest.raises(BuildError, match="not a tar archive"):
        daemon.operations.start_execution(io.BytesIO(b"x" * 2048), commit=COMMIT)


def test_pushes_at_the_same_time_each_get_their_own_number(daemon: Served) -> None:
    numbers: list[str] = []
    threads = [threading.Thread(target=lambda: numbers.append(daemon.push())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [f"e{n}" for n in range(1, 9)]


def test_a_follower_is_told_log_lines_between_the_start_and_the_end_of_their_stage(
    daemon: Served,
) -> None:
    messages = told(daemon, daemon.push())
    texts = [m["text"] for m in messages if m["kind"] != "end"]
    started, ended = texts.index("e1: build started"), texts.index("e1: build succeeded: done")
    assert texts[started : ended + 1] == [
        "e1: build started",
        "step 1",
        "step 2",
        "e1: images built for cats",
        "e1: build succeeded: done",
    ]


def test_a_follower_is_told_the_end_with_its_exit_code(daemon: Served) -> None:
    assert told(daemon, daemon.push())[-1] == {
        "kind": "end",
        "outcome": "succeeded",
        "exit_code": 0,
        "reason": "cats v1 serves",
    }


def test_to_the_gate_and_the_rest_together_tell_everything_once(daemon: Served) -> None:
    execution = daemon.push()
    whole = told(daemon, execution)
    first, rest = told(daemon, execution, "gate"), told(daemon, execution, "rest")
    assert first[-1] == {
        "kind": "end",
        "outcome": None,
        "exit_code": 0,
        "reason": "deploy begins",
    }
    events = [m["seq"] for m in whole if m["kind"] == "event"]
    parts = [m["seq"] for m in (*first, *rest) if m["kind"] == "event"]
    assert parts == events


@pytest.mark.parametrize(
    ("broken", "text", "code"),
    [("build", FILE, 4), ("scan", FILE.replace("gate: off", "gate: enforce"), 5)],
)
def test_what_refuses_a_push_has_its_own_exit_code(
    daemon: Served, broken: str, text: str, code: int
) -> None:
    daemon.world.broken = {broken}
    end = told(daemon, daemon.push(text), "gate")[-1]
    assert end["kind"] == "end"
    assert end["exit_code"] == code


def test_a_release_that_is_rolled_back_ends_with_exit_code_6(daemon: Served) -> None:
    daemon.deployed()
    daemon.world.nature(2).error_share = 0.5
    end = told(daemon, daemon.push(commit="b" * 40))[-1]
    assert end["kind"] == "end"
    assert (end["outcome"], end["exit_code"]) == ("rolled back", 6)


def test_the_story_of_a_deployment_tells_failures_but_not_a_tasks_usual_life(
    daemon: Served,
) -> None:
    daemon.deployed()
    daemon.world.nature(2).crashes = True
    kinds = [m["type"] for m in told(daemon, daemon.push(commit="b" * 40)) if m["kind"] == "event"]
    assert "TaskStopped" in kinds
    assert not {"TaskStarted", "TaskHealthy", "TaskRemoved"} & set(kinds)


def test_followers_end_when_the_daemon_closes(daemon: Served) -> None:
    execution = daemon.push()
    messages = daemon.operations.stream(execution)
    next(messages)
    daemon.operations.close()
    assert all(message is None or message["kind"] != "end" for message in messages)


def test_logs_are_found_by_service_task_execution_and_stage(daemon: Served) -> None:
    daemon.deployed()

    def lines(subject: str) -> list[str]:
        found = daemon.operations.logs(subject)
        return [f"{line['source']}: {line['text']}" for line in found if line]

    assert lines("cats") == ["t1: t1 says hello", "t2: t2 says hello"]
    assert lines("t2") == ["t2: t2 says hello"]
    assert lines("e1") == lines("e1/build") == ["build: step 1", "build: step 2"]
    assert lines("e1/test") == []


@pytest.mark.parametrize("subject", ["dogs", "e1/../../token", "t0", "../token", "e1/none"])
def test_logs_of_nothing_are_not_found(daemon: Served, subject: str) -> None:
    with pytest.raises(NotFound):
        daemon.operations.logs(subject)


def test_the_log_of_a_service_goes_on_with_tasks_that_come_later(daemon: Served) -> None:
    daemon.deployed()
    lines = daemon.operations.logs("cats", follow=True)
    seen: set[str] = set()
    daemon.push(commit="b" * 40)
    with daemon.going_on():
        for line in lines:
            seen |= {line["source"]} if line else set()
            if seen & {"t3", "t4"}:
                break
    assert {"t1", "t2"} <= seen


@pytest.mark.parametrize(
    "ask",
    [
        lambda o: o.execution("e9"),
        lambda o: o.stream("e9"),
        lambda o: o.show(9),
        lambda o: o.report("d9"),
        lambda o: o.pause("dogs", "ann"),
        lambda o: o.approve("e9", "ann"),
    ],
)
def test_what_is_not_there_is_not_found(
    daemon: Served, ask: Callable[[EngineOperations], object]
) -> None:
    with pytest.raises(NotFound):
        ask(daemon.operations)


def test_after_the_whole_app_was_taken_away_none_of_its_tasks_has_failed(daemon: Served) -> None:
    daemon.deployed()
    daemon.engine.end()
    for kept in (daemon.world.tasks, daemon.world.targets, daemon.world.routing):
        kept.clear()
    daemon.world.listener = ""

    def serves() -> bool:
        healthy = [t for t in daemon.engine.progress.tasks.values() if t.phase is TaskPhase.HEALTHY]
        return len(healthy) == 2 and len(daemon.world.targets) == 2

    daemon.until(serves)
    stopped = [e.event for e in daemon.journal.read() if isinstance(e.event, d.TaskStopped)]
    assert [(one.reason, one.failed) for one in stopped] == 2 * [
        ("stopped with the whole app", False)
    ]
