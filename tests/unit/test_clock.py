"""The controller's clock goes on evenly, whatever is done to the machine's."""

import time

import pytest

from tidegate.local.clock import SteadyClock


def test_it_tells_the_machines_time_while_nobody_sets_that() -> None:
    clock = SteadyClock()
    assert abs(clock.now() - time.time_ns() // 1_000_000) < 1_000
    assert abs(clock.ahead_ms()) < 1_000


@pytest.mark.parametrize("jump_s", [3_600, -3_600])
def test_a_jump_of_the_machines_clock_does_not_move_it(
    monkeypatch: pytest.MonkeyPatch, jump_s: int
) -> None:
    clock = SteadyClock()
    before = clock.now()
    jumped = time.time_ns() + jump_s * 1_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: jumped)
    assert 0 <= clock.now() - before < 60_000
    assert abs(clock.ahead_ms() + jump_s * 1_000) < 60_000


def test_it_begins_no_earlier_than_it_is_told() -> None:
    tomorrow = time.time_ns() // 1_000_000 + 86_400_000
    assert 0 <= SteadyClock(not_before=tomorrow).now() - tomorrow < 60_000
