"""An inventory and the data of the day in, a scan report out. Pure but for reading the index."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from tidegate.core.findings import ScanReport
from tidegate.scan.advisories.index import Index
from tidegate.scan.advisories.settings import KEV
from tidegate.scan.advisories.store import SourceState
from tidegate.scan.findings import findings, unjudged, unordered
from tidegate.scan.match import Matching, match
from tidegate.scan.packages import Inventory
from tidegate.scan.pending import SecurityIndex, pending

NO_DATA = "there are no advisories yet: tidegate advisories update"


@dataclass(frozen=True, slots=True)
class Data:
    """What is known on this machine, today.

    `index` None: no advisories at all; `why` then says how so. `states` are the index's sources,
    `failures` what went wrong with each since it was last brought in. `security` is a
    distribution's own index, asked where the advisories have nothing of it; `no_security` says why
    there is none.
    """

    index: Index | None = None
    why: str = NO_DATA
    states: Mapping[str, SourceState] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    security: SecurityIndex | None = None
    no_security: str = ""


def assess(inventory: Inventory, digest: str, data: Data) -> ScanReport:
    """The report on the image `digest`; the caller adds its name, version and SBOM.

    Raises `GateError` TG426 when the index cannot be read.
    """
    ecosystems = ecosystems_of(inventory)
    matching = (
        match(inventory.packages, data.index) if data.index else Matching((), tuple(ecosystems))
    )
    security = data.security
    if security and security.ecosystem not in matching.uncovered:
        security = None
    if data.index is None and security is None:
        return ScanReport(digest, None, _nothing(data), packages=len(inventory.packages))
    found = findings(inventory, matching)
    if security:
        rest = tuple(name for name in matching.uncovered if name != security.ecosystem)
        found, matching = found + pending(inventory, security), replace(matching, uncovered=rest)
    return ScanReport(
        digest,
        found,
        unknown=(*unjudged(inventory, matching), *unordered(matching)),
        warnings=tuple(_warnings(data, ecosystems, security)),
        packages=len(inventory.packages),
        data=data.index.digest if data.index else security.digest if security else "",
        data_at=_since(data, ecosystems, security),
    )


def ecosystems_of(inventory: Inventory) -> list[str]:
    """What its installed packages are of, "Debian:12" or "PyPI", sorted."""
    return sorted({package.ecosystem for package in inventory.packages if not package.dev})


def source_of(ecosystem: str) -> str:
    """The source that has an ecosystem: "Debian" has "Debian:12"."""
    return ecosystem.partition(":")[0]


def _nothing(data: Data) -> str:
    return f"{data.why}; {data.no_security}" if data.no_security else data.why


def _since(data: Data, ecosystems: list[str], security: SecurityIndex | None) -> int | None:
    """The age of the report's data: that of its oldest part."""
    names = {*map(source_of, ecosystems), KEV} if data.index else set()
    taken = [state.taken_at_ms for name, state in data.states.items() if name in names]
    return min([*taken, *([security.at_ms] if security else [])], default=None)


def _warnings(data: Data, ecosystems: list[str], security: SecurityIndex | None) -> Iterator[str]:
    if security:
        what = "waiting security updates were counted, of unknown severity"
        yield f"there are no advisories for {security.ecosystem}; {what}"
    if data.index and KEV not in data.states:
        yield "whether a finding is exploited was not checked: there is no KEV data"
    failed: dict[str, list[str]] = {}
    for name in sorted({*map(source_of, ecosystems), KEV} & set(data.failures)):
        failed.setdefault(data.failures[name], []).append(name)
    for why, names in failed.items():
        yield f"the last refresh of {' and '.join(names)} failed: {why}"
