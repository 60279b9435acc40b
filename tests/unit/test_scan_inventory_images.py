"""Images as they come: archives, layouts, folders, engines; and what is refused of them."""

import gzip
import importlib.util
import json
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.images_made import FakeEngine, Made, digest, gzipped, layer, link
from tidegate.core.errors import GateError, NotFound, TidegateError
from tidegate.local.jobs.context import unpack
from tidegate.scan.archive import Image, Limits, open_archive
from tidegate.scan.archive.engine import EngineImage
from tidegate.scan.archive.limits import DEFAULT, MIB
from tidegate.scan.inventory import LayerCache, of_folder, of_image
from tidegate.scan.packages import Inventory


def npm(name: str) -> str:
    return f'{{"name": "{name}", "version": "1.0.0"}}'


LAYERS = [layer({f"m/{name}/package.json": npm(name)}) for name in ("a", "b")]
MADE = Made(LAYERS, ("ADD / /", "!ENV a=b", "COPY . ."))
ZIPPED = Made(LAYERS, MADE.history, gzipped)


def names(inventory: Inventory) -> list[str]:
    return [package.name for package in inventory.packages]


def oci_tar(image: Made, path: Path) -> Path:
    path.write_bytes(layer(image.oci_files()))
    return path


def compressed(path: Path) -> Path:
    path.write_bytes(gzip.compress(MADE.docker_archive()))
    return path


SOURCES: dict[str, Callable[[Path], Image]] = {
    "engine": lambda tmp: EngineImage(FakeEngine(MADE), "made:1", DEFAULT),
    "docker archive": lambda tmp: open_archive(MADE.saved(tmp / "x.tar")),
    "docker archive with gzip layers": lambda tmp: open_archive(ZIPPED.saved(tmp / "x.tar")),
    "compressed docker archive": lambda tmp: open_archive(compressed(tmp / "x.tar.gz")),
    "OCI folder": lambda tmp: open_archive(MADE.oci_folder(tmp / "x")),
    "OCI folder with gzip layers": lambda tmp: open_archive(ZIPPED.oci_folder(tmp / "x")),
    "OCI tar": lambda tmp: open_archive(oci_tar(ZIPPED, tmp / "x.tar")),
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_tells_the_same(source: str, tmp_path: Path) -> None:
    inventory = of_image(SOURCES[source](tmp_path))
    assert names(inventory) == ["a", "b"]
    assert [each.digest for each in inventory.layers] == MADE.diff_ids
    assert [each.created_by for each in inventory.layers] == ["ADD / /", "COPY . ."]
    assert inventory.image_id == digest(MADE.config)
    assert inventory.architecture == "amd64"
    assert inventory.complete


@pytest.mark.skipif(not importlib.util.find_spec("zstandard"), reason="zstandard is optional")
def test_zstd_layers_are_read(tmp_path: Path) -> None:
    zstandard = importlib.import_module("zstandard")
    image = Made(LAYERS, (), zstandard.ZstdCompressor().compress)
    assert names(of_image(open_archive(image.oci_folder(tmp_path)))) == ["a", "b"]


def test_zstd_layers_without_zstandard_say_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    image = Made(LAYERS, (), lambda data: b"\x28\xb5\x2f\xfd" + data)
    assert _refused(open_archive(image.oci_folder(tmp_path))).number == "TG415"


def test_gzip_layers_are_read_without_isal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "isal", None)
    assert names(of_image(open_archive(ZIPPED.oci_folder(tmp_path)))) == ["a", "b"]


def test_an_oci_layout_is_named_by_its_manifest(tmp_path: Path) -> None:
    files = MADE.oci_files()
    index = json.loads(files["index.json"])
    inventory = of_image(open_archive(MADE.oci_folder(tmp_path)))
    assert inventory.digest == index["manifests"][0]["digest"]


def test_the_image_of_the_wanted_platform_is_chosen_and_attestations_are_none(
    tmp_path: Path,
) -> None:
    arm = Made(LAYERS[:1])
    files = {**arm.oci_files("linux/arm64"), **MADE.oci_files()}
    entries = [
        *json.loads(MADE.oci_files()["index.json"])["manifests"],
        *json.loads(arm.oci_files("linux/arm64")["index.json"])["manifests"],
        {"digest": digest(b"x"), "platform": {"os": "unknown", "architecture": "unknown"}},
    ]
    inner = json.dumps({"manifests": entries}).encode()
    files[f"blobs/sha256/{digest(inner)[7:]}"] = inner
    files["index.json"] = json.dumps({"manifests": [{"digest": digest(inner)}]}).encode()
    path = tmp_path / "x.tar"
    path.write_bytes(layer(files))
    assert names(of_image(open_archive(path, "linux/amd64"))) == ["a", "b"]
    assert names(of_image(open_archive(path, "linux/arm64"))) == ["a"]
    with pytest.raises(GateError, match="no image") as caught:
        open_archive(path, "linux/s390x")
    assert "offered: linux/amd64, linux/arm64" in caught.value.cause


