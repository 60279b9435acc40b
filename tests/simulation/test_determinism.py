"""Promise 10: same inputs, same journal, byte for byte."""

import os
import subprocess
import sys

from tidegate.simulator.batch import simulate_all
from tidegate.simulator.run import simulate
from tidegate.simulator.swarm import draw


def _digests(hash_seed: str) -> str:
    command = [sys.executable, "-m", "tidegate.simulator", "--seeds", "3", "--digest"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def test_a_seed_gives_the_same_journal_under_every_hash_seed() -> None:
    first = _digests("1")
    assert len({line.split()[1] for line in first.splitlines()}) == 3
    assert _digests("2") == first


def test_how_many_run_at_once_changes_nothing() -> None:
    alone = [result.digest for result in simulate_all(map(draw, range(4)))]
    assert [result.digest for result in simulate_all(map(draw, range(4)), jobs=2)] == alone


def test_another_seed_gives_another_journal() -> None:
    assert simulate(draw(1)).digest != simulate(draw(2)).digest
