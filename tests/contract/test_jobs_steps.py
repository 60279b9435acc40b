"""Smoke checks against a real listener; hooks as real processes and web calls."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from docker import DockerClient

from tests.support.old_python import without_filters
from tests.support.web import Asked, serving
from tests.support.yard import Yard, yard
from tidegate.core.decision import RunChecks, RunHook
from tidegate.core.model import Header, Hook, LifecycleStage, Listener, Route, Service, TrafficCheck
from tidegate.core.seen import JobState
from tidegate.local.jobs.leftover import Leftover
from tidegate.local.jobs.runner import log_path

CATS = Service("cats", routes=(Route("/cats", (Header("x-beta", "1"),)),))


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Yard]:
    """A yard whose engine is never asked."""
    with closing(DockerClient(base_url="unix:///nowhere", version="1.41")) as client:
        yield yard(tmp_path, client, CATS)


def check(here: Yard, port: int, *checks: TrafficCheck) -> tuple[JobState, str]:
    """Run the checks against a test listener on the port."""
    app = replace(here.app, listener=Listener(test_port=port))
    here.progress = replace(here.progress, app=app)
    seen = here.run(RunChecks("d1/checks", CATS, checks))
    return seen.state, seen.summary


def hook(here: Yard, made: Hook, files: dict[str, str | bytes] | None = None) -> tuple[str, str]:
    """Run the hook of release v7, whose revision has these files."""
    here.push("e1", files or {"hook": "#!/bin/sh\nexit 0\n"})
    here.release(7, "e1", "sha256:a")
    seen = here.run(RunHook(f"d1/{made.stage}/{made.name}/0", made, "d1", "cats", 7, 2_500))
    return seen.state.value, seen.summary


def command(*words: str, timeout_ms: int = 5_000) -> Hook:
    stage = LifecycleStage.PRODUCTION_TRAFFIC_SHIFT
    return Hook(stage, "migrate", command=words, timeout_ms=timeout_ms)


def shell(script: str, timeout_ms: int = 5_000) -> Hook:
    return command("/bin/sh", "-c", script, timeout_ms=timeout_ms)


def call(url: str, timeout_ms: int = 5_000) -> Hook:
    return Hook(LifecycleStage.BAKE_TIME, "ask", url=url, timeout_ms=timeout_ms)


def test_checks_pass_when_status_and_content_are_as_asked(here: Yard) -> None:
    with serving(lambda asked: (200, b"two cats")) as server:
        checks = (TrafficCheck("/cats/", contains="cats"), TrafficCheck("/cats/x"))
        assert check(here, server.port, *checks) == (JobState.SUCCEEDED, "2 checks passed")
    assert [asked.path for asked in server.asked] == ["/cats/", "/cats/x"]


def test_a_check_carries_the_headers_of_the_route_and_of_test_traffic(here: Yard) -> None:
    with serving(lambda asked: (200, b"")) as server:
        check(here, server.port, TrafficCheck("/cats/"))
    sent = {name.lower(): value for name, value in server.asked[0].headers.items()}
    assert (sent["x-beta"], sent["x-tidegate-test"]) == ("1", "1")


def test_a_failed_check_says_what_it_got(here: Yard) -> None:
    with serving(lambda asked: (500, b"")) as server:
        failed = check(here, server.port, TrafficCheck("/cats/", attempts=1))
    assert failed == (JobState.FAILED, "GET /cats/ answered 500, not 200")
    assert f"GET http://127.0.0.1:{server.port}/cats/: answered 500" in here.log("d1/checks")


def test_a_check_misses_its_content(here: Yard) -> None:
    with serving(lambda asked: (200, b"dogs")) as server:
        failed = check(here, server.port, TrafficCheck("/", contains="cats", attempts=1))
    assert failed == (JobState.FAILED, "GET / answered 200 without 'cats' in it")


def test_a_check_is_tried_again(here: Yard) -> None:
    with serving(lambda asked: (200 if len(server.asked) > 1 else 503, b"")) as server:
        assert check(here, server.port, TrafficCheck("/", attempts=2))[0] is JobState.SUCCEEDED
    assert len(server.asked) == 2


def test_a_listener_that_does_not_answer_is_said(here: Yard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        failed = check(here, port, TrafficCheck("/", attempts=1, timeout_ms=100))
    assert failed == (JobState.FAILED, "GET / did not answer in 100 ms")


def test_a_listener_that_is_not_there_is_said(here: Yard) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    failed = check(here, port, TrafficCheck("/", attempts=1))
    assert failed == (JobState.FAILED, "GET / could not be asked: [Errno 111] Connection refused")


def test_a_command_runs_in_the_revision_with_its_facts_and_nothing_else(
    here: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    monkeypatch.setenv("TIDEGATE_WEBHOOK_SECRET", "hunter3")
    files: dict[str, str | bytes] = {"bin/migrate": "#!/bin/sh\nenv\ncat data\n", "data": "d4t4"}
    done = hook(here, command("bin/migrate"), files)
    assert done == ("SUCCEEDED", "migrate: exit code 0")
    log = here.log("d1/PRODUCTION_TRAFFIC_SHIFT/migrate/0")
    told = dict(line.split("=", 1) for line in log.splitlines() if line.startswith("TIDEGATE_"))
    assert told == {
        "TIDEGATE_DEPLOYMENT": "d1",
        "TIDEGATE_SERVICE": "cats",
        "TIDEGATE_RELEASE": "v7",
        "TIDEGATE_STAGE": "PRODUCTION_TRAFFIC_SHIFT",
        "TIDEGATE_HOOK": "migrate",
        "TIDEGATE_WEIGHT_PERCENT": "25",
    }
    assert "hunter" not in log
    assert "d4t4" in log


def test_a_command_runs_on_debian_s_own_python_too(
    here: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_filters(monkeypatch)
    files: dict[str, str | bytes] = {"ops/hook": "#!/bin/sh\necho ran\n"}
    assert hook(here, command("ops/hook"), files)[0] == "SUCCEEDED"


def test_a_failed_command_says_its_exit_code_and_last_line(here: Yard) -> None:
    failed = hook(here, shell("echo starting; echo no such table >&2; exit 3"))
    assert failed == ("FAILED", "exit code 3: no such table")


def test_a_command_that_is_not_there_is_said(here: Yard) -> None:
    assert hook(here, command("bin/nothing")) == (
        "FAILED",
        "bin/nothing: No such file or directory",
    )


def test_a_command_over_its_time_is_killed_with_all_that_it_started(
    here: Yard, tmp_path: Path
) -> None:
    script = f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/child; wait; wait"
    failed = hook(here, shell(script, timeout_ms=300))
    assert failed == ("FAILED", "not done in 0.3 s")
    assert gone(int((tmp_path / "child").read_text()))


def test_what_a_finished_command_has_left_running_is_ended(here: Yard, tmp_path: Path) -> None:
    assert hook(here, shell(f"sleep 60 & echo $! > {tmp_path}/child"))[0] == "SUCCEEDED"
    assert gone(int((tmp_path / "child").read_text()))


def test_hooks_that_hang_keep_no_other_step_waiting(here: Yard) -> None:
    here.push("e1", {"x": ""})
    here.release(7, "e1", "sha256:a")
    hung = [replace(shell("sleep 60", timeout_ms=1_500), name=f"hung{n}") for n in range(4)]
    for made in hung:
        here.jobs.start(RunHook(f"d1/{made.name}", made, "d1", "cats", 7, 0))
    with serving(lambda asked: (200, b"")) as server:
        assert check(here, server.port, TrafficCheck("/"))[0] is JobState.SUCCEEDED
    assert here.jobs.observe()["d1/hung0"].state is JobState.RUNNING
    ended = [here.wait(f"d1/{made.name}").state for made in hung]
    assert ended == [JobState.FAILED] * 4


def test_a_web_call_gets_the_facts_and_passes_with_any_2xx(here: Yard) -> None:
    with serving(lambda asked: (204, b"")) as server:
        done = hook(here, call(f"{server.url}/hook?key=s3cret"))
    assert done == ("SUCCEEDED", "ask: 127.0.0.1 said SUCCEEDED")
    assert server.asked[0].method == "POST"
    assert json.loads(server.asked[0].body) == {
        "deployment": "d1",
        "service": "cats",
        "release": "v7",
        "stage": "BAKE_TIME",
        "hook": "ask",
        "weight_percent": "25",
    }
    assert "s3cret" not in here.log("d1/BAKE_TIME/ask/0")


def test_a_web_call_in_progress_is_made_again_until_it_is_final(here: Yard) -> None:
    def answer(asked: Asked) -> tuple[int, bytes]:
        said = "SUCCEEDED" if len(server.asked) == 3 else "IN_PROGRESS"
        return 200, json.dumps({"hookStatus": said, "callBackDelay": 0}).encode()

    with serving(answer) as server:
        assert hook(here, call(server.url))[0] == "SUCCEEDED"
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((500, b""), "127.0.0.1 said HTTP 500"),
        ((302, b""), "127.0.0.1 said HTTP 302"),
        ((200, b'{"hookStatus": "FAILED"}'), "127.0.0.1 said FAILED"),
        ((200, b'{"hookStatus": "MAYBE"}'), "127.0.0.1 said MAYBE"),
        ((200, b"x" * 100_000), "127.0.0.1 said more than 64 KiB"),
    ],
)
def test_a_web_call_that_is_no_success_fails(
    here: Yard, answer: tuple[int, bytes], reason: str
) -> None:
    with serving(lambda asked: answer) as server:
        assert hook(here, call(server.url)) == ("FAILED", reason)


def test_a_web_call_that_stays_in_progress_ends_at_its_time_limit(here: Yard) -> None:
    said = json.dumps({"hookStatus": "IN_PROGRESS", "callBackDelay": 0.05}).encode()
    with serving(lambda asked: (200, said)) as server:
        assert hook(here, call(server.url, timeout_ms=300)) == ("FAILED", "not done in 0.3 s")


def test_a_web_call_without_an_answer_ends_at_its_time_limit(here: Yard) -> None:
    stop = threading.Event()
    with serving(lambda asked: (200, b"") if stop.wait(5) else (500, b"")) as server:
        assert hook(here, call(server.url, timeout_ms=200)) == ("FAILED", "not done in 0.2 s")
        stop.set()


def test_a_release_whose_source_is_gone_fails_its_command(here: Yard) -> None:
    here.release(7, "e9", "sha256:a")
    made = shell("exit 0")
    seen = here.run(RunHook("d1/x", made, "d1", "cats", 7, 0))
    assert seen.state is JobState.FAILED
    assert seen.summary.startswith("the source of this revision cannot be read")


def gone(pid: int) -> bool:
    """Whether the process ends within a moment (a zombie has ended)."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    return False


