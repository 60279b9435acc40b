"""The page of a rehearsal: what instances cost, and marks that do not cover each other."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest

from tidegate.load.axes import linear
from tidegate.load.plot import LETTER, NARROW, Chart, svg
from tidegate.load.profile import constant
from tidegate.simulator.rehearse.compare import compare
from tidegate.simulator.rehearse.outcome import rehearse
from tidegate.simulator.rehearse.page import page
from tidegate.simulator.rehearse.plan import Rehearsal
from tidegate.simulator.rehearse.scenarios import Change, Scenario
from tidegate.simulator.rehearse.text import as_text, cost_rows
from tidegate.simulator.scenarios import CLOUDY, QUICKLY

PRICED = replace(CLOUDY, providers=(
    replace(CLOUDY.providers[0], price_micros=40_000, on_demand_micros=40_000),
    replace(CLOUDY.providers[1], price_micros=10_000, on_demand_micros=40_000),
))  # fmt: skip
"""Two tasks: one on demand by the base, one on spot by its weight."""
TICKS = re.compile(r'text-anchor="end">(.*?)<')
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
    assert drawn.count(">scaled<") == 7
    narrow = re.findall(r'"tick over" x="([\d.]+)%" y="12" dx="4"', drawn)
    lefts = [float(left) * NARROW / 100 for left in narrow]
    assert len(lefts) > 1 and all(b - a > LETTER * 6 for a, b in pairwise(lefts))


def test_the_end_of_a_deployment_is_marked_on_the_charts_of_its_own_service() -> None:
    """Its sentence names the deployment alone, and "cat" is part of "cats"."""
    cats = QUICKLY.services[0]
    app = replace(QUICKLY, services=(cats, replace(cats, name="cat")))
    story = replace(STEADY, demand=constant(1, 300), changes=(Change(60),))
    found = rehearse(Rehearsal(app, story))
    for name in ("cats", "cat"):
        own = [one.kind for one in found.moments if one.service == name]
        assert own == ["DeploymentStarted", "DeploymentFinished"]
        chart = page([found]).partition(f"<h2>{name}, tasks</h2>")[2].partition("</section>")[0]
        assert chart.count('class="mark"') == 2


def test_tasks_have_whole_ticks_and_nothing_asked_is_not_called_saturated() -> None:
    found = rehearse(Rehearsal(QUICKLY, replace(STEADY, demand=constant(0, 120))))
    html = page([found])
    chart = html.partition("<h2>cats, tasks</h2>")[2].partition("</section>")[0]
    assert re.findall(r'text-anchor="end">(.*?)<', chart) == ["0", "1", "2", "3"]
    assert "nothing was asked for" in html and "saturated all the time" not in html


def test_two_files_are_named_with_all_that_is_assumed_and_their_charts_are_side_by_side() -> None:
    found = rehearse(Rehearsal(QUICKLY, replace(STEADY, demand=constant(1, 120))))
    other = replace(found, assumptions=("only B's",))
    html = page([found, other], files=("a.yaml", "b.yaml"))
    for words in ("A: a.yaml", "B: b.yaml", "the charts are of seed 1", "only B&#x27;s"):
        assert words in html
    heads = [head for head in re.findall("<h2>(.*?)</h2>", html) if "cats, " in head]
    assert heads[:4] == [f"{one}: cats, {what}" for what in ("requests per second", "latency")
                         for one in "AB"]  # fmt: skip


def test_charts_of_two_files_have_the_same_axes() -> None:
    calm, busy = (
        rehearse(Rehearsal(QUICKLY, replace(STEADY, demand=constant(rate, 120))))
        for rate in (0.2, 1)
    )
    html = page([calm, busy])
    tops = [
        TICKS.findall(html.partition(f"<h2>{one}: cats, {what}</h2>")[2].partition("</svg>")[0])
        for what in ("requests per second", "latency", "utilisation")
        for one in "AB"
    ]  # fmt: skip
    assert tops[0] == tops[1] and tops[2] == tops[3] and tops[4] == tops[5]


def test_what_floats_leave_over_is_no_difference() -> None:
    found = rehearse(Rehearsal(QUICKLY, replace(STEADY, demand=constant(1, 60))))
    service = found.services[0]
    more = replace(found, services=(replace(service, task_hours=service.task_hours + 1e-15),))
    hours = next(one for one in compare([found] * 3, [more] * 3) if one.name == "task-hours")
    assert (hours.mean, hours.low, hours.high, hours.sure) == (0, 0, 0, False)


def test_long_names_do_not_widen_the_tables_of_a_terminal() -> None:
    """A name stands above its row there; in a pipe a row stays one line."""
    app = replace(QUICKLY, services=(replace(QUICKLY.services[0], name="name-" * 8),))
    found = rehearse(Rehearsal(app, replace(STEADY, demand=constant(1, 60))))
    lines = as_text(found, 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines.count("name-" * 8) == 2
    assert "name-" * 8 not in as_text(found).splitlines()
