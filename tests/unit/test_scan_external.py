"""Other scanners behind the port: what they say is taken, whatever they do is bounded."""

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import scanner_answers
from tests.support.images_made import DEBIAN, STATUS, FakeEngine, Made, digest, layer, stanza
from tidegate.core.errors import GateError, SetupError
from tidegate.core.findings import Finding, Origin, ScanReport, Severity
from tidegate.core.model import GatePolicy, ScannerName
from tidegate.scan.adapters.choose import Means, scanner_for
from tidegate.scan.adapters.fence import engine_folders, fence
from tidegate.scan.adapters.program import Bounds, ProgramFailed, run
from tidegate.scan.archive import open_archive
from tidegate.scan.archive.export import export
from tidegate.scan.archive.limits import Limits

IMAGE = Made(
    [layer({"etc/os-release": DEBIAN, STATUS: stanza("openssl", "3.0.11")})],
    ["COPY rootfs /", "!CMD [\"/app\"]"],
)  # fmt: skip
LAYER = IMAGE.diff_ids[0]
DIGEST = digest(IMAGE.config)
TOOLS = ("trivy", "grype", "osv-scanner")
ANSWERS: dict[str, Callable[..., dict[str, Any]]] = {
    "trivy": scanner_answers.trivy,
    "grype": scanner_answers.grype,
    "osv-scanner": scanner_answers.osv_scanner,
}
PROGRAM = """\
#!{python} -S
import json, os, sys
if "--version" in sys.argv:
    print({version!r})
    sys.exit()
with open({asked!r}, "w") as file:
    json.dump([sys.argv[1:], dict(os.environ), os.getcwd(), os.listdir()], file)
{before}
with open({answer!r}, "rb") as file:
    sys.stdout.buffer.write(file.read())
sys.exit({code})
"""


class Here:
    """A machine with fake scanners on its PATH."""

    def __init__(self, folder: Path) -> None:
        self.programs, self.home = folder / "bin", folder / "home"
        self.asked, self.work = folder / "asked.json", folder / "work"
        self.programs.mkdir()
        (self.home / ".cache").mkdir(parents=True)
        self.engine = FakeEngine(IMAGE)
        self.bounds = Bounds(20.0, 1_000_000)

    def install(
        self, tool: str, answer: object, *, code: int = 0, before: str = "", version: str = "9.8.7"
    ) -> None:
        """A program that says this. `answer` is JSON, or text as it is."""
        text = answer if isinstance(answer, str) else json.dumps(answer)
        (self.programs / f"{tool}.answer").write_text(text)
        program = self.programs / tool
        program.write_text(
            PROGRAM.format(
                python=sys.executable,
                version=f"{tool} Version: {version}\nCommit: abc",
                asked=str(self.asked),
                answer=str(self.programs / f"{tool}.answer"),
                before=before,
                code=code,
            )
        )
        program.chmod(0o755)

    def scan(self, tool: str, name: str = DIGEST) -> ScanReport:
        """Ask the scanner that the app file names."""
        environ = {"PATH": f"{self.programs}:{os.environ['PATH']}", "AWS_SECRET": "x"}
        means = Means(self.engine, self.work, environ, self.home, bounds=self.bounds)
        policy = GatePolicy(scanner=ScannerName(tool))
        return scanner_for(policy, never, means).scan(name)

    @property
    def question(self) -> tuple[list[str], dict[str, str], str, list[str]]:
        """How the program was asked: words, environment, folder, what lay there."""
        words, environment, folder, files = json.loads(self.asked.read_text())
        return words, environment, folder, files


