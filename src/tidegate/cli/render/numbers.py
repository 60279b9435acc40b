"""Metrics as tables with sparklines; alarms and scaling with their reasons."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from tidegate.cli.render.words import clock, span, state
from tidegate.engine.views.alarms import AlarmDetail
from tidegate.engine.views.metrics import MetricsView, ServiceMetrics
from tidegate.engine.views.scaling import ScalingView

_BARS = "▁▂▃▄▅▆▇█"
_HOLE = "·"
_COURSE = 45
"""Points of a course that fit beside the longest name on 100 columns: the latest."""
_SIGNS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": ">=",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "<=",
}


def sparkline(points: Sequence[float | None]) -> str:
    """The course of the points from 0 to the largest of them; a dot is no data."""
    most = max((p for p in points if p is not None), default=0) or 1
    steps = len(_BARS) - 1
    return "".join(
        _HOLE if p is None else _BARS[min(steps, round(max(p, 0) / most * steps))] for p in points
    )


def number(value: float | None) -> str:
    """Four digits at most; a dash for no data."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def metrics(view: MetricsView) -> RenderableType:
    """A table for each service. What has no data at all is left out."""
    if not view.services:
        return "nothing is deployed yet: git push tidegate main"
    period = span(view.period_ms)
    return Group(*(_service(one, period) for one in view.services))


def _service(one: ServiceMetrics, period: str) -> Table:
    table = Table(
        title=f"{one.service}  every {period}", title_justify="left", box=None, pad_edge=False,
        header_style="bold", title_style="bold",
    )  # fmt: skip
    table.add_column("metric", no_wrap=True, min_width=25)  # HTTPCode_Target_2XX_Count
    table.add_column("statistic", no_wrap=True, min_width=9)
    table.add_column("latest", justify="right", no_wrap=True, min_width=10)
    table.add_column("course", no_wrap=True)
    for row in one.metrics:
        if any(point is not None for point in row.points):
            latest = f"{number(row.latest)} {row.unit}".rstrip()
            table.add_row(row.name, row.statistic, latest, sparkline(row.points[-_COURSE:]))
    if not table.row_count:
        table.add_row("no data yet", "", "", "")
    return table


def alarms(views: Iterable[AlarmDetail], now: int) -> RenderableType:
    """Three lines for each alarm."""
    lines: list[str] = []
    for one in views:
        since = f" for {span(max(0, now - one.since))}" if one.since is not None else ""
        name = f"{escape(one.service)}/{escape(one.name)}"
        lines.append(f"[bold]{name}[/]  {state(one.state)}{since}")
        m, n = one.datapoints_to_alarm, one.evaluation_periods
        rule = f"{one.statistic} of {one.metric} {_SIGNS[one.comparison]} {one.threshold:g}"
        lines.append(f"    {rule}, {m} of {n} periods of {span(one.period_ms)}{_effect(one)}")
        lines.append(f"    {' '.join(map(number, one.points)) or 'no datapoints'}")
        lines.append(f"    {escape(one.reason)}")
    return "\n".join(lines) or "the app file has no alarms"


def _effect(one: AlarmDetail) -> str:
    effects = ["guards deployments"] if one.guards else []
    effects += [f"invokes {escape(policy)}" for policy in one.invokes]
    return f"; {', '.join(effects)}" if effects else ""


def scaling(views: Iterable[ScalingView]) -> RenderableType:
    """A tree for each service: counts, policies, activities with the newest first."""
    trees = []
    for one in views:
        running = "?" if one.running is None else str(one.running)
        counts = f"{one.minimum} ≤ {one.desired} ≤ {one.maximum}, {running} running"
        tree = Tree(f"[bold]{escape(one.service)}[/]  {counts}", guide_style="dim")
        for policy in one.policies:
            tree.add(f"{escape(policy.name)} ({policy.kind})  {escape(policy.now)}")
        if not one.policies:
            tree.add("not scaled: write a target under `scaling`")
        for done in reversed(one.activities):
            before = "?" if done.before is None else done.before
            change = f"{before} → {done.after} by {escape(done.policy)}"
            head = f"[dim]{clock(done.at)}[/]  {change}: {escape(done.reason)}"
            tree.add(f"{head}\n{escape(done.status)}")
        trees.append(tree)
    return Group(*trees) if trees else "nothing is deployed yet: git push tidegate main"
