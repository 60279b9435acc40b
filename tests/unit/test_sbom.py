"""The SBOM: valid by CycloneDX's own schema, the same bytes again, and read back as it was."""

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from tests.support.images_made import DEBIAN, STATUS, FakeEngine, Made, layer, stanza
from tests.support.packages_made import go_program, jar, pom, rpm_header, rpm_sqlite
from tidegate.core.errors import GateError
from tidegate.scan import sbom
from tidegate.scan.archive.engine import EngineImage
from tidegate.scan.archive.limits import DEFAULT
from tidegate.scan.inventory import of_image
from tidegate.scan.packages import Inventory, Kind, OsRelease, Package

SERIAL = "3e671687-395b-41f5-a30f-a58921a69b79"
TIME = "2026-11-24T12:00:00Z"
NPM = '{"name": "@scope/a", "version": "1.0.0"}'
LOCK = {"packages": {"node_modules/dev": {"version": "1.0.0", "dev": True}}}


def take(*layers: bytes, history: tuple[str, ...] = ()) -> Inventory:
    return of_image(EngineImage(FakeEngine(Made(layers, history)), "made:1", DEFAULT))


def debian() -> Inventory:
    """An image with a package of every kind but rpm, and a note of each kind."""
    return take(
        layer(
            {
                "etc/os-release": DEBIAN,
                STATUS: stanza("libc6", "2:2.36-9", Source="glibc (1:2.36-9)", Architecture="amd64")
                + "Package: broken\n\n",
            }
        ),
        layer(
            {
                "a/package.json": NPM,
                "b/package.json": NPM,
                "lock/package-lock.json": json.dumps(LOCK),
                "x.dist-info/METADATA": "Name: Flask\nVersion: 3.0\n\n",
                "app": go_program("dep\tgithub.com/BurntSushi/toml\tv1.2.0\t\n"),
                "app.jar": jar({**pom("org.x", "app", "1.0"), "lib/none-1.jar": jar({})}),
                "bad/package.json": "{",
            }
        ),
        history=("ADD / /", "!CMD sh", 'COPY "a" «b»'),
    )


def alma() -> Inventory:
    header = rpm_header("podman", "4.9.4", "1.el9", epoch=2, module="container-tools:rhel8")
    release = 'ID="almalinux"\nVERSION_ID="9.4"\n'
    return take(
        layer({"etc/os-release": release, "var/lib/rpm/rpmdb.sqlite": rpm_sqlite([header])})
    )


@pytest.fixture(scope="module")
def schema() -> Draft7Validator:
    """CycloneDX's own, as its Python library brings it."""
    folder = files("cyclonedx.schema") / "_res"
    bom, *others = (
        json.loads((folder / f"{name}.SNAPSHOT.schema.json").read_text())
        for name in ("bom-1.6", "spdx", "jsf-0.82")
    )
    resources = [
        (other["$id"], Resource.from_contents(other, default_specification=DRAFT7))
        for other in others
    ]
    return Draft7Validator(bom, registry=Registry().with_resources(resources))


@pytest.mark.parametrize("inventory", [debian(), alma(), take(layer({"a": ""}))])
def test_an_sbom_is_valid_and_comes_back_as_it_was(
    inventory: Inventory, schema: Draft7Validator
) -> None:
    data = sbom.write(inventory, "shop/web:e1", SERIAL, TIME)
    assert [error.message for error in schema.iter_errors(json.loads(data))] == []
    assert data == sbom.write(inventory, "shop/web:e1", SERIAL, TIME)
    found = sbom.read(data)
    assert found == inventory
    assert found.complete is inventory.complete


def test_the_kinds_that_are_tested_are_all_that_there_are() -> None:
    kinds = {package.kind for package in debian().packages + alma().packages}
    assert kinds == set(Kind) - {Kind.APK}
    assert {note.blinds for note in debian().notes} == {True, False}


