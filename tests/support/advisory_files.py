"""Advisories of our own making, in the OSV bucket's layout, and packages to match with them."""

import gzip
import json
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar

from tests.support.web import running
from tidegate.scan.advisories.build import Builder
from tidegate.scan.advisories.index import Index
from tidegate.scan.advisories.record import parse
from tidegate.scan.advisories.settings import Addresses
from tidegate.scan.packages import Kind, Package

CRITICAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
MEDIUM = "CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:L/A:N"
REAL = Path("/work/shared/advisories")
"""A larger set of real data, where somebody has laid it; it is not part of the project."""

Record = dict[str, Any]


def affected(package: tuple[str, str], *events: str, **more: object) -> Record:
    """One affected package (ecosystem, name): events "introduced 0", "fixed 1.2" in one range."""
    named = {"ecosystem": package[0], "name": package[1]}
    kind = "SEMVER" if package[0] in ("Go", "npm") else "ECOSYSTEM"
    found = [dict([event.split(" ", 1)]) for event in events]
    ranges = [{"type": kind, "events": found}] if events else []
    return {"package": named, "ranges": ranges, **more}


def record(id: str, *entries: Record, **more: object) -> Record:
    """One OSV record."""
    return {"id": id, "modified": "2026-01-01T00:00:00Z", "affected": list(entries), **more}


def index_of(folder: Path, *records: Record, kev: Iterable[str] = ()) -> Index:
    """An index of these records."""
    path = folder / "index.db"
    path.unlink(missing_ok=True)
    with Builder(path) as builder:
        builder.add(parse(json.dumps(one).encode()) for one in records)
        builder.add_feeds(kev, ((cve, 0.5) for cve in kev))
        builder.finish()
    return Index(path)


def write_dump(path: Path, records: Iterable[Record]) -> Path:
    """An `all.zip` of these records."""
    texts = {f"{one['id']}.json": json.dumps(one).encode() for one in records}
    return write_zip(path, texts)


def write_zip(path: Path, members: Mapping[str, bytes]) -> Path:
    """A zip of these files, compressed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def kev_text(*cves: str) -> bytes:
    """CISA's catalogue of these CVEs."""
    return json.dumps({"vulnerabilities": [{"cveID": cve} for cve in cves]}).encode()


def epss_bytes(**chances: float) -> bytes:
    """The scores' file; `CVE_2024_1=0.5` is CVE-2024-1."""
    rows = "".join(f"{cve.replace('_', '-')},{chance},0.9\n" for cve, chance in chances.items())
    return gzip.compress(f"#model_version:v1\ncve,epss,percentile\n{rows}".encode(), mtime=0)


def deb(name: str, version: str, source: str = "", source_version: str = "") -> Package:
    """A package of Debian 12."""
    return Package(
        name, version, "Debian:12", Kind.DEB, f"pkg:deb/debian/{name}", source, source_version
    )


def rpm(name: str, version: str, module: str = "") -> Package:
    """A package of AlmaLinux 9."""
    purl = f"pkg:rpm/almalinux/{name}"
    return Package(name, version, "AlmaLinux:9", Kind.RPM, purl, module=module)


def of(kind: Kind, ecosystem: str, name: str, version: str) -> Package:
    """A package of a language, or of Alpine."""
    return Package(name, version, ecosystem, kind, f"pkg:{kind.value}/{name}")


def python(name: str, version: str) -> Package:
    """A package of Python."""
    return of(Kind.PYPI, "PyPI", name, version)


class Bucket(BaseHTTPRequestHandler):
    """Serves files by path, with an etag; `faults` says by path how an answer goes wrong."""

    files: ClassVar[dict[str, bytes]] = {}
    faults: ClassVar[dict[str, str]] = {}
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The file, what is left of it by the fault, 304 or 404."""
        content, fault = self.files.get(self.path), self.faults.get(self.path, "")
        if content is None or fault == "missing":
            return self.send_error(404)
        etag = f'"{zlib.crc32(content):x}"'
        if self.headers.get("If-None-Match") == etag:
            self.send_response(304)
            return self.end_headers()
        self.send_response(200)
        self.send_header("ETag", etag)
        if fault != "endless":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.close_connection = True
        self._send(content, fault)

    def _send(self, content: bytes, fault: str) -> None:
        with suppress(OSError):
            match fault:
                case "cut short":
                    self.wfile.write(content[: len(content) // 2])
                case "silent":
                    time.sleep(3)
                case "drips":
                    for byte in content:
                        self.wfile.write(bytes((byte,)))
                        time.sleep(0.05)
                case "endless":
                    for _ in range(1000):
                        self.wfile.write(b"x" * 65536)
                case _:
                    self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def bucket(files: dict[str, bytes]) -> Iterator[tuple[Addresses, dict[str, bytes], dict[str, str]]]:
    """A server of these files, by path: its addresses, the files, and the faults, to be changed."""
    faults: dict[str, str] = {}
    handler = type("Files", (Bucket,), {"files": files, "faults": faults})
    with running(handler) as port:
        here = f"http://127.0.0.1:{port}"
        yield Addresses(f"{here}/osv", f"{here}/kev.json", f"{here}/epss.csv.gz"), files, faults
