"""Every parser of untrusted bytes, good files of its format, and how it refuses bad ones."""

import importlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support import scanner_answers
from tests.support.advisory_files import CRITICAL, affected, epss_bytes, kev_text, record
from tests.support.images_made import (
    DEBIAN,
    STATUS,
    FakeEngine,
    Made,
    gzipped,
    layer,
    link,
    stanza,
)
from tests.support.packages_made import (
    elf,
    go_program,
    jar,
    old_go_program,
    pom,
    rpm_berkeley,
    rpm_header,
    rpm_sqlite,
)
from tests.support.parser import Parser, Read
from tests.support.parsers_of_text import PARSERS_OF_TEXT
from tidegate.core.errors import AppFileError, GateError, JournalError
from tidegate.scan import sbom
from tidegate.scan.adapters import ecr
from tidegate.scan.adapters.grype import Grype
from tidegate.scan.adapters.osv_scanner import OsvScanner
from tidegate.scan.adapters.program import Said
from tidegate.scan.adapters.tool import BadAnswer, Job, Tool
from tidegate.scan.adapters.trivy import Trivy
from tidegate.scan.advisories import severity
from tidegate.scan.advisories.build import Builder
from tidegate.scan.advisories.dump import Dump
from tidegate.scan.advisories.feeds import read_epss, read_kev
from tidegate.scan.advisories.index import Index
from tidegate.scan.advisories.record import BadRecord, parse
from tidegate.scan.advisories.settings import Bounds
from tidegate.scan.advisories.told import ENTRY, STATEMENT, entry
from tidegate.scan.archive import open_archive
from tidegate.scan.archive.compression import plain
from tidegate.scan.archive.engine import EngineImage
from tidegate.scan.archive.limits import MIB, Limits
from tidegate.scan.archive.stream import Stream
from tidegate.scan.archive.tar import Tar
from tidegate.scan.inventory import apk, dpkg, golang, java, npm, of_image, osrelease, python, rpm
from tidegate.scan.inventory.extract import extract
from tidegate.scan.inventory.facts import BadFile
from tidegate.scan.inventory.rpm import header
from tidegate.scan.match import match
from tidegate.scan.packages import Inventory, Kind, OsRelease, Package
from tidegate.scan.versions import ECOSYSTEMS, Unordered, comparator

MODULES = "mod\tg.co/me\tv1.0.0\th1:\ndep\tg.co/x\tv2.0.0\th1:\n=>\tg.co/y\tv2.1.0\n"
HEADERS = [rpm_header("a", "1", "2", epoch=1, module="m:1", files=["/bin/x"])]
LOCK = {"packages": {"node_modules/a": {"version": "1"}}, "dependencies": {"b": {"version": "2"}}}
MANIFEST = {"META-INF/MANIFEST.MF": "Implementation-Title: x\nImplementation-Version: 1\n"}
LAYER = layer(
    {"etc/os-release": DEBIAN, STATUS: stanza("a", "1"), "a/.wh..wh..opq": "", "b/.wh.c": ""},
    link("x/package.json", "store", hard=True),
)
SMALL = Limits(layers=8, image_bytes=8 * MIB, layer_bytes=4 * MIB, members=500, json_bytes=MIB)
BOUNDS = Bounds(MIB, 8 * MIB, MIB, records=100)
OF_DEBIAN = Package("a", "1", "Debian:12", Kind.DEB, "pkg:deb/debian/a@1", path=STATUS)
OF_PYPI = Package("b", "1.5", "PyPI", Kind.PYPI, "pkg:pypi/b@1.5")
SAMPLE = Inventory("sha256:0")
SAMPLES = (SAMPLE, Inventory("sha256:1", OsRelease("debian", "12"), (OF_DEBIAN,)))
RECORD = record(
    "DSA-1-1",
    affected(("Debian:12", "a"), "introduced 0", "fixed 1.2", versions=["1"]),
    affected(("PyPI", "B"), "introduced 1", "last_affected 2"),
    summary="Important: m:1 security update",
    related=["CVE-2026-1"],
    severity=[{"type": "CVSS_V3", "score": CRITICAL}],
    database_specific={"severity": "HIGH"},
)
VERSIONS = (
    *("1:2.3~rc1-4+deb12u1", "0:4.18.0-477.el8_8^2", "1.2.3_alpha1_p2-r5", "1!2.0.post1.dev3+l"),
    *("v1.2.3-rc.1+build", "1.0-alpha-2.SNAPSHOT", "2.7.16-33", "1.2.3.RELEASE"),
)
VECTORS = (CRITICAL, "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N")


