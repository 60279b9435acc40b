"""Fetching from a real server on loopback: what it sends, and what it may do wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.advisory_files import (
    affected,
    bucket,
    epss_bytes,
    index_of,
    kev_text,
    python,
    record,
    write_dump,
)
from tidegate.core.errors import GateError
from tidegate.scan.advisories.bring import update
from tidegate.scan.advisories.fetch import Fetcher
from tidegate.scan.advisories.settings import EPSS, KEV, Addresses, Bounds
from tidegate.scan.advisories.store import Published, Store
from tidegate.scan.match import match

NOW_MS = 1_900_000_000_000
PYPI, ROCKY = "/osv/PyPI/all.zip", "/osv/Rocky%20Linux/all.zip"
SOURCES = ("PyPI", "Rocky Linux", KEV, EPSS)
HASTY = Bounds(seconds=2, silence_seconds=1, download_bytes=1_000_000)


class Serving:
    """A bucket, a store that is fed from it, and what progress was told."""

    def __init__(self, addresses: Addresses, files: dict[str, bytes], faults: dict[str, str]):
        self.addresses, self.files, self.faults = addresses, files, faults
        self.told: list[tuple[str, int, int | None]] = []

    def update(self, store: Store, at_ms: int = NOW_MS, bounds: Bounds = HASTY) -> Published:
        """Fetch everything."""
        fetcher = Fetcher(self.addresses, bounds, lambda *step: self.told.append(step))
        return update(store, SOURCES, fetcher, at_ms)


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[Serving]:
    flask = record("GHSA-1", affected(("PyPI", "flask"), "introduced 0"), aliases=["CVE-2024-1"])
    files = {
        PYPI: write_dump(tmp_path / "1.zip", [flask]).read_bytes(),
        ROCKY: write_dump(tmp_path / "2.zip", [record("RLSA-1")]).read_bytes(),
        "/kev.json": kev_text("CVE-2024-1"),
        "/epss.csv.gz": epss_bytes(CVE_2024_1=0.25),
    }
    with bucket(files) as (addresses, served, faults):
        yield Serving(addresses, served, faults)


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def found(store: Store) -> list[tuple[str, bool, float | None]]:
    """What the index knows of flask."""
    index = store.index()
    try:
        matches = match([python("flask", "1.0")], index).matches
    finally:
        index.close()
    return [(one.id, one.exploited, one.chance) for one in matches]


def test_all_sources_become_an_index(server: Serving, store: Store) -> None:
    published = server.update(store)
    assert (published.changed, dict(published.failures)) == (True, {})
    assert found(store) == [("CVE-2024-1", True, 0.25)]
    assert {state.taken_at_ms for state in store.states().values()} == {NOW_MS}
    size = len(server.files[PYPI])
    assert ("PyPI", size, size) in server.told


def test_what_is_current_is_not_sent_again(server: Serving, store: Store) -> None:
    first = server.update(store)
    server.told.clear()
    second = server.update(store, NOW_MS + 1000)
    assert (second.digest, second.changed, server.told) == (first.digest, False, [])
    assert {state.taken_at_ms for state in store.states().values()} == {NOW_MS + 1000}


@pytest.mark.parametrize(
    ("fault", "number"),
    [
        ("missing", "TG423"),
        ("cut short", "TG423"),
        ("silent", "TG424"),
        ("drips", "TG424"),
        ("endless", "TG422"),
    ],
)
def test_a_bad_answer_leaves_the_source_as_it_was(
    server: Serving, store: Store, tmp_path: Path, fault: str, number: str
) -> None:
    server.update(store)
    newer = record("GHSA-2", affected(("PyPI", "flask"), "introduced 0"))
    server.files[PYPI] = write_dump(tmp_path / "3.zip", [newer]).read_bytes()
    server.faults[PYPI] = fault
    published = server.update(store, NOW_MS + 1000)
    assert {name: error.number for name, error in published.failures.items()} == {"PyPI": number}
    assert found(store) == [("CVE-2024-1", True, 0.25)]
    assert store.states()["PyPI"].taken_at_ms == NOW_MS
    assert store.states()[KEV].taken_at_ms == NOW_MS + 1000
    server.faults.clear()
    server.update(store, NOW_MS + 2000)
    assert [id for id, _, _ in found(store)] == ["GHSA-2"]


def test_a_dump_that_is_none_leaves_the_source_as_it_was(server: Serving, store: Store) -> None:
    server.update(store)
    server.files[PYPI] = b"<html>welcome to the portal</html>"
    published = server.update(store, NOW_MS + 1000)
    assert published.failures["PyPI"].number == "TG421"
    assert found(store) == [("CVE-2024-1", True, 0.25)]
    assert store.states()["PyPI"].taken_at_ms == NOW_MS


def test_a_promise_of_too_much_is_not_waited_for(server: Serving, store: Store) -> None:
    few = Bounds(download_bytes=10)
    assert server.update(store, bounds=few).failures["PyPI"].number == "TG422"


def test_a_server_that_is_not_there_is_a_failure_of_each_source(store: Store) -> None:
    nowhere = "http://127.0.0.1:1"
    fetcher = Fetcher(Addresses(nowhere, nowhere, nowhere), HASTY)
    published = update(store, SOURCES, fetcher, NOW_MS)
    assert {error.number for error in published.failures.values()} == {"TG423"}
    assert set(published.failures) == set(SOURCES)


def test_without_any_data_an_index_says_that_it_covers_nothing(tmp_path: Path) -> None:
    index = index_of(tmp_path)
    found = match([python("flask", "1.0")], index)
    assert (found.matches, found.uncovered) == ((), ("PyPI",))
    index.close()


def test_an_address_without_sense_is_a_failure(tmp_path: Path) -> None:
    fetcher = Fetcher(Addresses("http://[", "x", "y"), HASTY)
    for source in ("PyPI", KEV):
        with pytest.raises(GateError) as told:
            fetcher.fetch(source, tmp_path / "file")
        assert told.value.number == "TG423"
