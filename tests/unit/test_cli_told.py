"""What a person is told at the edges: no app here, a controller that cannot start, a rollback."""

import errno
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Group
from rich.tree import Tree

from tidegate.cli import daemon, output
from tidegate.cli.commands import demo
from tidegate.cli.follow import follow
from tidegate.cli.main import call
from tidegate.core.errors import InternalError, SetupError, TidegateError
from tidegate.demo.workspace import Workspace
from tidegate.engine.messages import Message
from tidegate.local.setup import Step, StepKind


def ended(tmp_path: Path, log: str) -> TidegateError:
    """What `up` raises for a controller that ended with this in its log."""
    path = tmp_path / "daemon.log"
    path.write_text(f"from the start before\n{log}")
    with pytest.raises(TidegateError) as raised:
        daemon._failed(path, len("from the start before\n"), "it ended with exit code 3")
    return raised.value


def test_a_controller_that_cannot_start_tells_its_own_error(tmp_path: Path) -> None:
    own = SetupError(
        "port 8081 on 127.0.0.1 is in use",
        cause="haproxy (process 7) listens there\n          and another line",
        where="listener.test_port",
        remedy="choose another",
        code="TG220",
    )
    told = ended(tmp_path, f"2026-11-26 WARNING something\n{own}\n")
    assert (type(told), str(told)) == (SetupError, str(own))


def test_a_controller_that_ends_with_a_fault_tells_the_end_of_its_log(tmp_path: Path) -> None:
    told = ended(tmp_path, "Traceback (most recent call last):\nValueError: x\n")
    assert (told.number, told.cause.splitlines()[-1].strip()) == ("TG243", "ValueError: x")


def test_a_full_disk_is_named_though_the_log_has_no_room_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = SimpleNamespace(free=24 << 10)
    monkeypatch.setattr("tidegate.cli.daemon.shutil.disk_usage", lambda _: full)
    told = ended(tmp_path, "")
    assert (told.number, told.remedy) == ("TG243", "free some space there, then: tidegate up")
    assert told.cause.startswith("24 KiB are free on the disk of ")


def test_a_file_that_the_system_refuses_is_no_fault_of_tidegate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tidegate.yaml"

    def refuse(folder: Path, ports: tuple[int, int]) -> str:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    monkeypatch.setattr("tidegate.cli.commands.start.propose", refuse)
    assert call(["-C", str(tmp_path), "init"]) == 3
    told = capsys.readouterr().err
    assert told.startswith(
        "error TG238: the system refuses a file\n  cause   Read-only file system"
    )
    assert f"where   {path}\n  remedy  check who owns it" in told
    assert "Traceback" not in told


def test_a_full_disk_that_says_no_file_is_no_fault_of_tidegate_either(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path, ports: tuple[int, int]) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tidegate.cli.commands.start.propose", refuse)
    assert call(["-C", str(tmp_path), "init"]) == 3
    told = capsys.readouterr().err
    assert told.startswith(
        "error TG238: the system refuses a file\n  cause   No space left on device\n  remedy"
    )


def test_nobody_is_asked_about_what_only_the_user_can_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand = Step(StepKind.MANUAL, "join the group docker")
    monkeypatch.setattr("tidegate.local.setup.plan_setup", lambda: [by_hand])
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert call(["setup"]) == 3
    told = capsys.readouterr().err
    assert "TG215" in told and "remedy  join the group docker" in told


def test_when_the_demo_cannot_start_its_own_error_is_told_not_that_of_clearing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*words: str) -> str:
        raise InternalError(f"{words[0]} failed", code="TG901")

    space = Workspace(tmp_path / "app", (8080, 8081), lambda line: None)
    monkeypatch.setattr(space, "prepare", lambda: None)
    monkeypatch.setattr(space, "tidegate", fails)
    with pytest.raises(InternalError, match="up failed"):
        demo._play(space, keep=False)


def test_where_there_is_no_app_the_remedy_is_not_to_start_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["-C", str(tmp_path), "status"]) == 3
    told = capsys.readouterr().err
    assert f"there is no app in {tmp_path}, nor above it" in told
    assert "remedy  go to the folder with its tidegate.yaml" in told
    assert call(["-C", str(tmp_path / "none"), "status"]) == 2


def test_without_a_terminal_a_line_of_a_tree_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    tree = Tree("top")
    tree.add("word " * 60 + "end")
    for shown in (tree, Group(tree, tree)):
        output.result(None, shown, as_json=False)
        lines = capsys.readouterr().out.splitlines()
        assert lines[1].endswith("word end") and lines[-1].endswith("word end")


def messages(*events: tuple[str, str], exit_code: int) -> Sequence[Message]:
    happened: list[Any] = [
        {"kind": "event", "seq": n, "type": kind, "text": text}
        for n, (kind, text) in enumerate(events)
    ]
    end = {"kind": "end", "outcome": "rolled back", "exit_code": exit_code, "reason": "it crashed"}
    return [*happened, end]


def test_a_rollback_names_what_tells_more_of_it() -> None:
    said: list[str] = []
    told = messages(
        ("TaskStopped", "t8 failed: EssentialContainer exited with code 2"),
        ("TaskStopped", "t9 failed: EssentialContainer exited with code 2"),
        ("RollbackStarted", "d3 rolls back (DEPLOYMENT_FAILURE): 3 candidate tasks failed"),
        exit_code=6,
    )
    assert follow(told, "e8", said.append) == 6
    assert said[-1] == "       why: tidegate report d3, tidegate logs t9"


def told_of(*messages: Message) -> list[str]:
    said: list[str] = []
    follow(messages, "e6", said.append)
    return said


def happened(type_: str, text: str) -> Message:
    return {"kind": "event", "seq": 1, "at": 0, "type": type_, "text": text}


def ending(outcome: str, exit_code: int, reason: str) -> Message:
    return {"kind": "end", "outcome": outcome, "exit_code": exit_code, "reason": reason}


WHY = "web: step 4 (RUN false) failed with exit code 1"
MANY = "too many findings: 1 CRITICAL (limit 0)"


def test_why_a_build_failed_is_said_once() -> None:
    assert told_of(
        {"kind": "line", "stage": "build", "text": f"failed: {WHY}"},
        happened("StageFailed", f"e6: build failed: {WHY}"),
        ending("failed", 4, f"build: {WHY}"),
    ) == [f"       failed: {WHY}", " !     e6: build failed", "=====> failed: build"]


def test_why_the_gate_refuses_is_said_once() -> None:
    verdict = f"e6: the gate says refused of web sha256:6c6f: {MANY}"
    assert told_of(
        happened("VerdictReached", verdict),
        happened("StageFailed", f"e6: scan failed: web is refused: {MANY}"),
        ending("refused", 5, f"scan: web is refused: {MANY}"),
    ) == [
        f"-----> {verdict}",
        " !     e6: scan failed: web is refused",
        "=====> refused: scan",
        "       why: tidegate gate explain e6",
    ]


def test_a_failure_that_nothing_has_told_of_before_is_told_whole() -> None:
    assert told_of(
        {"kind": "line", "stage": "build", "text": "exit code 1"},
        ending("failed", 4, f"build: {WHY}"),
    ) == ["       exit code 1", f"=====> failed: build: {WHY}"]


def test_a_success_is_never_cut_short() -> None:
    done = "web v1 serves"
    assert told_of(
        happened("StageSucceeded", f"e6: deploy succeeded: {done}"), ending("succeeded", 0, done)
    ) == [f"-----> e6: deploy succeeded: {done}", f"=====> succeeded: {done}"]