def stored(files: dict[str, bytes]) -> bytes:
    """A zip whose members are not compressed, so that a change reaches what is in them."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return target.getvalue()


def in_a_file(read: Callable[[Path], object], name: str = "file") -> Read:
    """For those that read from a path."""
    folder = tempfile.TemporaryDirectory(prefix="tidegate-fuzz-")

    def from_bytes(data: bytes, folder: tempfile.TemporaryDirectory[str] = folder) -> object:
        path = Path(folder.name, name)
        path.write_bytes(data)
        return read(path)

    return from_bytes


def _walk(data: bytes) -> object:
    facts, links = extract(Tar(Stream(io.BytesIO(data), SMALL.layer_bytes), SMALL))
    return facts.files, facts.hidden, facts.opaque, facts.notes, links


def _save(data: bytes) -> object:
    class Changed(FakeEngine):
        def get_image(self, image: str, chunk_size: int | None = None) -> Iterator[bytes]:
            yield data

    return of_image(EngineImage(Changed(Made([LAYER])), "made:1", SMALL), limits=SMALL)


def _open(path: Path) -> object:
    return of_image(open_archive(path, "linux/amd64", SMALL), limits=SMALL)


def _unpack(data: bytes) -> object:
    return Stream(plain(io.BytesIO(data)), 4 * MIB).finish()


def _dump(path: Path) -> object:
    return len(list(Dump("Debian", path, BOUNDS).advisories()))


def _versions(data: bytes) -> object:
    """Two versions, compared by every ecosystem's rules; who is older must not depend on the side.

    Where one order is known, the other is, and it is the opposite.
    """
    a, _, b = data.decode("utf-8", "replace").partition("\n")
    orders: list[int | None] = []
    for ecosystem in sorted(ECOSYSTEMS):
        compare = comparator(ecosystem)
        try:
            order = compare(a, b)
        except Unordered:
            orders.append(None)
            continue
        back = compare(b, a)
        if (order > 0) != (back < 0) or (order < 0) != (back > 0):
            raise AssertionError(f"{ecosystem} orders {a!r} and {b!r} both ways")
        orders.append((order > 0) - (order < 0))
    return tuple(orders)


def _index(path: Path) -> object:
    """A record through the index and back: what was taken in can be asked for."""
    advisory = parse(path.read_bytes())
    file = path.with_suffix(".db")
    file.unlink(missing_ok=True)
    with Builder(file) as builder:
        builder.add([advisory])
        builder.finish()
    index = Index(file)
    try:
        asked = {(one.ecosystem, one.package) for one in advisory.affected}
        for (known,) in (index.find(*one) for one in asked if advisory.is_advisory):
            told_names = set(known.names), set(known.covers)
            if told_names != (set(advisory.names), set(advisory.covers)):
                raise AssertionError("the index tells other names than the record")
        for package, told in index.told(asked).items():
            said = [a for a in advisory.affected if (a.ecosystem, a.package) == package]
            if told.text.split(STATEMENT) != [ENTRY.join(["1", *map(entry, said)])]:
                raise AssertionError("the index tells other ranges than the record")
        return len(asked), len(match([OF_DEBIAN, OF_PYPI], index).matches)
    finally:
        index.close()


def _sbom(data: bytes) -> object:
    """What was taken in can be written down again."""
    return sbom.write(sbom.read(data), "web", "0", "0")


def _ecr(data: bytes) -> object:
    """Answers of ECR are parsed JSON; whatever it is, there is a report or a wait."""
    try:
        page = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return ecr.report("sha256:0", page if isinstance(page, list) else [page])


def _tool(tool: Tool) -> Read:
    """What a program says, as the scanner of that name."""

    def read(data: bytes) -> object:
        return tool.read(Said(0, data, ""), Job("x", Path("x"), Path("x"), Path("x")))

    return read


def _vector(data: bytes) -> object:
    text = data.decode("utf-8", "replace")
    return severity.of_entries([{"type": f"CVSS_V{n}", "score": text} for n in (2, 3, 4)])


def _zstd() -> tuple[bytes, ...]:
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError:
        return ()
    return (zstandard.ZstdCompressor().compress(LAYER),)


_ECR = {"imageId": {"imageDigest": "sha256:0"}, "imageScanStatus": {"status": "COMPLETE"}}
_ECR_BASIC = {
    **_ECR,
    "imageScanFindings": {
        "imageScanCompletedAt": 1_700_000_000.5,
        "findings": [
            {
                "name": "CVE-2026-1",
                "severity": "HIGH",
                "attributes": [{"key": "package_name", "value": "a"}],
            }
        ],
    },
}
_ECR_ENHANCED = {
    **_ECR,
    "imageScanFindings": {
        "imageScanCompletedAt": "2026-01-01T00:00:00Z",
        "enhancedFindings": [
            {
                "severity": "HIGH",
                "packageVulnerabilityDetails": {
                    "vulnerabilityId": "CVE-2026-1",
                    "relatedVulnerabilities": ["GHSA-1"],
                    "vulnerablePackages": [{"name": "a", "version": "1", "epoch": 1}],
                },
            }
        ],
    },
}
_NESTED = {**pom("g.h", "a", "1"), **MANIFEST, "l/b-1.jar": jar(pom("g.h", "b", "2"))}
_PLAIN = {k: v.encode() if isinstance(v, str) else v for k, v in _NESTED.items()}
_EGG = {"EGG-INFO/PKG-INFO": "Name: a\nVersion: 1\n"}
_RECORDS = {"a.json": json.dumps(RECORD).encode()}

PARSERS: dict[str, Parser] = {
    "dpkg": Parser(dpkg.status, ((stanza("a", "1", Source="b (2)") + stanza("c", "3")).encode(),)),
    "dpkg list": Parser(dpkg.file_list, (b"/.\n/usr/bin/x\n",)),
    "dpkg sums": Parser(dpkg.checksums, (b"0" * 32 + b"  usr/bin/x\n",)),
    "apk": Parser(apk.installed, (b"P:a\nV:1-r0\no:b\nF:bin\nR:x\n\nP:c\nV:2\n\n",)),
    "rpm sqlite": Parser(rpm.from_sqlite, (rpm_sqlite(HEADERS * 3),)),
    "rpm berkeley": Parser(
        rpm.from_berkeley, tuple(rpm_berkeley(HEADERS * 9, o, 512) for o in "<>")
    ),
    "rpm header": Parser(header.package, tuple(HEADERS)),
    "os-release": Parser(osrelease.os_release, (DEBIAN.encode(),)),
    "python": Parser(python.metadata, (b"Name: a\nVersion: 1\n\nb",)),
    "egg": Parser(python.egg, (jar(_EGG), stored({k: v.encode() for k, v in _EGG.items()}))),
    "npm": Parser(npm.manifest, (b'{"name": "a", "version": "1"}',)),
    "npm lock": Parser(npm.lock_file, (json.dumps(LOCK).encode(),)),
    "go": Parser(golang.program, (go_program(MODULES), old_go_program(MODULES), elf(b"UPX!", b""))),
    "java": Parser(lambda d: java.archive("x-1.jar", d), (jar(_NESTED), stored(_PLAIN))),
    "layer": Parser(_walk, (LAYER, layer({"n" * 200: "x"}, format=2)), tar=True),
    "save": Parser(_save, (Made([LAYER]).docker_archive(),), tar=True),
    "archive": Parser(
        in_a_file(_open),
        (Made([LAYER]).docker_archive(), layer(Made([LAYER], pack=gzipped).oci_files())),
        tar=True,
    ),
    "compression": Parser(_unpack, (gzipped(LAYER), *_zstd())),
    "sbom": Parser(_sbom, tuple(sbom.write(each, "web", "0", "0") for each in SAMPLES)),
    "osv record": Parser(parse, (json.dumps(RECORD).encode(),)),
    "osv index": Parser(in_a_file(_index), (json.dumps(RECORD).encode(),)),
    "osv dump": Parser(in_a_file(_dump), (jar({**_RECORDS}), stored(_RECORDS))),
    "ecr": Parser(_ecr, (json.dumps([_ECR_BASIC]).encode(), json.dumps([_ECR_ENHANCED]).encode())),
    "trivy": Parser(_tool(Trivy()), (json.dumps(scanner_answers.trivy("sha256:1")).encode(),)),
    "grype": Parser(_tool(Grype()), (json.dumps(scanner_answers.grype("sha256:1")).encode(),)),
    "osv-scanner": Parser(
        _tool(OsvScanner()), (json.dumps(scanner_answers.osv_scanner("sha256:1")).encode(),)
    ),
    "kev": Parser(in_a_file(lambda p: read_kev(p, BOUNDS)), (kev_text("CVE-2026-1"),)),
    "epss": Parser(in_a_file(lambda p: read_epss(p, BOUNDS)), (epss_bytes(CVE_2026_1=0.5),)),
    "cvss": Parser(_vector, tuple(v.encode() for v in VECTORS)),
    "versions": Parser(_versions, tuple(f"{v}\n{v}".encode() for v in VERSIONS)),
    **PARSERS_OF_TEXT,
}

REFUSALS: tuple[type[Exception], ...] = (
    *(BadFile, GateError, BadRecord, BadAnswer),
    *(AppFileError, JournalError),
)
"""How a parser says that the file is bad. Anything else that it raises is a find."""
