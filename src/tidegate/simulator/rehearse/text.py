"""A rehearsal, and a comparison of two app files, as text for a person."""

from collections.abc import Iterator, Sequence

from tidegate.core.cost import dollars
from tidegate.load.text import aligned, fitted
from tidegate.simulator.rehearse.compare import Difference
from tidegate.simulator.rehearse.outcome import Moment, Outcome, ServiceOutcome

MOST_MOMENTS = 30


def as_text(outcome: Outcome, width: int | None = None) -> str:
    """The whole outcome, about 30 lines; sentences are broken for a terminal of that width."""
    length = clock(outcome.length_s)
    rows = [HEAD, *map(row, outcome.services)]
    lines = [
        f"{outcome.app}: {outcome.scenario}, {length}, seed {outcome.seed}",
        outcome.says,
        "",
        _table([one[:ANSWERS] for one in rows], width),
        "",
        _table([(one[0], *one[ANSWERS:]) for one in rows], width),
        "",
        *(f"dropped: {outcome.dropped}" for _ in range(bool(outcome.dropped))),
        *instances(outcome),
        *moments(outcome.moments),
        *assumed(outcome.assumptions),
    ]
    return fitted("\n".join(lines), width)


def _table(rows: Sequence[Sequence[str]], width: int | None) -> str:
    """The rows; where long names make them too wide, each has its name on a line of its own."""
    text = aligned(rows)
    if width is None or len(text.partition("\n")[0]) <= width:
        return text
    nameless = [rows[0], *(("", *row[1:]) for row in rows[1:])]
    head, *rest = aligned(nameless).split("\n")
    names = (row[0] for row in rows[1:])
    return "\n".join([head, *(line for pair in zip(names, rest, strict=True) for line in pair)])


def assumed(lines: Sequence[str]) -> Iterator[str]:
    """What was taken for granted."""
    yield "assumed"
    yield from (f"  {line}" for line in lines)


HEAD = (
    "service", "requests", "failed %", "p50 ms", "p95 ms", "p99 ms", "saturated", "min lost",
    "headroom", "scalings", "task-hours", "2nd set", "cost",
)  # fmt: skip
ANSWERS = 8
"""So many columns tell how it answered, the others what that took: a terminal is not wider."""


def row(one: ServiceOutcome) -> Sequence[str]:
    """A service as a row under `HEAD`."""
    busy = f"{one.saturated} min" if one.saturated else "–"
    return (
        one.name,
        f"{one.requests:,}",
        f"{100 * one.failed / one.requests:.3f}" if one.requests else "–",
        *(_latency(value) for value in (one.p50_ms, one.p95_ms, one.p99_ms)),
        busy,
        f"{one.lost}",
        f"{one.headroom:.0%}",
        f"{one.scaling_actions}",
        f"{one.task_hours:,.2f}",
        f"{one.second_hours:,.2f}",
        "–" if one.cost is None else f"{one.cost:,.2f}",
    )


def _latency(value: float | None) -> str:
    """Milliseconds; "–" when no minute was unsaturated, or nothing was asked."""
    return "–" if value is None else f"{value:,.0f}"


def moments(found: Sequence[Moment]) -> Iterator[str]:
    """What was recorded, the first `MOST_MOMENTS`."""
    for one in found[:MOST_MOMENTS]:
        yield f"  {clock(one.at_s)}  {one.text}"
    if len(found) > MOST_MOMENTS:
        yield f"  … {len(found) - MOST_MOMENTS} more"
    if found:
        yield ""


COST_HEAD = ("instances of", "kind", "seconds", "price/h", "cost", "all on demand", "less")


def instances(outcome: Outcome) -> Iterator[str]:
    """What the instances cost; nothing without prices."""
    rows = cost_rows(outcome)
    if rows:
        yield aligned([COST_HEAD, *rows])
        yield ""


def cost_rows(outcome: Outcome) -> list[Sequence[str]]:
    """Each provider under `COST_HEAD`, beside the same hours on demand, and the sum of them."""
    rows: list[Sequence[str]] = [
        (
            one.name, one.kind, f"{one.seconds:,}", dollars(one.price_micros), dollars(one.micros),
            dollars(one.on_demand_micros), _less(one.micros, one.on_demand_micros),
        )
        for one in outcome.providers
    ]  # fmt: skip
    total = outcome.instances
    if total is None:
        return []
    money = (dollars(total.micros), dollars(total.on_demand_micros))
    less = _less(total.micros, total.on_demand_micros)
    return [*rows, ("all", "", f"{total.ms // 1_000:,}", "", *money, less)]


def _less(micros: int, on_demand_micros: int) -> str:
    if not on_demand_micros:
        return "–"
    return f"{round(100 - 100 * micros / on_demand_micros)} %"


def clock(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


COMPARED_HEAD = ("mean of all seeds", "A", "B", "B - A", "95 % sure it is")


def compared_text(
    names: tuple[str, str], found: Sequence[Difference], seeds: int, width: int | None = None
) -> str:
    """Both side by side, with what the difference surely is."""
    rows = [COMPARED_HEAD, *map(_compared, found)]
    head = [f"A  {names[0]}", f"B  {names[1]}", f"the same {seeds} seeds for both"]
    lines = [*head, "", aligned(rows)]
    if any(one.known and not one.sure for one in found):
        lines.append("~ there may be no difference at all")
    return fitted("\n".join(lines), width)


def _compared(one: Difference) -> Sequence[str]:
    between = f"{one.low:+.3g} to {one.high:+.3g}" if one.known else "needs 2 seeds"
    doubt = "~ " if one.known and not one.sure else ""
    return one.name, _digits(one.a), _digits(one.b), _digits(one.mean, "+"), doubt + between


def _digits(value: float, sign: str = "") -> str:
    """No more digits than a mean of a few seeds deserves."""
    return f"{value:{sign},.{3 if abs(value) < 100 else 0}f}"
