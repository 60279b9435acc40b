"""A scanner that is another program, behind the port: it gets a file and says JSON, no more.

It sees an exported archive in a private folder, an empty environment, no network and no engine
socket where the system allows that, and a time limit. Its version and digest are in the report.
Whatever goes wrong is a report without findings, and why: UNKNOWN, never a pass.
"""

import hashlib
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tidegate.core.errors import TidegateError
from tidegate.core.findings import Finding, Origin, ScanReport
from tidegate.scan.adapters.fence import fence
from tidegate.scan.adapters.program import USUAL, Bounds, ProgramFailed, run
from tidegate.scan.adapters.tool import BadAnswer, Job, Tool
from tidegate.scan.archive.engine import Engine
from tidegate.scan.archive.export import export
from tidegate.scan.archive.image import Description
from tidegate.scan.archive.limits import DEFAULT, Limits
from tidegate.scan.inventory.base import KnownBase, find_base

_VERSION = re.compile(r"(?im)^\D*?version\s*:?\s*(\S+)|(\d+\.\d+\.\d+\S*)")
_VERSION_BOUNDS = Bounds(60.0, 64 * 1024)
_UNFENCED = "{name} ran with a network and in sight of the engine: no user namespaces here"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tool works: a folder for what is large and private, its data, what it must not see.

    `hidden` are folders; `bases` are images that others may be built on.
    """

    folder: Path
    data: Path
    hidden: Sequence[Path] = ()
    bases: Sequence[KnownBase] = ()


@dataclass(frozen=True, slots=True)
class External:
    """`core.ports.Scanner` by a tool whose program is at `program`."""

    tool: Tool
    program: str
    engine: Engine
    place: Place
    bounds: Bounds = USUAL
    limits: Limits = DEFAULT

    def scan(self, digest: str) -> ScanReport:
        """Export the image and let the tool look at it."""
        scanner = self.tool.name
        try:
            self.place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="scan-", dir=self.place.folder) as name:
                folder = Path(name)
                scanner = f"{self.tool.name} {self._version(folder)}"
                return self._scan(digest, folder, scanner)
        except (ProgramFailed, BadAnswer) as error:
            note = f"{self.tool.name} could not tell: {error}"
        except TidegateError as error:
            note = f"{error.what}{': ' if error.cause else ''}{error.cause}"
        except OSError as error:
            note = f"{self.tool.name} cannot be run: {error}"
        return ScanReport(digest, None, note, scanner=scanner)

    def _scan(self, digest: str, folder: Path, scanner: str) -> ScanReport:
        archive = folder / "image.tar"
        image = export(self.engine, digest, archive, self.limits)
        job = Job(self.program, archive, folder, self.place.data)
        around = fence(self.place.hidden)
        said = run([*(around or ()), *self.tool.words(job)], folder, self.bounds)
        answer = self.tool.read(said, job)
        unfenced = () if around else (_UNFENCED.format(name=self.tool.name),)
        return ScanReport(
            digest,
            tuple(_placed(finding, image, self.place.bases) for finding in answer.findings),
            unknown=answer.unknown,
            warnings=(*answer.warnings, *unfenced),
            packages=answer.packages,
            scanner=scanner,
            data=answer.data,
            data_at=answer.data_at,
        )

    def _version(self, folder: Path) -> str:
        """What the program calls itself, and the digest of its file: "0.50.1 (sha256:…)"."""
        with open(self.program, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        around = fence(self.place.hidden) or ()
        said = run([*around, self.program, "--version"], folder, _VERSION_BOUNDS)
        found = _VERSION.search(said.output.decode("utf-8", "replace"))
        told = (found[1] or found[2])[:60] if found else "of unknown version"
        return f"{told} (sha256:{digest[:16]})"


def _placed(finding: Finding, image: Description, bases: Sequence[KnownBase]) -> Finding:
    """The same with the instruction that made its layer, and whether the base brought it."""
    layer = finding.origin.layer
    if layer not in image.diff_ids:
        return finding
    index, base = image.diff_ids.index(layer), find_base(image, bases)
    of_base = None if base is None else index < base.layers
    origin = Origin(finding.origin.path, layer, image.steps[index], of_base)
    return replace(finding, origin=origin)
