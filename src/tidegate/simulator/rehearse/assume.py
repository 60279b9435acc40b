"""What a rehearsal takes for granted. Every report states it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType

from tidegate.core.errors import UsageError
from tidegate.simulator.queueing import SATURATED, Balance, Work

FORMAT = "tidegate-calibration-1"
USUAL = Work(20_000, concurrency=4)
"""What is assumed of a service that nobody has measured."""


@dataclass(frozen=True, slots=True)
class Capability:
    """What a task of one service can do: its work, and how long it takes to become ready.

    `source` says where the numbers come from, for the report.
    """

    work: Work = USUAL
    start_ms: int = 2_000
    source: str = "assumed"


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is assumed of the tasks, the clients and the money.

    A minute is lost to the objective when its p95 is above `slo_ms` or more than `slo_errors` of
    its requests fail. `task_hour_price` is in whatever currency; None tells cost in task-hours.
    """

    tasks: Mapping[str, Capability] = field(default_factory=lambda: MappingProxyType({}))
    balance: Balance = Balance.ROUNDROBIN
    timeout_ms: int = 10_000
    slo_ms: int = 500
    slo_errors: float = 0.01
    task_hour_price: float | None = None

    def of(self, service: str) -> Capability:
        """What is assumed of the service's tasks."""
        return self.tasks.get(service, Capability())

    def sentences(self, services: tuple[str, ...]) -> Iterator[str]:
        """Each assumption as a line."""
        for name in services:
            known = self.of(name)
            work = known.work
            yield (
                f"{name} ({known.source}): a task works on {work.concurrency} requests at once, "
                f"{work.mean_us / 1000:g} ms each (cs² {work.cs2:g}), so at most "
                f"{work.most_rps:,.0f} requests/s; ready {known.start_ms / 1000:g} s after starting"
            )
        yield f"balancing is {self.balance}; a client gives up after {self.timeout_ms:,} ms"
        yield (
            f"objective: each minute p95 ≤ {self.slo_ms} ms and at most "
            f"{100 * self.slo_errors:g} % failed"
        )
        yield (
            f"latency is by formula, good to ±10 % (mean) and ±20 % (p99) up to {SATURATED:.0%} "
            "utilisation; above that it is told as saturated"
        )


def read_calibration(path: Path) -> Mapping[str, Capability]:
    """What `write_calibration` wrote. Raises `UsageError` for anything else."""
    try:
        data = json.loads(path.read_text())
        if data["format"] != FORMAT:
            raise ValueError(f"not the format {FORMAT}")
        return {
            name: Capability(Work(**one["work"]), one["start_ms"], one["source"])
            for name, one in data["services"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(
            f"{path} is no calibration",
            cause=f"{type(error).__name__}: {error}",
            remedy="make one with: tidegate simulate calibrate",
            code="TG171",
        ) from error


def calibration_text(services: Mapping[str, Capability]) -> str:
    """As JSON that `read_calibration` reads."""
    rows = {name: asdict(known) for name, known in services.items()}
    return json.dumps({"format": FORMAT, "services": rows}, indent=2) + "\n"
