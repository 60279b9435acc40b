"""One run of one bench: when, on what, by which command, and what it found. Kept as JSON."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.claims import Claim, claim_from


@dataclass(frozen=True, slots=True)
class Run:
    """`load_before` and `load_after` are load averages, `stolen_percent` is what the host of a
    virtual machine kept of its processors, None if nobody looked; `machine` is what it ran on.
    """

    name: str
    at: str
    command: str
    took_s: int
    load_before: str
    load_after: str
    stolen_percent: float | None
    machine: Mapping[str, str]
    claims: tuple[Claim, ...]


def run_from(data: dict[str, Any]) -> Run:
    """From what `dataclasses.asdict` made of one."""
    return Run(**{**data, "claims": tuple(claim_from(one) for one in data["claims"])})


def read(path: Path) -> dict[str, Run]:
    """The runs of a file by their bench's name; none if there is no file yet."""
    if not path.exists():
        return {}
    return {one["name"]: run_from(one) for one in json.loads(path.read_text())}


def write(path: Path, runs: Iterable[Run]) -> None:
    """Write them to a file."""
    rows = [asdict(run) for run in runs]
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


def claims_of(runs: Iterable[Run]) -> list[Claim]:
    """All that they found."""
    return [claim for run in runs for claim in run.claims]
