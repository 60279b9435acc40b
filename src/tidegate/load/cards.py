"""A page of cards, tables and charts, that needs nothing else: no scripts, no files. Pure."""

from collections.abc import Sequence
from html import escape

from tidegate.load.plot import Chart, Series, svg

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2430; --dim: #5c6675; --rule: #e1e5ea;
  --card: #f6f7f9; --bad: #b42318; --good: #18794e;
  --c1: #3784c8; --c2: #144e52; --c3: #ab6e09; --c4: #831815; --c5: #903be6; --c6: #828898; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181f; --ink: #e6e9ee; --dim: #98a2b1;
  --rule: #2c3440; --card: #1c222b; --bad: #ff8a80; --good: #6fd3a0;
  --c1: #adcafb; --c2: #29f7c5; --c3: #fda226; --c4: #e8514c; --c5: #b048e2; --c6: #667387; } }
body { margin: 0 auto; max-width: 1520px; padding: clamp(10px, 3vw, 24px); background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 24px; margin: 0; } h2 { font-size: 16px; margin: 0 0 4px; }
h1, h2, p { overflow-wrap: anywhere; }
p { margin: 4px 0; } .dim { color: var(--dim); } .bad { color: var(--bad); }
.good { color: var(--good); } code { font-size: 13px; overflow-wrap: anywhere; }
.grid2 { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 520px), 1fr));
  gap: 16px; margin-top: 16px; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  padding: 14px 16px; overflow-x: auto; min-width: 0; container-type: inline-size; }
.wide { grid-column: 1 / -1; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { text-align: right; padding: 3px 0 3px 14px; border-top: 1px solid var(--rule);
  font-weight: normal; white-space: nowrap; }
tr:first-child > * { border-top: 0; color: var(--dim); }
th:first-child, td:first-child { text-align: left; padding-left: 0; white-space: normal;
  overflow-wrap: break-word; min-width: 8ch; }
@container (max-width: 518px) { th, td { padding-left: 8px; font-size: 14px; } }
.text th, .text td { text-align: left; white-space: normal; vertical-align: top; }
.text td:first-child { white-space: nowrap; min-width: 0; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; font-size: 13px; color: var(--dim); }
.legend i { display: inline-block; width: 14px; height: 3px; margin-right: 6px;
  vertical-align: middle; background: var(--c); }
.plot { display: block; width: calc(100% - 88px); height: 206px; margin: 12px 24px 44px 64px;
  overflow: visible; }
.plot text { fill: var(--dim); font-size: 13px; }
.over { paint-order: stroke; stroke: var(--card); stroke-width: 3px; }
@container (max-width: 518px) { .fine { display: none; } }
.grid { stroke: var(--rule); } .mark { stroke: var(--dim); stroke-dasharray: 2 4; }
.line { fill: none; stroke: var(--c); stroke-linejoin: round; vector-effect: non-scaling-stroke; }
.dot, .bar { fill: var(--c); } .bar { shape-rendering: crispEdges; }
.hint { fill: transparent; } .hint:hover { fill: #8884; }
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


def whole(title: str, head: str, cards: Sequence[str]) -> str:
    """A page of cards below a head."""
    body = f'{head}<div class="grid2">{"".join(cards)}</div>'
    return PAGE.format(title=escape(title), style=STYLE, body=body)


def section(title: str, body: str, kind: str = "narrow") -> str:
    """A titled card of the page."""
    return f'<section class="{kind}"><h2>{escape(title)}</h2>{body}</section>'


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a table, the first being its head."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in rows[0])
    cells = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows[1:])
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in (head, *cells)) + "</table>"


def figure(title: str, chart: Chart) -> str:
    """A chart with its legend as a card."""
    return section(title, _legend(chart.series) + svg(chart, title))


def _legend(series: Sequence[Series]) -> str:
    named = {s.name: s.colour for s in series}  # a broken line is several of one name
    items = (f'<span class="{c}"><i></i>{escape(name)}</span>' for name, c in named.items())
    return f'<div class="legend">{"".join(items)}</div>'
