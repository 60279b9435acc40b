"""A scan report for people: a table grouped by package, advice, and the gate's word."""

from collections.abc import Iterable
from itertools import groupby

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from tidegate.cli.render.words import state
from tidegate.core.findings import Origin, ScanReport, Severity
from tidegate.core.gate import Judgement
from tidegate.core.grounds import Treatment, Weighed
from tidegate.core.words import counted
from tidegate.scan.advice import Advice
from tidegate.scan.findings import listed

_STYLES = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow"}
_WORST = list(Severity)


def report(found: ScanReport, advice: Advice, judgement: Judgement) -> RenderableType:
    """All of it. What does not count against the image says why."""
    parts: list[RenderableType] = []
    weighed = judgement.weighed or [Weighed(f, Treatment.COUNTED) for f in found.findings or ()]
    if weighed:
        parts += [_table(weighed), *_reasons(weighed), ""]
    findings = counted(len(found.findings or ()), "finding")
    parts.append(f"{findings} in {counted(found.packages, 'package')}")
    parts += [f"[yellow]? not known: {escape(text)}[/]" for text in found.unknown]
    parts += [f"[yellow]! {escape(text)}[/]" for text in judgement.warnings or found.warnings]
    parts += [f"→ {escape(action.sentence)}" for action in advice.actions]
    if advice.unfixed:
        parts.append(f"  {counted(advice.unfixed, 'finding')} without a fix")
    return Group(*parts, f"{state(judgement.kind)}: {escape(judgement.reason)}")


def _table(weighed: Iterable[Weighed]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("package", "finding", "severity", "fixed in", "from"):
        table.add_column(heading, overflow="fold")
    for group in _grouped(weighed):
        first = group[0].finding
        name, place = f"{escape(first.package)} {escape(first.version)}", _place(first.origin)
        for one in group:
            fixed = escape(one.finding.fixed_version or "no fix")
            table.add_row(name, escape(one.finding.id), _level(one), fixed, place)
            name = place = ""
    return table


def _level(one: Weighed) -> str:
    """The severity, and what became of the finding if it does not count."""
    severity = one.finding.severity
    level = f"{severity}{' exploited' if one.finding.exploited else ''}"
    if one.treatment is not Treatment.COUNTED:
        return f"[dim]{level} ({one.treatment})[/]"
    style = _STYLES.get(severity, "")
    return f"[{style}]{level}[/]" if style else level


def _reasons(weighed: Iterable[Weighed]) -> list[str]:
    """Why findings do not count, each reason once."""
    why: dict[tuple[str, str], list[str]] = {}
    for one in weighed:
        if one.treatment is not Treatment.COUNTED:
            why.setdefault((one.treatment, one.why), []).append(one.finding.id)
    return [
        f"  {treatment}: {escape(listed(list(dict.fromkeys(ids))))}: {escape(reason)}"
        for (treatment, reason), ids in why.items()
    ]


def _grouped(weighed: Iterable[Weighed]) -> list[list[Weighed]]:
    """By package and place, the one with the worst finding first."""

    def key(one: Weighed) -> tuple[str, str, str]:
        return one.finding.package, one.finding.version, one.finding.origin.path

    def rank(one: Weighed) -> tuple[int, str]:
        return _WORST.index(one.finding.severity), one.finding.id

    groups = [sorted(group, key=rank) for _, group in groupby(sorted(weighed, key=key), key)]
    return sorted(groups, key=lambda group: (rank(group[0])[0], -len(group)))


def _place(origin: Origin) -> str:
    """Path, layer, step, and whose it is."""
    whose = {True: "base image", False: "yours", None: ""}[origin.base]
    layer = origin.layer.removeprefix("sha256:")[:12]
    step = origin.step if len(origin.step) <= 60 else f"{origin.step[:59]}…"
    parts = [text for text in (whose, origin.path, layer, step) if text]
    return escape(" · ".join(parts))
