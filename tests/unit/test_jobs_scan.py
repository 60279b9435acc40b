"""The scan job asks about each image once, and only what is new can fail it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.findings import finding, report
from tidegate.core.decision import ScanImages
from tidegate.core.errors import GateError
from tidegate.core.findings import ScanReport
from tidegate.local.jobs.log import Log
from tidegate.local.jobs.scan import scan

NEW = (("cats", "sha256:a"), ("dogs", "sha256:a"), ("home", "sha256:b"))


@dataclass
class Scanner:
    """Finds the same in every image, but for those that it cannot read."""

    broken: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    def scan(self, digest: str) -> ScanReport:
        self.asked.append(digest)
        if digest in self.broken:
            raise GateError("the image is damaged", code="TG411")
        return report(finding(), digest=digest)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    made = Log(tmp_path / "scan.log")
    yield made
    made.close()


def test_an_image_is_asked_about_once_whoever_uses_it(log: Log) -> None:
    scanner = Scanner()
    job = ScanImages("e2/scan", "e2", NEW, (("cats", "sha256:a"), ("home", "sha256:old")))
    reports = scan(scanner, job, log)
    assert sorted(scanner.asked) == ["sha256:a", "sha256:b", "sha256:old"]
    assert [one.digest for one in reports] == ["sha256:a", "sha256:b", "sha256:old"]


def test_a_running_image_that_cannot_be_read_is_a_report_without_findings(log: Log) -> None:
    job = ScanImages("e2/scan", "e2", NEW, (("home", "sha256:old"),))
    reports = scan(Scanner(frozenset({"sha256:old"})), job, log)
    assert reports[-1] == ScanReport("sha256:old", None, "the image is damaged")


def test_a_new_image_that_cannot_be_read_fails_the_scan(log: Log) -> None:
    with pytest.raises(GateError, match="the image is damaged"):
        scan(Scanner(frozenset({"sha256:b"})), ScanImages("e2/scan", "e2", NEW), log)
