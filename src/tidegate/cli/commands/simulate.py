"""`tidegate simulate`: what would happen to this app, and what its tasks can do."""

from dataclasses import replace
from math import isfinite
from pathlib import Path

import typer

from tidegate.cli import output
from tidegate.cli import simulate_words as words_of
from tidegate.cli.here import Here, here
from tidegate.cli.measure import measure
from tidegate.core.errors import UsageError
from tidegate.load.files import see_writable, write_whole
from tidegate.load.text import columns, fitted
from tidegate.simulator.queueing import Balance
from tidegate.simulator.rehearse.assume import Assumptions, read_calibration
from tidegate.simulator.rehearse.compare import compare as differences
from tidegate.simulator.rehearse.outcome import rehearse
from tidegate.simulator.rehearse.page import page
from tidegate.simulator.rehearse.plan import Rehearsal
from tidegate.simulator.rehearse.scenarios import SCENARIOS, Scenario, scenario_of, trace_of
from tidegate.simulator.rehearse.text import as_text, assumed, compared_text
from tidegate.spec import load

CALIBRATION = "calibration.json"


def simulate(
    context: typer.Context,
    scenario: words_of.Story = None,
    *,
    trace: words_of.Trace = None,
    day: words_of.Day = None,
    scale: words_of.Scale = 1.0,
    rate: words_of.BaseRate = None,
    seed: words_of.Seed = 1,
    seeds: words_of.Seeds = 5,
    compare: words_of.Compare = None,
    each: words_of.Each = False,
    calibration: words_of.Calibration = None,
    balance: words_of.Balance = Balance.ROUNDROBIN,
    timeout: words_of.Timeout = 10.0,
    slo_ms: words_of.SloMs = 500,
    price: words_of.Price = None,
    peak: words_of.Peak = None,
    length: words_of.Length = "20s",
    as_json: output.AsJson = False,
    html: words_of.Html = None,
) -> None:
    """Run this app file's decisions on a scenario or a trace, in virtual time."""
    now = here(context)
    if scenario == "calibrate":
        measure(now, (rate, peak, length), calibration or now.home.path / CALIBRATION, as_json)
        return
    _check({"--rate": rate, "--timeout": timeout, "--slo-ms": slo_ms, "--seeds": seeds})
    _check({"--price": price}, least=0)
    see_writable((html,), "TG237")
    taken = replace(
        _assumed(now, calibration), balance=balance, timeout_ms=round(timeout * 1000),
        slo_ms=slo_ms, task_hour_price=price,
    )  # fmt: skip
    story = _story(scenario, trace, day, scale)
    rehearsal = Rehearsal(load(now.file), story, taken, seed, rate, each)
    if compare is None:
        _one(rehearsal, as_json, html)
    else:
        _two(rehearsal, (now.file, compare), seeds, as_json, html)


def _one(rehearsal: Rehearsal, as_json: bool, html: Path | None) -> None:
    found = rehearse(rehearsal)
    try:
        _write(html, page([found]))
    finally:  # a page that cannot be written costs nobody the outcome
        if as_json:
            output.result(found, "", as_json=True)
        else:
            print(as_text(found, columns()))


def _two(
    rehearsal: Rehearsal, files: tuple[Path, Path], seeds: int, as_json: bool, html: Path | None
) -> None:
    other = replace(rehearsal, app=load(files[1]))
    runs: list[list[Rehearsal]] = [
        [replace(one, seed=rehearsal.seed + n) for n in range(seeds)] for one in (rehearsal, other)
    ]
    a, b = ([rehearse(run) for run in row] for row in runs)
    found = differences(a, b)
    names = str(files[0]), str(files[1])
    try:
        _write(html, page([a[0], b[0]], found, names))
    finally:
        if as_json:
            output.result({"a": a, "b": b, "differences": found}, "", as_json=True)
        else:
            print(compared_text(names, found, seeds, columns()) + "\n")
            lines = dict.fromkeys((*a[0].assumptions, *b[0].assumptions))
            print(fitted("\n".join(assumed(list(lines))), columns()))


def _check(numbers: dict[str, float | None], least: float | None = None) -> None:
    """Raise `UsageError` for a number that is not above 0, or below `least`, or none at all."""
    for name, number in numbers.items():
        enough = number is None or (number > 0 if least is None else number >= least)
        if number is not None and not (enough and isfinite(number)):
            bound = "above 0" if least is None else f"{least:g} or more"
            raise UsageError(f"{name} must be {bound}, not {number:g}", code="TG139")


def _story(scenario: str | None, trace: Path | None, day: str | None, scale: float) -> Scenario:
    if (scenario is None) == (trace is None):
        raise UsageError(
            "name a scenario, or a trace",
            cause="both were named" if scenario else "neither was named",
            remedy=f"a scenario is one of {', '.join(SCENARIOS)}; or give --trace FILE",
            code="TG175",
        )
    return scenario_of(scenario) if scenario else trace_of(trace or Path(), scale, day)


def _assumed(now: Here, calibration: Path | None) -> Assumptions:
    """As calibrated, if that was ever done."""
    known = now.home.path / CALIBRATION
    if calibration is None and not known.exists():
        return Assumptions()
    return Assumptions(read_calibration(calibration or known))


def _write(path: Path | None, text: str) -> None:
    if path:
        write_whole(path, text, "TG237")