def never() -> Any:
    raise AssertionError("the built-in scanner was not chosen")


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def test_trivy_is_understood(here: Here) -> None:
    database = here.home / ".cache" / "trivy" / "db"
    database.mkdir(parents=True)
    (database / "metadata.json").write_text('{"Version":2,"UpdatedAt":"2026-11-01T00:00:00Z"}')
    here.install("trivy", scanner_answers.trivy(LAYER))
    report = here.scan("trivy")
    origin = Origin(layer=LAYER, step="COPY rootfs /")
    assert report.findings == (
        Finding("CVE-2026-1", "openssl", "3.0.11", Severity.CRITICAL, "3.0.12", ("DSA-1-1",),
                "pkg:deb/debian/openssl@3.0.11?distro=12.5", published_at=1_790_812_800_000,
                origin=origin),
        Finding("GHSA-a", "requests", "2.19.0", Severity.UNKNOWN,
                origin=Origin("app/requests-2.19.0.dist-info/METADATA", LAYER, "COPY rootfs /")),
    )  # fmt: skip
    assert report.packages == 3
    assert report.scanner.startswith("trivy 9.8.7 (sha256:")
    assert report.data.startswith("sha256:") and report.data_at == 1_793_491_200_000
    assert report.unknown == ()
    words, _, folder, _ = here.question
    assert words[:3] == ["image", "--input", f"{folder}/image.tar"]
    assert {"--skip-db-update", "--offline-scan"} <= set(words)


def test_grype_is_understood(here: Here) -> None:
    here.install("grype", scanner_answers.grype(LAYER))
    report = here.scan("grype")
    path = "app/requests-2.19.0.dist-info/METADATA"
    assert report.findings == (
        Finding("GHSA-a", "requests", "2.19.0", Severity.CRITICAL, "2.20.0", ("CVE-2026-1",),
                "pkg:pypi/requests@2.19.0", True, 0.25,
                origin=Origin(path, LAYER, "COPY rootfs /")),
    )  # fmt: skip
    assert report.data_at == 1_793_512_800_000 and report.data.startswith("sha256:")
    words, _, folder, files = here.question
    assert words[0] == f"docker-archive:{folder}/image.tar"
    assert "grype.yaml" in files


def test_osv_scanner_is_understood_and_its_records_are_read_as_osv_s(here: Here) -> None:
    dump = here.home / ".cache" / "osv-scanner" / "Debian" / "all.zip"
    dump.parent.mkdir(parents=True)
    dump.write_bytes(b"zip")
    os.utime(dump, (1_700_000_000, 1_700_000_000))
    here.install("osv-scanner", scanner_answers.osv_scanner(LAYER), code=1)
    report = here.scan("osv-scanner")
    assert report.findings == (
        Finding("CVE-2026-1", "libssl3", "3.0.11-1", Severity.CRITICAL, "3.0.12-1",
                ("DEBIAN-CVE-2026-1", "DSA-1-1"),
                origin=Origin("var/lib/dpkg/status", LAYER, "COPY rootfs /")),
    )  # fmt: skip
    assert (report.packages, report.data_at) == (2, 1_700_000_000_000)
    assert report.unknown == ()
    assert "--offline" in here.question[0]


def test_an_ecosystem_without_data_is_named(here: Here) -> None:
    here.install("osv-scanner", scanner_answers.osv_scanner(LAYER), code=1)
    assert here.scan("osv-scanner").unknown == ("no data on Debian",)


def test_a_distribution_past_its_end_is_named(here: Here) -> None:
    system = {"OS": {"Family": "debian", "Name": "8.11", "EOSL": True}}
    here.install("trivy", scanner_answers.trivy(LAYER, Metadata=system))
    assert here.scan("trivy").unknown == ("debian 8.11 is past its end of life",)


def test_no_package_at_all_is_not_a_clean_image(here: Here) -> None:
    here.install("trivy", scanner_answers.trivy(LAYER, Results=None))
    report = here.scan("trivy")
    assert report.findings == () and report.unknown == ("no package was found",)


