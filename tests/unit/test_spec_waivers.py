"""What other tools' files waive, exactly that is waived; what cannot be understood is an error."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.app_files import SMALLEST
from tests.support.mutations import mutated
from tidegate.core.errors import AppFileError
from tidegate.core.model import App, Waiver
from tidegate.spec import loads
from tidegate.spec.waivers import collect

IMAGE = "pkg:oci/cats@sha256%3Aabc?repository_url=127.0.0.1/cats"
OPENSSL = "pkg:deb/debian/openssl@3.0.11?arch=amd64"


class Files:
    """A revision in memory."""

    def __init__(self, **files: str | bytes) -> None:
        self._files = {name: f.encode() if isinstance(f, str) else f for name, f in files.items()}

    def names(self) -> Iterable[str]:
        return [name for name in self._files if "/" not in name]

    def read(self, path: str, most: int) -> bytes | None:
        data = self._files.get(path)
        return data[:most] if data is not None else None


def app(gate: str = "{}") -> App:
    return loads(f"{SMALLEST}gate: {gate}\n")


def waived(name: str, text: str | bytes) -> tuple[Waiver, ...]:
    """What one file waives."""
    return collect(app(), Files(**{name: text})).gate.waivers


def refused(name: str, text: str | bytes) -> AppFileError:
    with pytest.raises(AppFileError) as caught:
        waived(name, text)
    assert caught.value.number == "TG250"
    return caught.value


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


# --- ignore files ------------------------------------------------------------------------------


def test_a_trivyignore_waives_each_id_up_to_the_first_moment_of_its_day() -> None:
    text = "# not reachable\nCVE-1 exp:2026-12-31\n\n  CVE-2   \n#CVE-3\nAVD-DS-0002 x\n"
    assert waived(".trivyignore", text) == (
        Waiver("CVE-1", "not reachable", until=ms("2026-12-31"), source=".trivyignore"),
        Waiver("CVE-2", "", source=".trivyignore"),
        Waiver("AVD-DS-0002", "CVE-3", source=".trivyignore"),
    )


def test_a_trivyignore_with_a_wrong_day_is_an_error_with_its_line() -> None:
    error = refused(".trivyignore", "CVE-1\nCVE-2 exp:tomorrow\n")
    assert error.where == ".trivyignore:2"
    assert error.cause == "exp: is no date: tomorrow"


def test_a_trivyignore_yaml_waives_by_purl_with_its_statement() -> None:
    text = f"""\
vulnerabilities:
  - id: CVE-1
    purls: ["{OPENSSL}"]
    statement: Accept the risk
    expired_at: 2026-12-31
  - id: CVE-2
misconfigurations:
  - id: AVD-1
"""
    name = ".trivyignore.yaml"
    assert waived(name, text) == (
        Waiver("CVE-1", "Accept the risk", until=ms("2026-12-31"),
               packages=("pkg:deb/debian/openssl@3.0.11",), source=name),
        Waiver("CVE-2", "", source=name),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("- a", "it is no mapping"),
        ("vulnerabilities: {a: b}", "vulnerabilities is no list of objects"),
        ("vulnerabilities: [{statement: x}]", "a vulnerability's id is missing or is no id"),
        ("vulnerabilities: [{id: CVE-1, paths: [a]}]", "CVE-1 is waived by path"),
        ("vulnerabilities: [{id: CVE-1, purls: a}]", "no list of texts"),
        ("vulnerabilities: [{id: CVE-1, expired_at: soon}]", "is no date: soon"),
    ],
)
def test_a_trivyignore_yaml_that_says_something_else_is_an_error(text: str, cause: str) -> None:
    assert cause in refused(".trivyignore.yaml", text).cause


def test_an_osv_scanner_toml_waives_its_ignored_vulns() -> None:
    text = """\
