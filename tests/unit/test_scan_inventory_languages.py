"""Packages of languages: Python, npm, Go, Java."""

import io
import json
import struct
import zipfile

import pytest

from tests.support.images_made import layer
from tests.support.packages_made import DATA, elf, go_program, jar, old_go_program, pom
from tidegate.scan.archive.limits import DEFAULT
from tidegate.scan.archive.stream import Stream
from tidegate.scan.archive.tar import Tar
from tidegate.scan.inventory import golang, java, npm, python
from tidegate.scan.inventory.extract import extract
from tidegate.scan.inventory.facts import BadFile, Facts
from tidegate.scan.inventory.readers import reader_for

MODULES = (
    "path\tgithub.com/me/app\n"
    "mod\tgithub.com/me/app\t(devel)\t\n"
    "dep\tgolang.org/x/net\tv0.17.0\th1:x=\n"
    "dep\tgithub.com/BurntSushi/toml\tv1.2.0\n"
    "=>\tgithub.com/me/toml\tv1.2.1-0.20230101000000-abcdefabcdef\th1:y=\n"
    "dep\tgithub.com/x/local\tv2.0.0+incompatible\n"
    "=>\t./local\t(devel)\t\n"
    "build\t-compiler=gc\n"
)
EXPECTED = [
    ("golang.org/x/net", "0.17.0"),
    ("github.com/me/toml", "1.2.1-0.20230101000000-abcdefabcdef"),
    ("github.com/x/local", "2.0.0+incompatible"),
]


def pairs(facts: Facts) -> list[tuple[str, str]]:
    return [(package.name, package.version) for package in facts.packages]


def files_of(files: dict[str, str | bytes]) -> dict[str, Facts]:
    return extract(Tar(Stream(io.BytesIO(layer(files)), 1 << 30), DEFAULT))[0].files


def test_python_packages_are_found_in_each_of_their_forms() -> None:
    head = "Metadata-Version: 2.1\nName: Flask_SQL.Alchemy\nVersion: 3.0.1\n\nName: not this\n"
    site = "usr/lib/python3/site-packages"
    found = files_of(
        {
            f"{site}/a-1.dist-info/METADATA": head,
            f"{site}/b-1.egg-info/PKG-INFO": head,
            f"{site}/c-1.egg-info": head,
            f"{site}/d-1.egg/EGG-INFO/PKG-INFO": head,
            f"{site}/e-1.egg": jar({"EGG-INFO/PKG-INFO": head}),
            f"{site}/notes/METADATA": head,
        }
    )
    assert [pairs(facts) for facts in found.values()] == [[("flask-sql-alchemy", "3.0.1")]] * 5


@pytest.mark.parametrize("text", [b"", b"Name: x\n", b"Version: 1\n", b"Name: x\nVersion: \x1b\n"])
def test_python_metadata_without_name_or_version_is_bad(text: bytes) -> None:
    with pytest.raises(BadFile):
        python.metadata(text)


def test_npm_packages_have_a_name_and_a_version_other_package_files_tell_nothing() -> None:
    assert pairs(npm.manifest(b'{"name": "@a/b", "version": " 1.0.0"}')) == [("@a/b", "1.0.0")]
    for text in ("{}", '{"type": "module"}', '{"name": "a"}', '{"name": 1, "version": "1"}'):
        assert npm.manifest(text.encode()) == Facts()


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe"]
)
def test_a_package_file_that_is_no_json_object_is_bad(text: bytes) -> None:
    with pytest.raises(BadFile):
        npm.manifest(text)


def test_a_lock_file_tells_what_it_pins_in_each_version() -> None:
    second = {
        "": {"name": "app", "version": "1.0.0"},
        "node_modules/a": {"version": "1.0.0"},
        "node_modules/a/node_modules/@s/b": {"version": "2.0.0", "dev": True},
        "node_modules/alias": {"name": "real", "version": "3.0.0"},
        "node_modules/linked": {"link": True, "resolved": "packages/linked"},
        "node_modules/git": {"version": "git+ssh://git@example.com/x.git#0f"},
    }
    found = npm.lock_file(json.dumps({"lockfileVersion": 3, "packages": second}).encode())
    assert pairs(found) == [("a", "1.0.0"), ("@s/b", "2.0.0"), ("real", "3.0.0")]
    assert [package.dev for package in found.packages] == [False, True, False]
    inner = {"b": {"version": "2.0.0", "dev": True}}
    first = {"a": {"version": "1.0.0", "dependencies": inner}, "b": {"version": "2.0.0"}}
    found = npm.lock_file(json.dumps({"dependencies": first}).encode())
    assert [(p.name, p.dev) for p in found.packages] == [("a", False), ("b", False)]