@pytest.mark.parametrize("tool", TOOLS)
def test_the_program_gets_an_empty_environment_and_a_private_folder(
    here: Here, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/docker.sock")
    here.install(tool, ANSWERS[tool](LAYER), code=tool == "osv-scanner")
    assert here.scan(tool).findings
    _, environment, folder, files = here.question
    given = {k: v for k, v in environment.items() if k not in ("PWD", "LC_CTYPE")}
    assert given == {"PATH": os.environ["PATH"], "HOME": folder, "TMPDIR": folder}
    assert "image.tar" in files
    assert list(here.work.iterdir()) == []


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "crash": ({"answer": "", "code": 2, "before": "sys.stderr.write('no db')"}, "with 2: no db"),
    "killed": ({"answer": "", "before": "os.kill(os.getpid(), 9)"}, "ended with -9"),
    "nothing": ({"answer": ""}, "JSON cannot be read"),
    "half": ({"answer": '{"matches": [{"vuln'}, "JSON cannot be read"),
    "a list": ({"answer": "[]"}, "JSON cannot be read"),
    "another schema": ({"answer": {"SchemaVersion": 3, "findings": []}}, "cannot be read"),
    "too much": ({"answer": "{}", "before": "print('x' * 2_000_000)"}, "more than 1,000,000"),
}  # fmt: skip


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_goes_wrong_is_unknown_with_a_reason_never_empty(
    here: Here, tool: str, fault: str
) -> None:
    settings, words = FAULTS[fault]
    here.install(tool, **settings)
    report = here.scan(tool)
    assert report.findings is None
    assert words in report.note and report.note.startswith(f"{tool} could not tell")
    assert report.scanner.startswith(f"{tool} 9.8.7")


@pytest.mark.parametrize("tool", TOOLS)
def test_a_program_that_hangs_is_ended_with_all_that_it_started(here: Here, tool: str) -> None:
    here.bounds = Bounds(1.0, 1_000_000)
    ticks = here.home / "ticks"
    child = f"while :; do echo >> {ticks}; sleep 0.05; done"
    here.install(tool, "{}", before=f"os.system({child!r})")
    assert here.scan(tool).note == f"{tool} could not tell: it did not end within 1 s"
    size = ticks.stat().st_size
    time.sleep(0.3)
    assert ticks.stat().st_size - size <= 1


