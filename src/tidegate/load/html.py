"""A report as one page that needs nothing else: inline style and SVG, no scripts. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from html import escape

from tidegate.load.plot import Axis, Chart, Series, linear, logarithmic, svg
from tidegate.load.report import PERCENTS, Report, Second
from tidegate.load.text import act_rows, failed_share, in_ms, percent_name, sender_words

NINES = (0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 0.99999)
STEPS = 120
MAX_HINTS = 600
NOTHING = '<p class="dim">nothing was answered</p>'

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2430; --dim: #5c6675; --rule: #e1e5ea;
  --card: #f6f7f9; --bad: #b42318; --good: #18794e;
  --c1: #2563a8; --c2: #0d8f8c; --c3: #c2730a; --c4: #b3261e; --c5: #7a4fb5; --c6: #8a93a0; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181f; --ink: #e6e9ee; --dim: #98a2b1;
  --rule: #2c3440; --card: #1c222b; --bad: #ff8a80; --good: #6fd3a0;
  --c1: #6aa9f0; --c2: #4fd0c8; --c3: #f0a94a; --c4: #ff7a70; --c5: #b99af0; --c6: #8a93a0; } }
body { margin: 0 auto; max-width: 1520px; padding: 24px; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 24px; margin: 0; } h2 { font-size: 16px; margin: 0 0 4px; }
p { margin: 4px 0; } .dim { color: var(--dim); } .bad { color: var(--bad); }
.good { color: var(--good); } code { font-size: 13px; overflow-wrap: anywhere; }
.grid2 { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr));
  gap: 16px; margin-top: 16px; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  padding: 14px 16px; overflow-x: auto; min-width: 0; }
.wide { grid-column: 1 / -1; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { text-align: right; padding: 3px 0 3px 14px; border-top: 1px solid var(--rule);
  font-weight: normal; white-space: nowrap; }
tr:first-child > * { border-top: 0; color: var(--dim); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
.text th, .text td { text-align: left; white-space: normal; vertical-align: top; }
.text td:first-child { white-space: nowrap; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 13px; color: var(--dim); }
.legend i { display: inline-block; width: 14px; height: 3px; margin-right: 6px;
  vertical-align: middle; background: var(--c); }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--dim); font-size: 13px; }
.grid { stroke: var(--rule); } .mark { stroke: var(--dim); stroke-dasharray: 2 4; }
.line { fill: none; stroke: var(--c); stroke-linejoin: round; }
.dot, .bar { fill: var(--c); } .hint { fill: transparent; } .hint:hover { fill: #8884; }
.c1 { --c: var(--c1) } .c2 { --c: var(--c2) } .c3 { --c: var(--c3) }
.c4 { --c: var(--c4) } .c5 { --c: var(--c5) } .c6 { --c: var(--c6) }
"""
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title><style>{style}</style></head>
<body>
{body}
</body></html>
"""


def page(report: Report) -> str:
    """The whole page."""
    charts = [_rates(report), _latency(report), _percentiles(report), _failures(report)]
    tables = [section("Requests", _numbers(report)), section("Milliseconds", _times(report))]
    if any(act.name or act.tags for act in report.acts):
        tables.append(section("Acts", table(act_rows(report)), "wide"))
    body = _head(report) + f'<div class="grid2">{"".join(tables)}{"".join(charts)}</div>'
    return PAGE.format(title=escape(report.title), style=STYLE, body=body)


def _head(report: Report) -> str:
    began = datetime.fromtimestamp(report.started_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    targets = ", ".join(f"<code>{escape(target)}</code>" for target in report.targets[:8])
    more = f" and {len(report.targets) - 8} more" if len(report.targets) > 8 else ""
    verdict = '<p class="good">✓ sound: the sender kept to its times</p>'
    if not report.sound:
        rows = (escape(limit) for limit in report.limits)
        verdict = "".join(
            f'<p class="bad">✗ not sound, the sender was the limit: {row}</p>' for row in rows
        )
    length = f"{report.length_us / 1e6:.1f} s from {began}"
    profile = f"<code>{escape(report.profile)}</code>"
    return (
        f"<h1>{escape(report.title)}</h1><p>{profile} · {length}</p><p>{targets}{more}</p>{verdict}"
    )


def section(title: str, body: str, kind: str = "narrow") -> str:
    """A titled card of the page."""
    return f'<section class="{kind}"><h2>{escape(title)}</h2>{body}</section>'


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a table, the first being its head."""
    cells = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


def _numbers(report: Report) -> str:
    counts = report.counts
    kinds = ", ".join(f"{kind} {n:,}" for kind, n in counts.failures.items())
    statuses = ", ".join(f"{code} × {n:,}" for code, n in report.statuses.items()) or "none"
    rows = [
        ("", "requests", "per second"),
        ("intended", f"{counts.requests:,}", f"{report.intended_rps:,.1f}"),
        ("sent in time", f"{report.sent_in_time:,}", f"{report.sent_rps:,.1f}"),
        ("answered", f"{report.answered:,}", f"{report.answered_rps:,.1f}"),
        ("failed", f"{counts.failed:,}", f"{100 * failed_share(counts):.3f} %"),
    ]
    lines = [f"replies {statuses}"] + ([f"failures {kinds}"] if kinds else [])
    lines.append(f"{report.opened:,} connections opened, {report.resent:,} requests sent again")
    if report.sender.cpu_us and counts.requests:
        lines.append(f"sender: {sender_words(report)}")
    return table(rows) + "".join(f'<p class="dim">{escape(line)}</p>' for line in lines)


