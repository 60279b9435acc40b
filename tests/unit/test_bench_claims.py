"""The bench's pure parts: ratios, goals, tables, the page."""

import argparse
import json
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import pytest
from bench.__main__ import HERE
from bench.claims import Claim, Goal, claim_from, markdown, missed, table
from bench.page import IN_A_ROW, NAMES, PAGE, RUNS, put, text, verdict
from bench.run import Run, read
from bench.size import add_size, size_of, words_of


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


def run_of(name: str, *claims: Claim, cores: str = "2") -> Run:
    command = f"python -m bench --only {name}"
    machine = {"cores": cores, "memory": "24 GiB"}
    return Run(name, "2026-01-01 00:00 UTC", command, 61, "0.1", "0.2", 1.5, machine, claims)


def test_the_page_names_each_missed_goal_with_its_numbers() -> None:
    claims = (Claim("throughput, ours", 70, 100, "requests/s", Goal(0.9, "ratio", at_least=True)),)
    said = verdict(claims)
    assert "1 of 1 goals is missed" in said
    assert "throughput, ours: 70 requests/s beside 100 requests/s, ratio 0.7" in said
    assert "the goal is ratio ≥ 0.9" in said


def test_the_page_says_so_when_all_goals_are_held() -> None:
    assert verdict((Claim("failed", 0, goal=Goal(0)),)) == "All 1 goals are held."


def test_the_page_shows_each_bench_with_its_own_run() -> None:
    runs = {name: run_of(name, Claim(f"of {name}", 1)) for name in NAMES}
    page = text({**runs, "scan": run_of("scan", Claim("of scan", 1), cores="4")})
    for name in NAMES:
        assert page.count(f"| of {name} |") == 1
        told = f"`python -m bench --only {name}`, 2026-01-01 00:00 UTC, took 1 min 1 s; load"
        assert page.count(told) == 1
    assert "- cores: 4 (scan)\n- memory: 24 GiB\n" in page


def test_a_bench_that_is_measured_anew_replaces_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.page.PAGE", tmp_path / "page.md")
    monkeypatch.setattr("bench.page.RUNS", tmp_path / "page.json")
    never = run_of("swarm", Claim("never", float("inf"), goal=Goal(1)), cores="4")
    for run in (run_of("abort", Claim("first", 1)), run_of("abort", Claim("second", 2)), never):
        put(run)
    assert read(tmp_path / "page.json") == {
        "swarm": never,
        "abort": run_of("abort", Claim("second", 2)),
    }
    page = (tmp_path / "page.md").read_text()
    assert page == text(read(tmp_path / "page.json"))
    shown = [f"| {name} |" in page for name in ("first", "second", "never")]
    assert shown == [False, True, True]


def test_a_hundred_in_a_row_stand_beside_the_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.page.PAGE", tmp_path / "page.md")
    monkeypatch.setattr("bench.page.RUNS", tmp_path / "page.json")
    for run in (run_of(IN_A_ROW, Claim("in a row", 1)), run_of("swarm", Claim("compared", 2))):
        put(run)
    page = (tmp_path / "page.md").read_text()
    assert 0 < page.index("| compared |") < page.index("| in a row |")


def test_every_bench_has_its_place_on_the_page() -> None:
    """Those that are not here run in the private engine, each as a module of its name."""
    assert set(HERE) <= set(NAMES)
    assert all(find_spec(f"bench.{name}") for name in set(NAMES) - set(HERE))


@pytest.mark.parametrize(
    "words",
    ["", "--quick", "--storms 100", "--storms 0", "--quick --storms 7", "--deployments 9"],
)
def test_the_command_on_the_page_measures_as_much_as_was_measured(words: str) -> None:
    parser = argparse.ArgumentParser()
    add_size(parser)
    asked = words.split()
    assert words_of(size_of(parser.parse_args(asked))) == asked


def test_the_page_in_the_docs_is_what_its_runs_say() -> None:
    assert PAGE.read_text() == text(read(RUNS))
