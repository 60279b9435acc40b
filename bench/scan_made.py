"""What the scan bench reads: images with packages of every kind, and advisories in OSV's shapes."""

import json
import random
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.images_made import DEBIAN, STATUS, Files, Made, layer, stanza
from tests.support.packages_made import (
    go_program,
    jar,
    old_go_program,
    pom,
    rpm_berkeley,
    rpm_header,
    rpm_sqlite,
)

from tidegate.scan.packages import Kind, Package

MIB = 1024 * 1024
DEBS, PYTHONS, NPMS, GOS, APKS, RPMS = 480, 120, 600, 4, 330, 490
ALPINE = 'ID=alpine\nVERSION_ID=3.18.4\nPRETTY_NAME="Alpine Linux v3.18"\n'
ALMA = 'ID="almalinux"\nVERSION_ID="9.3"\nPRETTY_NAME="AlmaLinux 9.3"\n'
VECTORS = (
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
    "CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N",
)
SHARES = {"Debian": 0.4, "npm": 0.2, "PyPI": 0.14, "AlmaLinux": 0.1, "Alpine": 0.12, "Go": 0.04}
NAMES = 4_000
"""How many packages of an ecosystem have advisories."""

Json = dict[str, object]


def debian(app: str, archive_mib: int) -> Made:
    """Debian with Python, npm and Go packages, filled up with files; the last layer is the app."""
    filler = random.Random(7)
    each = max(1, (archive_mib - 8) * MIB // 20_000)
    files = {f"usr/share/f{n % 200}/file{n}": filler.randbytes(each) for n in range(20_000)}
    system: Files = {
        "etc/os-release": DEBIAN,
        "etc/debian_version": "12.5\n",
        STATUS: "".join(
            stanza(f"lib-{n}", f"1:{n}.2-3+deb12u1", Architecture="amd64", Source=f"src-{n // 2}")
            for n in range(DEBS)
        ),
        **files,
    }
    return Made([layer(system), layer(_languages()), layer(_app(app))], ["ADD /", "RUN", "COPY"])


def others() -> Mapping[str, Made]:
    """Small images of the kinds that do not fit into one with Debian, by what they hold."""
    apk = "".join(f"P:pkg{n}\nV:1.{n}.0-r{n % 9}\nA:x86_64\no:src{n}\n\n" for n in range(APKS))
    headers = [rpm_header(f"pkg{n}", f"1.{n}", "2.el9", epoch=n % 3 or None) for n in range(RPMS)]
    alpine: Files = {
        "etc/os-release": ALPINE,
        "etc/alpine-release": "3.18.4\n",
        "lib/apk/db/installed": apk,
    }
    alma: Files = {
        "etc/os-release": ALMA,
        "etc/almalinux-release": "AlmaLinux release 9.3 (Shamrock Pampas Cat)\n",
        "var/lib/rpm/rpmdb.sqlite": rpm_sqlite(headers),
    }
    large = [
        rpm_header(
            f"old{n}", f"1.{n}", "2.el8", files=[f"/usr/share/old{n}/{i}" for i in range(99)]
        )
        for n in range(RPMS)
    ]
    older: Files = {
        "etc/os-release": ALMA.replace("9.3", "8.9"),
        "etc/almalinux-release": "AlmaLinux release 8.9 (Midnight Oncilla)\n",
        "var/lib/rpm/Packages": rpm_berkeley(large),
    }
    programs: Files = {
        "usr/local/bin/new": go_program(
            "path\tg.co/new\nmod\tg.co/new\t(devel)\t\ndep\tg.co/a\tv1.2.3\th1:\n"
        ),
        "usr/local/bin/old": old_go_program(
            "path\tg.co/old\nmod\tg.co/old\tv1.0.0\th1:\ndep\tg.co/b\tv0.1.0\th1:\n"
            "dep\tg.co/c\tv1.0.0\t\n=>\tg.co/fork\tv1.0.1\th1:\n"
        ),
    }
    return {
        "apk": Made([layer(alpine)], ["ADD /"]),
        "rpm": Made([layer(alma)], ["ADD /"]),
        "rpm in BerkeleyDB": Made([layer(older)], ["ADD /"]),
        "jar": Made([layer(_java())], ["COPY"]),
        "go": Made([layer(programs)], ["COPY"]),
    }


def _java() -> Files:
    """Jars that name themselves in each of the ways that there are."""
    plain = {f"app/lib/lib-{n}-1.{n}.jar": jar(pom("com.example", f"lib-{n}", f"1.{n}"))
             for n in range(60)}  # fmt: skip
    inner = jar(pom("com.example", "inner", "2.0"))
    manifest = "Manifest-Version: 1.0\nImplementation-Title: titled\nImplementation-Version: 3.1\n"
    vendor = f"{manifest}Implementation-Vendor-Id: com.vendor\n"
    bundle = "Manifest-Version: 1.0\nBundle-SymbolicName: com.osgi.thing\nBundle-Version: 4.2.0\n"
    return {
        **plain,
        "app/web.war": jar({**pom("com.example", "web", "1.2.3"), "WEB-INF/lib/inner.jar": inner}),
        "app/shaded-1.0.jar": jar(
            pom("com.example", "shaded", "1.0") | pom("org.dep", "dep-a", "5.1")
        ),
        "app/vendor-3.1.jar": jar({"META-INF/MANIFEST.MF": vendor}),
        "app/titled.jar": jar({"META-INF/MANIFEST.MF": manifest}),
        "app/osgi.jar": jar({"META-INF/MANIFEST.MF": bundle}),
        "app/named-6.7.jar": jar({"a.class": b"\xca\xfe\xba\xbe"}),
    }


def _languages() -> Files:
    found: dict[str, str | bytes] = {}
    for n in range(PYTHONS):
        path = f"usr/local/lib/python3.11/site-packages/py_{n}-{n}.1.dist-info/METADATA"
        found[path] = f"Metadata-Version: 2.1\nName: py_{n}\nVersion: {n}.1\n\ntext\n"
    for n in range(NPMS):
        told = {"name": f"@s/npm-{n}" if n % 5 else f"npm-{n}", "version": f"{n}.0.1-rc.{n % 3}"}
        found[f"srv/node_modules/{told['name']}/package.json"] = json.dumps(told)
    for n in range(GOS):
        modules = "".join(f"dep\tg.co/m{m}\tv1.{m}.{n}\th1:\n" for m in range(40))
        found[f"usr/local/bin/tool{n}"] = go_program(
            f"path\tg.co/me\nmod\tg.co/me\tv1.0.0\th1:\n{modules}"
        )
    return found


def _app(version: str) -> Files:
    path = f"app/lib/own-{version}.dist-info/METADATA"
    return {path: f"Metadata-Version: 2.1\nName: own\nVersion: {version}\n\n", "app/x": version}


def dumps(folder: Path, records: int) -> Path:
    """So many records in the OSV bucket's layout; three or four packages each, as in real data."""
    for ecosystem, share in SHARES.items():
        path = folder / ecosystem / "all.zip"
        path.parent.mkdir(parents=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for one in _records(ecosystem, round(records * share)):
                archive.writestr(f"{one['id']}.json", json.dumps(one))
    return folder


def _records(ecosystem: str, count: int) -> Iterator[Json]:
    rng = random.Random(ecosystem)
    for n in range(count):
        name = rng.randrange(NAMES)
        vector = [{"type": "CVSS_V3", "score": rng.choice(VECTORS)}] if rng.random() < 0.6 else []
        yield {
            "schema_version": "1.7.0",
            "id": f"{_prefix(ecosystem)}{n}",
            "modified": "2026-10-01T00:00:00Z",
            "published": "2026-09-01T00:00:00Z",
            "aliases": [f"CVE-2026-{n}"] if ecosystem in ("PyPI", "npm", "Go") else [],
            "upstream": [] if ecosystem in ("PyPI", "npm", "Go") else [f"CVE-2026-{n}"],
            "summary": f"Important: package {name} has a mistake that somebody may use",
            "details": "A remote attacker may send a request that is longer than expected. " * 8,
            "severity": vector,
            "references": [
                {"type": "WEB", "url": f"https://advisories.example/{n}/{i}"} for i in range(5)
            ],
            "affected": list(_affected(ecosystem, name, rng)),
        }


def _prefix(ecosystem: str) -> str:
    named = {"Debian": "DEBIAN-CVE-2026-", "Alpine": "ALPINE-CVE-2026-", "AlmaLinux": "ALSA-2026-"}
    return named.get(ecosystem, f"{ecosystem.upper()}-2026-")


def _affected(ecosystem: str, name: int, rng: random.Random) -> Iterator[Json]:
    versions = sorted(rng.sample(range(1, 60), 4))
    match ecosystem:
        case "Debian" | "Alpine":
            releases = (
                ("10", "11", "12", "13") if ecosystem == "Debian" else ("v3.17", "v3.18", "v3.19")
            )
            for release in releases:
                fixed = (
                    f"1:{versions[0]}.2-3+deb12u1"
                    if ecosystem == "Debian"
                    else f"1.{versions[0]}.0-r1"
                )
                told = {"urgency": rng.choice(("low", "not yet assigned", "unimportant"))}
                package = f"src-{name}" if ecosystem == "Debian" else f"src{name}"
                yield _entry(
                    f"{ecosystem}:{release}", package, [("0", fixed)], ecosystem_specific=told
                )
        case "AlmaLinux":
            for n in range(8):
                yield _entry("AlmaLinux:9", f"pkg{name + n}", [("0", f"1.{versions[1]}-2.el9")])
        case _:
            ranges = [
                (f"{a}.1", f"{b}.1") for a, b in zip(versions[::2], versions[1::2], strict=True)
            ]
            listed = [
                f"{major}.{minor}"
                for major in range(versions[0], versions[1])
                for minor in range(2)
            ]
            more = {"versions": listed} if ecosystem == "PyPI" else {}
            package = f"py-{name}" if ecosystem == "PyPI" else f"npm-{name}"
            yield _entry(ecosystem, package, ranges, **more)


def _entry(ecosystem: str, name: str, ranges: list[tuple[str, str]], **more: object) -> Json:
    events = [event for a, b in ranges for event in ({"introduced": a}, {"fixed": b})]
    return {
        "package": {"ecosystem": ecosystem, "name": name, "purl": f"pkg:generic/{name}"},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
        **more,
    }


def installed(kind: Kind, ecosystem: str, count: int = 1_000) -> list[Package]:
    """So many packages, each with advisories."""
    rng = random.Random(count)
    found = []
    for _ in range(count):
        number, major = rng.randrange(NAMES), rng.randrange(1, 60)
        name = f"src-{number}" if kind is Kind.DEB else f"py-{number}"
        version = f"1:{major}.2-3+deb12u1" if kind is Kind.DEB else f"{major}.0"
        found.append(Package(name, version, ecosystem, kind, f"pkg:generic/{name}@{version}"))
    return found
