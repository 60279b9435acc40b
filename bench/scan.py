"""The built-in scanner beside Trivy: the same packages, in how much time and memory.

Also what nothing is beside: the index of advisories, the matching, and a scan after a change of the
app's layer alone. Without the Trivy build (`bench/trivy.py`) only ours is measured.
"""

import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import scan_made, scan_ours, trivy
from bench.claims import Claim, Goal
from bench.images import say
from bench.measured import Measured, measured
from bench.size import Size
from tidegate.scan import sbom
from tidegate.scan.advisories.index import Index
from tidegate.scan.match import match
from tidegate.scan.packages import Inventory, Kind
from tidegate.scan.versions import deb, pep440

_NONE = re.compile(r"(?!)")
RESCAN_MS, MATCH_MS, INDEX_S, INDEX_MIB, WHOLE = 100.0, 60.0, 15.0, 150.0, 150_000
_EXPLAINED: Mapping[Kind, tuple[re.Pattern[str], str]] = {
    Kind.GO: (
        re.compile(r"stdlib .*|g\.co/(me|new|old) .*"),
        "ours also names each program's own module and Go's library",
    ),
    Kind.MAVEN: (
        re.compile(r"[^:]+|com\.vendor:vendor .*"),
        "jars without pom.properties: ours goes by manifest and name, Trivy by their SHA-1",
    ),
}
"""What only ours names, by kind, and why."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Packages that only one of the two names, of one kind; `why` is "" when that is not known."""

    kind: Kind
    ours: Sequence[str]
    theirs: Sequence[str]
    why: str = ""

    def __str__(self) -> str:
        """For the table's note."""
        few = ", ".join([*self.ours, *self.theirs][:3])
        counts = f"{self.kind.value}: {len(self.ours)} only ours, {len(self.theirs)} only theirs"
        return f"{counts} ({self.why or few})"


def measure(size: Size) -> list[Claim]:
    """Everything, in a folder that goes away."""
    peer = trivy.installed()
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as name:
        folder = Path(name)
        say(f"an archive of {size.archive_mib} MiB; {peer or 'no Trivy can be had'}")
        first = scan_made.debian("1.0", size.archive_mib).saved(folder / "first.tar")
        second = scan_made.debian("1.1", size.archive_mib).saved(folder / "second.tar")
        claims = [*_inventories(first, folder, peer), *_cold(first, folder, peer, size.scans)]
        claims += _rescan(first, second, folder, peer, size.scans)
        first.unlink()
        second.unlink()
        return [*claims, *_advisories(folder, size)]


def _inventories(first: Path, folder: Path, peer: Path | None) -> Iterator[Claim]:
    """The same packages on every kind."""
    if peer is None:
        return
    archives = {"Debian": first}
    for name, image in scan_made.others().items():
        archives[name] = image.saved(folder / f"{name}.tar")
    differences, equal = [], Counter[str]()
    for name, archive in archives.items():
        ours = sbom.read(scan_ours.inventory(archive, folder / "inventory"))
        try:
            theirs = sbom.read(trivy.inventory(peer, archive, folder / f"t-{name}").output)
        except SystemExit as refused:
            say(f"{name}: {' '.join(str(refused).split())[:300]}")
            theirs = sbom.read(_NOTHING)
        differences += list(compared(named(ours), named(theirs), equal))
    for difference in differences:
        say(str(difference))
    found = ", ".join(f"{count} {kind}" for kind, count in sorted(equal.items()))
    unexplained = [one for one in differences if not one.why]
    note = "; ".join([f"equal: {found}", *map(str, differences)])
    count = sum(len(one.ours) + len(one.theirs) for one in unexplained)
    yield Claim("scan, packages that differ without a reason", count, goal=Goal(0), note=note)


_NOTHING = b'{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}'
Named = dict[Kind, set[str]]


def named(inventory: Inventory) -> Named:
    """Name and version of every package, by kind."""
    found: Named = {}
    for package in inventory.packages:
        found.setdefault(package.kind, set()).add(f"{package.name} {package.version}")
    return found


def compared(ours: Named, theirs: Named, equal: Counter[str]) -> Iterator[Difference]:
    """The differences by kind; what is equal is counted. A reason is one for ours having more."""
    for kind in sorted({*ours, *theirs}, key=lambda kind: kind.value):
        mine, other = ours.get(kind, set()), theirs.get(kind, set())
        equal[kind.value] += len(mine & other)
        if mine != other:
            known, why = _EXPLAINED.get(kind, (_NONE, ""))
            if other - mine or not all(map(known.fullmatch, mine - other)):
                why = ""
            yield Difference(kind, sorted(mine - other), sorted(other - mine), why)