def test_a_lock_file_that_is_too_deep_is_bad() -> None:
    tree: dict[str, object] = {}
    for _ in range(60):
        tree = {"a": {"version": "1", "dependencies": tree}}
    with pytest.raises(BadFile, match="too deep"):
        npm.lock_file(json.dumps({"dependencies": tree}).encode())


@pytest.mark.parametrize(
    ("program", "version"),
    [
        (go_program(MODULES), "1.21.5"),
        (go_program(MODULES, sections=False), "1.21.5"),
        (go_program(MODULES, "go1.22rc1"), "1.22.0-rc.1"),
        (go_program(MODULES, "go1.20 X:boringcrypto"), "1.20.0"),
        (old_go_program(MODULES), "1.17.2"),
        (b"MZ" + bytes(200) + go_program(MODULES), "1.21.5"),
    ],
)
def test_a_go_program_tells_its_modules_and_its_library(program: bytes, version: str) -> None:
    assert pairs(golang.program(program)) == [("stdlib", version), *EXPECTED]


def test_go_programs_are_found_by_their_bytes_wherever_they_are() -> None:
    found = files_of({"srv": go_program(MODULES), "lib.so": elf(b"x", b".text"), "MZ.txt": "MZ"})
    assert list(found) == ["srv"]


@pytest.mark.parametrize(
    "content",
    [
        go_program(MODULES)[:200],
        elf(b"\xff Go buildinf:\x08\x02", b".go.buildinfo"),
        elf(b"\xff Go buildinf:\x03\x00" + bytes(40), b".go.buildinfo"),
        elf(b"\xff Go buildinf:\x08\x00" + b"\xff" * 40, b".go.buildinfo"),
        elf(b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\xff" * 40, b".go.buildinfo"),
    ],
)
def test_damaged_build_info_is_bad(content: bytes) -> None:
    with pytest.raises(BadFile):
        golang.program(content)


def test_a_program_whose_headers_lie_is_bad_or_searched_whole() -> None:
    data = bytearray(old_go_program(MODULES))
    struct.pack_into("<Q", data, 64 + 32, 1 << 40)  # its segment is larger than the file
    struct.pack_into("<Q", data, DATA + 16, 0x400000 + len(data) - 8)
    with pytest.raises(BadFile, match="leads nowhere"):
        golang.program(bytes(data))
    data = bytearray(go_program(MODULES))
    struct.pack_into("<Q", data, 32, 1 << 63)  # where its segments are described
    assert pairs(golang.program(bytes(data))) == [("stdlib", "1.21.5"), *EXPECTED]


def test_a_go_of_no_known_version_and_a_packed_program_are_notes() -> None:
    facts = golang.program(go_program(MODULES, "devel go1.23-0f0f"))
    assert pairs(facts) == EXPECTED
    assert facts.notes == (("made by an unknown Go, 'devel go1.23-0f0f'", False),)
    assert golang.program(elf(b"UPX!", b"")).notes[0][0].startswith("it is packed")


def test_a_java_archive_names_itself_and_all_that_is_shaded_or_nested_in_it() -> None:
    inner = jar({**pom("org.x", "inner", "1.1")})
    fat = jar(
        {
            **pom("com.me", "app", "2.0"),
            **pom("com.google.guava", "guava", "31.0-jre"),
            "BOOT-INF/lib/inner-1.1.jar": inner,
            "BOOT-INF/lib/plain-4.5.6.jar": jar({"a.class": ""}),
            "META-INF/MANIFEST.MF": "Implementation-Title: other\n",
        }
    )
    facts = java.archive("opt/app-2.0.jar", fat)
    assert [(p.name, p.version, p.inside) for p in facts.packages] == [
        ("com.me:app", "2.0", ""),
        ("com.google.guava:guava", "31.0-jre", ""),
        ("org.x:inner", "1.1", "BOOT-INF/lib/inner-1.1.jar"),
        ("plain", "4.5.6", "BOOT-INF/lib/plain-4.5.6.jar"),
    ]
    assert not facts.notes


def test_without_coordinates_the_name_and_the_manifest_tell() -> None:
    manifest = "Implementation-Title: tool\r\nImplementation-Version: 1.2\r\n"
    vendor = "Implementation-Vendor-Id: org.apache.tools\n"
    assert pairs(java.archive("a/tool.jar", jar({"META-INF/MANIFEST.MF": manifest}))) == [
        ("tool", "1.2")
    ]
    with_vendor = jar({"META-INF/MANIFEST.MF": vendor})
    assert pairs(java.archive("a/log4j-core-2.14.1.jar", with_vendor)) == [
        ("org.apache.tools:log4j-core", "2.14.1")
    ]
    foundation = jar({"META-INF/MANIFEST.MF": "Implementation-Vendor-Id: org.apache\n"})
    assert pairs(java.archive("a/commons-logging-1.1.jar", foundation)) == [
        ("commons-logging", "1.1")
    ]
    shaded = jar(pom("org.x", "lib", "1"))
    assert pairs(java.archive("a/own-1.0.war", shaded)) == [("org.x:lib", "1"), ("own", "1.0")]
    numbered = jar(pom("org.apache", "log4j-1.2-api", "2.17.1"))
    assert pairs(java.archive("a/log4j-1.2-api-2.17.1.jar", numbered)) == [
        ("org.apache:log4j-1.2-api", "2.17.1")
    ]
    unfinished = jar(pom("org.x", "own", "${revision}"))
    assert pairs(java.archive("own-1.0.jar", unfinished)) == [("own", "1.0")]


def test_an_archive_that_tells_nothing_or_cannot_be_read_is_a_note() -> None:
    assert java.archive("x.jar", jar({"a": "b"})).notes == (("it does not tell what it is", False),)
    facts = java.archive("a-1.0.jar", jar({"lib/b.jar": "no zip", "lib/c-1.jar": jar({})}))
    assert pairs(facts) == [("a", "1.0"), ("c", "1")]
    assert [text for text, _ in facts.notes] == ["lib/b.jar: its zip: File is not a zip file"]
    with pytest.raises(BadFile):
        java.archive("a-1.0.jar", b"PK\3\4 nothing")


def test_bombs_in_java_archives_are_notes_and_take_no_memory() -> None:
    deep = jar({"a-1.jar": jar({"a-2.jar": jar({"a-3.jar": jar({"a-4.jar": jar({})})})})})
    facts = java.archive("a-0.jar", deep)
    assert [version for _, version in pairs(facts)] == ["0", "1", "2", "3"]
    assert facts.notes[0][0].endswith("a-4.jar: archives are nested too deeply")
    bomb = jar({"lib/big.jar": bytes(64 * 1024 * 1024)})
    assert len(bomb) < 100_000
    facts = java.archive("a-0.jar", bomb)
    assert facts.notes == (("lib/big.jar: it unpacks to more than is read", False),)


def test_an_encrypted_file_in_an_archive_is_a_note() -> None:
    data = bytearray(jar({"lib/b-1.jar": b"x" * 100}))
    for magic, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(magic) + at] |= 1
    facts = java.archive("a-0.jar", bytes(data))
    assert "encrypted" in facts.notes[0][0]


def test_a_zip_with_too_many_entries_is_not_opened() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as zipped:
        zipped.writestr("a", b"PK\1\2" * 400_001)
    with pytest.raises(BadFile, match="too many entries"):
        java.archive("a-1.jar", target.getvalue())


@pytest.mark.parametrize(
    "path",
    [
        *("app/METADATA", "var/lib/dpkg/info/x.md5sums", "var/lib/dpkg/status-old", "x.jar.txt"),
        *("srv/var/lib/dpkg/status", "app/package.json5", "etc/passwd", "", "jar"),
    ],
)
def test_other_files_are_not_read(path: str) -> None:
    assert reader_for(path) is None
