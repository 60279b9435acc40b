"""The port `Scanner`: an image of the engine, by digest, to evidence and a report."""

import json
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from tidegate.core.errors import GateError, NotFound
from tidegate.core.findings import ScanReport
from tidegate.core.ports import Scanner
from tidegate.local.scanning.assessor import SCANNER
from tidegate.local.scanning.evidence import Entry, Evidence
from tidegate.scan import sbom
from tidegate.scan.archive.engine import Engine, EngineImage
from tidegate.scan.archive.limits import DEFAULT
from tidegate.scan.inventory import LayerCache, of_image
from tidegate.scan.inventory.cache import FORMAT
from tidegate.scan.packages import Inventory

_NAMESPACE = uuid.UUID("4f1b2a52-8a59-4d0c-9f37-6a1f0e8d1c11")
"""An SBOM's serial number follows from its image's digest."""


class Judge(Protocol):
    """Who tells what is known of an image: `Assessor`, or another scanner by way of `OtherTool`."""

    def assess(self, inventory: Inventory, digest: str) -> ScanReport:
        """The report, without its SBOM."""
        ...


@dataclass(frozen=True, slots=True)
class OtherTool:
    """Another scanner in the place of ours; the inventory and the evidence stay ours."""

    scanner: Scanner

    def assess(self, inventory: Inventory, digest: str) -> ScanReport:
        """What the tool says."""
        return self.scanner.scan(digest)


class LocalScanner:
    """Scans images of this machine's engine. An image that was read once is not read again: its
    SBOM is evidence, and it is that which is matched when the data changes.

    `now` tells the time in ms, for the SBOM's stamp.
    """

    def __init__(
        self,
        engine: Engine,
        evidence: Evidence,
        layers: LayerCache,
        judge: Judge,
        now: Callable[[], int],
    ) -> None:
        self._engine, self._evidence, self._layers = engine, evidence, layers
        self._judge, self._now = judge, now

    def scan(self, digest: str) -> ScanReport:
        """What is known of the image. Findings None, with a note, when nothing can be."""
        try:
            inventory, stored = self._inventory(digest)
            report = self._judge.assess(inventory, digest)
            report = replace(report, sbom=stored, scanner=report.scanner or SCANNER)
            self._record(report)
        except (GateError, NotFound) as error:
            note = f"{error.what}: {error.cause}" if error.cause else error.what
            return ScanReport(digest, None, note, scanner=SCANNER)
        return report

    def _record(self, report: ScanReport) -> None:
        """Keep the report beside those before it: a verdict stood on one of them."""
        before = self._evidence.of(report.digest)
        entry = Entry(report.digest, report.sbom, before.reports if before else (), FORMAT)
        kept = self._evidence.put(report_json(report))
        self._evidence.record(entry.with_report(kept))

    def _inventory(self, digest: str) -> tuple[Inventory, str]:
        """The image's inventory, and the digest of its SBOM."""
        entry = self._evidence.of(digest)
        if entry and entry.format == FORMAT:
            try:
                return sbom.read(self._evidence.get(entry.sbom)), entry.sbom
            except (GateError, NotFound):
                pass  # the evidence is lost or damaged: the image itself tells it again
        image = EngineImage(self._engine, digest, DEFAULT)
        inventory = of_image(image, self._layers, self._evidence.bases(digest))
        serial = str(uuid.uuid5(_NAMESPACE, digest))
        stamp = datetime.fromtimestamp(self._now() // 1000, UTC).isoformat()
        return inventory, self._evidence.put(sbom.write(inventory, digest, serial, stamp))


def report_json(report: ScanReport) -> bytes:
    """A report as JSON: the same bytes for the same report."""
    text = json.dumps(asdict(report), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode() + b"\n"
