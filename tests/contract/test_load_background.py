"""A run in a process of its own: live counts, acts, and an end whatever happens."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.scripted_server import Call, serving
from tidegate.core.errors import InternalError, UsageError
from tidegate.load import Background, Limits, Plan, Target, constant, summarise
from tidegate.load.__main__ import main
from tidegate.load.report import from_json

ENDLESS = constant(200)


def children() -> set[int]:
    """The processes that this one has started and that are still there."""
    path = Path(f"/proc/self/task/{os.getpid()}/children")
    return {int(pid) for pid in path.read_text().split()}


def test_counts_are_seen_while_the_run_goes_on_and_acts_split_it_exactly() -> None:
    def failing(call: Call) -> bool:
        return call.reply() if call.number % 10 else call.cut()

    with serving(failing) as server, Background(Plan((Target(server.url),), ENDLESS)) as load:
        load.mark("one")
        time.sleep(0.6)
        second = load.mark("two")
        time.sleep(0.6)
        seen = load.snapshot()
        result = load.stop()
    assert seen.counts("one").requests == len(result.act("one"))
    assert 0 < seen.counts("two").requests < len(result.act("two"))
    assert seen.counts().failures["closed"] > 0
    assert len(server.calls) == len(result.records)
    assert result.counts().failures == {"closed": len(range(0, len(server.calls), 10))}
    assert load.snapshot().counts() == result.counts()
    assert len(result.records.slice(0, second.first)) == second.first


def test_a_run_with_an_end_ends_by_itself() -> None:
    with serving() as server, Background(Plan((Target(server.url),), constant(100, 0.3))) as load:
        result = load.wait(10)
        assert load.stop() is result
        with pytest.raises(UsageError):
            load.mark("late")
    assert result.counts().ok == 30


def test_what_the_sender_refuses_is_raised_at_the_start() -> None:
    before = children()
    with (
        pytest.raises(UsageError) as refused,
        Background(Plan((Target("http://192.0.2.1/"),), ENDLESS)),
    ):
        pytest.fail("it started")
    assert refused.value.number == "TG153"
    assert children() == before


def test_a_sender_that_dies_is_noticed() -> None:
    before = children()
    with serving() as server, Background(Plan((Target(server.url),), ENDLESS)) as load:
        (pid,) = children() - before
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(InternalError) as died:
            load.wait(10)
        with pytest.raises(InternalError):
            load.snapshot()
    assert died.value.number == "TG932"


def allowed(call: str) -> bool:
    """Whether a process may do this with itself."""
    code = f"import os; os.{call}"
    return not subprocess.run([sys.executable, "-c", code], capture_output=True).returncode


def test_the_sender_goes_before_other_programs_where_it_may_and_only_when_it_should() -> None:
    wanted = allowed("setpriority(os.PRIO_PROCESS, 0, -20)") and len(os.sched_getaffinity(0)) > 1
    at_once = wanted and allowed("sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))")
    autogroup = Path("/proc/self/autogroup")
    group = autogroup.read_text() if autogroup.exists() else ""
    before, own = children(), os.getpriority(os.PRIO_PROCESS, 0)
    for first in (True, False):
        with serving() as server:
            plan = Plan((Target(server.url),), ENDLESS, first=first)
            with Background(plan) as load:
                (pid,) = children() - before
                nice = os.getpriority(os.PRIO_PROCESS, pid)
                scheduler = os.sched_getscheduler(pid)
                of_session = Path(f"/proc/{pid}/autogroup").read_text().split() if group else []
                result = load.stop()
        assert result.sender.first == (first and wanted)
        assert nice == (-20 if first and wanted else own)
        assert (scheduler == os.SCHED_FIFO) == (first and at_once)
        assert of_session[-2:] == (["nice", "-20" if first and wanted else "0"] if group else [])
        assert result.sender.cpu_us > 0
    assert not group or autogroup.read_text() == group, "the session of others was touched"


def test_leaving_early_leaves_no_process_behind() -> None:
    before = children()
    with serving() as server, Background(Plan((Target(server.url),), ENDLESS)):
        assert len(children() - before) == 1
    assert children() == before


def test_a_sender_without_a_parent_stops() -> None:
    with serving() as server:
        code = f"""
import os
from tidegate.load import *
load = Background(Plan((Target({server.url!r}),), constant(100), limits=Limits(timeout_s=1)))
load.start()
os._exit(0)
"""
        subprocess.run([sys.executable, "-c", code], check=True, timeout=20)
        deadline = time.monotonic() + 10
        count = -1
        while count != len(server.calls):
            assert time.monotonic() < deadline, "it still sends"
            count = len(server.calls)
            time.sleep(0.5)


def test_the_command_prints_a_report_and_writes_its_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, html = tmp_path / "a.json", tmp_path / "a.html"
    with serving() as server:
        words = [server.url, "--rate", "100", "--for", "0.5s", "--out", str(out)]
        assert main([*words, "--html", str(html), "--title", "cats"]) == 0
        assert main([server.url, "--profile", "50:200ms,50-100:200ms", "--json"]) == 0
    text = capsys.readouterr().out
    report = from_json(out.read_text())
    assert report.counts.ok == 50
    assert text.startswith("cats: 100:0.5s, 0.5 s\n")
    assert "<title>cats: " in html.read_text()
    assert json.loads(text.splitlines()[-1])["counts"]["ok"] == 25
    assert main(["compare", str(out), str(out)]) == 0
    assert "same" in capsys.readouterr().out


def test_the_command_replays_counts_against_a_targets_file(tmp_path: Path) -> None:
    counts, targets, out = tmp_path / "counts", tmp_path / "targets", tmp_path / "a.json"
    counts.write_text("# minute, requests\n00:00,20\n00:01,40\n00:02,10\n")
    with serving() as server:
        targets.write_text(f"GET {server.url}cats\n\nHEAD {server.url}dogs\n")
        words = ["--targets", str(targets), "--replay", str(counts), "--speed", "300"]
        assert main([*words, "--scale", "0.5", "--out", str(out)]) == 0
    asked = [call.request.split()[0] for call in server.calls]
    assert (asked.count(b"GET"), asked.count(b"HEAD")) == (18, 17)
    assert from_json(out.read_text()).length_us == 600_000


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["http://192.0.2.1/"],
        ["http://127.0.0.1/", "--weight", "1", "--weight", "2"],
        ["http://127.0.0.1/", "--profile", "fast"],
        ["http://127.0.0.1/", "--replay", "/no/such/file"],
        ["compare", "/no/such/file", "/no/such/file"],
    ],
)
def test_wrong_words_are_answered_with_exit_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words or ["run"]) == 2
    assert "error TG1" in capsys.readouterr().err


def test_a_summary_of_a_background_run_knows_its_limits() -> None:
    plan = Plan((Target("http://127.0.0.1:1/"),), constant(50, 0.2), limits=Limits(timeout_s=1))
    with Background(plan) as load:
        report = summarise(load.wait(10))
    assert report.counts.failures == {"refused": 10}
    assert report.latency.count == 0
