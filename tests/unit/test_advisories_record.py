"""OSV records: what is taken from them, and that no text breaks the reader."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.advisory_files import CRITICAL, MEDIUM, affected, record
from tidegate.core.findings import Severity
from tidegate.scan.advisories import severity
from tidegate.scan.advisories.record import Advisory, BadRecord, parse

DEBIAN = ("Debian:12", "openssl")


def read(*entries: dict[str, Any], id: str = "CVE-2024-1", **more: object) -> Advisory:
    return parse(json.dumps(record(id, *entries, **more)).encode())


def vector(kind: str, text: str) -> dict[str, str]:
    return {"type": kind, "score": text}


def test_a_record_is_read() -> None:
    entry = affected(("PyPI", "Flask_Login"), "introduced 0", "fixed 1.2", versions=["1.0", "1.1"])
    found = read(entry, aliases=["GHSA-1"], summary="bad", severity=[vector("CVSS_V3", CRITICAL)])
    assert (found.id, found.aliases, found.summary) == ("CVE-2024-1", ("GHSA-1",), "bad")
    assert (found.severity, found.score) == (Severity.CRITICAL, 9.8)
    assert found.affected[0].package == "flask-login"
    assert found.affected[0].ranges == ((("introduced", "0"), ("fixed", "1.2")),)
    assert found.affected[0].versions == ("1.0", "1.1")


def test_ranges_of_commits_are_no_versions() -> None:
    entry = affected(("PyPI", "a"))
    entry["ranges"] = [{"type": "GIT", "events": [{"introduced": "abc"}]}]
    assert read(entry).affected[0].ranges == ()


def test_the_newest_cvss_counts() -> None:
    newest = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
    found = read(severity=[vector("CVSS_V3", MEDIUM), vector("CVSS_V4", newest)])
    assert (found.severity, found.score) == (Severity.CRITICAL, 9.3)


def test_the_publisher_s_word_decides_the_level_and_the_score_is_kept() -> None:
    word = {"severity": "LOW"}
    found = read(severity=[vector("CVSS_V3", CRITICAL)], database_specific=word)
    assert (found.severity, found.score) == (Severity.LOW, 9.8)


def test_a_vector_that_is_none_gives_no_severity() -> None:
    assert read(severity=[vector("CVSS_V3", "CVSS:3.1/AV:X")]).severity is None


def test_debian_s_urgency_is_the_package_s_own() -> None:
    entry = affected(DEBIAN, "introduced 0", ecosystem_specific={"urgency": "unimportant"})
    found = read(entry).affected[0]
    assert (found.severity, found.status) == (Severity.NEGLIGIBLE, "unimportant")
    entry["ecosystem_specific"] = {"urgency": "not yet assigned"}
    assert (read(entry).affected[0].severity, read(entry).affected[0].status) == (None, "")
    entry["ecosystem_specific"] = {"urgency": "end-of-life"}
    assert (read(entry).affected[0].severity, read(entry).affected[0].status) == (
        None,
        "end-of-life",
    )


def test_almalinux_tells_severity_and_module_in_the_summary() -> None:
    entry = affected(("AlmaLinux:9", "npm"), "introduced 0", "fixed 1-1.module_el9+1")
    found = read(entry, id="ALSA-1", summary="Important: nodejs:18 security update")
    assert found.severity is Severity.HIGH
    assert found.affected[0].module == "nodejs:18"
    untold = read(entry, id="ALSA-1", summary="Important: npm security update")
    assert untold.affected[0].module == "?"


def test_a_notice_covers_several_vulnerabilities_and_one_cve_is_a_name() -> None:
    several = read(id="DSA-1-1", upstream=["CVE-2024-1", "CVE-2024-2"])
    assert (several.aliases, several.covers) == ((), ("CVE-2024-1", "CVE-2024-2"))
    single = read(id="ALSA-1", related=["CVE-2024-1"])
    assert (single.aliases, single.covers) == (("CVE-2024-1",), ())


@pytest.mark.parametrize("id", ["ALBA-2024:1", "ALEA-2024:1", "RLBA-2024:1"])
def test_a_notice_of_plain_bugs_is_no_advisory(id: str) -> None:
    assert not read(id=id).is_advisory


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "[" * 100_000,
        '{"id": 1}',
        '{"id": "A", "affected": 1}',
        '{"id": "A", "affected": [1]}',
        '{"id": "A", "affected": [{"package": {"name": "a"}}]}',
        '{"id": "A", "affected": [{"package": {"name": ["a"], "ecosystem": "npm"}}]}',
        '{"id": "A", "affected": [{"package": {"name": "a", "ecosystem": "npm"}, "ranges": 1}]}',
        '{"id": "A", "aliases": [{}]}',
        '{"id": "A", "database_specific": [1]}',
        '{"id": "A", "severity": ' + "1" * 5000 + "}",
    ],
)
def test_a_text_that_is_no_record_is_a_bad_record(text: str) -> None:
    with pytest.raises(BadRecord):
        parse(text.encode())


@pytest.mark.parametrize(
    "unread",
    ['"details": ' + "1" * 5000, '"references": [1, {}]', '"x": {"id": 1}', '"details": "\\n"'],
)
def test_what_nobody_looks_at_spoils_no_record(unread: str) -> None:
    text = f'{{{unread}, "id": "X-1", "summary": "bad", "related": []}}'
    assert parse(text.encode()) == Advisory("X-1", summary="bad")


def test_an_event_that_the_schema_may_have_one_day_says_nothing_and_a_number_is_no_version() -> (
    None
):
    entry = affected(("npm", "a"), "introduced 0", "fixed 1.2")
    entry["ranges"][0]["events"].append({"noted": {"by": "somebody"}})
    assert read(entry).affected[0].ranges == ((("introduced", "0"), ("fixed", "1.2")),)
    entry["ranges"][0]["events"].append({"fixed": 2})
    with pytest.raises(BadRecord, match="not a text: 2"):
        read(entry)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("type", "events", "name", "ecosystem", "fixed", "score", "urgency")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
LISTS = ("severity", "aliases", "upstream", "related", "affected")
KEYS = ("modified", "withdrawn", "summary", "database_specific", *LISTS)


@given(st.dictionaries(st.sampled_from(KEYS), JSON), st.lists(JSON, max_size=3))
def test_no_record_breaks_the_reader(fields: dict[str, object], entries: list[object]) -> None:
    for whole in (fields, {"affected": [{"package": e, "ranges": [e]} for e in entries]}):
        try:
            assert parse(json.dumps({"id": "A", **whole}).encode()).id == "A"
        except BadRecord as error:
            assert str(error)


@given(st.sampled_from(("CVSS_V2", "CVSS_V3", "CVSS_V4")), st.text(max_size=60))
def test_no_vector_breaks_the_reader(kind: str, text: str) -> None:
    for vector in (text, f"CVSS:3.1/{text}", f"CVSS:4.0/AV:N/{text}", CRITICAL + text):
        score = severity.base_score(kind, vector)
        assert score is None or 0 <= score <= 10


@pytest.mark.parametrize("half", [b"\\ud800", b"\\uDFFF", b"\xed\xa0\x80"])
def test_a_text_that_could_not_be_written_down_is_no_record(half: bytes) -> None:
    with pytest.raises(BadRecord):
        parse(b'{"id": "X-1", "summary": "' + half + b'"}')
    assert parse(b'{"id": "X-1", "summary": "\\ud83d\\ude00"}').summary == "\U0001f600"


def test_the_index_s_separators_are_taken_out_of_texts() -> None:
    text = b'{"id": "X-1\\u001f", "aliases": ["CVE-1\\u001FCVE-2"], "summary": "a\\u001cb"}'
    found = parse(text)
    assert (found.id, found.aliases, found.summary) == ("X-1", ("CVE-1CVE-2",), "ab")


def test_a_range_without_events_says_nothing() -> None:
    ranges = [{"type": "ECOSYSTEM", "events": None}, {"type": "ECOSYSTEM", "events": []}]
    entry = {"package": {"ecosystem": "PyPI", "name": "a"}, "ranges": ranges, "versions": [None]}
    (found,) = parse(json.dumps({"id": "X-1", "affected": [entry]}).encode()).affected
    assert (found.ranges, found.versions) == ((), ())
