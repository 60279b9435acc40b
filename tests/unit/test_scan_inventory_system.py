"""Packages of the distribution: dpkg, apk, rpm; and what a bad database means."""

import sqlite3

import pytest

from tests.support.images_made import DEBIAN, STATUS, FakeEngine, Made, layer, stanza
from tests.support.packages_made import rpm_berkeley, rpm_header, rpm_sqlite
from tidegate.scan.archive.engine import EngineImage
from tidegate.scan.archive.limits import DEFAULT
from tidegate.scan.inventory import dpkg, of_image, osrelease, rpm
from tidegate.scan.inventory.facts import BadFile, Facts
from tidegate.scan.packages import Inventory, OsRelease

ALMA = 'ID="almalinux"\nVERSION_ID="9.4"\n'
ALPINE = "ID=alpine\nVERSION_ID=3.18.4\n"


def take(files: dict[str, str | bytes]) -> Inventory:
    return of_image(EngineImage(FakeEngine(Made([layer(files)])), "made:1", DEFAULT))


def rows(inventory: Inventory) -> list[tuple[str, str, str, str, str]]:
    return [
        (p.ecosystem, p.name, p.version, p.source_name, p.source_version)
        for p in inventory.packages
    ]


def test_dpkg_tells_installed_packages_with_what_they_were_built_from() -> None:
    status = (
        stanza("libc6", "2.36-9+deb12u4", Source="glibc", Architecture="amd64")
        + stanza("gcc-12-base", "12.2.0-14", Source="gcc-12 (12.2.0-14+b1)")
        + stanza("git", "1:2.39.2-1.1", Description="a\n Package: fake\n .\n more")
        + stanza("gone", "1", Status="deinstall ok config-files")
        + stanza("zlib1g", "1", Status="install ok half-configured").replace("Pack", "pack")
    )
    inventory = take({"etc/os-release": DEBIAN, STATUS: status})
    assert rows(inventory) == [
        ("Debian:12", "gcc-12-base", "12.2.0-14", "gcc-12", "12.2.0-14+b1"),
        ("Debian:12", "git", "1:2.39.2-1.1", "git", "1:2.39.2-1.1"),
        ("Debian:12", "libc6", "2.36-9+deb12u4", "glibc", "2.36-9+deb12u4"),
        ("Debian:12", "zlib1g", "1", "zlib1g", "1"),
    ]
    assert inventory.complete and not inventory.notes
    assert [package.purl for package in inventory.packages] == [
        "pkg:deb/debian/gcc-12-base@12.2.0-14?distro=debian-12&upstream=gcc-12%4012.2.0-14%2Bb1",
        "pkg:deb/debian/git@1:2.39.2-1.1?distro=debian-12",
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12&upstream=glibc",
        "pkg:deb/debian/zlib1g@1?distro=debian-12",
    ]


def test_distroless_images_have_a_file_for_each_package_and_checksums_beside_it() -> None:
    files = {
        "usr/lib/os-release": DEBIAN,
        "var/lib/dpkg/status.d/tzdata": "Package: tzdata\nVersion: 2024a-0\n",
        "var/lib/dpkg/status.d/tzdata.md5sums": f"{'0' * 32}  usr/share/x/package.json\n",
        "usr/share/x/package.json": '{"name": "x", "version": "1"}',
    }
    assert [row[1:3] for row in rows(take(dict(files)))] == [("tzdata", "2024a-0")]


@pytest.mark.parametrize(
    "stanza_text",
    [
        "Package: x\nStatus: install ok installed\n",
        "Version: 1\n",
        "Package: a\x1b[0m\nVersion: 1\n",
    ],
)
def test_a_bad_entry_of_dpkg_makes_the_image_incomplete_and_the_others_stay(
    stanza_text: str,
) -> None:
    status = stanza("a", "1") + stanza_text + "\n" + stanza("b", "1")
    inventory = take({"etc/os-release": DEBIAN, STATUS: status})
    assert [package.name for package in inventory.packages] == ["a", "b"]
    assert not inventory.complete
    assert inventory.notes[0].path == STATUS and inventory.notes[0].text.startswith("entry 2: ")


