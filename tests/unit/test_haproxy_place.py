"""Files of HAProxy that are read at each look: kept in memory, and never older than the disk."""

import os
from pathlib import Path

import pytest

from tidegate.local.haproxy.place import kept, write


def test_a_file_that_stays_the_same_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "haproxy.cfg"
    write(path, "one")
    assert kept(path) == "one"
    monkeypatch.setattr(Path, "read_text", lambda self: "read again")
    assert kept(path) == "one"


def test_each_new_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / "haproxy.cfg"
    for text in ("one", "two", "three"):
        write(path, text)
        assert kept(path) == text
    path.write_text("by another program")
    assert kept(path) == "by another program"
    path.unlink()
    assert kept(path) == ""


def test_what_looks_like_an_older_version_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "haproxy.cfg"
    found = os.stat_result((0o100600, 7, 1, 1, 0, 0, 3, 1, 1, 1))
    monkeypatch.setattr(Path, "stat", lambda self: found)
    for text in ("one", "two"):  # as long, of the same moment, and the inode was used again
        write(path, text)
        assert kept(path) == text