def test_references_are_unique_and_say_what_is_in_the_image(schema: Draft7Validator) -> None:
    bom = json.loads(sbom.write(debian(), "web", SERIAL, TIME))
    refs = [component["bom-ref"] for component in bom["components"]]
    assert len(set(refs)) == len(refs)
    assert bom["dependencies"] == [
        {"ref": bom["metadata"]["component"]["bom-ref"], "dependsOn": refs}
    ]
    assert bom["compositions"][0]["aggregate"] == "incomplete"
    assert bom["serialNumber"] == f"urn:uuid:{SERIAL}"


def test_another_scanner_finds_its_own_properties() -> None:
    podman, libc = (
        _properties(inventory, name)
        for inventory, name in ((alma(), "podman"), (debian(), "libc6"))
    )
    assert podman["PkgType"] == "alma"
    assert (podman["SrcName"], podman["SrcVersion"], podman["SrcRelease"]) == (
        *("podman", "4.9.4", "1.el9"),
    )
    assert (libc["PkgType"], libc["SrcName"]) == ("debian", "glibc")
    assert (libc["SrcEpoch"], libc["SrcVersion"], libc["SrcRelease"]) == ("1", "2.36", "9")


def _properties(inventory: Inventory, name: str) -> dict[str, str]:
    bom = json.loads(sbom.write(inventory, "web", SERIAL, TIME))
    component = next(each for each in bom["components"] if each["name"] == name)
    prefix = "aquasecurity:trivy:"
    return {
        each["name"].removeprefix(prefix): each["value"]
        for each in component["properties"]
        if each["name"].startswith(prefix)
    }


def bom_of(*components: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"bomFormat": "CycloneDX", "components": components, **more}).encode()


def component(purl: str, name: str = "x", **properties: str) -> dict[str, Any]:
    rows = [
        {"name": f"aquasecurity:trivy:{key}", "value": value} for key, value in properties.items()
    ]
    return {"type": "library", "name": name, "purl": purl, "properties": rows}


SYSTEM = {"type": "operating-system", "name": "alma", "version": "9.4"}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (
            component("pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12.5&upstream=glibc"),
            ("Debian:12", "libc6", "2.36-9", "glibc", "2.36-9"),
        ),
        (
            component("pkg:deb/debian/a@1-1?distro=debian-12&upstream=b%402-1"),
            ("Debian:12", "a", "1-1", "b", "2-1"),
        ),
        (
            component(
                "pkg:rpm/alma/bash@5.1-6?epoch=1&distro=alma-9.4",
                SrcName="bsh",
                SrcVersion="5.1",
                SrcRelease="6",
                SrcEpoch="0",
            ),
            ("AlmaLinux:9", "bash", "1:5.1-6", "bsh", "5.1-6"),
        ),
        (
            component("pkg:rpm/redhat/bash@5.1-6?distro=redhat-9&upstream=bs-h-5.1-6.src.rpm"),
            ("Red Hat:9", "bash", "5.1-6", "bs-h", "5.1-6"),
        ),
        (
            component("pkg:apk/alpine/busybox@1.36-r5?distro=3.18.4&distro=alpine-3.18.4"),
            ("Alpine:v3.18", "busybox", "1.36-r5", "busybox", "1.36-r5"),
        ),
        (
            component("pkg:deb/debian/git@2.39-1?distro=debian-12.11&epoch=1"),
            ("Debian:12", "git", "1:2.39-1", "git", "1:2.39-1"),
        ),
        (component("pkg:pypi/Flask_X@1.0"), ("PyPI", "flask-x", "1.0", "flask-x", "1.0")),
        (component("pkg:npm/%40a/b@1.0"), ("npm", "@a/b", "1.0", "@a/b", "1.0")),
        (component("pkg:maven/org.x/y@1.0"), ("Maven", "org.x:y", "1.0", "org.x:y", "1.0")),
        (
            component("pkg:golang/github.com/burntsushi/toml@v1.2.0", "github.com/BurntSushi/toml"),
            ("Go", "github.com/BurntSushi/toml", "1.2.0", "github.com/BurntSushi/toml", "1.2.0"),
        ),
        (component("pkg:golang/stdlib@1.21.5"), ("Go", "stdlib", "1.21.5", "stdlib", "1.21.5")),
    ],
)
def test_the_sboms_of_other_tools_are_read(
    made: dict[str, Any], expected: tuple[str, str, str, str, str]
) -> None:
    inventory = sbom.read(bom_of(made))
    (package,) = inventory.packages
    assert inventory.complete
    assert expected == (
        *(package.ecosystem, package.name, package.version),
        *(package.source_name, package.source_version),
    )


