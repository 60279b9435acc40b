"""A rehearsal, and a comparison of two app files, as text for a person."""

from collections.abc import Iterator, Sequence

from tidegate.core.cost import dollars
from tidegate.load.text import aligned
from tidegate.simulator.rehearse.compare import Difference
from tidegate.simulator.rehearse.outcome import Moment, Outcome, ServiceOutcome

MOST_MOMENTS = 30


def as_text(outcome: Outcome) -> str:
    """The whole outcome, about 30 lines."""
    length = clock(outcome.length_s)
    lines = [
        f"{outcome.app}: {outcome.scenario}, {length}, seed {outcome.seed}",
        outcome.says,
        "",
        aligned([HEAD, *map(row, outcome.services)]),
        "",
        *(f"dropped: {outcome.dropped}" for _ in range(bool(outcome.dropped))),
        *instances(outcome),
        *moments(outcome.moments),
        "assumed",
        *(f"  {line}" for line in outcome.assumptions),
    ]
    return "\n".join(lines)


HEAD = (
    "service", "requests", "failed %", "p50 ms", "p95 ms", "p99 ms", "saturated", "min lost",
    "headroom", "scalings", "task-hours", "2nd set", "cost",
)  # fmt: skip


def row(one: ServiceOutcome) -> Sequence[str]:
    """A service as a row under `HEAD`."""
    busy = f"{one.saturated} min" if one.saturated else "–"
    return (
        one.name,
        f"{one.requests:,}",
        f"{100 * one.failed / one.requests:.3f}" if one.requests else "–",
        *(latency(value) for value in (one.p50_ms, one.p95_ms, one.p99_ms)),
        busy,
        f"{one.lost}",
        f"{one.headroom:.0%}",
        f"{one.scaling_actions}",
        f"{one.task_hours:,.2f}",
        f"{one.second_hours:,.2f}",
        "–" if one.cost is None else f"{one.cost:,.2f}",
    )


def latency(value: float | None) -> str:
    """Milliseconds, or that there is no number to tell."""
    return "saturated" if value is None else f"{value:,.0f}"


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


def compared_text(names: tuple[str, str], found: Sequence[Difference], seeds: int) -> str:
    """Both side by side, with what the difference surely is."""
    rows = [("mean of all seeds", "A", "B", "B - A", "95 % sure")]
    for one in found:
        between = f"{one.low:+,.3g} to {one.high:+,.3g}" if one.known else "needs 2 seeds"
        rows.append(
            (
                one.name,
                f"{one.a:,.3f}",
                f"{one.b:,.3f}",
                f"{one.mean:+,.3f}",
                _verdict(one, between),
            )
        )
    head = [f"A  {names[0]}", f"B  {names[1]}", f"the same {seeds} seeds for both", ""]
    return "\n".join([*head, aligned(rows)])


def _verdict(one: Difference, between: str) -> str:
    return between if one.sure or not one.known else f"{between} (no difference)"
