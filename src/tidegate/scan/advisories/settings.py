"""Where advisories come from, and how much of them is read."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from tidegate.scan.versions import ECOSYSTEMS

MIB = 1024 * 1024
KEV, EPSS = "KEV", "EPSS"
"""The names of the two sources that are no ecosystem."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where each source lies. `osv` is the bucket: `<osv>/<ECOSYSTEM>/all.zip`."""

    osv: str = "https://storage.googleapis.com/osv-vulnerabilities"
    kev: str = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
    epss: str = "https://epss.cyentia.com/epss_scores-current.csv.gz"

    def of(self, source: str) -> str:
        """The address of a source: KEV, EPSS, or an ecosystem such as "Debian"."""
        found = {KEV: self.kev, EPSS: self.epss}
        return found.get(source) or f"{self.osv.rstrip('/')}/{quote(source)}/all.zip"


def sources_for(ecosystems: Iterable[str], *, epss: bool = False) -> tuple[str, ...]:
    """What to fetch for the ecosystems of an inventory, "Debian:12" or "PyPI", and KEV.

    An image may call its distribution anything: what is not known here is not asked for.
    """
    names = {ecosystem.partition(":")[0] for ecosystem in ecosystems} & ECOSYSTEMS
    return (*sorted(names), KEV, *([EPSS] if epss else ()))


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is read of one source. What goes over is an error (TG422, TG424), never a silent end.

    `download_bytes` is what a server sends, `unpacked_bytes` a dump's or feed's whole after
    decompression, `record_bytes` one record; `seconds` is the time from request to last byte,
    `silence_seconds` the longest pause in it. `bad_share` is how many of a dump's records may be
    unreadable before the dump is.
    """

    download_bytes: int = 1024 * MIB
    unpacked_bytes: int = 8 * 1024 * MIB
    record_bytes: int = 16 * MIB
    records: int = 2_000_000
    seconds: float = 1800
    silence_seconds: float = 30
    bad_share: float = 0.01
