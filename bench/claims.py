"""What a bench found: claims with goals, judged; as JSON, as a table, as Markdown. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

HEADS = ("claim", "ours", "peer", "ratio", "goal", "held")


@dataclass(frozen=True, slots=True)
class Goal:
    """`of` is what is judged: the `ratio` of ours to the peer's, or `ours` alone."""

    limit: float
    of: str = "ours"
    at_least: bool = False

    def __str__(self) -> str:
        """As in `ratio ≤ 0.5`."""
        return f"{self.of} {'≥' if self.at_least else '≤'} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Claim:
    """One line of the table. `peer` is None where there is none; None as `goal`: for information.

    `note` says what the numbers are of: how many runs, which statistic.
    """

    name: str
    ours: float
    peer: float | None = None
    unit: str = ""
    goal: Goal | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours by the peer's; None without a peer, or when the peer's is 0."""
        return self.ours / self.peer if self.peer else None

    @property
    def held(self) -> bool | None:
        """Whether the goal is held; None without a goal.

        A ratio to a peer's 0 cannot be formed; then ours has to be 0 as well.
        """
        if self.goal is None:
            return None
        value = self.ours if self.goal.of == "ours" else self.ratio
        if value is None:
            return self.ours == 0 and self.peer == 0
        return value >= self.goal.limit if self.goal.at_least else value <= self.goal.limit


def claim_from(data: dict[str, Any]) -> Claim:
    """From what `dataclasses.asdict` made of one."""
    goal = Goal(**data["goal"]) if data["goal"] else None
    return Claim(**{**data, "goal": goal})


def missed(claims: Sequence[Claim]) -> list[Claim]:
    """Those whose goal is not held."""
    return [claim for claim in claims if claim.held is False]


def cells(claim: Claim) -> tuple[str, ...]:
    """The claim's cells, in the order of `HEADS`."""
    held = {True: "✓ yes", False: "✗ no", None: ""}[claim.held]
    return (
        claim.name,
        number(claim.ours, claim.unit),
        "" if claim.peer is None else number(claim.peer, claim.unit),
        "" if claim.ratio is None else number(claim.ratio),
        str(claim.goal or ""),
        held,
    )


def number(value: float, unit: str = "") -> str:
    """Three digits that count, thousands apart."""
    text = f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def table(claims: Sequence[Claim]) -> str:
    """For a terminal: the first column to the left, the others to the right."""
    rows = [HEADS, *map(cells, claims)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def markdown(claims: Sequence[Claim]) -> str:
    """The same table for the docs, and under it what the numbers are of."""
    lines = [f"| {' | '.join(HEADS)} |", "|---|" + "---:|" * (len(HEADS) - 1)]
    lines += [f"| {' | '.join(cells(claim))} |" for claim in claims]
    notes = [f"- {claim.name}: {claim.note}" for claim in claims if claim.note]
    return "\n".join([*lines, "", *notes])
