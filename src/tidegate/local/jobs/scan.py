"""Ask the scanner about each image."""

from tidegate.core.decision import ScanImages
from tidegate.core.ports import Scanner
from tidegate.core.seen import ScanReport
from tidegate.local.jobs.log import Log


class NoScanner:
    """Stands where no scanner is set up: it can tell nothing, so the gate says UNKNOWN."""

    def scan(self, digest: str) -> ScanReport:
        """A report without findings data."""
        return ScanReport(digest, None, "no scanner is set up")


def scan(scanner: Scanner, job: ScanImages, log: Log) -> tuple[ScanReport, ...]:
    """One report for each digest, in the order of the job's images."""
    reports = []
    for digest in dict.fromkeys(digest for _, digest in job.images):
        report = scanner.scan(digest)
        names = ", ".join(name for name, image in job.images if image == digest)
        log.say(f"{names}: {_said(report)}")
        reports.append(report)
    return tuple(reports)


def _said(report: ScanReport) -> str:
    if report.findings is None:
        return report.note or "the scanner had no data"
    return f"{len(report.findings)} findings"
