"""Layers on top of each other: whiteouts, replaced paths, who brought what, what is whose."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.images_made import DEBIAN, STATUS, FakeEngine, Made, layer, link, stanza
from tests.support.packages_made import go_program
from tidegate.scan.archive.engine import EngineImage
from tidegate.scan.archive.limits import DEFAULT
from tidegate.scan.archive.stream import Stream
from tidegate.scan.archive.tar import Tar
from tidegate.scan.inventory import KnownBase, of_image
from tidegate.scan.inventory.extract import extract
from tidegate.scan.inventory.merge import merge
from tidegate.scan.packages import Base, Inventory, Kind, Package


def take(
    *layers: bytes, history: tuple[str, ...] = (), bases: tuple[KnownBase, ...] = ()
) -> Inventory:
    image = EngineImage(FakeEngine(Made(layers, history)), "made:1", DEFAULT)
    return of_image(image, bases=bases)


def npm(name: str, version: str = "1.0.0") -> str:
    return f'{{"name": "{name}", "version": "{version}"}}'


def found(inventory: Inventory) -> dict[str, int]:
    """The layer of each package by its name."""
    return {package.name: package.layer for package in inventory.packages}


def test_a_whiteout_takes_a_file_or_a_whole_folder_away() -> None:
    lower = layer({f"app/node_modules/{n}/package.json": npm(n) for n in "abc"})
    upper = layer({"app/node_modules/a/.wh.package.json": "", "app/node_modules/.wh.b": ""})
    assert found(take(lower, upper)) == {"c": 0}


def test_an_opaque_folder_hides_what_is_below_and_keeps_what_its_layer_has() -> None:
    lower = layer({f"m/{n}/package.json": npm(n) for n in "ab"})
    upper = layer({"m/c/package.json": npm("c"), "m/.wh..wh..opq": "", ".wh..wh.plnk": ""})
    assert found(take(lower, upper)) == {"c": 1}


@pytest.mark.parametrize(
    "cover",
    [
        layer({"m/a/package.json": "{}"}),
        layer({"m/a/package.json": "not json"}),
        layer({}, link("m/a/package.json", "/dev/null")),
        layer({}, link("m", "elsewhere")),
        layer({"m": "a file"}),
    ],
)
def test_what_is_replaced_is_gone_whatever_replaces_it(cover: bytes) -> None:
    assert found(take(layer({"m/a/package.json": npm("a")}), cover)) == {}


def test_a_program_that_a_script_replaces_is_gone() -> None:
    lower = layer({"srv": go_program("mod\tgithub.com/x/y\tv1.0.0\t\n")})
    assert found(take(lower)) == {"github.com/x/y": 0, "stdlib": 0}
    assert found(take(lower, layer({"srv": "#!/bin/sh\n"}))) == {}


def test_within_a_layer_the_last_of_a_path_wins() -> None:
    infos = layer({"m/package.json": npm("old")})[:1024]
    assert found(take(infos + layer({"m/package.json": npm("new")}))) == {"new": 0}


def test_a_system_package_belongs_to_the_layer_that_installed_it() -> None:
    one = stanza("libc6", "2.36-9", Architecture="amd64")
    lower = layer({"etc/os-release": DEBIAN, STATUS: one})
    upper = layer({STATUS: one + stanza("curl", "7.88.1-10")})
    upgraded = layer({STATUS: stanza("libc6", "2.36-10") + stanza("curl", "7.88.1-10")})
    inventory = take(lower, upper, upgraded)
    assert found(inventory) == {"libc6": 2, "curl": 1}
    assert inventory.packages[0].layer_digest == inventory.layers[1].digest


def test_what_the_distribution_brought_is_not_reported_a_second_time() -> None:
    lower = layer(
        {
            "etc/os-release": DEBIAN,
            STATUS: stanza("node-a", "1.0.0+ds-1"),
            "var/lib/dpkg/info/node-a.list": "/.\n/usr/share/nodejs/a/package.json\n/lib/go-tool\n",
            "usr/share/nodejs/a/package.json": npm("a"),
            "usr/lib/go-tool": go_program("mod\tgithub.com/x/y\tv1.0.0\t\n"),
            "usr/share/nodejs/b/package.json": npm("b"),
        }
    )
    assert found(take(lower)) == {"node-a": 0, "b": 0}


def test_what_a_package_owns_still_tells_the_distribution_and_its_bad_databases() -> None:
    database = "var/lib/rpm/Packages"
    owns = f"/usr/lib/os-release\n/{STATUS}\n/{database}\n"
    files = {
        "usr/lib/os-release": DEBIAN,
        STATUS: stanza("a", "1"),
        "var/lib/dpkg/info/a.list": owns,
    }
    assert take(layer(files)).complete
    assert not take(layer({**files, database: "damaged"})).complete


def test_a_file_put_over_the_distributions_is_reported_and_an_untouched_copy_is_not() -> None:
    path = "usr/share/nodejs/a/package.json"
    lower = layer(
        {
            "etc/os-release": DEBIAN,
            STATUS: stanza("node-a", "1.0.0-1"),
            "var/lib/dpkg/info/node-a.list": f"/{path}\n",
            path: npm("a"),
        }
    )
    assert found(take(lower, layer({path: npm("a", "2.0.0")}))) == {"node-a": 0, "a": 1}
    assert found(take(lower, layer({path: npm("a")}))) == {"node-a": 0}


def test_when_the_package_database_is_removed_the_image_is_incomplete() -> None:
    lower = layer({"etc/os-release": DEBIAN, STATUS: stanza("libc6", "2.36-9")})
    assert take(lower).complete
    inventory = take(lower, layer({"var/lib/.wh.dpkg": ""}))
    assert not inventory.complete
    assert inventory.notes[0].text.startswith("no package database of Debian GNU/Linux 12")


def test_hard_links_tell_what_their_target_tells() -> None:
    files: dict[str, str | bytes] = {
        "store/1f": npm("a"),
        "srv": go_program("mod\tg.co/x\tv1.0.0\t\n"),
    }
    links = (
        link("m/a/package.json", "store/1f", hard=True),
        link("m/b/package.json", "m/a/package.json", hard=True),
        link("copy", "srv", hard=True),
    )
    inventory = take(layer({"m/c/package.json": npm("c"), **files}, *links), layer({"y": ""}))
    assert {package.path for package in inventory.packages if package.name == "a"} == {
        *("m/a/package.json", "m/b/package.json"),
    }
    assert {package.path for package in inventory.packages if package.name == "g.co/x"} == {
        *("srv", "copy"),
    }


def test_each_layer_has_the_step_that_made_it() -> None:
    history = (
        "/bin/sh -c #(nop) ADD file:0f in / ",
        '!/bin/sh -c #(nop)  CMD ["bash"]',
        "/bin/sh -c apt-get   install curl",
        "COPY . /app # buildkit",
        "RUN |1 V=2 /bin/sh -c make # buildkit",
        "!ENV A=b",
    )
    inventory = take(*(layer({n: ""}) for n in "abcd"), history=history)
    assert [each.created_by for each in inventory.layers] == [
        *("ADD file:0f in /", "RUN apt-get install curl", "COPY . /app", "RUN make"),
    ]
    assert inventory.base == Base(1)


def test_a_history_that_does_not_fit_the_layers_names_no_steps_and_no_base() -> None:
    inventory = take(layer({"a": ""}), layer({"b": ""}), history=("ADD a /",))
    assert [each.created_by for each in inventory.layers] == ["", ""]
    assert inventory.base is None


def test_a_known_base_is_found_by_its_layers() -> None:
    layers = [layer({name: ""}) for name in "abc"]
    ids = tuple(Made(layers).diff_ids)
    known = (KnownBase("one", ids[:1]), KnownBase("two", ids[:2]), KnownBase("other", ids[1:]))
    inventory = take(*layers, history=("x", "!CMD y", "x", "x"), bases=known)
    assert inventory.base == Base(2, "two", certain=True)
    package = Package("a", "1", "npm", Kind.NPM, "", layer=1)
    assert inventory.of_base(package)
    assert take(*layers).of_base(package) is None


PATHS = ("package.json", "a/package.json", "a/b/package.json", "a", "a/b", "b", "b/package.json")
KINDS = ("file", "other", "folder", "whiteout", "opaque")
steps = st.dictionaries(st.sampled_from(PATHS), st.sampled_from(KINDS), max_size=4)


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, min_size=1, max_size=4))
def test_merging_is_what_unpacking_layer_by_layer_leaves(layers: list[dict[str, str]]) -> None:
    facts, disk = [], dict[str, str]()
    for number, wishes in enumerate(layers):
        entries = _possible(wishes)
        data = layer({_name(path, kind): _content(kind, number) for path, kind in entries.items()})
        facts.append(extract(Tar(Stream(io.BytesIO(data), 1 << 20), DEFAULT))[0])
        _unpack(disk, entries, number)
    expected = {path: text for path, text in disk.items() if text != "{}" and _is_manifest(path)}
    held = {path: npm("n", file.facts.packages[0].version) for path, file in merge(facts).items()}
    assert held == expected


def _possible(wishes: dict[str, str]) -> dict[str, str]:
    """Without files that lie in files, and whiteouts of what the same layer brings."""
    kept: dict[str, str] = {}
    for path, kind in sorted(wishes.items()):
        above = [kept.get(path[:at]) for at, letter in enumerate(path) if letter == "/"]
        if not {"file", "other", "whiteout"} & set(above):
            kept[path] = kind
    return kept


def _name(path: str, kind: str) -> str:
    folder, slash, name = path.rpartition("/")
    match kind:
        case "whiteout":
            return f"{folder}{slash}.wh.{name}"
        case "opaque":
            return f"{path}/.wh..wh..opq"
        case "folder":
            return f"{path}/"
        case _:
            return path


def _content(kind: str, number: int) -> str:
    return npm("n", f"{number}.0.0") if kind == "file" else "{}" if kind == "other" else ""


def _is_manifest(path: str) -> bool:
    return path.endswith("package.json")


def _unpack(disk: dict[str, str], entries: dict[str, str], number: int) -> None:
    for path, kind in entries.items():
        gone = {old for old in disk if old.startswith(f"{path}/")} if kind != "folder" else set()
        if kind != "opaque":
            gone.add(path)
        for old in gone:
            disk.pop(old, None)
    for path, kind in entries.items():
        if kind in ("file", "other"):
            disk[path] = _content(kind, number)
