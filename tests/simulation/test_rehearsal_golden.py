"""The same seed gives the same rehearsal as when this was written, to the last digit.

When a rule changes on purpose, read what changed in the outcomes and write them anew:
`python -m tests.simulation.test_rehearsal_golden`.
"""

from dataclasses import replace
from pathlib import Path

from tests.simulation.test_rehearsal_skips import (
    BUSY,
    CAPACITY,
    CROWD,
    ERRORS,
    PAIR,
    SLOW,
    STEPPED,
    STORY,
    TOTALS,
    TRACKING,
    app,
)  # fmt: skip
from tidegate.core.model import App
from tidegate.engine.codec import encode
from tidegate.simulator.behaviour import failing, slow
from tidegate.simulator.rehearse.outcome import outcome_of
from tidegate.simulator.rehearse.plan import Rehearsal
from tidegate.simulator.rehearse.run import play
from tidegate.simulator.rehearse.scenarios import Change, Loss, Scenario
from tidegate.simulator.rehearse.text import as_text

GOLDEN = Path(__file__).parents[1] / "golden" / "rehearsals.txt"

RELEASES = Scenario("releases", "", CROWD, (Change(60, slow(3.0)), Change(300, failing(0.05))))
STORMY = replace(STORY, storms=(Loss(200, 0.8),), losses=(Loss(300.3, 0.4),))
REHEARSALS = (
    Rehearsal(App("shop", PAIR, alarms=(SLOW, ERRORS)), RELEASES, seed=3),
    Rehearsal(app(TOTALS, BUSY, capacity=CAPACITY), STORMY, seed=4),
    Rehearsal(app(TRACKING), STORY, seed=5),
    Rehearsal(app(STEPPED, BUSY), STORY, seed=6),
    Rehearsal(app(TOTALS), replace(STORY, demand=CROWD + CROWD), base_rps=700, seed=7),
)


def outcomes() -> str:
    """Each rehearsal as a person reads it, and all that was recorded."""
    told = []
    for rehearsal in REHEARSALS:
        stage = play(rehearsal)
        told.append(as_text(outcome_of(stage)))
        told += [f"{entry.at} {encode(entry.event)}" for entry in stage.entries]
    return "\n".join(told) + "\n"


def test_a_rehearsal_comes_to_what_it_always_came_to() -> None:
    assert outcomes() == GOLDEN.read_text()


if __name__ == "__main__":
    GOLDEN.write_text(outcomes())
