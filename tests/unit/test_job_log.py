"""The log of a job: written by one, read by others meanwhile."""

from pathlib import Path

import pytest

from tidegate.local.jobs import log
from tidegate.local.jobs.log import Log


def test_every_line_is_there_at_once_for_who_reads_along(tmp_path: Path) -> None:
    path = tmp_path / "e1" / "build.log"
    written = Log(path)
    written.say("one\ntwo")
    assert path.read_text() == "one\ntwo\n"
    written.close()


def test_a_restart_appends_so_that_readers_lose_nothing(tmp_path: Path) -> None:
    for word in ("before", "after"):
        written = Log(tmp_path / "x.log")
        written.say(word)
        written.close()
    assert lines(tmp_path / "x.log") == ["before", "after"]


def test_terminal_escapes_do_not_reach_the_readers_terminal(tmp_path: Path) -> None:
    written = Log(tmp_path / "x.log")
    written.say("\x1b[91mred\x1b[0m \x07bell \x1b]0;title\x07 tab\there")
    written.close()
    assert lines(tmp_path / "x.log") == ["red bell ]0;title tab\there"]


def test_a_log_stops_at_its_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "MOST_BYTES", 10)
    written = Log(tmp_path / "x.log")
    for _ in range(5):
        written.say("12345")
    written.close()
    assert lines(tmp_path / "x.log") == ["12345", "12345", "… the rest is left out"]
    assert written.last == "12345"


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()
