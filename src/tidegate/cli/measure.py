"""Calibration: two load levels of the running app, one to check, and what they tell."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from tidegate.cli import output
from tidegate.cli.commands.load import authority_of
from tidegate.cli.here import Here
from tidegate.core.decision import TaskHealthy, TaskStarted
from tidegate.core.errors import SetupError, UsageError
from tidegate.core.model import App, Service
from tidegate.load import Plan, Report, Target, summarise
from tidegate.load.__main__ import send
from tidegate.load.profile import constant, parse_seconds
from tidegate.load.text import aligned
from tidegate.simulator.queueing import Balance
from tidegate.simulator.rehearse.assume import Capability, calibration_text
from tidegate.simulator.rehearse.calibrate import Level, doubt, fit, level_of, rows
from tidegate.spec import load

Rates = tuple[float | None, float | None, str]
"""The low level, the high one (requests/s) and the length of each."""


def measure(here: Here, rates: Rates, file: Path, as_json: bool) -> None:
    """Load each service of the running app at three levels, fit, write, and print the table.

    Raises `UsageError` when the levels are not given or tell too little.
    """
    low, high, length = rates
    if low is None or high is None:
        raise UsageError(
            "a calibration needs two load levels",
            remedy="give --rate LOW --peak HIGH, the high one near the limit",
            code="TG176",
        )
    app = load(here.file)
    starts = start_times_ms(here)
    found: dict[str, Capability] = {}
    for service in app.services:
        tasks = _tasks(here, service.name)
        levels = [
            _level(app, service, rps, (length, tasks)) for rps in (low, (low + high) / 2, high)
        ]
        known = fit(levels[0], levels[2])
        more = ", at least that many at once" if known.least else ""
        when = datetime.now(UTC).strftime("%Y-%m-%d")
        wrong = doubt(known.work, levels[1:], Balance.ROUNDROBIN)
        trust = f"; do not trust it: {wrong}" if wrong else ""
        source = f"measured {when} at {low:g} and {high:g} requests/s{more}{trust}"
        found[service.name] = Capability(known.work, starts.get(service.name, 2_000), source)
        if not as_json:
            print(f"{service.name}: {source}\n")
            print(aligned(rows(known.work, levels, Balance.ROUNDROBIN)) + "\n")
    _write(file, found)
    if as_json:
        output.result({name: asdict(one) for name, one in found.items()}, "", as_json=True)
    output.progress(f"wrote {file}; tidegate simulate uses it from now on")


def start_times_ms(here: Here) -> Mapping[str, int]:
    """From a task's start until it was healthy: the median of each service, by the journal."""
    started: dict[str, tuple[str, int]] = {}
    took: dict[str, list[int]] = {}
    for view in here.client.events(0, follow=False):
        match view.event if view else None:
            case TaskStarted() as event if view:
                started[event.task] = (event.service, view.at)
            case TaskHealthy() as event if view and event.task in started:
                service, at = started[event.task]
                took.setdefault(service, []).append(view.at - at)
            case _:
                pass
    return {service: round(median(times)) for service, times in took.items()}


def _level(app: App, service: Service, rps: float, how: tuple[str, int]) -> Level:
    authority = authority_of(app)
    path = service.routes[0].path if service.routes else "/"
    plan = Plan(
        (Target(f"http://{authority}{path}"),),
        constant(rps, parse_seconds(how[0])),
        title=f"{service.name} at {rps:g}/s",
        hosts=frozenset({authority}),
    )
    output.progress(plan.title)
    report: Report = summarise(send(plan))
    for limit in report.limits:
        output.progress(f"not sound, the sender was the limit: {limit}")
    return level_of(report, how[1])


def _tasks(here: Here, service: str) -> int:
    """How many tasks of the service take traffic now."""
    known = next((s for s in here.client.status().services if s.name == service), None)
    if known is None or not known.desired:
        raise UsageError(
            f"{service} has no tasks to measure", remedy="deploy it first", code="TG176"
        )
    return known.desired


def _write(file: Path, found: Mapping[str, Capability]) -> None:
    try:
        file.write_text(calibration_text(found))
    except OSError as error:
        raise SetupError(f"{file} cannot be written", cause=str(error), code="TG237") from error