def _cold(archive: Path, folder: Path, peer: Path | None, rounds: int) -> Iterator[Claim]:
    """Both in turns, each with an empty cache."""
    ours, theirs = list[Measured](), list[Measured]()
    for number in range(rounds):
        words = [sys.executable, "-m", "bench.scan_ours", str(archive)]
        ours.append(measured([*words, str(folder / f"ours-{number}")]))
        if peer:
            theirs.append(trivy.inventory(peer, archive, folder / f"theirs-{number}"))
    size = f"{archive.stat().st_size / 2**20:.0f} MiB, 20,000 files"
    note = f"median of {rounds}, start-up included; {size}"
    for name, unit, of, limit in _ASKED:
        yield Claim(
            f"scan, cold: {name}",
            statistics.median(map(of, ours)),
            statistics.median(map(of, theirs)) if theirs else None,
            unit,
            Goal(limit, "ratio") if theirs else None,
            note,
        )


_ASKED: Sequence[tuple[str, str, Callable[[Measured], float], float]] = (
    ("time", "s", lambda run: run.wall_s, 0.5),
    ("CPU", "s", lambda run: run.cpu_s, 0.5),
    ("memory at most", "MiB", lambda run: run.peak_mib, 0.5),
)


def _rescan(
    first: Path, second: Path, folder: Path, peer: Path | None, rounds: int
) -> Iterator[Claim]:
    """The app's layer has changed, the others are in the cache.

    Twice: in a process that runs, as the daemon's, and in one that starts, as `tidegate scan` and
    the peer. What other programs of the machine take shows as clock without CPU.
    """
    clock, work = list[float](), list[float]()
    for number in range(9):
        cache = folder / f"again-{number}"
        scan_ours.inventory(first, cache)
        began = time.perf_counter(), time.process_time()
        scan_ours.inventory(second, cache)
        clock.append(1_000 * (time.perf_counter() - began[0]))
        work.append(1_000 * (time.process_time() - began[1]))
    name = "scan, again after a change of the app's layer"
    note = f"median of 9, in the running daemon; {statistics.median(work):.0f} ms of CPU"
    yield Claim(name, statistics.median(clock), None, "ms", Goal(RESCAN_MS), note)
    ours, theirs = list[Measured](), list[Measured]()
    for number in range(rounds):
        cache, other = folder / f"new-{number}", folder / f"theirs-new-{number}"
        scan_ours.inventory(first, cache)
        words = [sys.executable, "-m", "bench.scan_ours", str(second), str(cache)]
        ours.append(measured(words))
        if peer:
            trivy.inventory(peer, first, other)
            theirs.append(trivy.inventory(peer, second, other))
    spent = statistics.median(run.cpu_s for run in ours)
    yield Claim(
        f"{name}: a new process",
        1_000 * statistics.median(run.wall_s for run in ours),
        1_000 * statistics.median(run.wall_s for run in theirs) if theirs else None,
        "ms",
        Goal(0.5, "ratio") if theirs else None,
        f"median of {rounds}, start-up included; {1_000 * spent:.0f} ms of CPU",
    )


def _advisories(folder: Path, size: Size) -> Iterator[Claim]:
    say(f"an index of {size.records:,} records")
    dumps, file = scan_made.dumps(folder / "dumps", size.records), folder / "index.db"
    words = [sys.executable, "-m", "bench.scan_ours", "--index", str(dumps), str(file)]
    run = measured(words)
    share, records = size.records / WHOLE, f"{int(run.output):,} records"
    note = f"{records}; {run.wall_s:.1f} s on the clock, {run.peak_mib:.0f} MiB of memory"
    limit = INDEX_S * share
    yield Claim("scan, index built: CPU", run.cpu_s, None, "s", Goal(limit), note)
    mib = file.stat().st_size / 2**20
    yield Claim("scan, index built: size", mib, None, "MiB", Goal(INDEX_MIB * share), records)
    index = Index(file)
    for kind, ecosystem in ((Kind.PYPI, "PyPI"), (Kind.DEB, "Debian:12")):
        packages = scan_made.installed(kind, ecosystem)
        times, found = [], 0
        for _ in range(5):
            pep440.key.cache_clear()
            deb.key.cache_clear()
            began = time.process_time()
            found = len(match(packages, index).matches)
            times.append(1_000 * (time.process_time() - began))
        note = f"median of 5, CPU; {found:,} findings, every package has advisories"
        name = f"scan, 1,000 packages of {ecosystem} matched"
        yield Claim(name, statistics.median(times), None, "ms", Goal(MATCH_MS), note)
    index.close()
