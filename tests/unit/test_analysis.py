"""The comparison finds a worse candidate soon, and an equal one (almost) never."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from tests.support.builders import T0, second
from tests.support.streams import Side, Stream, pool, stream
from tidegate.core import analysis
from tidegate.core.analysis import Comparison, against, compare
from tidegate.core.analysis import ComparisonVerdict as Verdict
from tidegate.core.metrics import Second, bucket_of
from tidegate.core.model import AnalysisPolicy

POLICY = AnalysisPolicy()
STABLE = pool(Side(180), seed=1)
EQUAL = pool(Side(20), seed=2)
WRONG = pool(Side(20, errors=0.055), seed=3)
SLOW = pool(Side(20, slower=3), seed=4)


def look(of: Stream, until: int | None = None, policy: AnalysisPolicy = POLICY) -> Comparison:
    """One look at a stream, at its end unless told otherwise."""
    return compare(policy, of.stable, of.candidate, of.since, until or of.until)


def found_after_s(of: Stream) -> float:
    """So many seconds after its first traffic the candidate was found worse."""
    worse_at = look(of).worse_at_ms
    return float("inf") if worse_at is None else (worse_at - of.since) / 1000


def median(values: list[float]) -> float:
    """The middle one, or the upper of the two."""
    return sorted(values)[len(values) // 2]


def test_an_equal_candidate_is_blamed_no_more_often_than_the_policy_allows() -> None:
    runs = 400
    blamed = sum(look(stream(STABLE, EQUAL, seed)).verdict is Verdict.WORSE for seed in range(runs))
    assert blamed <= runs * POLICY.false_rollback_rate


@pytest.mark.parametrize("candidate", [EQUAL, WRONG, SLOW], ids=["equal", "wrong", "slow"])
def test_a_finding_is_the_reason_of_a_comparison_that_says_worse_and_of_no_other(
    candidate: list[Second],
) -> None:
    of = stream(STABLE, candidate, 7)
    for until in range(of.since, of.until, 5_000):
        found, finding = (
            look(of, until),
            against(POLICY, of.stable, of.candidate, of.since, until).finding,
        )
        assert finding == (found.reason if found.verdict is Verdict.WORSE else None)


def suspected(of: Stream) -> list[int]:
    """The looks (seconds after the first traffic) at which no weight should rise."""
    looks = range(1, (of.until - of.since) // 1_000 + 1)
    ends = ((n, of.since + 1_000 * n) for n in looks)
    return [
        n for n, end in ends if against(POLICY, of.stable, of.candidate, of.since, end).suspicion
    ]


@pytest.mark.parametrize("candidate", [WRONG, SLOW], ids=["wrong", "slow"])
def test_a_worse_candidate_is_suspected_in_half_the_time_and_until_it_is_found(
    candidate: list[Second],
) -> None:
    streams = [stream(STABLE, candidate, seed) for seed in range(20)]
    looks = [suspected(of) for of in streams]
    assert median([first for first, *_ in looks]) <= median(list(map(found_after_s, streams))) / 2
    assert all(a[-1] == found_after_s(of) - 1 for a, of in zip(looks, streams, strict=True))


def test_an_equal_candidate_is_suspected_rarely_and_for_some_seconds() -> None:
    streams = [suspected(stream(STABLE, EQUAL, seed)) for seed in range(100)]
    assert sum(map(bool, streams)) <= 100 / analysis.SUSPECT
    assert sum(map(len, streams)) < 0.04 * 100 * 60


def test_what_does_not_grow_is_no_suspicion_any_more() -> None:
    """A candidate without requests brings no evidence, and must not be held for ever."""
    of = stream(STABLE, SLOW, 1, seconds=5)
    since = of.since
    assert against(POLICY, of.stable, of.candidate, since, of.until).suspicion
    later = of.until + analysis.SUSPICION_MS
    assert against(POLICY, of.stable, of.candidate, since, later).suspicion
    assert against(POLICY, of.stable, of.candidate, since, later + 1_000).suspicion is None


def test_a_better_candidate_is_never_blamed() -> None:
    better = pool(Side(20, errors=0.001, slower=0.5), seed=5)
    assert not any(look(stream(STABLE, better, seed)).worse_at_ms for seed in range(50))


def test_five_points_of_errors_more_are_found_in_seconds() -> None:
    delays = [found_after_s(stream(STABLE, WRONG, seed)) for seed in range(40)]
    assert median(delays) <= 15
    assert max(delays) <= 40


def test_three_times_the_latency_is_found_in_seconds() -> None:
    delays = [found_after_s(stream(STABLE, SLOW, seed)) for seed in range(40)]
    assert median(delays) <= 15
    assert max(delays) <= 30


def paused(of: Stream, seed: int) -> Stream:
    """The same on a machine that pauses in a third of the seconds: half of them wait for 0.4 s."""
    rng = Random(seed)
    late = {at for at in range(of.stable[0].at_ms, of.until, 1_000) if rng.random() < 1 / 3}

    def told(one: Second) -> Second:
        if one.at_ms not in late:
            return one
        counts = Counter({bucket: n - n // 2 for bucket, n in one.latency})
        counts[bucket_of(400_000)] += one.requests - counts.total()
        return one._replace(latency=tuple(sorted(counts.items())))

    stable, candidate = (tuple(map(told, side)) for side in (of.stable, of.candidate))
    return replace(of, stable=stable, candidate=candidate)


def test_pauses_of_the_machine_do_not_hide_three_times_the_latency() -> None:
    delays = [found_after_s(paused(stream(STABLE, SLOW, seed), seed)) for seed in range(40)]
    assert median(delays) <= 20
    assert max(delays) <= 45


def test_pauses_of_the_machine_are_not_blamed_on_an_equal_candidate() -> None:
    runs = 200
    streams = (paused(stream(STABLE, EQUAL, seed), seed) for seed in range(runs))
    blamed = sum(look(of).verdict is Verdict.WORSE for of in streams)
    assert blamed <= runs * POLICY.false_rollback_rate


def test_a_fault_that_comes_late_is_found_too() -> None:
    good = stream(STABLE, EQUAL, 1, seconds=120)
    bad = stream(STABLE, WRONG, 2, seconds=120)
    late = replace(bad, candidate=good.candidate[:60] + bad.candidate[60:])
    assert 60 < found_after_s(late) <= 90


def test_the_reason_says_what_was_seen() -> None:
    found = look(stream(STABLE, WRONG, 7))
    assert found.verdict is Verdict.WORSE
    assert found.reason.startswith("5xx share ")
    assert " on the candidate against " in found.reason
    assert "e-value " in found.reason
    slow = look(stream(STABLE, SLOW, 7))
    assert slow.reason.startswith("share slower than ")


def test_a_verdict_does_not_depend_on_how_often_one_looks() -> None:
    for faulty in (EQUAL, WRONG, SLOW):
        for seed in range(5):
            of = stream(STABLE, faulty, seed, seconds=40)
            every_second = [look(of, until) for until in range(of.since, of.until + 1, 1_000)]
            first = next((c.worse_at_ms for c in every_second if c.worse_at_ms), None)
            assert look(of).worse_at_ms == first
            every_seventh = [look(of, until) for until in range(of.since, of.until, 7_000)]
            assert {c.worse_at_ms for c in every_seventh} <= {None, first}


def test_once_worse_it_stays_worse_however_well_it_goes_on() -> None:
    bad, good = stream(STABLE, WRONG, 1), stream(STABLE, EQUAL, 2)
    mended = replace(bad, candidate=bad.candidate[:40] + good.candidate[40:])
    first = look(mended, mended.since + 40_000)
    assert first.verdict is Verdict.WORSE
    last = look(mended)
    assert (last.verdict, last.reason, last.worse_at_ms) == (
        first.verdict,
        first.reason,
        first.worse_at_ms,
    )


def test_without_enough_requests_it_says_so() -> None:
    of = stream(STABLE, pool(Side(1), seed=6), 1, seconds=20)
    found = look(of)
    assert found.verdict is Verdict.NOT_ENOUGH_DATA
    assert found.reason == (
        "18 requests on the candidate and 3240 on stable in the same seconds, 30 of each are needed"
    )


def test_without_any_traffic_there_is_not_enough_data() -> None:
    found = compare(POLICY, (), (), T0, T0 + 60_000)
    assert found.verdict is Verdict.NOT_ENOUGH_DATA
    assert (found.requests, found.worse_at_ms) == (0, None)


def test_when_all_is_equal_it_says_that_no_difference_is_seen() -> None:
    found = look(stream(STABLE, EQUAL, 1))
    assert found.verdict is Verdict.NO_DIFFERENCE_SEEN
    assert found.requests == 20 * 60
    assert found.error_e_value < found.needed
    assert found.slow_e_value < found.needed


def test_the_warm_up_is_counted_but_not_judged() -> None:
    cold = stream(STABLE, EQUAL, 1)
    bad = tuple(s._replace(errors=s.requests) for s in cold.candidate[:2])
    cold = replace(cold, candidate=bad + cold.candidate[2:])
    found = look(cold)
    assert found.verdict is Verdict.NO_DIFFERENCE_SEEN
    assert found.errors >= 40


def test_a_difference_under_the_margin_does_not_roll_back_however_sure_it_is() -> None:
    stable = tuple(second(T0 + s * 1_000, 180) for s in range(300))
    candidate = tuple(second(T0 + s * 1_000, 20, 1) for s in range(30, 300))
    for margin, worse in ((0.04, True), (0.06, False)):
        policy = replace(POLICY, error_margin=margin)
        found = compare(policy, stable, candidate, T0 + 30_000, T0 + 300_000)
        assert found.error_e_value > found.needed
        assert (found.verdict is Verdict.WORSE) is worse


def test_seconds_beyond_those_that_are_complete_do_not_count() -> None:
    of = stream(STABLE, EQUAL, 1, seconds=10)
    assert look(of, of.until - 1).requests == look(of, of.until - 1_000).requests


def test_both_sides_failing_together_is_no_fault_of_the_candidate() -> None:
    def outage(seconds: tuple[Second, ...]) -> tuple[Second, ...]:
        return tuple(s._replace(errors=s.requests) for s in seconds)

    of = stream(STABLE, EQUAL, 3)
    both = replace(
        of,
        stable=of.stable[:50] + outage(of.stable[50:]),
        candidate=of.candidate[:20] + outage(of.candidate[20:]),
    )
    assert look(both).verdict is Verdict.NO_DIFFERENCE_SEEN


def test_a_candidate_that_fails_every_request_is_found_within_seconds() -> None:
    stable = tuple(second(T0 + s * 1_000, 180) for s in range(60))
    candidate = tuple(second(T0 + s * 1_000, 20, 20) for s in range(30, 60))
    found = compare(POLICY, stable, candidate, T0 + 30_000, T0 + 60_000)
    assert found.worse_at_ms is not None
    assert found.worse_at_ms - (T0 + 30_000) <= 5_000


@pytest.mark.parametrize("faulty", [EQUAL, WRONG, SLOW], ids=["equal", "wrong", "slow"])
def test_looks_that_go_on_from_one_another_see_what_one_look_at_all_of_it_sees(
    faulty: list[Second],
) -> None:
    of, other = (stream(STABLE, faulty, seed, seconds=30) for seed in (5, 6))
    every_second = range(of.since, of.until + 1, 1_000)
    going_on = []
    for until in every_second:
        going_on.append(look(of, until))
        look(other, until)  # a deployment that began in the same second
    for until, found in zip(every_second, going_on, strict=True):
        analysis._PASSES.clear()
        assert look(of, until) == found


def test_a_past_that_is_told_otherwise_is_judged_anew() -> None:
    bad, good = stream(STABLE, WRONG, 1), stream(STABLE, EQUAL, 2)
    assert look(bad).verdict is Verdict.WORSE
    corrected = replace(bad, candidate=bad.candidate[:1] + good.candidate[1:])
    assert look(corrected).verdict is Verdict.NO_DIFFERENCE_SEEN
    late = replace(bad, candidate=bad.candidate[:5] + bad.candidate[6:])
    first = look(late)
    assert look(bad).requests == first.requests + 20
