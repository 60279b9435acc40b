"""Ask the scanner about each image."""

from tidegate.core.decision import ScanImages
from tidegate.core.errors import TidegateError
from tidegate.core.ports import Scanner
from tidegate.core.seen import ScanReport
from tidegate.local.jobs.log import Log


class NoScanner:
    """Stands where no scanner is set up: it can tell nothing, so the gate says UNKNOWN."""

    def scan(self, digest: str) -> ScanReport:
        """A report without findings data."""
        return ScanReport(digest, None, "no scanner is set up")


def scan(scanner: Scanner, job: ScanImages, log: Log) -> tuple[ScanReport, ...]:
    """One report for each digest, new or running, in the order of the job's images.

    A running image that cannot be scanned fails nothing: then every finding counts as new.
    """
    reports = []
    wanted = {digest for _, digest in job.images}
    named = (*job.images, *((f"running {name}", digest) for name, digest in job.running))
    for digest in dict.fromkeys(digest for _, digest in named):
        try:
            report = scanner.scan(digest)
        except TidegateError as error:
            if digest in wanted:
                raise
            report = ScanReport(digest, None, error.what)
        names = ", ".join(name for name, image in named if image == digest)
        log.say(f"{names}: {_said(report)}")
        reports.append(report)
    return tuple(reports)


def _said(report: ScanReport) -> str:
    if report.findings is None:
        return report.note or "the scanner had no data"
    return f"{len(report.findings)} findings"
