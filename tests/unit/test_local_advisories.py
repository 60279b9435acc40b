"""The user's advisories: what is seen of them, who brings them in, and what is wanted."""

import fcntl
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.advisory_files import affected, bucket, kev_text, record, write_dump
from tests.support.user import own_places, settings
from tidegate.core.errors import Busy, ConfigurationError
from tidegate.local.scanning import LocalAdvisories, Refresher, Settings
from tidegate.scan.advisories.fetch import Fetcher
from tidegate.scan.advisories.settings import Addresses, Bounds

NOW_MS = 1_900_000_000_000
HOUR_MS = 3_600_000
PYPI = "/osv/PyPI/all.zip"


@dataclass
class Serving:
    """A bucket with PyPI and KEV, and the advisories of a user of it."""

    held: LocalAdvisories
    addresses: Addresses
    faults: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def update(self, *sources: str, at_ms: int = NOW_MS) -> dict[str, str]:
        """Bring in; the failures' codes."""
        fetcher = Fetcher(self.addresses, Bounds(seconds=2, silence_seconds=1))
        done = self.held.update(sources or ("PyPI", "KEV"), fetcher, at_ms)
        return {name: error.number for name, error in done.failures.items()}


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Iterator[Serving]:
    flask = record("GHSA-1", affected(("PyPI", "flask"), "introduced 0"))
    files = {PYPI: write_dump(tmp_path / "1.zip", [flask]).read_bytes(), "/kev.json": kev_text()}
    with bucket(files) as (addresses, served, faults):
        yield Serving(LocalAdvisories(tmp_path / "advisories"), addresses, faults, served)


def test_before_anything_there_is_no_digest_and_the_note_says_what_to_do(here: Serving) -> None:
    seen = here.held.observe()
    assert (seen.digest, seen.at) == ("", None)
    assert seen.note == "there are no advisories yet: tidegate advisories update"


def test_what_is_seen_follows_what_is_brought_in(here: Serving, tmp_path: Path) -> None:
    here.update()
    first = here.held.observe()
    assert (first.at, first.note) == (NOW_MS, "")
    more = record("GHSA-2", affected(("PyPI", "jinja"), "introduced 0"))
    here.files[PYPI] = write_dump(tmp_path / "2.zip", [more]).read_bytes()
    here.update("PyPI", at_ms=NOW_MS + HOUR_MS)
    second = here.held.observe()
    assert second.digest not in ("", first.digest)
    assert second.at == NOW_MS, "KEV is still that old"


def test_a_failed_refresh_keeps_the_data_and_is_told_until_one_goes_well(here: Serving) -> None:
    here.update()
    before = here.held.observe()
    here.faults[PYPI] = "missing"
    assert here.update("PyPI") == {"PyPI": "TG423"}
    after = here.held.observe()
    assert (after.digest, after.note) == (before.digest, "the last refresh of PyPI failed")
    here.faults.clear()
    here.update("PyPI")
    assert here.held.observe().note == ""


def test_an_index_that_is_lost_is_seen_and_built_again_from_what_is_held(here: Serving) -> None:
    here.update()
    digest = here.held.observe().digest
    for index in (here.held.store.root).glob("index-*.db"):
        index.write_bytes(b"not a database")
    (here.held.store.root / "current").touch()
    assert here.held.observe().note == "the index of advisories cannot be read"
    here.update()
    assert here.held.observe().digest == digest


def test_one_process_brings_in_at_a_time(here: Serving) -> None:
    here.held.store.root.mkdir()
    with (here.held.store.root / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Busy) as told:
            here.update()
    assert told.value.number == "TG805"
    assert here.update() == {}


def test_only_what_was_seen_in_images_is_wanted_and_what_is_held(here: Serving) -> None:
    assert here.held.wanted() == ("KEV",)
    here.held.remember(["Debian:12", "amzn:2"])
    here.held.remember(["npm"])
    assert here.held.wanted() == ("Debian", "npm", "KEV")
    here.update()
    assert here.held.wanted(epss=True) == ("Debian", "PyPI", "npm", "KEV", "EPSS")


def test_a_list_of_ecosystems_that_is_damaged_is_begun_anew(here: Serving) -> None:
    here.held.remember(["npm"])
    (here.held.store.root / "ecosystems.json").write_text("{")
    here.held.remember(["PyPI"])
    assert here.held.ecosystems() == ("PyPI",)


# --- bringing in by itself ---------------------------------------------------------------------


def refresher(here: Serving, script: str = "", *, now_ms: int = NOW_MS) -> Refresher:
    """One that runs a Python script in place of the command."""
    command = [sys.executable, "-c", script]
    return Refresher(here.held, command, 12 * HOUR_MS, lambda: now_ms)