def test_layers_of_old_archives_may_be_links_to_each_other(tmp_path: Path) -> None:
    names_ = ["0/layer.tar", "1/layer.tar"]
    manifest = [{"Config": "config.json", "Layers": names_}]
    data = layer(
        {names_[0]: LAYERS[0], "shared": LAYERS[1], "config.json": MADE.config}
        | {"manifest.json": json.dumps(manifest)},
        link("1/layer.tar", "../shared"),
    )
    (tmp_path / "x.tar").write_bytes(data)
    assert names(of_image(open_archive(tmp_path / "x.tar"))) == ["a", "b"]


def test_an_unknown_image_of_the_engine_is_not_found() -> None:
    with pytest.raises(NotFound) as caught:
        EngineImage(FakeEngine(MADE), "other", DEFAULT)
    assert caught.value.number == "TG728"


def test_a_save_that_ends_early_is_refused() -> None:
    class Short(FakeEngine):
        def get_image(self, image: str, chunk_size: int | None = None) -> Any:
            yield MADE.docker_archive()[:3000]

    assert _refused(EngineImage(Short(MADE), "made:1", DEFAULT)).number == "TG411"


def test_a_save_without_a_layer_is_refused() -> None:
    class Other(FakeEngine):
        def get_image(self, image: str, chunk_size: int | None = None) -> Any:
            yield Made(LAYERS[:1]).docker_archive()

    assert _refused(EngineImage(Other(MADE), "made:1", DEFAULT)).number == "TG413"


def _changed(old: bytes, new: bytes) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        for name, content in files.items():
            files[name] = content.replace(old, new)

    return change


