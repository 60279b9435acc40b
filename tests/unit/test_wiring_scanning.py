"""The scanner as the daemon has it, and the command that really brings its advisories in."""

from pathlib import Path
from typing import Any, cast

from tests.support.advisory_files import affected, bucket, kev_text, record, write_dump
from tests.support.images_made import FakeEngine, Made, digest, layer
from tests.support.user import settings as write_settings
from tidegate.local.home import Home
from tidegate.local.scanning import Evidence, Settings
from tidegate.wiring import scanning

FLASK = record("GHSA-1", affected(("PyPI", "flask"), "introduced 0", "fixed 2.0"))
IMAGE = Made([layer({"app/x.dist-info/METADATA": "Name: flask\nVersion: 1.0\n\n"})], ["COPY a /"])


class Client:
    """As much of the SDK's client as the scanner is given."""

    api = FakeEngine(IMAGE)


def test_the_first_scan_of_an_ecosystem_has_its_advisories_and_leaves_evidence_in_the_home(
    user: Path, tmp_path: Path
) -> None:
    files = {
        "/osv/PyPI/all.zip": write_dump(tmp_path / "1.zip", [FLASK]).read_bytes(),
        "/kev.json": kev_text(),
    }
    home = Home(tmp_path / ".tidegate").create()
    with bucket(files) as (addresses, _, _):
        write_settings(user, addresses)
        settings = Settings.of_user()
        bringing = scanning.refresher(settings)
        scanner = scanning.scanner(home, cast(Any, Client), settings, bringing)
        report = scanner.scan(digest(IMAGE.config))
    assert [finding.id for finding in report.findings or ()] == ["GHSA-1"]
    assert (report.unknown, report.warnings) == ((), ())
    assert Evidence(home.evidence).images() == (digest(IMAGE.config),)
    assert list(home.layers.rglob("sha256-*"))


def test_without_a_network_the_first_scan_says_what_failed(user: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / ".tidegate").create()
    settings = Settings.of_user()
    bringing = scanning.refresher(settings)
    scanner = scanning.scanner(home, cast(Any, Client), settings, bringing)
    report = scanner.scan(digest(IMAGE.config))
    assert report.findings is None
    assert report.note.startswith("there are no advisories yet")
