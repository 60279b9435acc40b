"""A verdict of the gate in detail."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from tidegate.cli.render.tables import pairs
from tidegate.cli.render.words import clock, state
from tidegate.core.findings import Origin
from tidegate.core.grounds import Grounds, Weighed
from tidegate.core.model import GatePolicy
from tidegate.core.waivers import told
from tidegate.engine.views.gate import GateView
from tidegate.engine.views.sentences import short
from tidegate.spec.days import days_text


def verdicts(views: Sequence[GateView]) -> RenderableType:
    """One after the other."""
    return Group(*(part for view in views for part in (*_verdict(view), "")))


def _verdict(view: GateView) -> Iterable[RenderableType]:
    label = f"v{view.release} of " if view.release is not None else ""
    head = f"[bold]{label}{escape(view.service)}[/]  {state(view.verdict)}"
    kept = view.grounds
    yield head
    yield pairs(
        ("why", view.reason),
        ("image", view.digest),
        ("judged", f"in {view.execution}, {clock(view.at)}"),
        ("found", _counts(kept.found) if kept.found else "no findings"),
        ("counted", _counts(kept.counted)),
        ("compared", kept.compared),
        ("policy", policy(view.policy)),
        ("data", _data(kept)),
        ("scanner", kept.scanner),
        ("sbom", short(kept.sbom)),
        ("policy digest", short(kept.policy)),
        ("holds until", clock(kept.holds_until) if kept.holds_until else ""),
        ("then", kept.then),
        *(("warning", warning) for warning in kept.warnings),
        ("ended", ", ".join(kept.expired)),
        ("not needed", ", ".join(kept.unused)),
    )
    if kept.weighed:
        yield _findings(kept.weighed)
    if kept.left_out:
        yield f"and {kept.left_out} more"
    for number, action in enumerate(view.advice, 1):
        yield escape(f"{number}. {action}")
    if view.today:
        yield f"[bold]today[/]  {state(view.today.verdict)}"
        yield pairs(("why", view.today.reason), ("judged", clock(view.today.at)))


def policy(of: GatePolicy) -> str:
    """The policy in one line."""
    parts = [f"{severity} {most}" for severity, most in of.limits]
    limits = f"limits {', '.join(parts)}" if parts else "no limits"
    words = [limits]
    words += ["only fixable"] if of.only_fixable else []
    words += ["only new"] if of.new_only else []
    words += [f"grace {name} {days_text(ms)}" for name, ms in of.grace_ms]
    words.append(f"unknown: {of.on_unknown}")
    ages = f"{days_text(of.data_warn_ms)}, unknown from {days_text(of.data_unknown_ms)}"
    words.append(f"data warned of from {ages}")
    words += [f"{w.id} {told(w)}" for w in of.waivers[:5]]
    words += [f"{len(of.waivers) - 5} more waivers"] if len(of.waivers) > 5 else []
    return "; ".join(words) if of.mode == "enforce" else "off"


def _findings(weighed: Sequence[Weighed]) -> Table:
    """A row for each; where packages came from only when that is known of any."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    origins = [_origin(one.finding.origin) for one in weighed]
    for name in ("finding", "severity", "package", "fixed in", "", "why"):
        table.add_column(name, overflow="fold")
    if any(origins):
        table.add_column("from", overflow="fold")
    for one, origin in zip(weighed, origins, strict=True):
        found = one.finding
        package = f"{found.package} {found.version}"
        told_of = (found.id, found.severity.value, package, found.fixed_version or "-")
        cells = (*told_of, one.treatment.value, one.why, *([origin] if any(origins) else []))
        table.add_row(*map(escape, cells))
    return table


def _origin(origin: Origin) -> str:
    """Whose the package is, the step of the Dockerfile that brought it, and where it lies."""
    whose = {True: "the base image", False: "yours", None: ""}[origin.base]
    return ", ".join(part for part in (whose, origin.step, origin.path) if part)


def _counts(counts: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{number} {severity}" for severity, number in counts) or "nothing"


def _data(kept: Grounds) -> str:
    since = f", of {clock(kept.data_at)}" if kept.data_at else ""
    return f"{short(kept.data)}{since}" if kept.data else ""
