"""Answers that are kept are never stale, and never many."""

import sys
import threading

from tidegate.core.datapoints import datapoints
from tidegate.core.kept import Kept
from tidegate.core.metrics import Second
from tidegate.core.model import Alarm


def test_an_answer_is_made_once_of_the_same_source_and_anew_of_another() -> None:
    made: list[tuple[int, ...]] = []
    kept: Kept[int] = Kept(4)

    def ask(*source: int) -> int:
        def make() -> int:
            made.append(source)
            return sum(source)

        return kept.get("key", source, make)

    assert [ask(1, 2), ask(1, 2), ask(1, 2, 3), ask(1, 2)] == [3, 3, 6, 3]
    assert made == [(1, 2), (1, 2, 3), (1, 2)]


def test_what_was_not_asked_for_the_longest_is_forgotten_first() -> None:
    made: list[str] = []
    kept: Kept[None] = Kept(2)
    for key in "abacab":
        kept.get(key, (), lambda key=key: made.append(key))  # type: ignore[misc]
    assert made == ["a", "b", "c", "b"]


def test_threads_that_ask_at_the_same_time_all_get_their_own_answer() -> None:
    kept: Kept[int] = Kept(2)
    wrong: list[object] = []

    def ask(mine: int) -> None:
        try:
            for n in range(20_000):
                answer = kept.get((mine, n % 5), (n,), lambda n=n: n)  # type: ignore[misc]
                wrong.extend([answer] if answer != n else ())
        except RuntimeError as error:
            wrong.append(error)

    threads = [threading.Thread(target=ask, args=(mine,)) for mine in range(4)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert wrong == []


def test_a_datapoint_changes_when_only_a_second_in_the_middle_of_its_period_does() -> None:
    alarm = Alarm("slow", "TargetResponseTime", 1, "p95", period_ms=10_000)
    quick = [Second(at, 10, 0, ((100, 10),)) for at in range(0, 10_000, 1_000)]
    other = [*quick[:5], Second(5_000, 10, 0, ((200, 10),)), *quick[6:]]
    first, second = (datapoints(alarm, seconds, 10_000)[-1] for seconds in (quick, other))
    assert first is not None
    assert second is not None
    assert second > first
