"""`tidegate scan`, `sbom` and `advisories`: alone, without a daemon, an app file or an engine."""

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.advisory_files import (
    affected,
    bucket,
    epss_bytes,
    kev_text,
    record,
    write_dump,
    write_zip,
)
from tests.support.images_made import DEBIAN, STATUS, Made, digest, gzipped, layer, stanza
from tests.support.user import NO_APT, advisories, settings
from tidegate.api.client import Client
from tidegate.cli.bars import bars
from tidegate.cli.main import call
from tidegate.local.jobs.context import unpack
from tidegate.local.scanning import Evidence, LocalAdvisories
from tidegate.local.scanning.evidence import Entry

CRITICAL = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
OPENSSL = record(
    "DEBIAN-CVE-2024-1111",
    affected(("Debian:12", "openssl"), "introduced 0", "fixed 3.0.17"),
    severity=CRITICAL,
)
FLASK = record("GHSA-1", affected(("PyPI", "flask"), "introduced 0"), aliases=["CVE-2024-2222"])
SYSTEM = layer({"etc/os-release": DEBIAN, STATUS: stanza("libssl3", "3.0.15", Source="openssl")})
FIXED = layer({"etc/os-release": DEBIAN, STATUS: stanza("libssl3", "3.0.17", Source="openssl")})
OWN = layer({"app/x.dist-info/METADATA": "Name: flask\nVersion: 1.0\n\n"})
STEPS = ["ADD base", "!CMD sh", "COPY app /app"]
BAD, CLEAN = Made([SYSTEM, OWN], STEPS), Made([FIXED, OWN], STEPS)

Run = Callable[..., tuple[int, str, str]]
PYPI, DEBIANS = "/osv/PyPI/all.zip", "/osv/Debian/all.zip"