[[IgnoredVulns]]
id = "GO-2022-0968"
ignoreUntil = 2026-11-09
reason = "No ssh servers"
[[IgnoredVulns]]
id = "GO-2022-1059"
ignoreUntil = 2026-11-09T12:00:00+02:00
[[IgnoredVulns]]
id = "GO-1"
[[PackageOverrides]]
name = "lib"
ignore = true
"""
    name = "osv-scanner.toml"
    assert waived(name, text) == (
        Waiver("GO-2022-0968", "No ssh servers", until=ms("2026-11-09"), source=name),
        Waiver("GO-2022-1059", "", until=ms("2026-11-09T10:00:00"), source=name),
        Waiver("GO-1", "", source=name),
    )


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("x = ", "it is not TOML"),
        ("IgnoredVulns = 1", "no list"),
        ("[[IgnoredVulns]]\nreason='x'", "the id of IgnoredVulns is missing"),
        ("[[IgnoredVulns]]\nid='a'\nignoreUntil=1", "ignoreUntil is no date: 1"),
    ],
)
def test_an_osv_scanner_toml_that_says_something_else_is_an_error(text: str, cause: str) -> None:
    assert cause in refused("osv-scanner.toml", text).cause


# --- OpenVEX -----------------------------------------------------------------------------------


def openvex(*statements: dict[str, Any], **changes: Any) -> str:
    head = {"@context": "https://openvex.dev/ns/v0.2.0", "author": "ann", "timestamp":
            "2026-01-01T00:00:00Z"}  # fmt: skip
    return json.dumps({**head, "statements": list(statements), **changes})


def statement(status: str = "not_affected", **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "vulnerability": {"name": "CVE-1", "aliases": ["GHSA-a"]},
        "products": [{"@id": OPENSSL}],
        "status": status,
        "justification": "vulnerable_code_not_in_execute_path",
    }
    return {k: v for k, v in {**fields, **changes}.items() if v is not None}


def test_an_openvex_statement_frees_a_package_by_all_names() -> None:
    assert waived("openvex.json", openvex(statement())) == (
        Waiver(
            "CVE-1",
            "not_affected: vulnerable_code_not_in_execute_path",
            "ann",
            packages=("pkg:deb/debian/openssl@3.0.11",),
            aliases=("GHSA-a",),
            source="openvex.json",
        ),
    )


@pytest.mark.parametrize(
    ("status", "frees"),
    [("not_affected", True), ("fixed", True), ("affected", False), ("under_investigation", False)],
)
def test_only_what_is_not_affected_or_fixed_is_waived(status: str, frees: bool) -> None:
    assert bool(waived("a.openvex.json", openvex(statement(status)))) is frees


def test_a_later_statement_takes_an_earlier_one_back() -> None:
    back = statement("affected", timestamp="2026-03-01T00:00:00Z")
    first = statement(timestamp="2026-02-01T00:00:00Z")
    assert waived("vex.json", openvex(back, first)) == ()
    assert len(waived("vex.json", openvex(first, {**back, "timestamp": "2026-01-15"}))) == 1


@pytest.mark.parametrize(
    ("product", "scope"),
    [
        ({"@id": IMAGE}, {"digest": "sha256:abc"}),
        ({"@id": "pkg:oci/cats"}, {"service": "cats"}),
        (
            {"@id": IMAGE, "subcomponents": [{"@id": OPENSSL}]},
            {"digest": "sha256:abc", "packages": ("pkg:deb/debian/openssl@3.0.11",)},
        ),
        ({"identifiers": {"purl": OPENSSL}}, {"packages": ("pkg:deb/debian/openssl@3.0.11",)}),
        (OPENSSL, {"packages": ("pkg:deb/debian/openssl@3.0.11",)}),
        ("the whole world *".replace(" ", "-"), {"packages": ("pkg:generic/the-whole-world-%2A",)}),
    ],
)
def test_a_product_narrows_a_waiver_to_what_it_names(product: Any, scope: dict[str, Any]) -> None:
    (one,) = waived("vex.json", openvex(statement(products=[product])))
    got = {"digest": one.digest, "service": one.service, "packages": one.packages}
    assert {key: value for key, value in got.items() if value} == scope


@pytest.mark.parametrize(
    ("document", "cause"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is no JSON object"),
        ("{}", "it is neither OpenVEX nor CycloneDX"),
        ("[" * 100_000, "it is not JSON"),
        (openvex(statement("perhaps")), "perhaps is no status of CVE-1"),
        (openvex(statement(justification=None)), "without justification or impact_statement"),
        (openvex(statement(products=[])), "the statement on CVE-1 names no product"),
        (openvex(statement(vulnerability=None)), "a statement's vulnerability is missing"),
        (openvex(statement(timestamp="x")), "timestamp is no date"),
        (openvex(statements={"a": 1}), "statements is no list of objects"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b" " * 1_000_001, "it is larger than 1,000 kB"),
    ],
)
def test_a_vex_file_that_says_something_else_is_an_error(document: str | bytes, cause: str) -> None:
    assert cause in refused("vex.json", document).cause


# --- CycloneDX ---------------------------------------------------------------------------------


def cyclonedx(state: str, **changes: Any) -> str:
    vulnerability = {
        "id": "CVE-1",
        "references": [{"id": "GHSA-a"}],
        "analysis": {"state": state, "justification": "code_not_reachable", "detail": "no parser"},
        "affects": [{"ref": "one"}],
        **changes,
    }
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"authors": [{"name": "ann"}]},
        "components": [{"bom-ref": "one", "name": "openssl", "purl": OPENSSL}],
        "vulnerabilities": [vulnerability],
    }
    return json.dumps(document)


def test_a_cyclonedx_analysis_frees_the_component_that_it_names() -> None:
    assert waived("a.vex.json", cyclonedx("not_affected")) == (
        Waiver(
            "CVE-1",
            "not_affected: code_not_reachable: no parser",
            "ann",
            packages=("pkg:deb/debian/openssl@3.0.11",),
            aliases=("GHSA-a",),
            source="a.vex.json",
        ),
    )


@pytest.mark.parametrize(
    ("state", "frees"),
    [
        ("not_affected", True),
        ("false_positive", True),
        ("resolved", True),
        ("resolved_with_pedigree", True),
        ("exploitable", False),
        ("in_triage", False),
    ],
)
def test_only_an_analysis_that_frees_is_a_waiver(state: str, frees: bool) -> None:
    assert bool(waived("vex.json", cyclonedx(state))) is frees


@pytest.mark.parametrize("reference", ["urn:cdx:f08a6ccd/1#one", f"urn:cdx:f08a6ccd/1#{OPENSSL}"])
def test_a_component_may_be_named_by_a_link(reference: str) -> None:
    (one,) = waived("vex.json", cyclonedx("resolved", affects=[{"ref": reference}]))
    assert one.packages == ("pkg:deb/debian/openssl@3.0.11",)


@pytest.mark.parametrize(
    ("document", "cause"),
    [
        (cyclonedx("perhaps"), "perhaps is no state of CVE-1"),
        (cyclonedx("resolved", affects=[]), "CVE-1 affects nothing"),
        (cyclonedx("resolved", id=None), "a vulnerability's id is missing"),
        (cyclonedx("resolved", analysis=[]), "nothing is no state of CVE-1"),
    ],
)
def test_a_cyclonedx_file_that_says_something_else_is_an_error(document: str, cause: str) -> None:
    assert cause in refused("vex.json", document).cause


# --- together ----------------------------------------------------------------------------------


def test_the_app_files_own_waivers_come_first_and_each_source_is_named() -> None:
    own = "{waivers: [{id: CVE-0, reason: x, owner: ann, expires: 2026-12-31}], vex: [sec/v.json]}"
    files = {".trivyignore": "CVE-1", "sec/v.json": openvex(statement()), "README.md": "CVE-9"}
    found = collect(app(own), Files(**files)).gate.waivers
    assert [(w.id, w.source) for w in found] == [
        ("CVE-0", "tidegate.yaml"), ("CVE-1", ".trivyignore"), ("CVE-1", "sec/v.json"),
    ]  # fmt: skip


def test_a_vex_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(AppFileError, match="it is not there"):
        collect(app("{vex: [sec/v.json]}"), Files())


def test_a_file_that_is_named_and_found_counts_once() -> None:
    named = collect(app("{vex: [vex.json]}"), Files(**{"vex.json": openvex(statement())}))
    assert len(named.gate.waivers) == 1


def test_without_such_files_the_app_is_as_it_was() -> None:
    assert collect(app(), Files(**{"Dockerfile": "FROM x"})) == app()


def test_a_gate_that_is_off_reads_none_of_them() -> None:
    assert collect(app("off"), Files(**{"vex.json": "{"})) == app("off")


def test_too_many_waivers_are_refused() -> None:
    text = "\n".join(f"CVE-{number}" for number in range(1_001))
    with pytest.raises(AppFileError, match=r"there are 1,001 waivers"):
        waived(".trivyignore", text)


SEEDS = [
    (".trivyignore", b"# x\nCVE-1 exp:2026-12-31\n"),
    (".trivyignore.yaml", b'vulnerabilities: [{id: CVE-1, purls: ["pkg:npm/a@1"]}]\n'),
    ("osv-scanner.toml", b'[[IgnoredVulns]]\nid = "A"\nignoreUntil = 2026-11-09\n'),
    ("vex.json", openvex(statement(), statement("fixed", products=[IMAGE])).encode()),
    ("vex.json", cyclonedx("resolved").encode()),
]


@pytest.mark.parametrize(("name", "seed"), SEEDS, ids=["lines", "yaml", "toml", "openvex", "cdx"])
def test_any_bytes_are_waivers_or_an_error(name: str, seed: bytes) -> None:
    @settings(deadline=None)
    @given(mutated([seed]) | st.binary(max_size=60))
    def read(data: bytes) -> None:
        try:
            found = waived(name, data)
        except AppFileError as error:
            str(error).encode()
        else:
            assert all(isinstance(one, Waiver) and one.id for one in found)

    read()
