"""The claims that a comparison with Swarm comes to."""

from bench.found import OURS, PEER, Cut, Found, Moved, Sent, claims_of
from bench.ours import ALL_AT_ONCE, LINEAR
from bench.peer import ONE_BY_ONE, TOGETHER


def found() -> Found:
    return Found(
        moved={
            (OURS, ALL_AT_ONCE, 500): [Moved(1.0, 2.0), Moved(1.4, 1.8), Moved(9.0, 9.0)],
            (OURS, LINEAR, 500): [Moved(3.0, 4.0)],
            (PEER, TOGETHER, 500): [Moved(3.0, 5.0)],
            (PEER, ONE_BY_ONE, 500): [Moved(2.0, 8.0)],
        },
        cut={(OURS, "abrupt"): Cut(20, 0), (PEER, "abrupt"): Cut(22, 9)},
        wrong={(OURS, "errors3", 500): 20, (PEER, "errors3", 500): 150},
        sent={OURS: Sent(4, 9_000, 0, 0), PEER: Sent(2, 8_000, 3, 1)},
    )


def test_our_median_stands_beside_the_peers_fastest_way() -> None:
    replaced, in_steps, new, _, *_ = claims_of(found(), 30)
    assert (replaced.ours, replaced.peer, replaced.held) == (2.0, 5.0, True)
    assert (in_steps.ours, in_steps.peer, in_steps.held) == (4.0, 8.0, None)
    assert (new.ours, new.peer, new.held) == (1.4, 2.0, None)


def test_cut_connections_and_wrong_answers_are_judged_by_their_goals() -> None:
    *_, cut, wrong, failed = claims_of(found(), 30)
    assert (cut.ours, cut.peer, cut.held) == (0, 9, True)
    assert (wrong.ours, wrong.peer, wrong.held) == (20, 150, False)
    assert "30 s longer" in wrong.note
    assert (failed.ours, failed.peer, failed.held) == (0, 3, True)
    assert "in 1 runs the sender itself was late" in failed.note


def test_deployments_in_a_row_have_no_peer() -> None:
    alone = Found(sent={OURS: Sent(100, 120_000, 1, 0)})
    (failed,) = claims_of(alone, 30)
    assert (failed.ours, failed.peer, failed.held) == (1, None, False)
    assert "100 deployments" in failed.name
