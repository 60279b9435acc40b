"""A sender that goes before others gives that up before it starves them."""

import os
import time

import pytest

from tidegate.load.undisturbed import Share, StepBack, share

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize(
    ("worked", "held", "steps_back"),
    [
        ((0.5, 0.9, 0.9), os.SCHED_FIFO, False),
        ((0.5, 0.95), os.SCHED_FIFO, True),
        ((0.0, 1.0), os.SCHED_FIFO, True),
        ((0.0, 1.0), os.SCHED_BATCH, False),
    ],
    ids=["has time left", "hardly any", "none", "none, in another class"],
)
def test_a_sender_that_works_nearly_all_the_time_leaves_the_real_time_class(
    worked: tuple[float, ...], held: int, steps_back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, cpu, classes = [0], [0], list[int]()
    monkeypatch.setattr(time, "monotonic_ns", lambda: clock[0])
    monkeypatch.setattr(time, "process_time_ns", lambda: cpu[0])
    monkeypatch.setattr(os, "sched_getscheduler", lambda pid: held)
    monkeypatch.setattr(os, "sched_setscheduler", lambda pid, how, of: classes.append(how))
    step_back = StepBack()
    for share_of_second in worked:
        clock[0] += SECOND_NS
        cpu[0] += round(share_of_second * SECOND_NS)
        step_back.look()
        step_back.look()  # it judges a second once
    assert classes == ([os.SCHED_OTHER] if steps_back else [])


def test_a_share_counts_the_work_since_it_was_looked_at() -> None:
    before = share(first=True)
    sum(range(100_000))
    since = share(first=True).since(before)
    assert since.first and 0 < since.cpu_us < 10_000_000
    assert Share(7, 9).since(Share(2, 4)) == Share(5, 5)
