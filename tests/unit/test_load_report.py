"""What a run's columns add up to: acts, percentiles, verdict, JSON, text, page, comparison."""

import json
import math
import re
from array import array
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.errors import UsageError
from tidegate.load.axes import linear, logarithmic, timeline
from tidegate.load.cards import STYLE
from tidegate.load.compare import compare_json, compare_page, compare_text
from tidegate.load.histogram import Histogram, histogram
from tidegate.load.html import page
from tidegate.load.plot import COLUMNS, Chart, Series, svg, thinned
from tidegate.load.report import from_json, summarise
from tidegate.load.result import Failure, Mark, Records, Result
from tidegate.load.text import as_text
from tidegate.load.undisturbed import Share

Row = tuple[int, int, int, int, int]
LINE = Series("line", "c1", [(0, 0), (9, 9)])
latencies = st.lists(st.integers(0, 10**9), min_size=1, max_size=300)


def result(rows: list[Row], length_us: int = 1_000_000, marks: tuple[Mark, ...] = ()) -> Result:
    """Rows of (intended, sent, end, outcome, tag)."""
    intended, sent, end, outcome, tag = zip(*rows, strict=True) if rows else ((),) * 5
    records = Records(
        array("q", intended), array("q", sent), array("q", end),
        array("h", outcome), array("h", [0] * len(rows)), array("h", tag),
    )  # fmt: skip
    return Result(
        "shop", "10:1s", ("GET http://127.0.0.1/",), 1_700_000_000_000, length_us, records,
        ("", "blue", "green"), marks, connections_limit=9,
    )  # fmt: skip


STEADY: list[Row] = [(i * 1000, i * 1000 + 50, i * 1000 + 1050, 200, 1) for i in range(1000)]
MIXED: list[Row] = [
    (0, 10, 1_010, 200, 1),
    (1_000, 1_010, 2_010, 503, 2),
    (2_000, 2_010, 2_110, Failure.RESET, 0),
    (3_000, 3_010, 4_010, 302, 2),
    (1_004_000, 1_004_010, 3_004_010, Failure.TIMEOUT, 0),
    (1_005_000, -1, 3_005_000, Failure.UNSENT, 0),
    (1_006_000, 1_006_010, -1, 0, 0),
    (1_007_000, 1_007_010, 1_008_010, 404, 1),
]
MARKS = (Mark("first", 1, 500), Mark("second", 4, 1_003_500))


@given(latencies, st.floats(0.001, 100))
def test_a_percentile_is_at_most_a_thousandth_above_the_exact_one(
    values: list[int], percent: float
) -> None:
    exact = sorted(values)[max(1, math.ceil(len(values) * percent / 100 - 1e-9)) - 1]
    assert exact <= histogram(values).percentile_us(percent) <= exact + exact // 1000 + 1


@given(latencies, latencies)
def test_two_histograms_together_are_the_histogram_of_both(a: list[int], b: list[int]) -> None:
    assert histogram(a) + histogram(b) == histogram(a + b)


def test_a_histogram_of_nothing_is_zero() -> None:
    assert Histogram().percentile_us(99) == 0
    assert Histogram().mean_us == 0
    assert histogram([1, 3]).mean_us == 2


def test_every_request_is_counted_once_in_its_kind_act_and_tag() -> None:
    run = result(MIXED, 2_000_000, MARKS)
    counts = run.counts()
    assert (counts.requests, counts.ok, counts.pending, counts.failed) == (8, 2, 1, 5)
    assert counts.failures == {"http-4xx": 1, "http-5xx": 1, "reset": 1, "timeout": 1, "unsent": 1}
    assert run.counts("first").failures == {"http-5xx": 1, "reset": 1}
    assert run.counts("second", "blue").failures == {"http-4xx": 1}
    assert sum(run.counts(act).requests for act in ("", "first", "second")) == 8
    assert list(run.act("first").outcome) == [503, Failure.RESET, 302]
    with pytest.raises(UsageError):
        run.act("third")


