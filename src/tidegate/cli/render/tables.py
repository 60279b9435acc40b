"""Executions and releases as tables; one of each in detail."""

from collections.abc import Iterable
from dataclasses import fields

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from tidegate.cli.render.words import clock, commit, span, state
from tidegate.core.cost import dollars
from tidegate.core.model import Service
from tidegate.core.words import counted
from tidegate.engine.views.deployments import ReportView
from tidegate.engine.views.events import EventView, Moment
from tidegate.engine.views.executions import ExecutionView, StageView
from tidegate.engine.views.releases import ReleaseDetail, ReleaseView
from tidegate.engine.views.sentences import short
from tidegate.engine.views.service_events import ServiceEventView


def executions(views: Iterable[ExecutionView]) -> RenderableType:
    """A row for each execution."""
    table = _table("execution", "commit", "subject", "by", "stages", "outcome")
    for one in views:
        stages = _in_lines(f"{s.stage} {_took(s)}" for s in one.stages if s.ended_at)
        told = state(one.outcome or "running")
        subject = escape(f"{commit(one.commit)}"), escape(one.subject)
        table.add_row(one.id, *subject, escape(one.by), stages, told)
    return table if table.row_count else "no executions yet: git push tidegate main"


def releases(views: Iterable[ReleaseView]) -> RenderableType:
    """A row for each release."""
    table = _table("release", "service", "state", "commit", "digest", "verdict", "made")
    for one in views:
        words = (commit(one.commit), short(one.digest), one.verdict, clock(one.made_at))
        table.add_row(f"v{one.number}", escape(one.service), state(one.state), *words)
    return table if table.row_count else "no releases yet: git push tidegate main"


def release(view: ReleaseDetail) -> RenderableType:
    """One release: what it is, its settings that are not empty, its history."""
    one = view.release
    head = f"[bold]v{one.number}[/] of {escape(one.service)}  {state(one.state)}"
    facts = pairs(
        ("commit", one.commit),
        ("digest", one.digest),
        ("verdict", one.verdict),
        ("execution", one.execution),
        ("made", clock(one.made_at)),
        *_settings(view.settings),
    )
    return Group(head, facts, "", "[bold]history[/]", moments(view.history))


def report(view: ReportView) -> RenderableType:
    """One deployment: how it ended, what it touched, and its timeline."""
    origin = f"from v{view.stable} " if view.stable is not None else ""
    head = f"[bold]{view.id}[/] moved {escape(view.service)} {origin}to v{view.candidate}"
    rows = [
        ("outcome", view.outcome or "still running"),
        ("reason", view.reason),
        ("started", clock(view.started_at)),
    ]
    if view.finished_at is not None:
        rows.append(("took", span(view.finished_at - view.started_at)))
    if view.second_set_micros is not None:
        rows.append(("second task set", dollars(view.second_set_micros)))
    if view.rolled_back_because:
        why = view.rolled_back_because if view.rolled_back_because != view.reason else ""
        rows += [
            ("rolls back", why),
            ("touched", _touched(view)),
            ("detected", _detected(view)),
            ("back to stable", _after(view.back_ms, "later")),
        ]
    return Group(head, pairs(*rows), "", "[bold]timeline[/]", moments(view.timeline))


def _touched(view: ReportView) -> str:
    if not view.requests:
        return "no request"
    return f"{counted(view.errors, 'error')} in {counted(view.requests, 'request')}"


def _detected(view: ReportView) -> str:
    if view.detected_ms is None:
        return "before its first traffic"
    return _after(view.detected_ms, "after the candidate's first traffic")


def moments(told: Iterable[Moment]) -> RenderableType:
    """Sentences with the time since the story began."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", no_wrap=True)
    for one in told:
        table.add_row(f"+{span(max(0, one.after_ms))}", escape(one.text))
    return table


def event(view: EventView) -> str:
    """One entry of the journal on one line."""
    return f"[dim]{view.seq:>6}  {clock(view.at)}[/]  {escape(view.text)}"


def service_event(view: ServiceEventView) -> str:
    """One message of a service on one line."""
    return f"[dim]{view.seq:>6}  {clock(view.at)}[/]  {escape(view.text)}"


def _in_lines(words: Iterable[str]) -> str:
    """Three to a line, so that no time is parted from its unit."""
    every = list(words)
    return "\n".join(", ".join(every[n : n + 3]) for n in range(0, len(every), 3))


def _took(stage: StageView) -> str:
    return span((stage.ended_at or stage.started_at) - stage.started_at)


def _after(ms: int | None, what: str) -> str:
    return f"{span(ms)} {what}" if ms is not None else "-"


def _settings(settings: Service) -> Iterable[tuple[str, str]]:
    """A row for each of the app file's keys that is set, with what is nested on the same line."""
    from tidegate.spec.flatten import flatten  # only `show` needs the app file's words

    rows: dict[str, list[str]] = {}
    for field in fields(settings):
        if field.name != "name":
            for path, value in flatten(field.name, getattr(settings, field.name)).items():
                key, _, inner = path.partition(".")
                rows.setdefault(key, []).append(f"{inner} {value}".lstrip())
    return ((key, ", ".join(values)) for key, values in rows.items())


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def pairs(*rows: tuple[str, str]) -> Table:
    """Names with what is to be said of each; a row with nothing to say is left out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    for name, text in rows:
        if text:
            table.add_row(name, escape(text))
    return table
