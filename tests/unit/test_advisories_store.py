"""The store: dumps and feeds of a folder become an index; what is damaged changes nothing."""

import json
import os
import sqlite3
import zipfile
from pathlib import Path

import pytest

from tests.support.advisory_files import (
    REAL,
    affected,
    deb,
    epss_bytes,
    kev_text,
    python,
    record,
    write_dump,
    write_zip,
)
from tests.support.databases import Opened
from tidegate.core.errors import GateError
from tidegate.scan.advisories.bring import import_folder
from tidegate.scan.advisories.index import Index
from tidegate.scan.advisories.settings import EPSS, KEV, Bounds, sources_for
from tidegate.scan.advisories.store import Published, Store
from tidegate.scan.match import match

FLASK = record("GHSA-1", affected(("PyPI", "flask"), "introduced 0"), aliases=["CVE-2024-1"])
OPENSSL = record("DSA-1-1", affected(("Debian:12", "openssl"), "introduced 0"))
NOW_MS = 1_900_000_000_000
CENTRAL = b"PK\x01\x02\x14\x03\x14\x00"
"""How a zip's directory entry begins, up to the byte of flags."""
FEW = Bounds(record_bytes=4096, unpacked_bytes=65536, records=100, download_bytes=65536)


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """A folder with two ecosystems and both feeds."""
    folder = tmp_path / "carried"
    write_dump(folder / "PyPI" / "all.zip", [FLASK])
    write_dump(folder / "osv-scanner" / "Debian" / "all.zip", [OPENSSL])
    (folder / "known_exploited_vulnerabilities.json").write_bytes(kev_text("CVE-2024-1"))
    (folder / "epss_scores-current.csv.gz").write_bytes(epss_bytes(CVE_2024_1=0.25))
    return folder


def ids(store: Store) -> list[str]:
    """What the store's index finds of a package each."""
    index = store.index()
    try:
        found = match([python("flask", "1.0"), deb("openssl", "1.0")], index)
    finally:
        index.close()
    return [one.id for one in found.matches]


def spoilt(store: Store, folder: Path, content: bytes | None, source: str = "PyPI") -> Published:
    """Import once as it is, then with other bytes for one source."""
    import_folder(store, folder, NOW_MS)
    path = folder / source / "all.zip"
    if content is not None:
        path.write_bytes(content)
    return import_folder(store, folder, NOW_MS)


def test_a_folder_becomes_an_index(store: Store, folder: Path) -> None:
    published = import_folder(store, folder, NOW_MS)
    assert (published.changed, dict(published.failures)) == (True, {})
    assert ids(store) == ["CVE-2024-1", "DSA-1-1"]
    index = store.index()
    assert index.digest == published.digest
    assert index.exploited == {"CVE-2024-1"}
    assert index.chances(["CVE-2024-1", "CVE-2024-2"]) == {"CVE-2024-1": 0.25}
    index.close()


def test_a_source_is_as_old_as_its_file(store: Store, folder: Path) -> None:
    os.utime(folder / "PyPI" / "all.zip", (1_700_000_000, 1_700_000_000))
    import_folder(store, folder, NOW_MS)
    states = store.states()
    assert set(states) == {"PyPI", "Debian", KEV, EPSS}
    assert states["PyPI"].taken_at_ms == 1_700_000_000_000
    assert (states["PyPI"].records, states["PyPI"].newest) == (1, "2026-01-01T00:00:00Z")


def test_a_file_from_the_future_is_as_old_as_now(store: Store, folder: Path) -> None:
    os.utime(folder / "PyPI" / "all.zip", (9_000_000_000, 9_000_000_000))
    import_folder(store, folder, NOW_MS)
    assert store.states()["PyPI"].taken_at_ms == NOW_MS


def test_the_same_advisories_give_the_same_index(store: Store, folder: Path) -> None:
    first = import_folder(store, folder, NOW_MS)
    second = import_folder(store, folder, NOW_MS + 1000)
    assert (second.digest, second.changed) == (first.digest, False)


