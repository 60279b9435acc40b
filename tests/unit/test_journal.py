"""The journal keeps what it was given, for one controller, through a kill and a full disk."""

import gc
import sqlite3
import subprocess
import sys
import threading
import time
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.databases import Opened
from tidegate.core import decision as d
from tidegate.core.errors import Busy, JournalError
from tidegate.core.fold import advance
from tidegate.core.progress import Progress
from tidegate.engine.journal import Journal, recorded, repair

HEALTHY = tuple(d.TaskHealthy(f"t{n}") for n in range(5))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def filled(path: Path) -> None:
    journal = Journal.open(path, "me")
    for n, event in enumerate(HEALTHY):
        journal.append((event,), n)
    journal.close()


def test_entries_are_numbered_and_read_back_in_order(path: Path) -> None:
    journal = Journal.open(path, "me")
    assert [e.seq for e in journal.append(HEALTHY[:2], 7)] == [1, 2]
    assert [e.seq for e in journal.append(HEALTHY[2:], 8)] == [3, 4, 5]
    journal.close()
    again = Journal.open(path, "me")
    assert [e.event for e in again.read()] == list(HEALTHY)
    assert [e.seq for e in again.read(after=3)] == [4, 5]
    assert (again.last_seq, again.last_at) == (5, 8)
    again.close()


def test_more_than_one_page_is_read(path: Path) -> None:
    journal = Journal.in_memory()
    journal.append([d.TaskHealthy(f"t{n}") for n in range(2_500)], 1)
    assert [e.seq for e in journal.read()] == list(range(1, 2_501))


def test_a_second_controller_is_refused_and_told_who_holds_it(path: Path) -> None:
    first = Journal.open(path, "owner-one")
    with pytest.raises(Busy, match="owner-one"):
        Journal.open(path, "owner-two")
    first.close()
    Journal.open(path, "owner-two").close()


def test_a_killed_controller_leaves_its_entries_and_no_lease(path: Path) -> None:
    code = (
        "import os, sys, pathlib\n"
        "from tidegate.engine.journal import Journal\n"
        "from tidegate.core.decision import TaskHealthy\n"
        "journal = Journal.open(pathlib.Path(sys.argv[1]), 'dies')\n"
        "journal.append((TaskHealthy('t1'),), 1)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == -9
    journal = Journal.open(path, "next")
    assert [e.event for e in journal.read()] == [d.TaskHealthy("t1")]
    journal.close()


def test_a_reader_waits_until_there_is_more(path: Path) -> None:
    journal = Journal.open(path, "me")
    assert not journal.wait(0, timeout_s=0.01)
    threading.Timer(0.05, lambda: journal.append(HEALTHY, 1)).start()
    began = time.monotonic()
    assert journal.wait(0, timeout_s=10)
    assert time.monotonic() - began < 9
    journal.close()


def test_a_full_disk_first_takes_the_reserve_and_then_says_so(path: Path) -> None:
    journal = Journal.open(path, "me")
    journal.append(HEALTHY[:1], 1)
    reserve = path.with_suffix(".reserve")
    assert reserve.stat().st_size > 0
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalError, match=r"TG922.*(?s:.*)free some disk space"):
        journal.append([d.StageSucceeded("e1", d.PipelineStage.BUILD, "x" * 100_000)], 2)
    assert not reserve.exists()
    assert [e.event for e in journal.read()] == [HEALTHY[0]]
    journal._connection.execute("PRAGMA max_page_count = 100000")
    assert [e.seq for e in journal.append(HEALTHY[1:2], 3)] == [2]
    journal.close()


def test_the_reserve_makes_room_for_one_more_entry(path: Path) -> None:
    """With a disk that is full until the reserve is gone, the entry is recorded."""
    journal = Journal.open(path, "me")
    write = journal._write

    def write_when_there_is_room(rows: object) -> None:
        if path.with_suffix(".reserve").exists():
            raise sqlite3.OperationalError("database or disk is full")
        write(rows)  # type: ignore[arg-type]

    journal._write = write_when_there_is_room  # type: ignore[method-assign]
    journal.append(HEALTHY[:1], 1)
    assert [e.event for e in journal.read()] == [HEALTHY[0]]
    journal.close()


def test_garbage_is_called_damaged_and_left_as_it_is(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)
    before = path.read_bytes()
    with pytest.raises(JournalError, match="TG920"):
        Journal.open(path, "me")
    assert path.read_bytes() == before


