"""The page of a rehearsal: what instances cost, and marks that do not cover each other."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from tidegate.load.plot import Chart, linear, svg
from tidegate.load.profile import constant
from tidegate.simulator.rehearse.outcome import rehearse
from tidegate.simulator.rehearse.page import page
from tidegate.simulator.rehearse.plan import Rehearsal
from tidegate.simulator.rehearse.scenarios import Scenario
from tidegate.simulator.rehearse.text import as_text, cost_rows
from tidegate.simulator.scenarios import CLOUDY, QUICKLY

PRICED = replace(CLOUDY, providers=(
    replace(CLOUDY.providers[0], price_micros=40_000, on_demand_micros=40_000),
    replace(CLOUDY.providers[1], price_micros=10_000, on_demand_micros=40_000),
))  # fmt: skip
"""Two tasks: one on demand by the base, one on spot by its weight."""
STEADY = Scenario("steady", "half an hour", constant(1, 1_800))


def test_the_cost_is_told_by_provider_beside_the_same_hours_on_demand() -> None:
    found = rehearse(Rehearsal(replace(QUICKLY, capacity=PRICED), STEADY))
    rows = cost_rows(found)
    assert [row[0] for row in rows] == ["on-demand", "spot", "all"]
    assert [row[2:] for row in rows] == [
        ("1,800", "$0.0400", "$0.0200", "$0.0200", "0 %"),
        ("1,800", "$0.0100", "$0.0050", "$0.0200", "75 %"),
        ("3,600", "", "$0.0250", "$0.0400", "38 %"),
    ]
    html, text = page([found]), as_text(found)
    for words in ("What the instances of shop cost", "all on demand", "$0.0250", "38 %"):
        assert words in html
    assert "$0.0250" in text
    assert found.numbers()["cost"] == pytest.approx(0.025)


def test_two_files_of_the_same_app_are_told_apart() -> None:
    found = rehearse(Rehearsal(QUICKLY, replace(STEADY, demand=constant(1, 120))))
    heads = re.findall("<h2>(.*?)</h2>", page([found, found]))
    for words in ("Services of shop", "cats, latency"):
        assert [head for head in heads if words in head] == [f"A: {words}", f"B: {words}"]
    assert "A: " not in page([found])


def test_nothing_is_told_of_costs_without_prices() -> None:
    found = rehearse(Rehearsal(replace(QUICKLY, capacity=CLOUDY), STEADY))
    assert (found.providers, found.instances, cost_rows(found)) == ((), None, [])
    assert "all on demand" not in page([found]) + as_text(found)


def test_words_of_marks_never_cover_each_other() -> None:
    marks = [(x / 10, "scaled") for x in range(100)]
    drawn = svg(Chart(linear(10), linear(1), (), marks=marks), "marks")
    assert drawn.count('class="mark"') == 100
    words = re.compile(r'<text class="tick" x="([\d.]+)" y="[\d.]+">scaled<')
    lefts = [float(left) for left in words.findall(drawn)]
    assert 5 < len(lefts) < 12
    assert all(b - a > 50 for a, b in pairwise(lefts))
    assert max(lefts) + 50 < 720
