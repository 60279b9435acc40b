"""Which scanner an app has chosen, and whether it is here. The one place that names the tools."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tidegate.core.errors import SetupError
from tidegate.core.model import GatePolicy, ScannerName
from tidegate.core.ports import Scanner
from tidegate.scan.adapters.external import External, Place
from tidegate.scan.adapters.fence import engine_folders
from tidegate.scan.adapters.grype import Grype
from tidegate.scan.adapters.osv_scanner import OsvScanner
from tidegate.scan.adapters.program import USUAL, Bounds
from tidegate.scan.adapters.tool import Tool
from tidegate.scan.adapters.trivy import Trivy
from tidegate.scan.archive.engine import Engine
from tidegate.scan.archive.limits import DEFAULT, Limits
from tidegate.scan.inventory.base import KnownBase

TOOLS: Mapping[ScannerName, Tool] = {
    ScannerName.TRIVY: Trivy(),
    ScannerName.GRYPE: Grype(),
    ScannerName.OSV_SCANNER: OsvScanner(),
}


@dataclass(frozen=True, slots=True)
class Means:
    """What another scanner needs: the engine, a private folder with room for an image, and bounds.

    `environ` is ours, of which a tool sees nothing; `home` is where users' caches are.
    """

    engine: Engine
    folder: Path
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    home: Path = field(default_factory=Path.home)
    bases: Sequence[KnownBase] = ()
    bounds: Bounds = USUAL
    limits: Limits = DEFAULT


def scanner_for(policy: GatePolicy, built_in: Callable[[], Scanner], means: Means) -> Scanner:
    """The scanner that `gate.scanner` of the app file names.

    `built_in` makes Tidegate's own; it is asked only when that is chosen, which is the default.
    Whoever scans calls this with the policy of the revision that is judged, each time: a revision
    may name another scanner than the one before it. Nothing is started or held here.
    Raises `SetupError` TG239 when the chosen one is not installed.
    """
    if policy.scanner is ScannerName.TIDEGATE:
        return built_in()
    tool = TOOLS[policy.scanner]
    program = shutil.which(tool.name, path=means.environ.get("PATH", os.defpath))
    if program is None:
        raise SetupError(
            f"the app file wants {tool.name} as its scanner, which is not installed",
            cause=f"no program {tool.name} in the daemon's PATH",
            remedy=f"install {tool.name}, or write `gate: {{scanner: tidegate}}`",
            code="TG239",
        )
    hidden = engine_folders(means.environ, means.home)
    data = _cache(means.environ, means.home) / tool.data
    place = Place(means.folder, data, hidden, means.bases)
    return External(tool, program, means.engine, place, means.bounds, means.limits)


def _cache(environ: Mapping[str, str], home: Path) -> Path:
    """Where Go programs keep their caches (os.UserCacheDir)."""
    if sys.platform == "darwin":
        return home / "Library" / "Caches"
    named = environ.get("XDG_CACHE_HOME", "")
    return Path(named) if named.startswith("/") else home / ".cache"
