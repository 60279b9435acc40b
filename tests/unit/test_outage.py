"""An outage of the balancer is told: that it is silent, that it came back, and how long it took."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.support.served import Served, served
from tidegate.core import decision as d
from tidegate.core import outage
from tidegate.core.fold import advance_all
from tidegate.core.progress import Progress
from tidegate.core.seen import BalancerSeen, Seen
from tidegate.engine.codec import decode, encode
from tidegate.engine.silence import Silence
from tidegate.engine.views.sentences import sentence


def look(progress: Progress, process: str | None, silent_ms: int, now: int) -> Progress:
    """The progress after one look at a balancer that answers as this process, or not at all."""
    balancer = None if process is None else BalancerSeen(process=process)
    decision = outage.decide(progress, Seen(balancer=balancer, balancer_silent_ms=silent_ms))
    assert decision.reason == "; ".join(sentence(event) for event in decision.events)
    return advance_all(progress, decision.events, now)


STARTED = look(Progress(), "12@7", 0, 1_000)


def test_the_first_process_is_known_and_is_no_outage() -> None:
    assert STARTED.balancer.process == "12@7"
    assert outage.standing(STARTED.balancer, 1_000) == ""


def test_a_process_that_serves_on_is_no_news() -> None:
    assert look(STARTED, "12@7", 0, 2_000) is STARTED


def test_a_balancer_that_was_started_again_between_two_looks_is_told_with_how_long() -> None:
    after = look(look(STARTED, None, 200, 2_000), "34@8", 400, 2_200)
    assert outage.standing(after.balancer, 7_200) == (
        "the balancer (process 12) was gone and was started again (process 34), "
        "after at most 0.4 s without an answer, 5.0 s ago"
    )


def test_another_process_of_the_same_id_is_another_process() -> None:
    after = look(STARTED, "12@9", 0, 2_000)
    assert outage.standing(after.balancer, 2_000) == (
        "the balancer (process 12) was gone and was started again (process 12), 0.0 s ago"
    )


def test_one_answer_that_is_late_is_no_news() -> None:
    assert look(STARTED, None, outage.SILENT_MS - 1, 2_000) is STARTED


def test_a_silence_is_told_once_grows_and_ends_with_the_answer() -> None:
    silent = look(STARTED, None, 1_200, 5_000)
    assert look(silent, None, 2_200, 6_000) is silent
    assert outage.standing(silent.balancer, 7_000) == (
        "the balancer (process 12) has given no answer for 3.2 s"
    )
    again = look(silent, "12@7", 3_300, 7_100)
    assert outage.standing(again.balancer, 7_100) == (
        "the balancer (process 12) answers again, after at most 3.3 s without an answer, 0.0 s ago"
    )
    assert outage.standing(again.balancer, 7_100 + outage.TOLD_MS + 1) == ""


def test_a_balancer_that_was_never_there_is_not_missed() -> None:
    assert look(Progress(), None, 60_000, 60_000) == Progress()


def test_a_balancer_that_does_not_say_who_it_is_has_no_outages() -> None:
    assert look(Progress(), "", 5_000, 5_000) == Progress()


def test_a_balancer_that_was_stopped_on_purpose_is_not_missed() -> None:
    stopped = outage.ended(STARTED.balancer)
    assert [sentence(event) for event in stopped] == [
        "the balancer (process 12) is stopped, with the whole app"
    ]
    resting = advance_all(STARTED, stopped, 2_000)
    assert look(resting, None, 60_000, 62_000) is resting
    again = look(resting, "34@8", 60_000, 62_000)
    assert again.balancer.process == "34@8"
    assert outage.standing(again.balancer, 62_000) == ""


def test_where_there_was_no_balancer_no_end_of_it_is_told() -> None:
    assert outage.ended(Progress().balancer) == ()


@pytest.mark.parametrize(
    "event",
    [d.BalancerSilent("1@2", 3), d.BalancerServes("1@2", "", 0), d.BalancerStopped("1@2")],
)
def test_an_outage_is_read_from_the_journal_as_it_was_written(event: d.Event) -> None:
    assert decode(encode(event)) == event


def test_a_silence_is_measured_from_the_last_look_that_was_answered() -> None:
    silence = Silence()
    looks = [(True, 1_000), (False, 1_300), (False, 2_300), (True, 2_500), (True, 3_500)]
    assert [silence.note(*one) for one in looks] == [0, 300, 1_300, 1_500, 0]


def test_before_any_answer_a_silence_is_measured_from_the_first_look() -> None:
    silence = Silence()
    assert [silence.note(False, 1_000), silence.note(False, 1_400)] == [0, 400]


def looked(daemon: Served, sights: Iterable[BalancerSeen | None], every_ms: int) -> str:
    """What the status says after the engine has looked at a balancer that is seen so."""
    for sight in sights:
        daemon.world.now += every_ms
        daemon.world.seen = partial(Seen, balancer=sight)  # type: ignore[method-assign]
        daemon.engine.look()
    return daemon.operations.status().balancer


def test_the_engine_tells_an_outage_that_it_sees_and_for_how_long(tmp_path: Path) -> None:
    first, second = BalancerSeen(process="12@7"), BalancerSeen(process="34@8")
    with served(tmp_path) as daemon:
        assert looked(daemon, [first, None], 700) == ""
        assert looked(daemon, [None, second], 700) == (
            "the balancer (process 12) was gone and was started again (process 34), "
            "after at most 2.1 s without an answer, 0.0 s ago"
        )
        daemon.engine.end()
        assert looked(daemon, [None], 60_000) == ""
        told = [type(entry.event) for entry in daemon.journal.read()]
    assert told == [d.BalancerServes, d.BalancerSilent, d.BalancerServes, d.BalancerStopped]


def test_who_serves_does_not_make_two_sights_of_the_same_balancer_differ() -> None:
    one = BalancerSeen(process="12@7")
    assert one == replace(one, process="34@8")
