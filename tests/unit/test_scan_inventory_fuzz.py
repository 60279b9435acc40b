"""Every parser of untrusted bytes: it answers, or says that the file is bad, and nothing else."""

import io
import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.images_made import DEBIAN, STATUS, FakeEngine, Made, layer, link, stanza
from tests.support.mutations import mutated
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
from tidegate.core.errors import GateError
from tidegate.scan import sbom
from tidegate.scan.archive import open_archive
from tidegate.scan.archive.engine import EngineImage
from tidegate.scan.archive.limits import MIB, Limits
from tidegate.scan.archive.stream import Stream
from tidegate.scan.archive.tar import Tar
from tidegate.scan.inventory import apk, dpkg, golang, java, npm, of_image, osrelease, python, rpm
from tidegate.scan.inventory.extract import extract
from tidegate.scan.inventory.facts import BadFile, LayerFacts, decode, encode
from tidegate.scan.inventory.rpm import header
from tidegate.scan.packages import Inventory

MODULES = "mod\tg.co/me\tv1.0.0\th1:\ndep\tg.co/x\tv2.0.0\th1:\n=>\tg.co/y\tv2.1.0\n"
HEADERS = [rpm_header("a", "1", "2", epoch=1, module="m:1", files=["/bin/x"])]
LOCK = {"packages": {"node_modules/a": {"version": "1"}}, "dependencies": {"b": {"version": "2"}}}
MANIFEST = {"META-INF/MANIFEST.MF": "Implementation-Title: x\nImplementation-Version: 1\n"}
LAYER = layer(
    {"etc/os-release": DEBIAN, STATUS: stanza("a", "1"), "a/.wh..wh..opq": "", "b/.wh.c": ""},
    link("x/package.json", "store", hard=True),
)
SMALL = Limits(layers=8, image_bytes=8 * MIB, layer_bytes=4 * MIB, members=500, json_bytes=MIB)
SAMPLE = Inventory("sha256:0")


def walk(data: bytes) -> None:
    extract(Tar(Stream(io.BytesIO(data), SMALL.layer_bytes), SMALL))


def save(data: bytes) -> None:
    class Changed(FakeEngine):
        def get_image(self, image: str, chunk_size: int | None = None) -> Iterator[bytes]:
            yield data

    of_image(EngineImage(Changed(Made([LAYER])), "made:1", SMALL), limits=SMALL)


PARSERS: dict[str, tuple[Callable[[bytes], object], list[bytes]]] = {
    "dpkg": (dpkg.status, [(stanza("a", "1", Source="b (2)") + stanza("c", "3")).encode()]),
    "dpkg list": (dpkg.file_list, [b"/.\n/usr/bin/x\n"]),
    "dpkg sums": (dpkg.checksums, [b"0" * 32 + b"  usr/bin/x\n"]),
    "apk": (apk.installed, [b"P:a\nV:1-r0\no:b\nF:bin\nR:x\n\nP:c\nV:2\n\n"]),
    "rpm sqlite": (rpm.from_sqlite, [rpm_sqlite(HEADERS * 3)]),
    "rpm berkeley": (rpm.from_berkeley, [rpm_berkeley(HEADERS * 9, o, 512) for o in "<>"]),
    "rpm header": (header.package, HEADERS),
    "os-release": (osrelease.os_release, [DEBIAN.encode()]),
    "python": (python.metadata, [b"Name: a\nVersion: 1\n\nb"]),
    "egg": (python.egg, [jar({"EGG-INFO/PKG-INFO": "Name: a\nVersion: 1\n"})]),
    "npm": (npm.manifest, [b'{"name": "a", "version": "1"}']),
    "npm lock": (npm.lock_file, [json.dumps(LOCK).encode()]),
    "go": (golang.program, [go_program(MODULES), old_go_program(MODULES), elf(b"UPX!", b"")]),
    "java": (
        lambda data: java.archive("x-1.jar", data),
        [jar({**pom("g.h", "a", "1"), **MANIFEST, "l/b-1.jar": jar(pom("g.h", "b", "2"))})],
    ),
    "layer": (walk, [LAYER, layer({"n" * 200: "x"}, format=2)]),
    "save": (save, [Made([LAYER]).docker_archive()]),
    "sbom": (sbom.read, [sbom.write(SAMPLE, "web", "0", "0")]),
}


@pytest.mark.parametrize("parser", PARSERS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_changed_file_is_read_or_bad(parser: str, data: st.DataObject) -> None:
    read, seeds = PARSERS[parser]
    try:
        read(data.draw(mutated(seeds)))
    except (BadFile, GateError):
        return


@pytest.mark.parametrize("parser", PARSERS)
def test_the_files_that_are_changed_are_good_ones(parser: str) -> None:
    read, seeds = PARSERS[parser]
    for seed in seeds:
        read(seed)


@settings(max_examples=40, deadline=None)
@given(content=mutated([Made([LAYER]).docker_archive(), layer(Made([LAYER]).oci_files())]))
def test_a_changed_archive_is_read_or_refused(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "changed.tar"
    path.write_bytes(content)
    try:
        of_image(open_archive(path, "linux/amd64", SMALL), limits=SMALL)
    except GateError as error:
        assert error.number.startswith("TG41")


@settings(max_examples=60, deadline=None)
@given(mutated([LAYER]))
def test_what_is_kept_in_the_cache_comes_back_equal(data: bytes) -> None:
    try:
        facts, _ = extract(Tar(Stream(io.BytesIO(data), SMALL.layer_bytes), SMALL))
    except GateError:
        facts = LayerFacts({})
    assert decode(encode(facts)) == facts