def test_the_command_of_a_killed_controller_is_ended_before_it_is_started_again(
    here: Yard,
) -> None:
    here.push("e1", {})
    here.release(7, "e1", "sha256:7")
    job = RunHook("d1/x", shell("true"), "d1", "cats", 7, 0)
    left = subprocess.Popen(["sleep", "60"], start_new_session=True)
    log = log_path(here.home, job.id)
    log.parent.mkdir(parents=True, exist_ok=True)
    Leftover(log).note(left.pid)
    seen = here.run(job)
    assert seen.state is JobState.SUCCEEDED
    assert left.wait(5) == -signal.SIGKILL
    assert f"ended process {left.pid}, which an earlier controller left running" in log.read_text()
    assert not log.with_suffix(".running").exists()


def test_a_process_that_only_has_the_number_of_an_old_command_is_left_alone(here: Yard) -> None:
    here.push("e1", {})
    here.release(7, "e1", "sha256:7")
    job = RunHook("d1/y", shell("true"), "d1", "cats", 7, 0)
    other = subprocess.Popen(["sleep", "60"], start_new_session=True)
    log = log_path(here.home, job.id)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.with_suffix(".running").write_text(f"{other.pid} Thu Jan  1 00:00:00 1970")
    assert here.run(job).state is JobState.SUCCEEDED
    assert other.poll() is None
    other.kill()
    other.wait()
