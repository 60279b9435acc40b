"""Ask the scanner about each image, and say what it found and what to do about it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from tidegate.core.decision import ScanImages
from tidegate.core.errors import TidegateError
from tidegate.core.findings import Finding, ScanReport, Severity
from tidegate.core.ports import Scanner
from tidegate.local.jobs.log import Log
from tidegate.scan.advice import advise
from tidegate.scan.findings import listed

AT_ONCE = 2
_TOLD = 10
"""So many findings of an image are told one by one."""


def scan(scanner: Scanner, job: ScanImages, log: Log) -> tuple[ScanReport, ...]:
    """One report for each digest, new or running, in the order of the job's images.

    A running image that cannot be scanned fails nothing: then every finding counts as new.
    """
    wanted = {digest for _, digest in job.images}
    named = (*job.images, *((f"running {name}", digest) for name, digest in job.running))

    def ask(digest: str) -> ScanReport:
        try:
            return scanner.scan(digest)
        except TidegateError as error:
            if digest in wanted:
                raise
            return ScanReport(digest, None, error.what)

    reports = []
    digests = list(dict.fromkeys(digest for _, digest in named))
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="scan") as pool:
        for report in pool.map(ask, digests):
            names = ", ".join(name for name, image in named if image == report.digest)
            for text in told(report) if report.digest in wanted else [counts(report)]:
                log.say(f"{names}: {text}")
            reports.append(report)
    return tuple(reports)


def summary(reports: Sequence[ScanReport]) -> str:
    """As in `2 images scanned: 3 HIGH, 1 LOW`."""
    known = [report for report in reports if report.findings is not None]
    found = counted([finding for report in known for finding in report.findings or ()])
    said = f"{len(known)} image{'' if len(known) == 1 else 's'} scanned: {found}"
    blind = len(reports) - len(known)
    return f"{said}; nothing is known of {blind}" if blind else said


def counted(findings: Sequence[Finding]) -> str:
    """As in `3 HIGH, 1 LOW`, the worst first."""
    number = Counter(finding.severity for finding in findings)
    return ", ".join(f"{number[s]} {s}" for s in Severity if number[s]) or "no findings"


def counts(report: ScanReport) -> str:
    """The report in one line."""
    if report.findings is None:
        return report.note or "the scanner had no data"
    return f"{report.packages} packages, {counted(report.findings)}"


def told(report: ScanReport) -> Iterator[str]:
    """What is worth a line of the log: counts, the worst findings, what is not known, advice."""
    yield counts(report)
    found = report.findings or ()
    worst = sorted(found, key=lambda finding: list(Severity).index(finding.severity))
    yield from map(line, worst[:_TOLD])
    if len(worst) > _TOLD:
        yield f"  and {len(worst) - _TOLD} more"
    yield from (f"not known: {text}" for text in report.unknown)
    yield from (f"warning: {text}" for text in report.warnings)
    yield from (f"to do: {action.sentence}" for action in advise(found).actions)


def line(finding: Finding) -> str:
    """One finding: how bad, which, in what, the fix, and where it came from."""
    fixed = f"fixed in {finding.fixed_version}" if finding.fixed_version else "no fix yet"
    whose = {True: "of the base image", False: "yours", None: ""}[finding.origin.base]
    where = listed([text for text in (finding.origin.path, finding.origin.step, whose) if text])
    level = f"{finding.severity}{', exploited' if finding.exploited else ''}"
    said = f"  {level} {finding.id} in {finding.package} {finding.version}, {fixed}"
    return f"{said} ({where})" if where else said