def test_other_advisories_give_another_index_and_the_old_one_goes(
    store: Store, folder: Path
) -> None:
    first = import_folder(store, folder, NOW_MS)
    write_dump(folder / "PyPI" / "all.zip", [record("GHSA-2", *FLASK["affected"])])
    second = import_folder(store, folder, NOW_MS)
    assert second.digest != first.digest
    assert ids(store) == ["GHSA-2", "DSA-1-1"]
    assert len(list(store.root.glob("index-*"))) == 1


def test_an_index_that_is_open_outlives_its_file(store: Store, folder: Path) -> None:
    import_folder(store, folder, NOW_MS)
    index = store.index()
    write_dump(folder / "PyPI" / "all.zip", [record("GHSA-2", *FLASK["affected"])])
    import_folder(store, folder, NOW_MS)
    assert [one.id for one in index.find("PyPI", "flask")] == ["GHSA-1"]
    index.close()


def test_nothing_is_left_beside_the_store(store: Store, folder: Path) -> None:
    import_folder(store, folder, NOW_MS)
    names = {path.name.partition("-")[0] for path in store.root.iterdir()}
    assert names == {"current", "sources", "sources.json", "index"}


def test_a_folder_without_advisories_is_an_error(store: Store, tmp_path: Path) -> None:
    (tmp_path / "Elsewhere").mkdir()
    with pytest.raises(GateError) as told:
        import_folder(store, tmp_path, NOW_MS)
    assert told.value.number == "TG420"


def test_before_any_import_there_is_no_index(store: Store) -> None:
    with pytest.raises(GateError) as told:
        store.index()
    assert told.value.number == "TG425"


@pytest.mark.parametrize("version", ["other", "none"])
def test_an_index_of_another_version_is_not_read(store: Store, folder: Path, version: str) -> None:
    import_folder(store, folder, NOW_MS)
    (path,) = store.root.glob("index-*")
    if version == "none":
        path.write_bytes(b"no database" * 100)
    else:
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 999")
        database.close()
    with pytest.raises(GateError) as told:
        store.index()
    assert told.value.number == "TG426"