def _index(value: object) -> Callable[[dict[str, bytes]], None]:
    return lambda files: files.update({"index.json": json.dumps(value).encode()})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_changed(npm("a").encode(), npm("x").encode()), "TG412"),  # a layer
        (_changed(b'"amd64", "os"', b'"arm64", "os"'), "TG412"),  # the configuration
        (lambda files: files.pop(f"blobs/{MADE.diff_ids[0].replace(':', '/')}"), "TG413"),
        (lambda files: files.pop("index.json"), "TG410"),
        (_index([]), "TG411"),
        (_index({"manifests": []}), "TG410"),
        (_index({"manifests": [{"digest": "sha256:../../../etc/passwd"}]}), "TG411"),
        (_index({"manifests": [{"digest": 5}]}), "TG411"),
        (lambda files: files.update({"index.json": b"{" * 5_000}), "TG411"),
        (lambda files: files.update({"index.json": b"[" * 500_000}), "TG411"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_a_layout_that_is_not_what_it_says_is_refused(
    change: Callable[[dict[str, bytes]], None], code: str, packed: bool, tmp_path: Path
) -> None:
    files = MADE.oci_files()
    change(files)
    path = tmp_path / "x.tar"
    path.write_bytes(layer(files))
    if not packed:
        with tarfile.open(path) as tar:
            path = tmp_path / "x"
            unpack(tar, path)
    with pytest.raises(GateError) as caught:
        of_image(open_archive(path))
    assert caught.value.number == code


@pytest.mark.parametrize(
    "manifest",
    [
        b"[]",
        b"{}",
        b"[1]",
        b'[{"Config": 5, "Layers": []}]',
        b'[{"Config": "config.json", "Layers": ["0/layer.tar"]}]',
        b'[{"Config": "../config.json", "Layers": []}]',
        b'[{"Config": "manifest.json", "Layers": []}]',
    ],
)
def test_a_docker_archive_with_a_wrong_manifest_is_refused(manifest: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(layer({"config.json": MADE.config, "manifest.json": manifest}))
    with pytest.raises(GateError):
        of_image(open_archive(path))


def test_a_layout_never_leads_out_of_its_folder(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(MADE.config)
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "config.json").symlink_to(secret)
    for name in ("config.json", "../secret", str(secret)):
        (folder / "manifest.json").write_text(json.dumps([{"Config": name, "Layers": []}]))
        with pytest.raises(GateError) as caught:
            open_archive(folder)
        assert caught.value.number == "TG413"


def test_bombs_are_refused_at_the_limits(tmp_path: Path) -> None:
    bomb = Made([layer({"zeros": bytes(8 * MIB)})], (), gzipped)
    path = bomb.saved(tmp_path / "x.tar")
    assert path.stat().st_size < MIB / 8
    limits = Limits(layer_bytes=4 * MIB)
    with pytest.raises(GateError) as caught:
        of_image(open_archive(path, limits=limits), limits=limits)
    assert caught.value.number == "TG414"
    many = Made([layer({"a": str(n)}) for n in range(4)])
    with pytest.raises(GateError, match="larger"):
        open_archive(many.saved(path), limits=Limits(layers=3))
    with pytest.raises(GateError, match="larger"):
        open_archive(many.saved(path), limits=Limits(json_bytes=300))


@pytest.mark.parametrize("with_isal", [True, False])
def test_damaged_compression_is_refused(
    with_isal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not with_isal:
        monkeypatch.setitem(sys.modules, "isal", None)
    short = Made(LAYERS, (), lambda data: gzipped(data)[:-20])
    wrong = Made(LAYERS, (), lambda data: gzipped(data)[:60] + b"\xff" * 40)
    for name, broken in (("short", short), ("wrong", wrong)):
        assert _refused(open_archive(broken.oci_folder(tmp_path / name))).number == "TG411"
    image = Made(LAYERS, (), lambda data: b"BZh91AY" + data)
    assert _refused(open_archive(image.oci_folder(tmp_path / "bz"))).number == "TG415"


def test_what_is_no_image_is_said(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    (tmp_path / "other.tar").write_bytes(LAYERS[0])
    (tmp_path / "empty").touch()
    for name in ("none", "other.tar", "empty"):
        with pytest.raises(GateError) as caught:
            open_archive(tmp_path / name)
        assert caught.value.number == "TG410"
    for path in (tmp_path / "text", Path("/proc/self/mem")):
        with pytest.raises(GateError, match="cannot be read"):
            open_archive(path)


def test_layers_in_the_cache_are_not_read_again(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    engine = FakeEngine(MADE)
    first = of_image(EngineImage(engine, "made:1", DEFAULT), cache)
    assert of_image(EngineImage(engine, "made:1", DEFAULT), cache) == first
    assert engine.saves == 1
    rebuilt = FakeEngine(Made([LAYERS[0], layer({"m/c/package.json": npm("c")})]))
    assert names(of_image(EngineImage(rebuilt, "made:1", DEFAULT), cache)) == ["a", "c"]


def test_the_cache_keeps_the_layers_that_were_used_last(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path, keep=2)
    image = Made([layer({str(n): ""}) for n in range(4)])
    of_image(EngineImage(FakeEngine(image), "made:1", DEFAULT), cache)
    assert sum(cache.get(diff_id) is not None for diff_id in image.diff_ids) == 2


def test_a_lying_layer_never_gets_into_the_cache(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path / "cache")
    files = MADE.oci_files()
    _changed(npm("a").encode(), npm("x").encode())(files)
    (tmp_path / "x.tar").write_bytes(layer(files))
    with pytest.raises(GateError):
        of_image(open_archive(tmp_path / "x.tar"), cache)
    assert [cache.get(diff_id) for diff_id in MADE.diff_ids] == [None, None]


@pytest.mark.parametrize("content", [b"", b"x", gzip.compress(b"{}", mtime=0)])
def test_a_damaged_cache_is_read_again(content: bytes, tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    image = FakeEngine(MADE)
    first = of_image(EngineImage(image, "made:1", DEFAULT), cache)
    for path in tmp_path.rglob("sha256-*"):
        path.write_bytes(content)
    assert of_image(EngineImage(image, "made:1", DEFAULT), cache) == first
    (tmp_path / "file").touch()
    unwritable = LayerCache(tmp_path / "file")
    assert of_image(EngineImage(image, "made:1", DEFAULT), unwritable) == first


def test_a_hard_link_is_followed_with_a_second_look_at_its_layer_only() -> None:
    away = layer({}, link("m/z/package.json", "m/a/package.json", hard=True))
    linked = layer(
        {"store": npm("a")},
        link("m/a/package.json", "store", hard=True),
        link("n/a/package.json", "m/a/package.json", hard=True),
    )
    engine = FakeEngine(Made([linked, LAYERS[1]]))
    assert names(of_image(EngineImage(engine, "made:1", DEFAULT))) == ["a", "a", "b"]
    assert engine.saves == 2
    inventory = of_image(EngineImage(FakeEngine(Made([linked, away])), "made:1", DEFAULT))
    assert [note.text for note in inventory.notes] == ["a hard link out of its layer"]


def test_a_folder_is_read_like_a_layer_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "app/node_modules/a").mkdir(parents=True)
    (tmp_path / "app/node_modules/a/package.json").write_text(npm("a"))
    lock = {"packages": {"node_modules/zz": {"version": "1.0.0"}}}
    (tmp_path / "app/package-lock.json").write_text(json.dumps(lock))
    (tmp_path / "bundled").mkdir()
    (tmp_path / "bundled/package-lock.json").write_text(json.dumps(lock).replace("zz", "b"))
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/package.json").write_text(npm("no"))
    (tmp_path / "loop").symlink_to(tmp_path)
    inventory = of_folder(tmp_path)
    assert names(inventory) == ["a", "b"]
    assert inventory.packages[0].path == "app/node_modules/a/package.json"
    assert len(inventory.layers) == 1
    with pytest.raises(GateError, match="larger"):
        of_folder(tmp_path, Limits(members=2))
    with pytest.raises(GateError, match="cannot be read"):
        of_folder(tmp_path / "none")


def _refused(image: Image) -> TidegateError:
    with pytest.raises(TidegateError) as caught:
        of_image(image)
    return caught.value