def test_the_distribution_of_an_sbom_may_be_a_component_and_components_may_nest() -> None:
    inner = component("pkg:rpm/alma/bash@5.1-6")
    inventory = sbom.read(bom_of({**SYSTEM, "components": [inner]}))
    assert inventory.os == OsRelease("almalinux", "9.4")
    assert [package.ecosystem for package in inventory.packages] == ["AlmaLinux:9"]


@pytest.mark.parametrize(
    ("data", "blinds"),
    [
        (bom_of(), True),
        (bom_of({"type": "library", "name": "x"}), True),
        (bom_of(component("nonsense")), True),
        (bom_of(component("pkg:npm/a%1b%5b31m@1")), True),
        (bom_of(component("pkg:pypi/x")), True),
        (bom_of(component("pkg:deb/debian/x@1")), True),
        (bom_of(component("pkg:npm/x@1"), compositions=[{"aggregate": "incomplete"}]), True),
        (bom_of(component("pkg:npm/x@1"), component("pkg:gem/rails@7.0")), False),
        (bom_of(component("pkg:npm/x@1"), component("pkg:none/bash@5")), True),
    ],
)
def test_what_an_sbom_does_not_tell_is_a_note(data: bytes, blinds: bool) -> None:
    inventory = sbom.read(data)
    assert inventory.notes
    assert inventory.complete is not blinds


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"[]", b"{}", b'{"bomFormat": "SPDX"}', b"[" * 100_000, b"\xff"),
        bom_of(5),  # type: ignore[arg-type]
        bom_of(components="x", metadata=[1]),
        bom_of(component("pkg:npm/x@1") | {"properties": [{}]}),
        bom_of(metadata={"component": {"properties": [{"name": "tidegate:note", "value": "["}]}}),
    ],
)
def test_what_is_no_sbom_is_refused(data: bytes) -> None:
    with pytest.raises(GateError) as caught:
        sbom.read(data)
    assert caught.value.number == "TG417"


texts = st.text(min_size=1, max_size=20)
plain = texts.filter(str.isprintable)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["type", "name", "version", "purl", "properties", "evidence", "components"])
purls = st.sampled_from(["pkg:npm/a@1", "pkg:deb/debian/a@1?distro=debian-12", "pkg:rpm/a@1"])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(keys, json_values | purls), max_size=3), json_values)
def test_any_json_is_read_or_refused(components: list[dict[str, Any]], metadata: Any) -> None:
    data = {"bomFormat": "CycloneDX", "components": components, "metadata": metadata}
    try:
        sbom.read(json.dumps(data).encode())
    except GateError as error:
        assert error.number == "TG417"


@settings(max_examples=50, deadline=None)
@given(plain, plain, plain)
def test_names_of_any_letters_come_back(name: str, version: str, path: str) -> None:
    package = Package(name, version, "npm", Kind.NPM, "pkg:npm/a@1", name, version, path=path)
    inventory = Inventory("sha256:0", packages=(package,), image_id="x")
    assert sbom.read(sbom.write(inventory, "web", SERIAL, TIME)).packages == (package,)


@pytest.mark.parametrize("half", [b"\\ud800", b"\xed\xa0\x80"])
def test_half_a_character_in_an_sbom_is_refused(half: bytes) -> None:
    text = b'{"bomFormat": "CycloneDX", "metadata": {"component": {"version": "%b"}}}' % half
    with pytest.raises(GateError) as caught:
        sbom.read(text)
    assert caught.value.number == "TG417"