def test_a_long_line_of_dpkg_takes_no_long_time() -> None:
    line = b"Package: a" + b" " * 2_000_000 + b"b\nVersion: 1\n"
    assert dpkg.status(line + b"\n" * 2_000_000).notes


def test_apk_tells_packages_their_origin_and_their_files() -> None:
    installed = (
        "C:Q1abc=\nP:busybox\nV:1.36.1-r5\nA:x86_64\no:busybox\nF:bin\nR:busybox\na:0:0:755\n\n"
        "P:npm\nV:9.6.6-r0\nA:x86_64\no:nodejs\nF:usr/lib/node_modules/npm\nR:package.json\n\n"
    )
    own = '{"name": "npm", "version": "9.6.6"}'
    inventory = take(
        {
            "etc/os-release": ALPINE,
            "lib/apk/db/installed": installed,
            "usr/lib/node_modules/npm/package.json": own,
            "app/package.json": own,
        }
    )
    assert rows(inventory) == [
        ("Alpine:v3.18", "busybox", "1.36.1-r5", "busybox", "1.36.1-r5"),
        ("Alpine:v3.18", "npm", "9.6.6-r0", "nodejs", "9.6.6-r0"),
        ("npm", "npm", "9.6.6", "npm", "9.6.6"),
    ]
    assert inventory.complete


def test_a_bad_entry_of_apk_makes_the_image_incomplete() -> None:
    text = "P:a\nV:1-r0\n\nP:b\n\nP:c\nV:1-r0\nnonsense\n\n"
    inventory = take({"etc/os-release": ALPINE, "lib/apk/db/installed": text})
    assert [package.name for package in inventory.packages] == ["a"]
    assert [note.blinds for note in inventory.notes] == [True, True]


HEADERS = (
    rpm_header("bash", "5.1.8", "6.el9", files=("/usr/bin/bash", "/usr/lib/x/package.json")),
    rpm_header("podman", "4.9.4", "1.el9", epoch=2, module="container-tools:rhel8:80:0f"),
    rpm_header("gpg-pubkey", "1", "2"),
    rpm_header("big", "1.0", "1", files=[f"/usr/bin/tool-{n:05}" for n in range(3_000)]),
    rpm_header("zero", "1.0", "1", epoch=0),
)


@pytest.mark.parametrize(
    ("path", "database"),
    [
        ("var/lib/rpm/rpmdb.sqlite", rpm_sqlite(HEADERS)),
        ("usr/lib/sysimage/rpm/rpmdb.sqlite", rpm_sqlite(HEADERS)),
        ("var/lib/rpm/Packages", rpm_berkeley(HEADERS)),
        ("var/lib/rpm/Packages", rpm_berkeley(HEADERS, ">", 512)),
        ("var/lib/rpm/Packages", rpm_berkeley(HEADERS, "<", 65_536 >> 1)),
    ],
)
def test_rpm_tells_the_same_packages_in_each_of_its_formats(path: str, database: bytes) -> None:
    own = '{"name": "x", "version": "1"}'
    inventory = take({"etc/os-release": ALMA, path: database, "usr/lib/x/package.json": own})
    assert inventory.complete
    assert rows(inventory) == [
        ("AlmaLinux:9", "bash", "5.1.8-6.el9", "bash", "5.1.8-6.el9"),
        ("AlmaLinux:9", "big", "1.0-1", "big", "1.0-1"),
        ("AlmaLinux:9", "podman", "2:4.9.4-1.el9", "podman", "4.9.4-1.el9"),
        ("AlmaLinux:9", "zero", "1.0-1", "zero", "1.0-1"),
    ]
    podman = inventory.packages[2]
    assert podman.module == "container-tools:rhel8:80:0f"
    assert podman.purl == (
        "pkg:rpm/almalinux/podman@4.9.4-1.el9?arch=x86_64&distro=almalinux-9.4&epoch=2"
        "&upstream=podman-4.9.4-1.el9.src.rpm"
    )


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("var/lib/rpm/rpmdb.sqlite", b"nothing of the kind"),
        ("var/lib/rpm/rpmdb.sqlite", rpm_sqlite(HEADERS)[:4096]),
        ("var/lib/rpm/rpmdb.sqlite", rpm_sqlite([HEADERS[0], b"", HEADERS[1][:100]])),
        ("var/lib/rpm/rpmdb.sqlite", rpm_sqlite(HEADERS).replace(b"CREATE TABLE", b"CR\xff" * 4)),
        ("var/lib/rpm/rpmdb.sqlite-wal", b"changes"),
        ("var/lib/rpm/Packages", rpm_berkeley(HEADERS)[:-100]),
        ("var/lib/rpm/Packages", rpm_berkeley([HEADERS[3]])[: 4096 * 3]),
        ("var/lib/rpm/Packages.db", b"RpmP"),
    ],
)
def test_a_bad_rpm_database_makes_the_image_incomplete(path: str, content: bytes) -> None:
    good = {"usr/share/rpm/rpmdb.sqlite": rpm_sqlite(HEADERS[:1])}
    inventory = take({"etc/os-release": ALMA, **good, path: content})
    assert not inventory.complete
    assert "bash" in [package.name for package in inventory.packages]


