"""Advisories for a demo without a network: a few records of our own, in the OSV bucket's layout.

They tell what everybody knows of one old package, and that the distribution's are in order; they
are no substitute for `tidegate advisories update`, and the demo keeps them to itself.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

KNOWN = "CVE-2019-10744"
PACKAGE, OLD, FIXED = "lodash", "4.17.11", "4.17.12"
_CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
_RELEASES = ("Debian:11", "Debian:12", "Debian:13")


def write(folder: Path) -> None:
    """`folder/<ECOSYSTEM>/all.zip` for npm and Debian."""
    _zip(folder / "npm", _lodash())
    _zip(folder / "Debian", _debian())


def settings(config: Path) -> None:
    """Settings under which nothing is fetched from anywhere."""
    file = config / "tidegate" / "advisories.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("refresh_hours = 0\n")


def _lodash() -> dict[str, Any]:
    fixed = {"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": FIXED}]}
    package = {"ecosystem": "npm", "name": PACKAGE}
    return {
        "id": "GHSA-jf85-cpcp-j695",
        "aliases": [KNOWN],
        "summary": "Prototype pollution in lodash",
        "modified": "2026-01-01T00:00:00Z",
        "published": "2019-07-10T19:45:23Z",
        "severity": [{"type": "CVSS_V3", "score": _CRITICAL}],
        "affected": [{"package": package, "ranges": [fixed]}],
    }


def _debian() -> dict[str, Any]:
    """A record that no image of these releases is affected by: it says that they are known."""
    events = [{"introduced": "0"}, {"fixed": "0.0.1"}]
    affected = [
        {
            "package": {"ecosystem": release, "name": "nginx"},
            "ranges": [{"type": "ECOSYSTEM", "events": events}],
        }
        for release in _RELEASES
    ]
    return {"id": "DEMO-0000-0001", "modified": "2026-01-01T00:00:00Z", "affected": affected}


def _zip(folder: Path, *records: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for record in records:
            archive.writestr(f"{record['id']}.json", json.dumps(record))