def test_the_report_says_second_by_second_what_happened() -> None:
    report = summarise(result(MIXED, 2_000_000, MARKS))
    first, second = report.seconds
    assert (first.due, first.sent, first.answered, first.failures) == (
        4,
        4,
        3,
        {"http-5xx": 1, "reset": 1},
    )
    assert (second.due, second.sent, second.answered) == (4, 3, 1)
    assert (second.p50_us, second.max_us) == (1_010, 2_000_010)
    assert report.statuses == {"200": 1, "302": 1, "404": 1, "503": 1}
    assert report.latency.count == 5  # four replies and the timeout; not what was reset or unsent
    assert report.acts[1].tags == {"green": 2}
    assert report.answered_rps == pytest.approx(4 / 3.005)  # until the last request had ended


def test_latency_runs_from_the_intended_time() -> None:
    late = [(0, 9_000, 10_000, 200, 0)]
    assert summarise(result(late)).latency.max_us == 10_000
    assert summarise(result(late)).scheduling.max_us == 9_000


def test_a_run_that_kept_its_times_is_sound() -> None:
    report = summarise(result(STEADY))
    assert report.sound and "✓ sound" in as_text(report)
    assert (report.intended_rps, report.sent_rps) == (1000, 1000)
    assert report.answered_rps == pytest.approx(1000 / 1.00005)


def test_a_run_that_sent_late_says_that_the_sender_was_the_limit() -> None:
    late = [(due, due + 6_000, due + 7_000, 200, 0) for due, *_ in STEADY[:900]]
    report = summarise(result(late))
    assert report.limits == ("1 % of the requests left more than 6.0 ms late",)
    held = summarise(replace(result(late), waited=5))
    assert held.limits[1] == "5 requests found all 9 connections in use"


def test_a_late_run_says_what_the_sender_had_of_the_machine() -> None:
    late = [(due, due + 6_000, due + 7_000, 200, 0) for due, *_ in STEADY]
    report = summarise(replace(result(late), sender=Share(250_000, 600_000, True)))
    assert report.limits == (
        "1 % of the requests left more than 6.0 ms late; "
        "the sender worked 25 % of the time, and waited 60 % of it for a processor",
    )
    assert (
        "sender       worked 25 % of the time, 250 us a request; "
        "waited 59.6 % of it for a processor, going before other programs"
    ) in as_text(report)
    assert "worked 25 % of the time" in page(report)


def test_lateness_that_is_small_beside_the_latency_is_no_limit() -> None:
    slow = [(due, due + 6_000, due + 80_000, 200, 0) for due, *_ in STEADY]
    assert summarise(result(slow)).sound
    punctual = [(due, due + 900, due + 1_000, 200, 0) for due, *_ in STEADY]
    assert summarise(result(punctual)).sound


def test_a_report_from_before_the_senders_share_was_told_is_read() -> None:
    data = json.loads(summarise(result(STEADY)).to_json())
    del data["sender"]
    assert from_json(json.dumps(data)).sender == Share()


def test_a_run_that_missed_its_rate_says_so() -> None:
    missed: list[Row] = [
        *STEADY[:900],
        *[(r[0], 1_100_000, 1_200_000, 200, 0) for r in STEADY[900:]],
    ]
    assert "only 90.0 % of the intended rate was sent" in summarise(result(missed)).limits


def test_a_machine_without_sockets_is_the_limit() -> None:
    none_left = [*STEADY[1:], (1_000, 1_010, 1_020, Failure.LOCAL, 0)]
    assert "1 requests found no free socket or port" in summarise(result(none_left)).limits


