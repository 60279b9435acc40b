"""The scan gate on the real engine: built images, their bases, their evidence, moved tags."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from docker import DockerClient

from tests.support.advisory_files import affected, record, write_dump
from tests.support.engine import remove_all_of, shell_image
from tests.support.tasks_bench import ContainerBench, container_bench
from tests.support.yard import Yard
from tidegate.core.decision import BuildImages, ScanImages, StartTask
from tidegate.core.findings import ScanReport
from tidegate.core.model import App, Build, Service
from tidegate.core.seen import JobState, TaskState
from tidegate.local.bases.debian import Apt
from tidegate.local.scanning import Assessor, Evidence, LocalAdvisories, LocalScanner
from tidegate.local.scanning.apt import Apt as Lists
from tidegate.local.scanning.apt import SecuritySuites
from tidegate.scan import sbom
from tidegate.scan.inventory import LayerCache

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not Apt.usable(), reason="stand-ins are made of Debian packages"),
]

NOW_MS = 1_900_000_000_000
TAG = "localhost/tidegate/moving"
WEB = Service("web", build=Build("web"), command=("/bin/sh", "-c", "exec busybox sleep 600"))
PINNED = "Name: flask\nVersion: {version}\n\n"
DOCKERFILE = "FROM busybox\nCOPY x.dist-info /app/x.dist-info\n"
FLASK = record(
    "GHSA-1",
    affected(("PyPI", "flask"), "introduced 0", "fixed 2.0"),
    severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
)


@dataclass
class Gate:
    """A yard with a real scanner, and advisories of Python and of Debian's busybox."""

    yard: Yard
    bench: ContainerBench
    evidence: Evidence

    @property
    def client(self) -> DockerClient:
        return self.bench.client

    def build(self, execution: str, version: str) -> str:
        """Build the service with flask of that version; the image's digest."""
        self.yard.push(
            execution,
            {
                "web/Dockerfile": DOCKERFILE,
                "web/x.dist-info/METADATA": PINNED.format(version=version),
            },
        )
        seen = self.yard.run(BuildImages(f"{execution}/build", execution, self.yard.app.services))
        assert seen.state is JobState.SUCCEEDED, seen.summary
        return dict(seen.images)["web"]

    def scan(self, execution: str, digest: str) -> ScanReport:
        """Scan that image as the pipeline does."""
        seen = self.yard.run(ScanImages(f"{execution}/scan", execution, (("web", digest),)))
        (report,) = seen.reports
        return report


@pytest.fixture(name="gate")
def _gate(tmp_path: Path) -> Iterator[Gate]:
    with container_bench(tmp_path / "home") as bench:
        home = bench.home
        advisories = LocalAdvisories(tmp_path / "advisories")
        shell = record("DEBIAN-CVE-2024-1111", affected(("Debian:12", "busybox"), "introduced 0"))
        write_dump(tmp_path / "carried" / "PyPI" / "all.zip", [FLASK])
        write_dump(tmp_path / "carried" / "Debian" / "all.zip", [shell])
        advisories.take(tmp_path / "carried", NOW_MS)
        evidence = Evidence(home.evidence)
        scanner = LocalScanner(
            bench.client.api,
            evidence,
            LayerCache(home.layers),
            Assessor(advisories, SecuritySuites(Lists(tmp_path / "apt", {}))),
            lambda: NOW_MS,
        )
        app = App(f"shop-{home.owner}", (WEB,))
        yield Gate(Yard(home, bench.client, app, scanner), bench, evidence)
        remove_all_of(bench.client, home.owner)


def test_a_built_image_is_scanned_with_its_base_its_steps_and_its_evidence(gate: Gate) -> None:
    digest = gate.build("e1", "1.0")
    report = gate.scan("e1", digest)
    found = {finding.package: finding for finding in report.findings or ()}
    flask, shell = found["flask"], next(f for name, f in found.items() if "busybox" in name)
    assert (flask.id, flask.fixed_version, flask.origin.base) == ("GHSA-1", "2.0", False)
    assert flask.origin.step.startswith("COPY ")
    assert flask.origin.path == "app/x.dist-info/METADATA"
    assert (shell.id, shell.origin.base) == ("CVE-2024-1111", True)
    assert [base.name for base in gate.evidence.bases(digest)] == ["busybox"]
    inventory = sbom.read(gate.evidence.get(report.sbom))
    assert inventory.digest == digest
    assert inventory.base and (inventory.base.name, inventory.base.certain) == ("busybox", True)
    log = gate.yard.log("e1/scan")
    assert "web: to do: pip: flask ≥ 2.0 clears 1 finding" in log
    assert "CRITICAL GHSA-1 in flask 1.0, fixed in 2.0" in log


def test_what_was_judged_is_what_runs_though_the_tag_moves_between_the_two(gate: Gate) -> None:
    good = str(gate.client.images.get(shell_image(gate.client)).id)
    bad = gate.build("e1", "1.0")
    gate.client.api.tag(good, TAG, "1")
    ready = replace(WEB, build=Build(image=f"{TAG}:1"))
    gate.yard.app = replace(gate.yard.app, services=(ready,))
    gate.yard.push("e2", {"none": ""})
    seen = gate.yard.run(BuildImages("e2/build", "e2", (ready,)))
    digest = dict(seen.images)["web"]
    try:
        gate.client.api.tag(bad, TAG, "1")  # after the build, before the scan
        report = gate.scan("e2", digest)
        assert (report.digest, digest) == (good, good)
        assert "flask" not in {finding.package for finding in report.findings or ()}
        assert sbom.read(gate.evidence.get(report.sbom)).digest == good
        gate.bench.tasks.start(StartTask("t1", ready, 1, report.digest))
        gate.bench.wait_for("t1", lambda task: task.state is TaskState.RUNNING)
        runs = gate.bench.container("t1").attrs["Image"]
        assert runs == good != str(gate.client.images.get(f"{TAG}:1").id)
    finally:
        gate.client.api.remove_image(f"{TAG}:1", noprune=True)


def test_an_image_that_is_gone_is_matched_again_by_its_sbom(gate: Gate) -> None:
    digest = gate.build("e1", "1.0")
    first = gate.scan("e1", digest)
    gate.client.images.remove(digest, force=True)
    again = gate.yard.scanner.scan(digest)
    assert (again.findings, again.sbom) == (first.findings, first.sbom)


def test_evidence_goes_with_the_images_that_nobody_can_go_back_to(gate: Gate) -> None:
    kept, gone = gate.build("e1", "1.0"), gate.build("e2", "1.1")
    for execution, digest in (("e1", kept), ("e2", gone)):
        gate.scan(execution, digest)
        gate.yard.finish(execution)
    gate.yard.release(1, "e1", kept)
    gate.yard.jobs.prune((kept,))
    assert gate.evidence.images() == (kept,)
    assert gate.evidence.get(gate.yard.scanner.scan(kept).sbom)


def test_an_image_without_any_package_is_not_known(gate: Gate) -> None:
    gate.yard.push("e1", {"web/Dockerfile": "FROM scratch\nCOPY page /page\n", "web/page": "hello"})
    seen = gate.yard.build("e1")
    report = gate.scan("e1", dict(seen.images)["web"])
    assert report.unknown == ("no package was found in it",)