@pytest.fixture(name="run")
def _run(user: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line in an empty folder: exit code, stdout, stderr."""

    def line(*words: str | Path) -> tuple[int, str, str]:
        code = call(["-C", str(tmp_path), *map(str, words)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return line


@dataclass
class Servers:
    """The advisories' servers on loopback, to be changed."""

    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


@pytest.fixture(name="servers")
def _servers(user: Path, tmp_path: Path) -> Iterator[Servers]:
    files = {
        PYPI: write_dump(tmp_path / "1.zip", [FLASK]).read_bytes(),
        DEBIANS: write_dump(tmp_path / "2.zip", [OPENSSL]).read_bytes(),
        "/kev.json": kev_text("CVE-2024-2222"),
        "/epss.csv.gz": epss_bytes(CVE_2024_2222=0.25),
    }
    with bucket(files) as (addresses, held, faults):
        settings(user, addresses, NO_APT)
        yield Servers(held, faults)


# --- scan ---------------------------------------------------------------------------------------


def test_a_scan_fetches_what_it_lacks_finds_advises_and_refuses(
    run: Run, servers: Servers, tmp_path: Path
) -> None:
    code, out, err = run("scan", BAD.saved(tmp_path / "bad.tar"))
    assert code == 5
    assert "libssl3 3.0.15" in out and "CVE-2024-1111" in out and "CRITICAL" in out
    assert "CVE-2024-2222" in out and "exploited" in out
    assert "base image · var/lib/dpkg/status" in out
    assert "yours · app/x.dist-info/METADATA" in out and "COPY app /app" in out
    assert "→ apt-get upgrade openssl to 3.0.17 clears 1 finding" in out
    assert "refused: " in out
    assert [line for line in err.splitlines() if "advisories: " in line] == [
        "-----> advisories: Debian",
        "-----> advisories: PyPI",
        "-----> advisories: KEV",
    ]


def forms(tmp_path: Path) -> dict[str, Path]:
    """The same image in every form that is taken."""
    files = tmp_path / "files"
    with (
        tarfile.open(fileobj=io.BytesIO(SYSTEM)) as one,
        tarfile.open(fileobj=io.BytesIO(OWN)) as two,
    ):
        unpack(one, files)
        unpack(two, files)
    layout = Made([SYSTEM, OWN], STEPS, gzipped).oci_folder(tmp_path / "layout")
    archive = tmp_path / "layout.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(layout, ".")
    return {
        "saved": BAD.saved(tmp_path / "bad.tar"),
        "layout": layout,
        "archive": archive,
        "folder": files,
    }


def test_every_form_of_an_image_has_the_same_findings(
    run: Run, servers: Servers, tmp_path: Path
) -> None:
    made = forms(tmp_path)
    (tmp_path / "bom.json").write_text(run("sbom", made["saved"])[1])
    found = {}
    for name, path in {**made, "sbom": tmp_path / "bom.json"}.items():
        code, out, _ = run("scan", path, "--json")
        report = json.loads(out)
        assert code == 5
        findings = report["report"]["findings"]
        found[name] = sorted((one["id"], one["package"], one["severity"]) for one in findings)
    assert set(map(str, found.values())) == {str(found["saved"])}
    assert len(found["saved"]) == 2


def test_json_has_the_verdict_the_report_and_the_advice(
    run: Run, servers: Servers, tmp_path: Path
) -> None:
    value = json.loads(run("scan", BAD.saved(tmp_path / "bad.tar"), "--json")[1])
    assert (value["verdict"], value["may_run"], value["kind"]) == ("refused", False, "archive")
    assert value["advice"]["unfixed"] == 1
    assert value["report"]["digest"] == digest(BAD.config)
    assert value["report"]["data"].startswith("sha256:")


def test_sarif_goes_to_a_file_and_the_table_to_the_terminal(
    run: Run, servers: Servers, tmp_path: Path
) -> None:
    file = tmp_path / "found.sarif"
    code, out, _ = run("scan", BAD.saved(tmp_path / "bad.tar"), "--sarif", "--output", file)
    assert code == 5
    assert "libssl3" in out
    log = json.loads(file.read_text())
    assert {result["ruleId"] for result in log["runs"][0]["results"]} == {
        "CVE-2024-1111",
        "CVE-2024-2222",
    }
    assert json.loads(run("scan", tmp_path / "bad.tar", "--sarif")[1]) == log


def test_an_output_that_cannot_be_written_is_an_error(
    run: Run, servers: Servers, tmp_path: Path
) -> None:
    code, _, err = run("scan", BAD.saved(tmp_path / "bad.tar"), "--output", tmp_path / "no" / "x")
    assert (code, "TG131" in err) == (2, True)


def test_the_policy_of_the_app_file_counts(run: Run, servers: Servers, tmp_path: Path) -> None:
    file = "app: shop\ngate: off\nservices: {web: {build: .}}\n"
    (tmp_path / "tidegate.yaml").write_text(file)
    code, out, _ = run("scan", BAD.saved(tmp_path / "bad.tar"))
    assert code == 0
    assert "gate: off" in out


def test_the_ignore_files_of_other_tools_beside_it_count(
    run: Run, servers: Servers, tmp_path: Path
) -> None:
    (tmp_path / ".trivyignore").write_text("# not reachable\nCVE-2024-1111\n")
    servers.files["/kev.json"] = kev_text()
    code, out, _ = run("scan", BAD.saved(tmp_path / "bad.tar"))
    assert code == 0
    assert "CRITICAL (waived)" in out and "waived: CVE-2024-1111: waived" in out
    assert "let through: CVE-2024-2222: no fixed version is known (only_fixable)" in out


def test_without_data_and_without_a_network_nothing_is_known_and_nothing_passes(
    run: Run, tmp_path: Path
) -> None:
    code, out, _ = run("scan", CLEAN.saved(tmp_path / "clean.tar"), "--offline")
    assert code == 5
    assert "unknown: nothing is known of this image: there are no advisories yet" in out
    code, out, _ = run("scan", tmp_path / "clean.tar")
    assert code == 5
    assert "unknown: nothing is known of this image: there are no advisories yet" in out


@pytest.mark.parametrize(
    ("name", "content", "number"),
    [
        ("none.tar", None, "TG410"),
        ("text.tar", b"hello", "TG411"),
        ("other.json", b'{"bomFormat": "SPDX"}', "TG417"),
        ("cut.json", b'{"bomFormat": "Cyc', "TG417"),
    ],
)
def test_what_is_no_image_is_an_error_and_no_pass(
    run: Run, tmp_path: Path, name: str, content: bytes | None, number: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    code, out, err = run("scan", tmp_path / name, "--offline")
    assert (code, out) == (5, "")
    assert number in err or "TG410" in err


# --- sbom ---------------------------------------------------------------------------------------


def test_a_release_s_sbom_is_the_one_that_it_was_judged_by(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = digest(b"image")
    shown = SimpleNamespace(release=SimpleNamespace(digest=image))
    monkeypatch.setattr(Client, "show", lambda self, number: shown if number == 7 else None)
    code, _, err = run("sbom", "v7")
    assert (code, "TG730" in err) == (8, True)
    evidence = Evidence(tmp_path / ".tidegate" / "evidence")
    evidence.record(Entry(image, evidence.put(b'{"bomFormat": "CycloneDX"}\n')))
    assert run("sbom", "v7")[:2] == (0, '{"bomFormat": "CycloneDX"}\n')


# --- advisories -----------------------------------------------------------------------------------


def test_only_what_was_seen_is_fetched_and_epss_when_asked(
    run: Run, servers: Servers, user: Path
) -> None:
    LocalAdvisories(advisories(user)).remember(["PyPI"])
    assert run("advisories", "update")[0] == 0
    names = [one["name"] for one in json.loads(run("advisories", "status", "--json")[1])["sources"]]
    assert names == ["KEV", "PyPI"]
    assert run("advisories", "update", "--epss", "--ecosystem", "Debian")[0] == 0
    shown = json.loads(run("advisories", "status", "--json")[1])
    assert [one["name"] for one in shown["sources"]] == ["Debian", "EPSS", "KEV", "PyPI"]
    assert (shown["state"], shown["note"]) == ("ok", "")


def test_an_ecosystem_that_is_not_known_is_named(run: Run, servers: Servers) -> None:
    code, _, err = run("advisories", "update", "--ecosystem", "Debain")
    assert (code, "TG130" in err, "Debian" in err) == (2, True, True)


def test_a_folder_is_imported_without_any_network(run: Run, tmp_path: Path) -> None:
    write_dump(tmp_path / "carried" / "osv-scanner" / "PyPI" / "all.zip", [FLASK])
    assert run("advisories", "import", tmp_path / "carried")[0] == 0
    assert "PyPI" in run("advisories", "status")[1]
    (tmp_path / "empty").mkdir()
    code, _, err = run("advisories", "import", tmp_path / "empty")
    assert (code, "TG420" in err) == (5, True)


def test_no_data_at_all_is_a_failed_status(run: Run) -> None:
    code, out, _ = run("advisories", "status")
    assert (code, "✗ fail" in out) == (5, True)


def bomb() -> bytes:
    """A zip of a record that is small as it comes and 64 MiB when it is read."""
    return b'{"id": "' + b"A" * (64 * 1024 * 1024)


HOSTILE = {
    "cut short": "cannot be fetched",
    "missing": "cannot be fetched",
    "not a zip": "cannot be read",
    "half a zip": "cannot be read",
    "a bomb": "are larger than is read",
    "garbage for records": "cannot be read",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_answer_changes_nothing_and_is_told(
    run: Run, servers: Servers, tmp_path: Path, user: Path, what: str
) -> None:
    """Through the command, from a real server; slow ones: test_advisories_fetch."""
    assert run("advisories", "update", "--ecosystem", "PyPI")[0] == 0
    before = json.loads(run("advisories", "status", "--json")[1])
    good = servers.files[PYPI]
    servers.files[PYPI] = {
        "not a zip": b"<html>",
        "half a zip": good[: len(good) // 2],
        "a bomb": write_zip(tmp_path / "b.zip", {"a.json": bomb()}).read_bytes(),
        "garbage for records": write_zip(tmp_path / "g.zip", {"a.json": b"[]"}).read_bytes(),
    }.get(what, good + b"changed")
    if what in ("cut short", "missing"):
        servers.faults[PYPI] = what
    code, _, err = run("advisories", "update", "--ecosystem", "PyPI")
    assert (code, "TG428" in err) == (5, True)
    assert f"✗ PyPI: the advisories of PyPI {HOSTILE[what]}" in err
    after = json.loads(run("advisories", "status", "--json")[1])
    assert after["digest"] == before["digest"]
    assert [one["name"] for one in after["sources"] if one["failure"]] == ["PyPI"]
    code, out, _ = run("scan", CLEAN.saved(tmp_path / "clean.tar"))
    assert "the last refresh of PyPI failed" in out
    assert sorted(path.name for path in advisories(user).iterdir() if "staging" in path.name) == []


def test_names_in_a_dump_lead_nowhere(
    run: Run, servers: Servers, tmp_path: Path, user: Path
) -> None:
    text = json.dumps(FLASK).encode()
    names = ("../../../escaped.json", "/tmp/escaped.json", "C:\\escaped.json")
    made = write_zip(tmp_path / "p.zip", dict.fromkeys(names, text))
    servers.files[PYPI] = made.read_bytes()
    assert run("advisories", "update", "--ecosystem", "PyPI")[0] == 0
    assert list(tmp_path.rglob("escaped.json")) == []
    assert not Path("/tmp/escaped.json").exists()


def test_the_settings_are_checked(run: Run, user: Path) -> None:
    (user / "config" / "tidegate" / "advisories.toml").write_text("osv = 5")
    code, _, err = run("advisories", "status")
    assert (code, "TG245" in err) == (3, True)


class Terminal(io.StringIO):
    """A stderr that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_a_bar_where_there_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with bars() as tell:
        tell("PyPI", 512, 1024)
        tell("PyPI", 1024, 1024)
        tell("PyPI", 2000, None)
    assert "fetching PyPI" in terminal.getvalue() and "reading PyPI" in terminal.getvalue()