def test_an_empty_log_beside_the_rpm_database_is_nothing() -> None:
    folder = "var/lib/rpm/rpmdb.sqlite"
    assert take({"etc/os-release": ALMA, folder: rpm_sqlite(HEADERS), f"{folder}-wal": ""}).complete


def test_a_hostile_schema_in_an_rpm_database_is_not_run() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE VIEW Packages AS WITH RECURSIVE n(hnum, blob) AS "
        "(SELECT 1, x'00' UNION ALL SELECT hnum + 1, blob FROM n) SELECT * FROM n"
    )
    data = connection.serialize()
    connection.close()
    with pytest.raises(BadFile, match="no table"):
        rpm.from_sqlite(data)


@pytest.mark.parametrize(
    ("text", "ecosystem"),
    [
        (DEBIAN, "Debian:12"),
        ("ID=debian\n", "Debian"),
        ('ID=ubuntu\nVERSION_ID="24.04"\n', "Ubuntu:24.04:LTS"),
        ('ID=ubuntu\nVERSION_ID="23.10"\n', "Ubuntu:23.10"),
        ('ID=ubuntu\nVERSION_ID="23.04"\n', "Ubuntu:23.04"),
        (ALPINE, "Alpine:v3.18"),
        (ALMA, "AlmaLinux:9"),
        ("ID='rocky'\nVERSION_ID='9.3'\n", "Rocky Linux:9"),
        ("ID=wolfi\nVERSION_ID=20230201\n", "Wolfi"),
        ('ID="amzn"\nVERSION_ID="2"\n', "amzn:2"),
    ],
)
def test_os_release_tells_the_ecosystem(text: str, ecosystem: str) -> None:
    found = osrelease.os_release(text.encode()).os
    assert found is not None and found.ecosystem == ecosystem


@pytest.mark.parametrize("text", ["", "ID=\n", "ID=../x\n", "NAME=x\n", "\x00\xff"])
def test_an_os_release_without_an_id_tells_nothing(text: str) -> None:
    assert osrelease.os_release(text.encode()) == Facts()


def test_the_administrators_os_release_wins_and_a_link_to_it_is_enough() -> None:
    own = {"usr/lib/os-release": ALPINE, "lib/apk/db/installed": "P:a\nV:1\n"}
    assert take({**own, "etc/os-release": DEBIAN}).os == OsRelease(
        "debian", "12", "Debian GNU/Linux 12 (bookworm)"
    )
    assert take(dict(own)).os == OsRelease("alpine", "3.18.4")


def test_packages_of_an_unknown_distribution_make_the_image_incomplete() -> None:
    inventory = take({STATUS: stanza("a", "1")})
    assert [note.text for note in inventory.notes] == [
        "no os-release tells which distribution this is"
    ]
    assert not inventory.complete
    assert take({"hello": "a static program's image"}).complete
