"""`tidegate waive` and `tidegate gate explain`, from words to text and exit codes."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from tests.support.findings import finding
from tests.support.served import FILE, Served, served
from tidegate.api.client import Client
from tidegate.cli.main import call
from tidegate.core.errors import NotFound
from tidegate.core.findings import Finding, Origin
from tidegate.core.seen import AdvisoriesSeen
from tidegate.spec import load

GATED = FILE.replace("gate: off", "gate: {grace: {LOW: 7d}}")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tidegate.yaml").write_text(f"# our shop\n{GATED}")
    for words in (("init", "-q"), ("config", "user.email", "ann@example.org")):
        subprocess.run(["git", "-C", tmp_path, *words], check=True)
    return tmp_path


@pytest.fixture
def waive(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `tidegate waive`: exit code, stdout, stderr."""

    def line(*words: str) -> tuple[int, str, str]:
        code = call(["-C", str(folder), "waive", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return line


def day(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days)).date().isoformat()


def test_a_waiver_goes_into_the_file_and_says_what_to_commit(folder: Path, waive: Run) -> None:
    code, out, err = waive("CVE-2026-0001", "-m", "the  parser is never called", "--until", "30d")
    assert code == 0
    assert out.strip() == str(folder / "tidegate.yaml")
    assert f"CVE-2026-0001 is waived until {day(30)} by ann@example.org" in err
    assert "git commit -m 'Waive CVE-2026-0001' tidegate.yaml" in err
    (waiver,) = load(folder / "tidegate.yaml").gate.waivers
    assert (waiver.reason, waiver.owner) == ("the parser is never called", "ann@example.org")
    assert (folder / "tidegate.yaml").read_text().startswith("# our shop\n")


def test_a_waiver_may_be_narrowed_and_owned_by_somebody_else(folder: Path, waive: Run) -> None:
    narrow = ("--service", "cats", "--package", "openssl*", "--owner", "bob")
    assert waive("CVE-1", "-m", "x", "--until", day(1), *narrow)[0] == 0
    (waiver,) = load(folder / "tidegate.yaml").gate.waivers
    assert (waiver.service, waiver.packages, waiver.owner) == ("cats", ("openssl*",), "bob")


@pytest.mark.parametrize(
    ("until", "cause"),
    [
        ("yesterday", "neither a day nor a number of days"),
        ("2026-02-30", "neither a day nor a number of days"),
        ("2020-01-01", "that day is over"),
        ("400d", "more than a year away; with --force it may be"),
    ],
)
def test_a_waiver_that_ends_at_no_good_time_changes_nothing(
    folder: Path, waive: Run, until: str, cause: str
) -> None:
    before = (folder / "tidegate.yaml").read_text()
    code, _, err = waive("CVE-1", "-m", "x", "--until", until)
    assert (code, "TG132" in err, cause in err) == (2, True, True)
    assert (folder / "tidegate.yaml").read_text() == before


def test_force_lets_a_waiver_last_longer_than_a_year(folder: Path, waive: Run) -> None:
    assert waive("CVE-1", "-m", "x", "--until", "400d", "--force")[0] == 0


def test_a_waiver_that_is_there_already_is_not_written_twice(folder: Path, waive: Run) -> None:
    assert waive("CVE-1", "-m", "x", "--until", "30d")[0] == 0
    code, _, err = waive("cve-1", "-m", "y", "--until", "60d")
    assert (code, "TG133" in err) == (2, True)
    assert len(load(folder / "tidegate.yaml").gate.waivers) == 1


def test_there_is_nothing_to_waive_while_the_gate_is_off(folder: Path, waive: Run) -> None:
    (folder / "tidegate.yaml").write_text(FILE)
    code, _, err = waive("CVE-1", "-m", "x", "--until", "30d")
    assert (code, "TG134" in err) == (2, True)


def test_somebody_answers_for_every_waiver(folder: Path, waive: Run) -> None:
    subprocess.run(["git", "-C", folder, "config", "user.email", ""], check=True)
    code, _, err = waive("CVE-1", "-m", "x", "--until", "30d")
    assert (code, "TG135" in err) == (2, True)


@pytest.mark.parametrize(
    ("id", "words", "says"),
    [
        ("not an id", (), "the id of a vulnerability"),
        ("CVE-1", ("--service", "dogs"), "there is no service dogs"),
    ],
)
def test_what_would_make_the_file_wrong_leaves_it_as_it_is(
    folder: Path, waive: Run, id: str, words: tuple[str, ...], says: str
) -> None:
    before = (folder / "tidegate.yaml").read_text()
    code, _, err = waive(id, "-m", "x", "--until", "30d", *words)
    assert (code, says in err) == (3, True)
    assert (folder / "tidegate.yaml").read_text() == before


def test_the_file_keeps_its_permissions_and_its_link(folder: Path, waive: Run) -> None:
    real = folder / "real.yaml"
    (folder / "tidegate.yaml").rename(real)
    real.chmod(0o640)
    (folder / "tidegate.yaml").symlink_to(real)
    assert waive("CVE-1", "-m", "x", "--until", "30d")[0] == 0
    assert (folder / "tidegate.yaml").is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("command", ["up", "plan"])
def test_a_broken_file_with_waivers_is_told_before_anything_starts(
    folder: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    (folder / "vex.json").write_text("{")
    assert call(["-C", str(folder), command]) == 3
    said = capsys.readouterr().err
    assert "error TG250: vex.json cannot be read as waivers" in said
    assert not (folder / ".tidegate" / "daemon.json").exists()


# --- explain -----------------------------------------------------------------------------------

BASE = Origin("/lib/ssl", step="RUN apt", base=True)
FOUND = (
    finding("CVE-1", "CRITICAL", origin=BASE, aliases=("GHSA-a",)),
    finding("CVE-2", "HIGH", origin=BASE),
    finding("CVE-3", "HIGH", fixed_version=None),
    finding("CVE-4", "LOW", package="zlib"),
)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as made:
        yield made


def pushed(daemon: Served, *found: Finding, text: str = GATED) -> Served:
    """The first execution, with this found in its image, has ended."""
    daemon.world.findings = {"sha256:cats-e1": found}
    daemon.push(text)
    return daemon.until_quiet()


@pytest.fixture
def explain(
    daemon: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Run]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()

    def line(*words: str) -> tuple[int, str, str]:
        code = call(["-C", str(daemon.home.path.parent), "gate", "explain", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    with daemon.listening():
        yield line


def test_a_refusal_is_explained_with_policy_findings_and_what_to_do(
    daemon: Served, explain: Run
) -> None:
    pushed(daemon, *FOUND)
    code, out, err = explain("e1")
    assert (code, err) == (0, "")
    shown = [line.rstrip() for line in out.splitlines() if "policy digest" not in line]
    assert "\n".join(shown) == snapshot("""\
cats  ✗ refused
why            too many findings: 1 CRITICAL (limit 0), 1 HIGH (limit 0); the worst is CVE-1 in
               openssl 3.0.1, fixed in 3.0.2
image          sha256:cats-e1
judged         in e1, 2023-11-14 22:13:22
found          1 CRITICAL, 2 HIGH, 1 LOW
counted        1 CRITICAL, 1 HIGH, 1 LOW
compared       no running image to compare with: every finding is new
policy         limits CRITICAL 0, HIGH 0; only fixable; only new; grace LOW 7d; unknown: refuse;
               data warned of from 3d, unknown from 14d
data           sha256:data, of 2023-11-14 22:13:22
finding  severity  package        fixed in               why                   from
CVE-1    CRITICAL  openssl 3.0.1  3.0.2     counted                            the base image, RUN
                                                                               apt, /lib/ssl
CVE-2    HIGH      openssl 3.0.1  3.0.2     counted                            the base image, RUN
                                                                               apt, /lib/ssl
CVE-4    LOW       zlib 3.0.1     3.0.2     counted
CVE-3    HIGH      openssl 3.0.1  -         let through  no fixed version is
                                                         known (only_fixable)
1. rebuild on a newer base image clears 2 findings
2. upgrade zlib to 3.0.2 clears 1 finding
""")


def test_the_same_is_told_as_json_and_from_another_process(daemon: Served, explain: Run) -> None:
    pushed(daemon, *FOUND)
    (told,) = json.loads(explain("e1", "--json")[1])
    assert (told["verdict"], told["release"]) == ("refused", None)
    assert [w["treatment"] for w in told["grounds"]["weighed"]] == [
        "counted", "counted", "counted", "let through",
    ]  # fmt: skip
    assert Client(daemon.home).explain_gate("e1") == daemon.operations.explain_gate("e1")


def test_a_release_is_explained_by_its_own_verdict_and_by_what_is_known_today(
    daemon: Served, explain: Run
) -> None:
    pushed(daemon)
    daemon.world.findings = {"sha256:cats-e1": FOUND}
    daemon.world.advisories = AdvisoriesSeen("sha256:later", 0)
    for _ in range(6):
        daemon.tick()
    (view,) = daemon.operations.explain_gate("v1")
    assert (view.release, view.verdict) == (1, "passed")
    assert view.today is not None
    assert view.today.verdict == "refused"
    out = explain("v1")[1]
    assert "v1 of cats  ✓ passed" in out
    assert "today  ✗ refused" in out


def test_the_waivers_of_files_beside_the_app_file_come_with_the_push(daemon: Served) -> None:
    daemon.world.findings = {"sha256:cats-e1": (finding(),)}
    daemon.push(GATED, **{".trivyignore": "# not reachable\nCVE-1\n"})
    daemon.until_quiet()
    (view,) = daemon.operations.explain_gate("e1")
    assert view.verdict == "passed"
    assert view.grounds.weighed[0].why == ("waived without an end: not reachable (.trivyignore)")


@pytest.mark.parametrize(("subject", "code"), [("v9", "TG721"), ("e9", "TG702"), ("x", "TG702")])
def test_what_is_not_there_is_not_explained(daemon: Served, subject: str, code: str) -> None:
    with pytest.raises(NotFound) as caught:
        daemon.operations.explain_gate(subject)
    assert caught.value.number == code


def test_an_execution_without_a_verdict_says_so(daemon: Served) -> None:
    daemon.world.hung = {"build"}
    daemon.push()
    with pytest.raises(NotFound, match="there is no verdict on e1 yet"):
        daemon.operations.explain_gate("e1")


def test_the_status_shows_the_alarm_of_what_runs(daemon: Served) -> None:
    pushed(daemon)
    daemon.world.findings = {"sha256:cats-e1": FOUND}
    daemon.world.advisories = AdvisoriesSeen("sha256:later", 0)
    for _ in range(6):
        daemon.tick()
    (cats,) = daemon.operations.status().services
    assert [(a.name, a.state) for a in cats.alarms] == [("NewVulnerabilities", "ALARM")]
