"""A waiver goes into the app file, and every other character stays as it is."""

import difflib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.app_files import EVERYTHING
from tidegate.core.errors import AppFileError
from tidegate.core.model import Waiver
from tidegate.spec import loads
from tidegate.spec.edit import with_waiver

WAIVER = Waiver("CVE-2026-0002", "the parser is never called", "ann", 1_798_761_600_000)
HEAD = "app: x  # the shop\n\n# who serves\nservices:\n  cats:\n    build: cats  # here\n"
ITEM = """\
- id: CVE-2026-0002
  reason: the parser is never called
  owner: ann
  expires: 2026-12-31
"""

WAYS = {
    "no gate": "",
    "a plain value": "gate: enforce  # always\n",
    "a mapping": "gate:\n  limits:\n    HIGH: 1  # one\n\n# the end\n",
    "a mapping of four columns": "gate:\n    only_fixable: true\nretention: 3\n",
    "an empty list": "gate:\n  waivers: []\n",
    "a list": "gate:\n  waivers:\n    - id: CVE-1\n      reason: x\n      owner: bob\n"
    "      expires: 2026-11-30  # soon\n  # below\nretention: 3\n",
    "a list that is not indented": "gate:\n  waivers:\n  - {id: CVE-1, reason: x, owner: bob, "
    "expires: 2026-11-30}\n  new_only: true\n",
    "folded text": "gate:\n  waivers:\n  - id: CVE-1\n    owner: bob\n    expires: 2026-11-30\n"
    "    reason: >\n      not\n      reachable\n\nretention: 3\n",
    "brackets": "gate: {limits: {HIGH: 5}}\n",
    "empty brackets": "gate: {}\n",
    "brackets in brackets": "gate: {waivers: [{id: CVE-1, reason: x, owner: bob, "
    "expires: 2026-11-30}]}\n",
    "brackets over lines": "gate: {\n  limits: {HIGH: 5},\n}\n",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_waiver_is_added_and_no_line_is_lost(way: str, ending: str) -> None:
    text = (HEAD + WAYS[way]).replace("\n", ending)
    changed = with_waiver(text, WAIVER, "f.yaml")
    assert loads(changed).gate.waivers == (*loads(text).gate.waivers, WAIVER)
    taken = [line for line in difflib.ndiff(text.split(ending), changed.split(ending))
             if line.startswith("- ")]  # fmt: skip
    assert len(taken) <= (1 if "{" in WAYS[way] or "[" in WAYS[way] or "enforce" in text else 0)
    for comment in ("# the shop", "# who serves", "# here", "# always", "# one", "# below"):
        assert (comment in changed) == (comment in text)
    assert ("\r\n" in changed) == (ending == "\r\n")


def test_the_item_is_written_as_one_would() -> None:
    changed = with_waiver(HEAD, WAIVER, "f.yaml")
    item = "".join(f"    {line}\n" for line in ITEM.splitlines())
    assert changed == f"{HEAD}gate:\n  waivers:\n{item}"


def test_a_file_without_a_last_line_end_gets_one() -> None:
    assert loads(with_waiver(HEAD.rstrip("\n"), WAIVER, "f.yaml")).gate.waivers == (WAIVER,)


def test_several_waivers_stand_in_the_order_of_their_coming() -> None:
    text = HEAD
    for number in range(3):
        text = with_waiver(text, Waiver(f"CVE-{number}", "x", "ann", WAIVER.until), "f.yaml")
    assert [w.id for w in loads(text).gate.waivers] == ["CVE-0", "CVE-1", "CVE-2"]


@settings(deadline=None, max_examples=30)
@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=60).filter(
        lambda text: text == " ".join(text.split()) and text
    ),
    st.sampled_from(["openssl*", "pkg:npm/%40a/b", ""]),
    st.sampled_from([HEAD, EVERYTHING, HEAD + "gate: {}\n", HEAD + WAYS["a list"]]),
)
def test_whatever_the_reason_it_comes_back_as_it_was_said(
    reason: str, package: str, text: str
) -> None:
    packages = (package,) if package else ()
    waiver = Waiver("CVE-2026-0002", reason, reason, WAIVER.until, packages)
    assert loads(with_waiver(text, waiver, "f.yaml")).gate.waivers[-1] == waiver


def test_anchors_do_not_matter() -> None:
    text = HEAD + "gate: &g\n  limits: &l {HIGH: 1}\n  waivers: &w\n"
    text += "  - &one\n    id: A-1\n    reason: x\n    owner: o\n    expires: 2026-12-31\n"
    assert len(loads(with_waiver(text, WAIVER, "f.yaml")).gate.waivers) == 2


@pytest.mark.parametrize(
    "text", ["{app: x, services: {cats: {}}}\n", "---\napp: x\nservices: {cats: {}}\n...\n"]
)
def test_a_file_of_another_shape_stays_as_it_is_and_the_lines_are_told(text: str) -> None:
    with pytest.raises(AppFileError, match="put it in by hand") as caught:
        with_waiver(text, WAIVER, "f.yaml")
    assert caught.value.number == "TG252"
    assert "- id: CVE-2026-0002" in caught.value.remedy


def test_a_wrong_file_stays_as_it_is() -> None:
    with pytest.raises(AppFileError, match="prot"):
        with_waiver(HEAD + "prot: 1\n", WAIVER, "f.yaml")


def test_the_same_waiver_twice_is_refused() -> None:
    once = with_waiver(HEAD, WAIVER, "f.yaml")
    with pytest.raises(AppFileError, match="waived twice"):
        with_waiver(once, WAIVER, "f.yaml")
