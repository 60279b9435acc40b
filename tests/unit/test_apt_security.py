"""The distribution's own index is believed only when signed, whole and in force."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.apt_lists import PREFIX, Suite
from tests.support.web import serving_folder
from tidegate.core.errors import GateError
from tidegate.local.scanning.apt import SecuritySuites
from tidegate.scan.packages import OsRelease

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("gpg", "gpgv", "apt-get"))), reason="needs gpg, gpgv and apt"
)

BOOKWORM = OsRelease("debian", "12", "Debian 12")


@pytest.fixture(scope="module", name="made")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    suite = Suite(tmp_path_factory.mktemp("suite"))
    yield suite
    suite.close()


@pytest.fixture(name="suite")
def _suite(made: Suite) -> Suite:
    made.publish()
    return made


def why_not(suite: Suite, wanted: OsRelease = BOOKWORM, architecture: str = "amd64") -> str:
    """Why there is no index that can be believed."""
    with pytest.raises(GateError) as told:
        SecuritySuites(suite.apt()).index(wanted, architecture)
    assert told.value.number == "TG429"
    return told.value.cause


def test_a_signed_index_in_force_is_believed(suite: Suite) -> None:
    index = SecuritySuites(suite.apt()).index(BOOKWORM, "amd64")
    assert (index.ecosystem, index.updates) == ("Debian:12", {"libssl3": ("3.0.17-1", "openssl")})
    assert index.digest.startswith("sha256:")


def test_a_release_file_that_was_changed_is_not(suite: Suite) -> None:
    release = suite.lists / f"{PREFIX}InRelease"
    release.write_text(release.read_text().replace("Label: Debian-Security", "Label: Debian-Sec"))
    assert "no valid signature" in why_not(suite)


def test_packages_that_were_changed_are_not(suite: Suite) -> None:
    path = suite.lists / f"{PREFIX}main_binary-amd64_Packages"
    path.write_text("Package: libssl3\nVersion: 1\n\n")
    assert "is not what the Release file names" in why_not(suite)


def test_an_index_past_its_time_is_not(suite: Suite) -> None:
    suite.publish(age=timedelta(days=8))
    assert "was valid until" in why_not(suite)


def test_another_s_key_is_not(suite: Suite, tmp_path: Path) -> None:
    stranger = Suite(tmp_path / "stranger")
    try:
        shutil.copy(stranger.publish(), suite.lists / f"{PREFIX}InRelease")
        assert "no valid signature" in why_not(suite)
    finally:
        stranger.close()


def test_text_outside_of_the_signature_counts_for_nothing(suite: Suite) -> None:
    release = suite.lists / f"{PREFIX}InRelease"
    outside = "\nOrigin: Debian\nSuite: oldstable-security\nVersion: 11\n"
    release.write_text(release.read_text() + outside)
    why = why_not(suite, OsRelease("debian", "11"))
    assert "signed is another suite" in why or "no valid signature" in why


def test_another_release_or_architecture_has_none_here(suite: Suite) -> None:
    assert why_not(suite, OsRelease("debian", "11")) == "apt has no such suite here"
    assert "no packages of arm64" in why_not(suite, architecture="arm64")


def test_a_distribution_whose_keys_are_not_here_has_none(suite: Suite) -> None:
    assert "has not its keys" in why_not(suite, OsRelease("ubuntu", "24.04"))


def test_what_runs_out_while_the_daemon_lives_is_believed_no_longer(suite: Suite) -> None:
    suites = SecuritySuites(suite.apt())
    suites.index(BOOKWORM, "amd64")
    suite.publish(age=timedelta(days=8))
    with pytest.raises(GateError):
        suites.index(BOOKWORM, "amd64")


def test_an_index_of_yesterday_is_fetched_again_once_an_hour_and_then_believed(
    suite: Suite, tmp_path: Path
) -> None:
    suite.publish(age=timedelta(days=2))
    first = SecuritySuites(suite.apt(tmp_path / "own")).index(BOOKWORM, "amd64")
    asked = (tmp_path / "own" / "asked").stat().st_mtime_ns
    second = SecuritySuites(suite.apt(tmp_path / "own")).index(BOOKWORM, "amd64")
    assert first == second
    assert (tmp_path / "own" / "asked").stat().st_mtime_ns == asked


def test_what_apt_fetches_from_a_mirror_wins_when_it_is_newer(suite: Suite, tmp_path: Path) -> None:
    suite.publish(age=timedelta(days=2))
    mirror = suite.mirror(tmp_path / "mirror")
    with serving_folder(mirror) as port:
        own = tmp_path / "own"
        apt = suite.apt(own, f"http://127.0.0.1:{port}/debian-security")
        index = SecuritySuites(apt).index(BOOKWORM, "amd64")
    assert index.updates == {"libssl3": ("3.0.18-1", "openssl")}


def test_why_apt_could_not_fetch_is_told_also_to_who_asks_within_the_hour(
    suite: Suite, tmp_path: Path
) -> None:
    (suite.lists / f"{PREFIX}InRelease").unlink()
    nobody = suite.apt(tmp_path / "own", "http://127.0.0.1:1/debian-security")
    for _ in range(2):
        with pytest.raises(GateError) as told:
            SecuritySuites(nobody).index(BOOKWORM, "amd64")
        assert "apt-get update failed: Failed to fetch http://127.0.0.1:1/" in told.value.cause
        assert "tidegate advisories update" in told.value.remedy


def test_a_machine_without_apt_says_so(
    suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (suite.lists / f"{PREFIX}InRelease").unlink()
    only = tmp_path / "bin"
    only.mkdir()
    (only / "gpgv").symlink_to(shutil.which("gpgv") or "")
    monkeypatch.setenv("PATH", str(only))
    with pytest.raises(GateError, match="apt-get cannot be started: No such file"):
        SecuritySuites(suite.apt(tmp_path / "own")).index(BOOKWORM, "amd64")
