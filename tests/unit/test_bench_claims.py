"""The bench's pure parts: ratios, goals, tables, the page."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from bench.__main__ import Run
from bench.claims import Claim, Goal, claim_from, markdown, missed, table
from bench.page import text, verdict


def test_a_ratio_is_ours_by_the_peers() -> None:
    assert Claim("time", 1.5, 3.0).ratio == 0.5


@pytest.mark.parametrize("peer", [None, 0])
def test_there_is_no_ratio_without_something_to_divide_by(peer: float | None) -> None:
    assert Claim("time", 1.5, peer).ratio is None


@pytest.mark.parametrize(
    ("claim", "held"),
    [
        (Claim("at the limit", 1.5, 3.0, "s", Goal(0.5, "ratio")), True),
        (Claim("just over it", 1.6, 3.0, "s", Goal(0.5, "ratio")), False),
        (Claim("at least", 90, 100, "", Goal(0.9, "ratio", at_least=True)), True),
        (Claim("too little", 89, 100, "", Goal(0.9, "ratio", at_least=True)), False),
        (Claim("ours alone", 0, 7, "", Goal(0)), True),
        (Claim("ours alone, one too many", 1, 7, "", Goal(0)), False),
        (Claim("never", float("inf"), None, "s", Goal(10)), False),
        (Claim("both none", 0, 0, "", Goal(0.1, "ratio")), True),
        (Claim("the peer none", 3, 0, "", Goal(0.1, "ratio")), False),
        (Claim("no peer to a ratio", 0, None, "", Goal(0.1, "ratio")), False),
        (Claim("for information", 99, 1), None),
    ],
    ids=lambda value: value.name if isinstance(value, Claim) else str(value),
)
def test_a_goal_is_held_or_not(claim: Claim, held: bool | None) -> None:
    assert claim.held is held


def test_a_claim_comes_back_from_json_as_it_was() -> None:
    for claim in (Claim("a", 1, 2, "s", Goal(0.5, "ratio", True), "three runs"), Claim("b", 3)):
        assert claim_from(json.loads(json.dumps(asdict(claim)))) == claim


def test_only_goals_that_are_not_held_are_missed() -> None:
    good, bad, neither = Claim("a", 0, goal=Goal(0)), Claim("b", 1, goal=Goal(0)), Claim("c", 9)
    assert missed([good, bad, neither]) == [bad]


def test_the_table_has_a_line_for_each_claim_and_says_what_was_held() -> None:
    lines = table([Claim("replaced", 1.234, 3.7, "s", Goal(0.5, "ratio")), Claim("sent", 12345)])
    assert lines.splitlines() == [
        "claim       ours   peer  ratio         goal   held",
        "replaced  1.23 s  3.7 s  0.334  ratio ≤ 0.5  ✓ yes",
        "sent      12,345",
    ]


def test_the_page_table_puts_notes_below_it() -> None:
    shown = markdown([Claim("cut", 1, 9, "", Goal(0), "of 20 and 20")])
    assert shown.splitlines() == [
        "| claim | ours | peer | ratio | goal | held |",
        "|---|---:|---:|---:|---:|---:|",
        "| cut | 1 | 9 | 0.111 | ours ≤ 0 | ✗ no |",
        "",
        "- cut: of 20 and 20",
    ]


def run_of(*claims: Claim) -> Run:
    machine: dict[str, Any] = {"cores": "2"}
    return Run("2026-01-01 00:00 UTC", "python -m bench", 61, "0.1", "0.2", machine, claims)


def test_the_page_names_each_missed_goal_with_its_numbers() -> None:
    claims = (Claim("throughput, ours", 70, 100, "requests/s", Goal(0.9, "ratio", at_least=True)),)
    said = verdict(claims)
    assert "1 of 1 goals are missed" in said
    assert "throughput, ours: 70 requests/s beside 100 requests/s, ratio 0.7" in said
    assert "the goal is ratio ≥ 0.9" in said


def test_the_page_says_so_when_all_goals_are_held() -> None:
    assert verdict((Claim("failed", 0, goal=Goal(0)),)) == "All 1 goals are held."


def test_the_page_shows_every_claim_once_and_what_it_was_measured_on() -> None:
    names = ("4 tasks replaced", "throughput", "abort to stable", "worse one found", "odd one")
    page = text(run_of(*(Claim(name, 1) for name in names)))
    assert [page.count(f"| {name} |") for name in names] == [1] * len(names)
    for fact in ("`python -m bench`", "2026-01-01", "1 min 1 s", "cores: 2", "average after: 0.2"):
        assert fact in page
