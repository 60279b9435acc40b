"""Which images have a stand-in, and what an image made by hand looks like."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from tidegate.local.bases.archive import Layer, merged, write_image
from tidegate.local.bases.recipes import recipe_for
from tidegate.local.bases.resolving import reached
from tidegate.local.images import denied, login, registry_of


@pytest.mark.parametrize(
    ("image", "covered"),
    [
        ("nginx", ("nginx", "latest")),
        ("nginx:stable", ("nginx", "stable")),
        ("docker.io/library/python:3.11-slim", ("python", "3.11-slim")),
        ("library/node:18", ("node", "18")),
        ("nginx@sha256:00", None),
        ("nginx:stable@sha256:00", None),
        ("ghcr.io/library/nginx", None),
        ("somebody/nginx", None),
        ("postgres:16", None),
    ],
)
def test_official_images_by_name_are_covered_and_nothing_else_is(
    image: str, covered: tuple[str, str] | None
) -> None:
    found = recipe_for(image)
    assert (found and (found[0].name, found[1])) == covered


@pytest.mark.parametrize(
    ("image", "version", "fits"),
    [
        ("python:3.11-slim", "3.11.2-1+b1", True),
        ("python:3.11.9", "3.11.2-1+b1", True),
        ("python:3", "3.11.2-1+b1", True),
        ("python", "3.11.2-1+b1", True),
        ("python:3.12", "3.11.2-1+b1", False),
        ("node:18-alpine", "18.20.4+dfsg-1~deb12u3", True),
        ("node:22", "18.20.4+dfsg-1~deb12u3", False),
        ("node:lts", "18.20.4+dfsg-1~deb12u3", True),
        ("nginx:1.27", "1.22.1-9+deb12u11", True),
        ("busybox:1.36", "1:1.35.0-4+b1", True),
    ],
)
def test_a_stand_in_must_be_of_the_version_that_matters_to_a_program(
    image: str, version: str, fits: bool
) -> None:
    found = recipe_for(image)
    assert found and found[0].covers(found[1], version) is fits


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("nginx", "docker.io"),
        ("a/b:1", "docker.io"),
        ("ghcr.io/a/b", "ghcr.io"),
        ("localhost/a", "localhost"),
        ("host:5000/a", "host:5000"),
    ],
)
def test_the_registry_of_an_image_is_the_host_that_its_name_begins_with(
    image: str, registry: str
) -> None:
    assert registry_of(image) == registry


@pytest.mark.parametrize(
    ("cause", "known"),
    [
        ("manifest for nginx:9 not found: manifest unknown", True),
        ("pull access denied for x, repository does not exist", True),
        ("Head http://host/v2/a/manifests/1: no basic auth credentials", True),
        ("unauthorized: authentication required", True),
        ("dial tcp: lookup registry: no such host", False),
        ("the registry said nothing for 15 s", False),
        ("toomanyrequests: You have reached your pull rate limit", False),
    ],
)
def test_a_registry_that_says_no_is_told_from_one_that_cannot_be_reached(
    cause: str, known: bool
) -> None:
    assert reached(cause) is known


def test_who_is_not_known_to_a_registry_is_told_to_log_in_there() -> None:
    assert denied("Error response: no basic auth credentials")
    assert not denied("manifest for nginx:9 not found: manifest unknown")
    assert "docker login host:5000;" in login("host:5000/a/b:1")
    assert "docker login;" in login("a/b")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("./bin/sh", "usr/bin/sh"),
        ("./usr/bin/sh", "usr/bin/sh"),
        ("./lib64/ld.so", "usr/lib64/ld.so"),
        ("./bin", "bin"),
        ("./", ""),
        ("./library/x", "library/x"),
    ],
)
def test_every_file_lies_where_a_merged_usr_has_it(name: str, path: str) -> None:
    assert merged(name) == path


def an_image(folder: Path) -> tuple[str, bytes]:
    folder.mkdir()
    layer = folder / "layer"
    with tarfile.open(layer, "w", format=tarfile.GNU_FORMAT) as tar:
        root = Layer(tar)
        root.file("etc/motd", b"first")
        root.file("etc/motd", b"second")
        root.link("usr/bin/sh", "busybox")
    config = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]}}
    return write_image(folder / "image", layer, config, "base:1"), (folder / "image").read_bytes()


def content(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()


def test_an_image_has_the_same_bytes_every_time_and_an_id_of_its_content(tmp_path: Path) -> None:
    image, whole = an_image(tmp_path / "a")
    assert (image, whole) == an_image(tmp_path / "b")
    with tarfile.open(tmp_path / "a" / "image") as tar:
        manifest = json.loads(content(tar, "manifest.json"))[0]
        config = content(tar, manifest["Config"])
        layer = content(tar, manifest["Layers"][0])
    assert image == "sha256:" + hashlib.sha256(config).hexdigest()
    layers = json.loads(config)["rootfs"]["diff_ids"]
    assert layers == ["sha256:" + hashlib.sha256(layer).hexdigest()]


def test_the_first_file_of_a_name_wins(tmp_path: Path) -> None:
    an_image(tmp_path / "a")
    with tarfile.open(tmp_path / "a" / "layer") as tar:
        assert tar.getnames() == ["etc", "etc/motd", "usr", "usr/bin", "usr/bin/sh"]
        assert content(tar, "etc/motd") == b"first"