BROKEN: dict[str, list[tuple[dict[str, Any], str]]] = {
    "trivy": [
        ({"SchemaVersion": 3}, "schema version 3"),
        ({"ArtifactType": "filesystem"}, "filesystem"),
        ({"Results": [{"Target": "x", "Vulnerabilities": [{"VulnerabilityID": "CVE-1"}]}]},
         "Results.0.Vulnerabilities.0.PkgName: Field required"),
        ({"Results": "none"}, "Results"),
    ],
    "grype": [
        ({"descriptor": {"name": "syft", "version": "1"}}, "syft"),
        ({"descriptor": {"name": "grype", "version": "1"}}, "which vulnerability data"),
        ({"descriptor": {"name": "grype", "version": "1",
                         "db": {"built": "2026-01-01T00:00:00Z", "valid": False}}}, "not valid"),
        ({"matches": None}, "matches: Field required"),
    ],
    "osv-scanner": [
        ({"results": None}, "results: Field required"),
        ({"results": [{"source": {"path": "x"}, "packages": [
            {"package": {"name": "a", "version": "1", "ecosystem": "PyPI"},
             "vulnerabilities": [{"aliases": ["CVE-1"]}]}]}]}, "no OSV record"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("tool", "more", "words"), [(t, more, w) for t in TOOLS for more, w in BROKEN[t]]
)
def test_an_answer_of_another_shape_is_unknown(
    here: Here, tool: str, more: dict[str, Any], words: str
) -> None:
    here.install(tool, ANSWERS[tool](LAYER, **more))
    report = here.scan(tool)
    assert report.findings is None and words in report.note


def test_osv_scanner_s_exit_codes_are_believed(here: Here) -> None:
    here.install("osv-scanner", {"results": []}, code=128)
    assert here.scan("osv-scanner").note == "osv-scanner could not tell: it found no packages"
    here.install("osv-scanner", {"results": []}, code=1)
    assert "does not say what" in here.scan("osv-scanner").note


def test_an_image_that_the_engine_does_not_have_is_unknown(here: Here) -> None:
    here.install("trivy", scanner_answers.trivy(LAYER))
    report = here.scan("trivy", "sha256:gone")
    assert report.findings is None and report.note == "there is no image sha256:gone"
    assert not here.asked.exists()


def test_a_scanner_that_is_not_installed_is_an_error_with_a_remedy(here: Here) -> None:
    means = Means(here.engine, here.work, {"PATH": str(here.programs)}, here.home)
    with pytest.raises(SetupError) as caught:
        scanner_for(GatePolicy(scanner=ScannerName.GRYPE), never, means)
    assert caught.value.number == "TG239"
    assert caught.value.remedy == "install grype, or write `gate: {scanner: tidegate}`"


def test_the_built_in_scanner_is_the_default(here: Here) -> None:
    class BuiltIn:
        def scan(self, digest: str) -> ScanReport:
            return ScanReport(digest, ())

    means = Means(here.engine, here.work, {"PATH": ""}, here.home)
    assert isinstance(scanner_for(GatePolicy(), BuiltIn, means), BuiltIn)


def test_an_image_is_exported_for_its_owner_only_and_within_bounds(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    told = export(FakeEngine(IMAGE), "made:1", path)
    assert told.diff_ids == tuple(IMAGE.diff_ids)
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_archive(path).description.image_id == DIGEST
    with pytest.raises(GateError) as caught:
        export(FakeEngine(IMAGE), "made:1", tmp_path / "large", Limits(image_bytes=4096))
    assert caught.value.number == "TG414"


def test_an_export_of_another_image_is_noticed(tmp_path: Path) -> None:
    class Other(FakeEngine):
        def get_image(self, image: str, chunk_size: int | None = None) -> Any:
            yield Made([layer({"x": "y"})]).docker_archive()

    with pytest.raises(GateError) as caught:
        export(Other(IMAGE), "made:1", tmp_path / "image.tar")
    assert caught.value.number == "TG412"


def test_a_fenced_program_reaches_neither_the_engine_s_socket_nor_the_network(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    around = fence((folder,))
    if around is None:
        pytest.skip("this system allows no user namespaces")
    code = (
        "import socket, sys\n"
        "for kind, place in ((socket.AF_UNIX, sys.argv[1]), (socket.AF_INET, "
        "('127.0.0.1', int(sys.argv[2])))):\n"
        "    try: socket.socket(kind).connect(place); print('reached')\n"
        "    except OSError as error: print(type(error).__name__)\n"
        "import subprocess\n"
        "print(subprocess.run(['umount', sys.argv[3]], capture_output=True).returncode != 0)\n"
    )
    with socket.socket(socket.AF_UNIX) as engine, socket.socket() as server:
        engine.bind(str(folder / "engine.sock"))
        engine.listen()
        server.bind(("127.0.0.1", 0))
        server.listen()
        place = [str(folder / "engine.sock"), str(server.getsockname()[1]), str(folder)]
        words = [sys.executable, "-S", "-c", code, *place]
        assert run(words, tmp_path, Bounds(20)).output.split()[:2] == [b"reached"] * 2
        fenced = run([*around, *words], tmp_path, Bounds(20)).output.split()
    assert fenced[0] == b"FileNotFoundError" and fenced[2] == b"True"
    assert fenced[1] in (b"ConnectionRefusedError", b"OSError")


def test_a_system_without_fences_is_told_of(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.scan.adapters.external.fence", lambda hidden: None)
    here.install("trivy", scanner_answers.trivy(LAYER))
    assert here.scan("trivy").warnings == (
        "trivy ran with a network and in sight of the engine: no user namespaces here",
    )


def test_the_folders_that_engines_listen_in_are_found(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in (".docker/run", "sockets", "runtime/deep"):
        (home / name).mkdir(parents=True)
    environ = {
        "DOCKER_HOST": f"unix://{home}/sockets/docker.sock",
        "XDG_RUNTIME_DIR": f"{home}/runtime",
        "TIDEGATE_ENGINE": "tcp://127.0.0.1:2375",
    }
    found = engine_folders(environ, home)
    assert {home / ".docker/run", home / "sockets", home / "runtime"} <= set(found)
    assert Path("/tmp") not in engine_folders({"DOCKER_HOST": "unix:///tmp/docker.sock"}, home)


def test_a_program_that_is_none_is_a_failure_in_words(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="it does not start"):
        run([str(tmp_path / "nothing")], tmp_path, Bounds(1))