def _times(report: Report) -> str:
    columns = map(percent_name, PERCENTS), in_ms(report.latency), in_ms(report.scheduling)
    return table([("", "latency", "sent late by"), *zip(*columns, strict=True)])


def _rates(report: Report) -> str:
    seconds = report.seconds
    during = [s for s in seconds if s.at_s * 1_000_000 < report.length_us]  # then only replies come
    series = [
        Series("intended", "c6", [(s.at_s + 0.5, s.due) for s in during], width=9),
        Series("sent", "c3", [(s.at_s + 0.5, s.sent) for s in during], width=4.5),
        Series("answered", "c2", [(s.at_s + 0.5, s.answered) for s in seconds]),
    ]
    high = max((max(s.due, s.sent, s.answered) for s in seconds), default=1)
    return figure("Rate", _over_time(report, linear(high), "requests per second", series))


def _latency(report: Report) -> str:
    measured = [s for s in report.seconds if s.max_us]
    if not measured:
        return section("Latency over time", NOTHING)
    series = [
        Series(name, colour, [(s.at_s + 0.5, getattr(s, field) / 1000) for s in measured])
        for name, colour, field in (
            ("max", "c4", "max_us"),
            ("p99", "c3", "p99_us"),
            ("p95", "c5", "p95_us"),
            ("p50", "c1", "p50_us"),
        )
    ]
    low = min(s.p50_us for s in measured) / 1000
    high = max(s.max_us for s in measured) / 1000
    chart = _over_time(report, logarithmic(low, high), "ms", series)
    return figure("Latency over time", chart)


def _failures(report: Report) -> str:
    kinds = sorted(report.counts.failures)
    series = [
        Series(
            kind,
            f"c{(3, 2, 4, 0, 5, 1)[place % 6] + 1}",
            [(s.at_s, s.failures[kind]) for s in report.seconds if kind in s.failures],
        )
        for place, kind in enumerate(kinds)
    ]
    if not series:
        return section("Failures", '<p class="good">✓ none</p>')
    high = max(sum(s.failures.values()) for s in report.seconds)
    chart = _over_time(report, linear(high), "requests per second", series)
    return figure("Failures", replace(chart, stacked=True))


def _over_time(report: Report, y: Axis, unit: str, series: Sequence[Series]) -> Chart:
    """A chart over the seconds of the run, with the acts' beginnings."""
    short = len(report.seconds) <= MAX_HINTS
    return Chart(
        x=linear(max(1, len(report.seconds))),
        y=y,
        series=series,
        x_title="seconds since the start",
        y_title=unit,
        marks=[(act.at_us / 1e6, act.name) for act in report.acts if act.name],
        hints=[(s.at_s, 1, _hint(s)) for s in report.seconds] if short else [],
    )


def figure(title: str, chart: Chart) -> str:
    """A chart with its legend as a card."""
    return section(title, _legend(chart.series) + svg(chart, title))


def _hint(s: Second) -> str:
    failures = "".join(f"\n{kind} {n}" for kind, n in s.failures.items())
    times = f"p50 {s.p50_us / 1000:g}, p95 {s.p95_us / 1000:g}, p99 {s.p99_us / 1000:g}, "
    rates = f"intended {s.due}, sent {s.sent}, answered {s.answered}"
    return f"second {s.at_s}\n{rates}\n{times}max {s.max_us / 1000:g} ms{failures}"


def _percentiles(report: Report) -> str:
    """HdrHistogram's plot: the nines evenly apart, as far as ten requests lie beyond."""
    if not report.latency.buckets:
        return section("Latency by percentile", NOTHING)
    most = max(2.0, min(1e6, report.latency.count / 10))
    rise = [2 * (most / 2) ** (step / STEPS) for step in range(STEPS + 1)]  # 1 of so many is beyond
    values = report.latency.percentiles_us(100 - 100 / one_of for one_of in rise)
    points = [(one_of, value / 1000) for one_of, value in zip(rise, values, strict=True)]
    ticks = [
        (1 / (1 - nines), f"{100 * nines:g} %") for nines in NINES if most * (1 - nines) > 0.99
    ]
    x = Axis(rise[0], rise[-1], ticks, log=True)
    y = logarithmic(points[0][1], points[-1][1])
    name = "latency from the intended send time, of answered and timed-out requests"
    chart = Chart(x, y, [Series(name, "c1", points)], "percentile", "ms")
    return figure("Latency by percentile", chart)


def _legend(series: Sequence[Series]) -> str:
    named = {s.name: s.colour for s in series}  # a broken line is several of one name
    items = (f'<span class="{c}"><i></i>{escape(name)}</span>' for name, c in named.items())
    return f'<div class="legend">{"".join(items)}</div>'
