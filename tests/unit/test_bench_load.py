"""The load bench's pure parts: what each generator's output is taken for, and what is claimed."""

import json
import os
from dataclasses import replace
from itertools import count
from pathlib import Path

import bench.clock
import pytest
from bench.claims import Claim
from bench.clock import late_ms
from bench.generators import (
    Ask,
    Said,
    _of_h2load,
    _of_hey,
    _of_locust,
    _of_vegeta,
    _of_wrk,
)
from bench.load import GOAL_RATE, Row, _rates, _stall
from bench.machine import Processors, Theft, least_stolen, processors_s

HEY = """
Latency distribution:
  95% in 0.0006 secs
  99% in 0.0021 secs

Status code distribution:
  [200]\t1940 responses
  [503]\t4 responses

Error distribution:
  [6]\tGet "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused
"""
H2LOAD = "requests: 100 total, 100 started, 100 done, 97 succeeded, 2 failed, 1 errored, 0 timeout"
LOCUST = {
    "num_requests": 50,
    "num_failures": 2,
    "start_time": 100.0,
    "last_request_timestamp": 102.5,
    "response_times": {"1": 49, "30.0": 1},
}


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    return Ask("http://127.0.0.1:1/", 1_000, 2, tmp_path)


def test_heys_words_are_read(ask: Ask) -> None:
    assert _of_hey(ask, HEY) == Said(1_944, 6, 2.1)


def test_h2loads_words_and_log_are_read(ask: Ask) -> None:
    (ask.folder / "h2load").write_text("1795658743124575\t200\t178\n1795658743124568\t200\t218\n")
    assert _of_h2load(ask, H2LOAD) == Said(97, 3, 0.218)


def test_locusts_json_is_read_and_one_that_never_sent_has_no_replies(ask: Ask) -> None:
    assert _of_locust(ask, json.dumps([LOCUST])) == Said(48, 2, 30.0, own_s=2.5)
    assert _of_locust(ask, "[]").replies == 0


def test_a_wrk_that_says_nothing_of_replies_is_no_run(ask: Ask) -> None:
    with pytest.raises(SystemExit, match="something unknown"):
        _of_wrk(ask, "")


def test_how_late_vegeta_sent_follows_from_its_own_times(ask: Ask, tmp_path: Path) -> None:
    """At 1,000/s, each request a millisecond after the one before; number 2 left 3 ms late."""
    base = 1_795_658_343_000_000_000
    rows = [(0, 0, 200), (2, 5, 200), (1, 1, 0)]  # number, ms when it was sent, code
    lines = [f"{base + ms * 1_000_000},{code},870000,0,9,,eA==,,{n},GET,u," for n, ms, code in rows]
    program = tmp_path / "vegeta"
    program.write_text("#!/bin/sh\ncat <<'X'\n" + "\n".join(lines) + "\nX\n")
    program.chmod(0o755)
    said = _of_vegeta(str(program), ask, "")
    assert (said.replies, said.failed, said.p99_ms) == (2, 1, 0.87)
    assert said.late_ms == pytest.approx(3.0)


def test_time_that_the_host_kept_is_nobodys_work(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 200 300 4000 500 60 7 8000 9 9\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    found = processors_s(stat)
    ticks = os.sysconf("SC_CLK_TCK")
    assert found == Processors(667 / ticks, 4_500 / ticks, 8_000 / ticks)
    assert Processors(9, 9, 9).since(Processors(1, 2, 3)) == Processors(8, 7, 6)


OURS = Row(99.9, 0, 3.0, 12.0, Said(59_940, 0, 0.5, 0.12))
ROWS = {
    (1_000, "tidegate"): [replace(OURS, cpu=9.0)],
    (1_000, "hey"): [replace(OURS, cpu=5.0)],
    (GOAL_RATE, "tidegate"): [OURS, replace(OURS, held=98.0), OURS],
    (GOAL_RATE, "hey"): [replace(OURS, cpu=2.5, held=90.0)],
    (GOAL_RATE, "Vegeta"): [replace(OURS, cpu=4.5, said=Said(9, 9, 1, 1.9))],
}


def claims(rows: dict[tuple[int, str], list[Row]]) -> dict[str, Claim]:
    """By name."""
    return {claim.name: claim for claim in _rates(rows)}


def test_the_goals_are_judged_by_the_medians_and_peers_stand_beside() -> None:
    found = claims(ROWS)
    held = found["load, 20,000 requests/s held"]
    late = found["load, 1 % sent later than"]
    vegeta = found["load, 1 % sent later than (peer: Vegeta)"]
    hey = found["load, CPU for 1,000 requests/s of 20,000 (peer: hey)"]
    assert (held.ours, held.held, late.ours, late.held) == (99.9, True, 0.12, True)
    assert (vegeta.ours, vegeta.peer) == (0.12, 1.9)
    assert (hey.ours, hey.peer) == (3.0, 2.5)
    assert hey.note == "the peer held 90.0 %, 0 failed; at 1,000/s 9.0 and 5.0 % of a core"


def test_a_rate_that_is_not_held_and_requests_that_leave_late_miss_the_goals() -> None:
    bad = replace(OURS, held=97.0, said=Said(9, 0, 1, 0.3))
    found = claims({(GOAL_RATE, "tidegate"): [bad]})
    assert [claim.held for claim in found.values()] == [False, False]


def test_what_a_tool_says_of_a_frozen_target_is_compared_with_the_truth() -> None:
    said = {"tidegate": 191.5, "hey": 203.0}
    rows = {(1_000, tool): [replace(OURS, said=Said(9, 0, ms))] for tool, ms in said.items()}
    ours, hey = _stall(rows)
    assert (ours.ours, ours.held, hey.peer) == (1.5, True, 13.0)


def test_a_loop_that_only_reads_the_clock_tells_what_the_machine_made_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each look takes a tenth of a ms; the machine stands still for 50 ms at the 600th."""
    looks = count()

    def now() -> int:
        look = next(looks)
        return look * 100_000 + 50_000_000 * (look > 600)

    monkeypatch.setattr(bench.clock, "monotonic_ns", now)
    assert 40 < late_ms(1_000, 1) < 50


@pytest.mark.parametrize(
    ("kept", "tries", "counts"),
    [((0.5,), 1, 0.5), ((9, 0.9), 2, 0.9), ((9, 3, 5, 7), 4, 3)],
    ids=["quiet", "quiet the second time", "never quiet"],
)
def test_what_the_host_kept_too_much_of_is_measured_again(
    kept: tuple[float, ...], tries: int, counts: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[float] = []
    monkeypatch.setattr(Theft, "percent", property(lambda _: taken[-1]))

    def take() -> float:
        taken.append(kept[len(taken)])
        return taken[-1]

    assert least_stolen(take, 1.0) == (counts, counts)
    assert len(taken) == tries
