"""A scan report for people: a table grouped by package, advice, and the gate's word."""

from collections.abc import Iterator
from itertools import groupby

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from tidegate.cli.render.words import count, state
from tidegate.core.seen import Finding, Origin, ScanReport, Severity
from tidegate.scan.advice import Advice

_STYLES = {Severity.CRITICAL: "bold red", Severity.HIGH: "red", Severity.MEDIUM: "yellow"}
_WORST = list(Severity)


def report(found: ScanReport, advice: Advice, verdict: str, reason: str) -> RenderableType:
    """All of it."""
    parts: list[RenderableType] = []
    if found.findings:
        parts += [_table(found.findings), ""]
    counted = count(len(found.findings or ()), "finding")
    parts.append(f"{counted} in {count(found.packages, 'package')}")
    parts += [f"[yellow]? not known: {escape(text)}[/]" for text in found.unknown]
    parts += [f"[yellow]! {escape(text)}[/]" for text in found.warnings]
    parts += [f"→ {escape(action.sentence)}" for action in advice.actions]
    if advice.unfixed:
        parts.append(f"  {count(advice.unfixed, 'finding')} without a fix")
    return Group(*parts, f"{state(verdict)}: {escape(reason)}")


def _table(findings: tuple[Finding, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("package", "finding", "severity", "fixed in", "from"):
        table.add_column(heading, overflow="fold")
    for (package, version, origin), group in _grouped(findings):
        name, place = f"{escape(package)} {escape(version)}", _place(origin)
        for finding in group:
            style = _STYLES.get(finding.severity, "")
            level = f"{finding.severity}{' exploited' if finding.exploited else ''}"
            severity = f"[{style}]{level}[/]" if style else level
            fixed = escape(finding.fixed_version or "no fix")
            table.add_row(name, escape(finding.id), severity, fixed, place)
            name = place = ""
    return table


def _grouped(
    findings: tuple[Finding, ...],
) -> Iterator[tuple[tuple[str, str, Origin], list[Finding]]]:
    """By package and place, the one with the worst finding first."""

    def key(finding: Finding) -> tuple[str, str, str]:
        return finding.package, finding.version, finding.origin.path

    groups = [list(group) for _, group in groupby(sorted(findings, key=key), key)]
    for group in groups:
        group.sort(key=lambda finding: (_WORST.index(finding.severity), finding.id))
    groups.sort(key=lambda group: (_WORST.index(group[0].severity), -len(group)))
    for group in groups:
        yield (group[0].package, group[0].version, group[0].origin), group


def _place(origin: Origin) -> str:
    """Path, layer, step, and whose it is."""
    whose = {True: "base image", False: "yours", None: ""}[origin.base]
    layer = origin.layer.removeprefix("sha256:")[:12]
    step = origin.step if len(origin.step) <= 60 else f"{origin.step[:59]}…"
    parts = [text for text in (whose, origin.path, layer, step) if text]
    return escape(" · ".join(parts))
