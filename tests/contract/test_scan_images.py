"""Images of the real engine: what is found is what is in a container of them."""

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient

from tests.support.engine import engine, remove_all_of, tar_of
from tests.support.packages_made import go_program
from tidegate.core.errors import NotFound
from tidegate.local.bases import resolve
from tidegate.local.bases.debian import Apt
from tidegate.scan.archive import open_archive
from tidegate.scan.archive.engine import EngineImage
from tidegate.scan.archive.limits import DEFAULT
from tidegate.scan.inventory import KnownBase, LayerCache, dpkg, of_image
from tidegate.scan.packages import Base, Inventory, Kind

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not Apt.usable(), reason="stand-ins are made of Debian packages"),
]

OWNER = "0123456789ab"
DOCKERFILE = f"""\
FROM {{base}}
LABEL tidegate.io/owner={OWNER}
COPY app /app
RUN rm -r /app/node_modules/gone && ln /app/store /app/linked/package.json
RUN rm /app/old && mkdir /app/again && cp /app/node_modules/kept/package.json /app/again/
CMD ["sh"]
"""


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    with engine() as found:
        try:
            yield found
        finally:
            remove_all_of(found, OWNER)


@pytest.fixture(scope="module")
def base(client: DockerClient) -> str:
    """The stand-in for Python, whose packages have parts of Python packages in them."""
    return resolve("FROM python\n", client, lambda line: None).split()[1]


@pytest.fixture(scope="module")
def built(client: DockerClient, base: str) -> str:
    """The id of an image on that base, with layers that add, remove and link."""
    files: dict[str, str | bytes] = {
        "Dockerfile": DOCKERFILE.format(base=base),
        "app/node_modules/kept/package.json": _npm("kept"),
        "app/node_modules/gone/package.json": _npm("gone"),
        "app/store": _npm("linked"),
        "app/linked/none": "",
        "app/old": go_program("dep\texample.com/old\tv1.0.0\t\n"),
        "app/new": go_program("dep\texample.com/new\tv1.0.0\t\n"),
        "app/x.dist-info/METADATA": "Name: pinned\nVersion: 1.0\n\n",
    }
    image, _ = client.images.build(
        fileobj=tar_of(files), custom_context=True, rm=True, forcerm=True, network_mode="none"
    )
    return str(image.id)


def _npm(name: str) -> str:
    return json.dumps({"name": name, "version": "1.0.0"})


def take(client: DockerClient, image: str, cache: LayerCache | None = None) -> Inventory:
    return of_image(EngineImage(client.api, image, DEFAULT), cache)


def files_in(client: DockerClient, image: str, folder: str) -> dict[str, bytes]:
    """The regular files of a folder in a container that was never started."""
    container = client.containers.create(image, labels={"tidegate.io/owner": OWNER})
    try:
        chunks, _ = container.get_archive(folder)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            opened = {info.name: tar.extractfile(info) for info in tar if info.isreg()}
            return {name: file.read() for name, file in opened.items() if file}
    finally:
        container.remove()


def dpkg_query(folder: Path, stanzas: list[bytes]) -> set[tuple[str, ...]]:
    """What dpkg itself reads in these stanzas: name, version, its source's, architecture."""
    fields = "Package", "Version", "source:Package", "source:Version", "Architecture"
    states = [s if b"\nStatus:" in s else s + b"Status: install ok installed\n" for s in stanzas]
    (folder / "status").write_bytes(b"\n".join(states))
    shape = "\\t".join(f"${{{field}}}" for field in fields) + "\\n"
    command = ["dpkg-query", f"--admindir={folder}", "-W", "-f", shape]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {tuple(line.split("\t")) for line in done.stdout.splitlines()}


def rows(inventory: Inventory) -> set[tuple[str, ...]]:
    return {
        (p.name, p.version, p.source_name, p.source_version, p.architecture)
        for p in inventory.packages
        if p.kind is Kind.DEB
    }


def test_the_packages_of_a_base_image_are_those_that_dpkg_reads(
    client: DockerClient, base: str, tmp_path: Path
) -> None:
    inventory = take(client, base)
    files = files_in(client, base, "/var/lib/dpkg/status.d")
    expected = dpkg_query(
        tmp_path, [text for name, text in files.items() if not name.endswith(".md5sums")]
    )
    assert len(expected) > 40
    assert rows(inventory) == expected
    assert inventory.os and inventory.os.ecosystem.startswith("Debian:")
    assert inventory.complete and inventory.digest == client.images.get(base).id
    assert {package.kind for package in inventory.packages} == {Kind.DEB}


def test_an_image_holds_what_its_container_holds_and_each_part_has_its_step(
    client: DockerClient, base: str, built: str
) -> None:
    found = {
        (package.path, package.name, package.layer)
        for package in take(client, built).packages
        if not package.kind.of_system and package.name != "stdlib"
    }
    own = len(client.images.get(base).attrs["RootFS"]["Layers"])
    assert found == {
        ("app/node_modules/kept/package.json", "kept", own),
        ("app/linked/package.json", "linked", own + 1),
        ("app/again/package.json", "kept", own + 2),
        ("app/new", "example.com/new", own),
        ("app/x.dist-info/METADATA", "pinned", own),
    }
    steps = [layer.created_by for layer in take(client, built).layers]
    assert steps[0].startswith("tidegate base python")
    assert steps[own].startswith("COPY ") and steps[own + 1].startswith("RUN rm -r /app")


def test_the_base_is_known_by_its_layers(client: DockerClient, base: str, built: str) -> None:
    layers = tuple(client.images.get(base).attrs["RootFS"]["Layers"])
    image = EngineImage(client.api, built, DEFAULT)
    assert of_image(image, bases=[KnownBase(base, layers)]).base == Base(len(layers), base, True)


def test_an_archive_of_the_image_tells_the_same_and_the_cache_saves_the_save(
    client: DockerClient, built: str, tmp_path: Path
) -> None:
    archive = tmp_path / "image.tar"
    with archive.open("wb") as file:
        file.writelines(client.api.get_image(built))
    cache = LayerCache(tmp_path / "cache")
    from_archive = of_image(open_archive(archive), cache)
    assert from_archive == take(client, built)

    class NoSave:
        inspect_image, history = client.api.inspect_image, client.api.history

        def get_image(self, image: str, chunk_size: int | None = None) -> Iterator[bytes]:
            raise AssertionError("every layer is in the cache")

    assert of_image(EngineImage(NoSave(), built, DEFAULT), cache) == from_archive


def test_an_image_that_the_engine_has_not_is_not_found(client: DockerClient) -> None:
    with pytest.raises(NotFound) as caught:
        take(client, "localhost/tidegate/none:1")
    assert caught.value.number == "TG728"


def test_this_machines_packages_are_those_that_dpkg_reads(tmp_path: Path) -> None:
    status = Path("/var/lib/dpkg/status").read_bytes()
    expected = dpkg_query(tmp_path, [status])
    found = {
        (p.name, p.version, p.source_name, p.source_version, p.architecture)
        for p in dpkg.status(status).packages
    }
    states = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\\n"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    absent = ("not-installed", "config-files")
    there = {line.split(" ")[1] for line in states if not line.startswith(absent)}
    assert found == {row for row in expected if row[0] in there}
