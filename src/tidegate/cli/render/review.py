"""A review as a tree: pillar, principle, answer, and what to do."""

import textwrap
from itertools import groupby

from rich.markup import escape
from rich.tree import Tree

from tidegate.core.review import Asked, Pillar, Review, State

_ICONS = {
    State.PASSED: "[green]✓ passed[/]",
    State.FAILED: "[red]✗ failed[/]",
    State.UNKNOWN: "[yellow]? unknown[/]",
}
_WIDTH = 78


def tree(done: Review) -> Tree:
    """Everything that was asked and applies here, pillar by pillar."""
    here = [one for one in done.asked if one.answer.state is not State.NOT_APPLICABLE]
    passed = sum(one.answer.state is State.PASSED for one in here)
    elsewhere = len(done.asked) - len(here)
    head = f"review: {passed} of {len(here)} checks passed, {len(done.failed)} failed"
    unknown = len(here) - passed - len(done.failed)
    head += f", {unknown} unknown" if unknown else ""
    head += f" ({elsewhere} of AWS's stack do not apply)" if elsewhere else ""
    shown = Tree(head)
    for pillar in Pillar:
        _pillar(shown.add(f"[bold]{pillar}[/]"), done.of(pillar))
    return shown


def _pillar(branch: Tree, asked: tuple[Asked, ...]) -> None:
    for principle, group in groupby(asked, key=lambda one: one.principle):
        here = [one for one in group if one.answer.state is not State.NOT_APPLICABLE]
        under = branch.add(escape(principle) + ("" if here else " [dim]– does not apply here[/]"))
        for one in here:
            _add(under, one)


def _add(under: Tree, one: Asked) -> None:
    said = textwrap.fill(f"{one.name}: {one.answer.evidence}", _WIDTH)
    leaf = under.add(f"{_ICONS[one.answer.state]} {escape(said)}")
    if one.answer.remedy and one.answer.state is not State.PASSED:
        leaf.add(f"[bold]do[/] {escape(textwrap.fill(one.answer.remedy, _WIDTH))}")