@pytest.mark.parametrize("rows", [MIXED, STEADY, []])
def test_a_report_survives_json(rows: list[Row]) -> None:
    report = summarise(result(rows, marks=MARKS if rows is MIXED else ()))
    assert from_json(report.to_json()) == report


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": "other"}', '{"format": "tidegate-load-1"}']
)
def test_anything_else_is_no_report(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        from_json(text)
    assert refused.value.number == "TG157"


def test_the_text_names_rates_failures_and_acts() -> None:
    text = as_text(summarise(result(MIXED, 2_000_000, MARKS)))
    assert "failed       5 (62.500 %): 1 http-4xx, 1 http-5xx, 1 reset, 1 timeout, 1 unsent" in text
    assert re.search(r"^first +3 +2 ", text, re.MULTILINE)


def test_a_comparison_shows_b_against_a() -> None:
    a = summarise(result(STEADY))
    slower = [(due, sent, due + 2_100, 200, 0) for due, sent, *_ in STEADY]
    both = ("a.json", a), ("b.json", summarise(result(slower)))
    text = compare_text(both)
    assert text.startswith("A  a.json: shop, 10:1s\nB  b.json: shop, 10:1s\n")
    assert re.search(r"^p50 ms +1\.05 +2\.10 +\+100\.0 %$", text, re.MULTILINE)
    assert re.search(r"^failed % +0\.00 +0\.00 +same$", text, re.MULTILINE)
    told = {one["name"]: one for one in json.loads(compare_json(both))["numbers"]}
    assert told["p50 ms"]["change_percent"] == pytest.approx(100)
    html = compare_page(both)
    assert html.count('<svg class="plot"') == 3 and "b.json: shop, 10:1s" in html


def test_a_run_without_answers_has_no_latency_to_compare() -> None:
    both = ("a.json", summarise(result(STEADY))), ("b.json", summarise(result([])))
    assert re.search(r"^p99 ms +1\.05 +– +–$", compare_text(both), re.MULTILINE)
    assert "needs 40 requests with a latency" in compare_page(both)


def test_the_text_fits_80_columns_even_of_slow_targets() -> None:
    slow = [(due, due + 9_999_990, due + 29_999_990, 200, 0) for due, *_ in STEADY]
    report = summarise(replace(result(slow), sender=Share(250_000, 600_000, True)))
    lines = as_text(report, 80).splitlines()
    assert max(map(len, lines)) <= 80
    table = next(line for line in lines if line.startswith("sent late by"))
    assert table in as_text(report).splitlines() and len(table.split()) == 10
    assert [a.lstrip() for a in lines if a not in as_text(report).splitlines()]


@pytest.mark.parametrize("rows", [MIXED, STEADY, []])
def test_the_page_is_whole_and_asks_for_nothing_else(rows: list[Row]) -> None:
    report = replace(summarise(result(rows)), title="<script>alert(1)</script>")
    text = page(report)
    assert "<script" not in text and "http://" not in text.replace("http://127.0.0.1/", "")
    assert "src=" not in text and "@import" not in text and "url(" not in text
    charts = re.findall(r'<svg class="plot".*?</svg>(?=</section>)', text, re.DOTALL)
    assert len(charts) == 1 + bool(rows) + (rows is STEADY) + bool(report.counts.failed)
    for chart in charts:
        for element in ElementTree.fromstring(chart).iter():
            numbers = re.findall(r"-?[\d.]+", element.get("points", ""))
            assert all(-1 <= float(number) <= COLUMNS for number in numbers)


@given(st.floats(0.001, 1e6), st.floats(0.001, 1e6))
def test_axes_hold_what_is_drawn(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    for axis in (linear(high), logarithmic(low, high)):
        assert axis.low <= low * 1.001 and axis.high >= high * 0.998
        assert 2 <= len(axis.ticks) <= 12
        assert 0 <= axis.share(low) <= axis.share(high) <= 1


def test_words_of_a_chart_keep_their_size_however_narrow_it_is() -> None:
    """Only the lines are stretched: no text is inside an element with a viewBox."""
    drawn = ElementTree.fromstring(svg(Chart(linear(9), linear(9), [LINE], "x", "y"), "nine"))
    assert drawn.get("viewBox") is None
    stretched = [e for e in drawn.iter() if e.get("viewBox")]
    assert [len(list(e.iter("polyline"))) for e in stretched] == [1]
    assert not [e for one in stretched for e in one.iter("text")]
    across = [e.get("x", "0") for e in drawn.iter("text")]
    assert all(x == "0" or x.endswith("%") for x in across)


def test_words_that_would_cover_others_on_a_phone_are_left_out_there() -> None:
    axis = linear(20)
    crowded = replace(axis, ticks=[(n, "99.99 %") for n in range(0, 21, 4)])
    drawn = svg(Chart(crowded, linear(1), (), "", ""), "crowded")
    shown = re.findall(r'class="tick" x="([\d.]+)%"', drawn)
    assert [float(x) for x in shown] == [0, 40, 80]
    assert len(re.findall(r'class="tick fine" x=', drawn)) == 3
    assert ".fine { display: none; }" in STYLE


def test_a_mark_with_a_long_name_stays_in_its_chart() -> None:
    drawn = svg(Chart(linear(1), linear(1), (), marks=[(0.1, "m" * 60)]), "long")
    assert f">{'m' * 23}…<" in drawn and "m" * 24 not in drawn


@given(st.integers(0, 40))
def test_counts_have_whole_ticks(high: int) -> None:
    assert all(value == int(value) for value, _ in linear(1.1 * high, whole=True).ticks)


@given(st.floats(0.5, 1e8))
def test_a_time_is_told_in_a_unit_that_suits_it(length_s: float) -> None:
    axis, unit = timeline(length_s)
    assert (axis.low, axis.high) == (0, length_s)
    assert 1 <= len(axis.ticks) <= 9 and axis.ticks[-1][0] <= length_s * 1.001
    per = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}[unit]
    assert all(value == pytest.approx(per * int(text)) for value, text in axis.ticks)


def test_a_day_is_told_in_hours() -> None:
    axis, unit = timeline(86_400)
    assert unit == "hours"
    assert [text for _, text in axis.ticks] == ["0", "3", "6", "9", "12", "15", "18", "21", "24"]


def test_many_points_are_thinned_out_and_none_that_stands_out_is_lost() -> None:
    points = [(n / 10, 100.0 + n % 3) for n in range(10_000)]
    points[5_005] = (500.5, 7.0)
    kept = thinned(points)
    assert len(kept) <= 4 * COLUMNS and set(kept) <= set(points)
    assert (500.5, 7.0) in kept and kept[0] == points[0] and kept[-1] == points[-1]
    assert list(kept) == sorted(kept)


def test_a_day_of_seconds_is_a_page_of_moderate_size() -> None:
    day = [(n * 1_000_000, n * 1_000_000 + 50, n * 1_000_000 + 1_000, 503 - 303 * (n % 2), 0)
           for n in range(86_400)]  # fmt: skip
    text = page(summarise(result(day, 86_400_000_000)))
    assert len(text) < 300_000
    assert "hours since the start; means of 144 s" in text


def test_each_kind_of_failure_has_a_colour_of_its_own_and_rare_ones_share_one() -> None:
    how = [Failure.REFUSED, Failure.RESET, Failure.CLOSED, Failure.TIMEOUT, Failure.MALFORMED, 404,
           503, 503]  # fmt: skip
    rows = [(n, n + 1, n + 2, int(one), 0) for n, one in enumerate(how)]
    text = page(summarise(result(rows))).partition("<h2>Failures</h2>")[2]
    named = dict(re.findall(r'<span class="(c\d)"><i></i>(.*?)</span>', text))
    assert len(named) == 6 and named["c4"] == "http-5xx" and "all others" in named.values()


def test_too_few_answers_for_a_curve_are_said_so() -> None:
    text = page(summarise(result(STEADY[:39])))
    assert "needs 40 requests with a latency, and there are 39" in text
    assert "needs 40" not in page(summarise(result(STEADY[:40])))
