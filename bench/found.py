"""What the comparison with Swarm found, and the claims that it comes to. Pure."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.claims import Claim, Goal
from bench.ours import ALL_AT_ONCE, LINEAR, Tidegate
from bench.peer import ONE_BY_ONE, TOGETHER, Swarm

OURS, PEER = Tidegate.name, Swarm.name
_ENDS = {"good": "ends gracefully", "abrupt": "ends at once on SIGTERM"}
MOST_STOLEN, TRIES = 4.0, 3
"""A delivery is made again, up to so often, when the host kept more (%) of the machine's time."""
_AGAIN = f"up to {TRIES} tries each while the host kept over {MOST_STOLEN:.0f} %"
_WRONG = {"errors3": "3 % errors", "slow3": "three times slower"}


@dataclass(frozen=True, slots=True)
class Moved:
    """One delivery. Seconds from the command to the last old answer, and to the last old task."""

    all_new_s: float
    replaced_s: float


@dataclass(frozen=True, slots=True)
class Cut:
    """Long answers and connections that were begun, and those cut or refused."""

    begun: int
    cut: int


@dataclass(slots=True)
class Sent:
    """All short requests of one contender. In `late` runs the sender itself was late."""

    runs: int = 0
    requests: int = 0
    failed: int = 0
    late: int = 0

    def add(self, requests: int, failed: int, sound: bool) -> None:
        """A run more."""
        self.runs += 1
        self.requests += requests
        self.failed += failed
        self.late += not sound


@dataclass(slots=True)
class Found:
    """By contender and way and rate; by contender and how the app ends; by contender and fault."""

    moved: dict[tuple[str, str, int], list[Moved]] = field(default_factory=dict)
    cut: dict[tuple[str, str], Cut] = field(default_factory=dict)
    wrong: dict[tuple[str, str, int], int] = field(default_factory=dict)
    sent: dict[str, Sent] = field(default_factory=dict)


def claims_of(found: Found, watch_s: float) -> list[Claim]:
    """The claims, as far as both have been measured."""
    return [*_times(found), *_cuts(found), *_wrongs(found, watch_s), _failed(found)]


def _times(found: Found) -> Iterator[Claim]:
    """All at once beside Swarm's fastest way, and step by step beside one by one."""
    for rate in sorted({rate for name, _, rate in found.moved if name == PEER}):
        for what, of, goal in (
            ("4 tasks replaced", lambda m: m.replaced_s, Goal(0.5, "ratio")),
            ("all answers new", lambda m: m.all_new_s, None),
        ):
            ways = [how for how in (TOGETHER, ONE_BY_ONE) if (PEER, how, rate) in found.moved]
            fastest = min(_middle(found, PEER, how, rate, of) for how in ways)
            ours = _middle(found, OURS, ALL_AT_ONCE, rate, of)
            runs = len(found.moved[OURS, ALL_AT_ONCE, rate])
            note = (
                f"median of {runs}, from the command: for ours `git push`, its pipeline included; "
                f"{_AGAIN}"
            )
            name = f"{what}, all at once, at {rate:,} requests/s"
            yield Claim(name, ours, fastest, "s", goal, note)
            if ONE_BY_ONE in ways:
                ours = _middle(found, OURS, LINEAR, rate, of)
                peer = _middle(found, PEER, ONE_BY_ONE, rate, of)
                name = f"{what}, in 5 steps of 0.5 s (peer: one by one), at {rate:,} requests/s"
                yield Claim(name, ours, peer, "s")


def _middle(found: Found, name: str, how: str, rate: int, of: Callable[[Moved], float]) -> float:
    return statistics.median(map(of, found.moved[name, how, rate]))


def _cuts(found: Found) -> Iterator[Claim]:
    for mode in dict.fromkeys(mode for _, mode in found.cut):
        ours, peer = found.cut[OURS, mode], found.cut[PEER, mode]
        yield Claim(
            f"long answers and connections cut, app {_ENDS[mode]}",
            ours.cut,
            peer.cut,
            goal=Goal(0),
            note=f"of {ours.begun} and {peer.begun}: answers of 5 s, connections held for 6 s",
        )


def _wrongs(found: Found, watch_s: float) -> Iterator[Claim]:
    watch = f"Swarm never notices: counted until its update ended and {watch_s:g} s longer"
    for name, fault, rate in found.wrong:
        if name == OURS:
            yield Claim(
                f"wrong answers of a healthy release, {_WRONG[fault]}, at {rate:,} requests/s",
                found.wrong[OURS, fault, rate],
                found.wrong[PEER, fault, rate],
                goal=Goal(0.1, "ratio"),
                note=f"ours shifts 10 % each 5 s; {watch}; {_AGAIN}",
            )


def _failed(found: Found) -> Claim:
    ours, peer = found.sent[OURS], found.sent.get(PEER)
    note = f"of {ours.requests:,} requests"
    if peer:
        note += f"; Swarm: of {peer.requests:,} in {peer.runs} updates"
    late = ours.late + (peer.late if peer else 0)
    if late:
        note += f"; in {late} runs the sender itself was late, the machine being overloaded"
    name = f"requests failed in {ours.runs} deployments, client never resends"
    theirs = peer.failed if peer else None
    return Claim(name, ours.failed, theirs, goal=Goal(0), note=note)