def test_what_cannot_be_opened_and_what_nobody_has_any_more_is_closed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"this is no database" * 1000)
    opened = Opened(monkeypatch)
    with pytest.raises(JournalError, match="TG920"):
        Journal.open(path, "me")
    journal = Journal.in_memory()
    assert not opened.all_closed()
    del journal
    gc.collect()
    assert opened.all_closed()


def test_a_changed_entry_is_found_by_its_checksum(path: Path) -> None:
    filled(path)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE entry SET body = replace(body, 't3', 't9') WHERE seq = 4")
    connection.commit()
    connection.close()
    journal = Journal.open(path, "me")
    with pytest.raises(JournalError, match="entry 4"):
        list(journal.read())
    journal.close()


def test_a_missing_entry_is_found_by_its_number(path: Path) -> None:
    filled(path)
    connection = sqlite3.connect(path)
    connection.execute("DELETE FROM entry WHERE seq = 2")
    connection.commit()
    connection.close()
    journal = Journal.open(path, "me")
    with pytest.raises(JournalError, match="entry 2"):
        list(journal.read())
    journal.close()


def test_repair_keeps_all_before_the_damage_and_sets_the_file_aside(path: Path) -> None:
    filled(path)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE entry SET body = 'x' WHERE seq = 4")
    connection.commit()
    connection.close()
    damaged = path.read_bytes()
    kept, aside = repair(path)
    assert kept == 3
    assert aside.read_bytes() == damaged
    journal = Journal.open(path, "me")
    assert [e.event for e in journal.read()] == list(HEALTHY[:3])
    assert [e.at for e in journal.read()] == [0, 1, 2]
    journal.close()


def test_repair_of_garbage_begins_anew(path: Path) -> None:
    path.write_bytes(b"no database at all" * 500)
    kept, aside = repair(path)
    assert kept == 0
    assert aside.read_bytes().startswith(b"no database")
    journal = Journal.open(path, "me")
    assert list(journal.read()) == []
    journal.close()


def test_a_journal_of_another_format_is_refused(path: Path) -> None:
    filled(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(JournalError, match="format 99"):
        Journal.open(path, "me")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "journal.db"
    folder.mkdir()
    with pytest.raises(JournalError, match=str(folder)):
        Journal.open(folder, "me")


def test_what_it_says_is_read_beside_the_controller_that_writes_it(path: Path) -> None:
    assert recorded(path) == Progress()
    journal = Journal.open(path, "me")
    journal.append((d.ControllerStarted("me", "1"),), 7)
    assert recorded(path) == advance(Progress(), d.ControllerStarted("me", "1"), 7)
    journal.append(HEALTHY, 8)  # the lease is still this one's
    journal.close()


def of_a_newer_version(path: Path) -> None:
    """Two entries that are known here, then one that is not; all whole."""
    filled(path)
    body = '{"type":"TideTurned","moon":"new"}'
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM entry WHERE seq > 3")
        connection.execute("UPDATE entry SET body = ?, crc = ? WHERE seq = 3", (body, crc(body)))
    connection.close()


def rows(path: Path) -> list[tuple[int, int, str, int]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM entry ORDER BY seq").fetchall()


def crc(body: str) -> int:
    return zlib.crc32(body.encode())


def test_an_event_of_a_newer_version_is_refused_and_lost_to_nobody(path: Path) -> None:
    of_a_newer_version(path)
    before = rows(path)
    journal = Journal.open(path, "me")
    with pytest.raises(JournalError) as refused:
        list(journal.read())
    journal.close()
    assert refused.value.number == "TG921"
    assert "TideTurned" in refused.value.cause
    assert refused.value.where == f"{path}, entry 3"
    assert refused.value.remedy == (
        "it is from another version: run that one; nothing is lost, traffic goes on"
    )
    assert rows(path) == before


def test_repair_does_not_cut_off_what_a_newer_version_wrote(path: Path) -> None:
    of_a_newer_version(path)
    with pytest.raises(JournalError, match="TG921"):
        repair(path)
    assert sorted(p.name for p in path.parent.iterdir() if "damaged" in p.name) == []
    assert len(rows(path)) == 3
    Journal.open(path, "me").close()  # the lease was given back


def test_repair_leaves_a_journal_of_another_format_alone(path: Path) -> None:
    filled(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(JournalError, match="format 99"):
        repair(path)