@pytest.mark.parametrize("fault", ["empty", "cut short", "corrupt", "no zip", "encrypted"])
def test_a_damaged_dump_changes_nothing(
    store: Store, folder: Path, tmp_path: Path, fault: str
) -> None:
    sound = write_dump(tmp_path / "sound.zip", [record(f"GHSA-{n}") for n in range(9)]).read_bytes()
    content = {
        "empty": b"",
        "cut short": sound[: len(sound) // 2],
        "corrupt": sound[:60] + b"\xff" * 20 + sound[80:],
        "no zip": b"<html>not found</html>",
        "encrypted": sound.replace(CENTRAL + b"\x00", CENTRAL + b"\x01"),
    }[fault]
    published = spoilt(store, folder, content)
    assert published.failures["PyPI"].number == "TG421"
    assert ids(store) == ["CVE-2024-1", "DSA-1-1"]
    assert store.states()["PyPI"].records == 1


def test_a_damaged_first_dump_leaves_the_other_sources(store: Store, folder: Path) -> None:
    (folder / "PyPI" / "all.zip").write_bytes(b"")
    published = import_folder(store, folder, NOW_MS)
    assert set(published.failures) == {"PyPI"}
    assert ids(store) == ["DSA-1-1"]


def test_a_bomb_is_not_unpacked(folder: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store", FEW)
    for members in ({"a.json": b" " * 10_000_000}, {f"{n}.json": b" " * 4000 for n in range(99)}):
        bomb = write_zip(tmp_path / "bomb.zip", members).read_bytes()
        assert spoilt(store, folder, bomb).failures["PyPI"].number == "TG422"
        write_dump(folder / "PyPI" / "all.zip", [FLASK])


def test_a_bomb_that_lies_about_its_size_is_not_unpacked(folder: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store", FEW)
    path = write_zip(tmp_path / "bomb.zip", {"a.json": b" " * 10_000_000})
    size = (10_000_000).to_bytes(4, "little")
    lying = path.read_bytes().replace(size, (9).to_bytes(4, "little"))
    assert spoilt(store, folder, lying).failures["PyPI"].number in ("TG421", "TG422")
    assert ids(store) == ["CVE-2024-1", "DSA-1-1"]


def test_more_records_than_are_read_are_refused(folder: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store", FEW)
    many = write_zip(tmp_path / "many.zip", {f"{n}.json": b"{}" for n in range(101)})
    assert spoilt(store, folder, many.read_bytes()).failures["PyPI"].number == "TG422"


def test_a_file_that_is_too_large_is_not_copied(folder: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store", FEW)
    published = spoilt(store, folder, os.urandom(FEW.download_bytes + 1))
    assert published.failures["PyPI"].number == "TG422"


def test_names_in_a_zip_do_nothing(store: Store, folder: Path, tmp_path: Path) -> None:
    text = json.dumps(FLASK).encode()
    before = sorted(tmp_path.iterdir())
    names = ("../../evil.json", "/tmp/evil.json", "a\\..\\evil.json", "dir/", "link")
    path = write_zip(folder / "PyPI" / "all.zip", dict.fromkeys(names, text))
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("link.json")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    published = import_folder(Store(store.root, Bounds(bad_share=0.5)), folder, NOW_MS)
    assert dict(published.failures) == {}
    assert ids(store) == ["CVE-2024-1", "DSA-1-1"]
    assert sorted(tmp_path.iterdir()) == sorted([*before, store.root])


def test_a_few_bad_records_are_counted_and_many_are_a_failure(
    store: Store, folder: Path, tmp_path: Path
) -> None:
    good = {f"{n}.json": json.dumps(record(f"GHSA-{n}")).encode() for n in range(200)}
    path = folder / "PyPI" / "all.zip"
    write_zip(path, {**good, "bad.json": b"{"})
    import_folder(store, folder, NOW_MS)
    assert (store.states()["PyPI"].records, store.states()["PyPI"].bad) == (200, 1)
    write_zip(path, {**good, **{f"bad{n}.json": b"{" for n in range(20)}})
    assert import_folder(store, folder, NOW_MS).failures["PyPI"].number == "TG421"


@pytest.mark.parametrize(
    ("source", "name", "content"),
    [
        (KEV, "known_exploited_vulnerabilities.json", b"<html>"),
        (KEV, "known_exploited_vulnerabilities.json", b'{"vulnerabilities": [1]}'),
        (EPSS, "epss_scores-current.csv.gz", b"no gzip"),
        (EPSS, "epss_scores-current.csv.gz", epss_bytes(CVE_2024_1=0.5)[:-9]),
        (EPSS, "epss_scores-current.csv.gz", epss_bytes(CVE_2024_1=0.5).replace(b"\x1f", b"\x1e")),
    ],
)
def test_a_damaged_feed_changes_nothing(
    store: Store, folder: Path, source: str, name: str, content: bytes
) -> None:
    import_folder(store, folder, NOW_MS)
    (folder / name).write_bytes(content)
    assert import_folder(store, folder, NOW_MS).failures[source].number == "TG421"
    index = store.index()
    assert index.exploited == {"CVE-2024-1"}
    assert index.chances(["CVE-2024-1"]) == {"CVE-2024-1": 0.25}
    index.close()


def test_of_one_id_the_newest_record_counts(store: Store, folder: Path) -> None:
    older = {**FLASK, "modified": "2020-01-01T00:00:00Z", "summary": "older"}
    newer = {**FLASK, "modified": "2027-01-01T00:00:00Z", "summary": "newer"}
    write_zip(
        folder / "PyPI" / "all.zip",
        {f"{n}.json": json.dumps(r).encode() for n, r in enumerate((older, newer, FLASK))},
    )
    import_folder(store, folder, NOW_MS)
    index = store.index()
    assert [one.summary for one in index.find("PyPI", "flask")] == ["newer"]
    index.close()


def test_an_ecosystem_that_an_image_invented_is_not_asked_for() -> None:
    invented = ["../../etc:1", "amzn:2", "Debian:12", "Debian:11", "PyPI"]
    assert sources_for(invented) == ("Debian", "PyPI", KEV)
    assert sources_for([], epss=True) == (KEV, EPSS)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real data is not on this machine")
def test_real_data_is_taken_in_whole(store: Store) -> None:
    published = import_folder(store, REAL, NOW_MS)
    assert dict(published.failures) == {}
    states = store.states()
    assert {name: state.bad for name, state in states.items()} == dict.fromkeys(states, 0)
    assert sum(state.records for state in states.values()) == 7993
    index = store.index()
    found = match([python("jinja2", "2.4"), deb("libssl3", "3.0.0-1", "openssl")], index)
    assert {"CVE-2014-1402", "CVE-2019-10906"} <= {m.id for m in found.matches}
    assert found.uncovered == ()
    index.close()


def test_an_index_of_the_former_layout_is_refused_and_built_anew_from_what_is_held(
    store: Store, folder: Path
) -> None:
    held = import_folder(store, folder, NOW_MS)
    (path,) = store.root.glob("index-*")
    path.unlink()
    with sqlite3.connect(path) as database:
        database.executescript(
            "PRAGMA user_version = 4; CREATE TABLE affected (ecosystem TEXT, package TEXT,"
            " told TEXT NOT NULL, PRIMARY KEY (ecosystem, package)) WITHOUT ROWID;"
        )
    database.close()
    with pytest.raises(GateError, match="version 4, this is version 5") as told:
        store.index()
    assert told.value.number == "TG426" and "tidegate advisories update" in told.value.remedy
    with store.staging() as staged:
        assert store.publish(staged, {}).digest == held.digest
    assert ids(store) == ["CVE-2024-1", "DSA-1-1"]


@pytest.mark.parametrize("holds", ["garbage", "another version"])
def test_a_file_that_is_no_index_is_refused_and_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holds: str
) -> None:
    path = tmp_path / "index"
    path.write_bytes(b"garbage" * 1000 if holds == "garbage" else b"")
    opened = Opened(monkeypatch)
    with pytest.raises(GateError) as told:
        Index(path)
    assert told.value.number == "TG426"
    assert opened.all_closed()


def test_an_advisory_that_the_index_has_lost_is_never_a_pass(store: Store, folder: Path) -> None:
    import_folder(store, folder, NOW_MS)
    (path,) = store.root.glob("index-*")
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM vuln WHERE id = 'GHSA-1'")
    database.close()
    with pytest.raises(GateError) as told:
        ids(store)
    assert told.value.number == "TG426"


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE affected SET told = 'x' || told WHERE package = 'flask'",
        "UPDATE affected SET told = told || char(28) || 'one field' WHERE package = 'flask'",
        "UPDATE affected SET told = x'00' WHERE package = 'flask'",
        "UPDATE vuln SET severity = 'dire' WHERE id = 'GHSA-1'",
        "UPDATE vuln SET names = x'00' WHERE id = 'GHSA-1'",
    ],
)
def test_a_row_that_cannot_be_read_is_an_error_and_never_a_pass(
    store: Store, folder: Path, damage: str
) -> None:
    import_folder(store, folder, NOW_MS)
    (path,) = store.root.glob("index-*")
    with sqlite3.connect(path) as database:
        database.execute(damage)
    database.close()
    with pytest.raises(GateError, match="the index of advisories cannot be read") as told:
        ids(store)
    assert told.value.number == "TG426"


@pytest.mark.parametrize("ends", ["latest", "2.0\x1flatest", "9.0\x1f9.0\x1f9.0"])
def test_ends_that_nobody_can_order_or_that_are_too_many_hide_nothing(
    store: Store, folder: Path, ends: str
) -> None:
    fixed = record("GHSA-1", affected(("PyPI", "flask"), "introduced 0", "fixed 2.0"))
    write_dump(folder / "PyPI" / "all.zip", [fixed])
    import_folder(store, folder, NOW_MS)
    (path,) = store.root.glob("index-*")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE affected SET ends = ? WHERE package = 'flask'", (ends,))
    database.close()
    assert ids(store) == ["GHSA-1", "DSA-1-1"]