def asked(folder: Path) -> list[str]:
    """The words that the command was given."""
    path = folder / "asked"
    return json.loads(path.read_text()) if path.exists() else []


def writing(folder: Path, code: int = 0) -> str:
    """A script that writes its words down."""
    write = f"import json, sys; open({str(folder / 'asked')!r}, 'w')"
    return f"{write}.write(json.dumps(sys.argv[1:])); sys.exit({code})"


def test_nothing_is_due_before_any_image_was_seen(here: Serving) -> None:
    assert refresher(here).due() == ()


def test_what_is_missing_or_old_is_due_and_what_just_failed_is_not(here: Serving) -> None:
    here.held.remember(["PyPI", "npm"])
    here.faults["/osv/npm/all.zip"] = "missing"
    here.update("PyPI", "KEV", "npm")
    assert refresher(here, now_ms=NOW_MS + HOUR_MS).due() == ("npm",)
    assert refresher(here, now_ms=NOW_MS + HOUR_MS // 10).due() == ()
    assert refresher(here, now_ms=NOW_MS + 13 * HOUR_MS).due() == ("PyPI", "npm", "KEV")


def test_a_scan_waits_for_what_it_lacks_and_for_nothing_else(here: Serving, tmp_path: Path) -> None:
    here.update()
    bringing = refresher(here, writing(tmp_path), now_ms=NOW_MS + 13 * HOUR_MS)
    bringing.bring(["PyPI"])
    assert asked(tmp_path) == []
    bringing.bring(["PyPI", "Debian:12"])
    assert asked(tmp_path) == ["--source", "Debian"]


def test_a_command_that_fails_or_is_not_there_fails_nothing(
    here: Serving, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refresher(here, writing(tmp_path, 5)).bring(["npm"])
    assert asked(tmp_path) == ["--source", "npm", "--source", "KEV"]
    Refresher(here.held, ["/nowhere"], 1, lambda: NOW_MS).bring(["npm"])
    assert "not refreshed as a whole" in caplog.text
    assert "cannot be refreshed" in caplog.text


def test_never_by_itself_is_never(here: Serving, tmp_path: Path) -> None:
    quiet = Refresher(here.held, [sys.executable, "-c", writing(tmp_path)], 0, lambda: NOW_MS)
    quiet.start()
    quiet.bring(["npm"])
    quiet.close()
    assert asked(tmp_path) == []


def test_closing_ends_what_runs(here: Serving) -> None:
    here.held.remember(["npm"])
    slow = refresher(here, "import time; time.sleep(600)")
    slow.start()
    while slow._running is None:
        pass
    slow.close()
    assert slow._running.poll() is not None


# --- settings ----------------------------------------------------------------------------------


def test_settings_come_from_the_user_s_folders(tmp_path: Path) -> None:
    more = 'refresh_hours = 0.5\napt = ["Dir::Etc::sourcelist=/x"]\nkeyrings = {debian = "/k"}\n'
    environment = own_places(tmp_path, Addresses("http://127.0.0.1:9/osv"), more)
    found = Settings.of_user(environment)
    assert found.root == tmp_path / "data" / "tidegate" / "advisories"
    assert found.layers == tmp_path / "cache" / "tidegate" / "layers"
    assert found.addresses.of("PyPI") == "http://127.0.0.1:9/osv/PyPI/all.zip"
    assert (found.refresh_ms, found.apt) == (1_800_000, ("Dir::Etc::sourcelist=/x",))
    assert found.keyrings["debian"] == "/k" and found.keyrings["ubuntu"].startswith("/usr")


def test_without_settings_the_home_folder_counts() -> None:
    found = Settings.of_user({"HOME": "/home/ann", "XDG_DATA_HOME": "not/absolute"})
    assert found.root == Path("/home/ann/.local/share/tidegate/advisories")
    assert found.refresh_ms == 12 * HOUR_MS


@pytest.mark.parametrize(
    "text",
    [
        "osv = 1",
        "refresh_hours = true",
        "refresh_hours = -1",
        "osvv = 'x'",
        "osv = ",
        "apt = [1]",
        "apt = 'x'",
        "keyrings = 1",
    ],
)
def test_wrong_settings_name_the_file(tmp_path: Path, text: str) -> None:
    environment = own_places(tmp_path)
    file = tmp_path / "config" / "tidegate" / "advisories.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as told:
        Settings.of_user(environment)
    assert (told.value.number, told.value.where) == ("TG245", str(file))


def test_the_tests_own_settings_are_read(tmp_path: Path) -> None:
    settings(tmp_path, Addresses("http://127.0.0.1:2/osv"))
    environment = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "HOME": "/"}
    assert Settings.of_user(environment).addresses.osv == "http://127.0.0.1:2/osv"
