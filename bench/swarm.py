"""Tidegate beside Docker Swarm's `service update`: same engine, images, task count and load.

    deploying   4 tasks to another release of the same app, in turns
    draining    the same with long answers and open connections under way
    wrong       a release that is healthy, but fails 3 % of its requests, or is three times slower

Runs within the private engine's network namespace: `python -m bench --only swarm`.
"""

import time
from dataclasses import dataclass, field
from functools import partial

from bench import machine
from bench.claims import Claim
from bench.client import LongClients, Seen, Stream
from bench.contender import Contender, Delivery, Replaced
from bench.found import MOST_STOLEN, TRIES, Cut, Found, Moved, Sent, claims_of
from bench.images import ABRUPT, ERRORS_3, GOOD, SLOW, Version, say
from bench.inside import Inside, main
from bench.ours import ALL_AT_ONCE, CAREFUL, LINEAR, Tidegate, tidegate
from bench.peer import ONE_BY_ONE, TOGETHER, Swarm, swarm
from bench.size import Size

BEFORE_S, AFTER_S, SETTLE_S, REPLACED_S = 0.5, 1.0, 1.0, 60.0
FASTEST = {Tidegate.name: ALL_AT_ONCE, Swarm.name: TOGETHER}
STEPS = {Tidegate.name: LINEAR, Swarm.name: ONE_BY_ONE}
CAUTIOUS = {Tidegate.name: CAREFUL, Swarm.name: TOGETHER}
NEVER = float("inf")


@dataclass
class Comparison:
    """Both contenders, what each serves now, and all that was found."""

    inside: Inside
    ours: Tidegate
    peer: Swarm
    serving: dict[str, Version]
    found: Found = field(default_factory=Found)

    @property
    def size(self) -> Size:
        """How much is measured."""
        return self.inside.size

    def deploying(self) -> None:
        """All at once at every rate, in turns; step by step once, at the first rate."""
        for number in range(self.size.rounds):
            say(f"round {number + 1}")
            ways = [(rate, FASTEST) for rate in self.size.rates]
            if number == 0 and self.size.thorough:
                ways.append((self.size.rates[0], STEPS))
            self._round(self.ours, ways)
            with self.peer.running():
                self._round(self.peer, ways)

    def _round(self, contender: Contender, ways: list[tuple[int, dict[str, str]]]) -> None:
        for rate, way in ways:
            self.move(contender, way[contender.name], rate)

    def move(self, contender: Contender, how: str, rate: int, tries: int = TRIES) -> None:
        """Deliver the other good version, under load; again when the host kept too much of it."""
        moved, stolen = machine.least_stolen(
            lambda: self._moved(contender, how, rate), MOST_STOLEN, tries
        )
        say(f"  of that delivery the host kept {stolen:.0f} %")
        self.found.moved.setdefault((contender.name, how, rate), []).append(moved)

    def _moved(self, contender: Contender, how: str, rate: int) -> Moved:
        before = self.serving[contender.name]
        target = other(before)
        with Stream(contender.port, rate) as stream:
            time.sleep(BEFORE_S)
            watch = Replaced(self.inside.client, contender, target.image)
            with watch.watching() as replaced:
                delivery = self.deliver(contender, target, how)
                replaced.wait(REPLACED_S)
            time.sleep(AFTER_S)
            seen = self.counted(contender, stream.stop())
        all_new_s = (seen.last_answer(before.name) or delivery.at) - delivery.at
        replaced_s = replaced.at - delivery.at if replaced.at else NEVER
        say(
            f"{contender.name} {how} at {rate} requests/s: all new {all_new_s:.2f} s, replaced "
            f"{replaced_s:.2f} s, failed {dict(seen.failures()) or 0} of {seen.requests:,}"
        )
        time.sleep(SETTLE_S)
        return Moved(all_new_s, replaced_s)

    def draining(self) -> None:
        """Deliveries with long answers and connections under way."""
        self._drained(self.ours)
        with self.peer.running():
            self._drained(self.peer)

    def _drained(self, contender: Contender) -> None:
        for pair in (GOOD, ABRUPT) if self.size.thorough else (ABRUPT,):
            self.bring(contender, pair[0])
            with (
                Stream(contender.port, self.size.rates[0]) as stream,
                LongClients(contender.port) as clients,
            ):
                time.sleep(2)
                self.deliver(contender, pair[1], FASTEST[contender.name])
                time.sleep(AFTER_S)
                self.counted(contender, stream.stop())
            tallies = (clients.slow, clients.socket)
            cut = Cut(sum(t.begun for t in tallies), sum(t.cut + t.refused for t in tallies))
            self.found.cut[contender.name, pair[0].mode] = cut
            say(f"{contender.name}, {pair[0].mode}: {cut.cut} of {cut.begun} long ones cut")

    def wrong(self) -> None:
        """Deliveries of releases that are healthy but wrong."""
        self._wronged(self.ours)
        with self.peer.running():
            self._wronged(self.peer)

    def _wronged(self, contender: Contender) -> None:
        for rate in self.size.rates:
            for candidate in (ERRORS_3, SLOW) if self.size.thorough else (ERRORS_3,):
                count, stolen = machine.least_stolen(
                    partial(self._wrong_answers, contender, candidate, rate), MOST_STOLEN, TRIES
                )
                say(f"  of that delivery the host kept {stolen:.0f} %")
                self.found.wrong[contender.name, candidate.name, rate] = count

    def _wrong_answers(self, contender: Contender, candidate: Version, rate: int) -> int:
        """How many answers of the candidate were wrong: 5xx, or all of a slow one's."""
        self.bring(contender, GOOD[0])
        time.sleep(SETTLE_S)
        with Stream(contender.port, rate) as stream:
            time.sleep(BEFORE_S)
            delivery = contender.deliver(candidate.image, CAUTIOUS[contender.name])
            if delivery.outcome == "rolled back":
                time.sleep(AFTER_S)
            else:  # nobody has noticed: the fixed watch
                self.serving[contender.name] = candidate
                time.sleep(self.size.watch_s)
            seen = self.counted(contender, stream.stop(), candidate.name)
        errors = candidate.mode == "errors"
        count = seen.errors(candidate.name) if errors else seen.answers(candidate.name)
        say(
            f"{contender.name} {candidate.name} at {rate} requests/s: {delivery.outcome} after "
            f"{delivery.done - delivery.at:.1f} s, {count:,} wrong answers"
        )
        return count

    def bring(self, contender: Contender, target: Version) -> None:
        """Have it serve this version, whatever it served before."""
        if self.serving[contender.name] is not target:
            self.deliver(contender, target, FASTEST[contender.name])

    def deliver(self, contender: Contender, target: Version, how: str) -> Delivery:
        """A delivery that must end well. Raises `SystemExit` when it does not."""
        delivery = contender.deliver(target.image, how)
        if delivery.outcome not in ("succeeded", "completed"):
            raise SystemExit(f"{contender.name} did not deliver {target.name}: {delivery.outcome}")
        self.serving[contender.name] = target
        return delivery

    def counted(self, contender: Contender, seen: Seen, faulty: str = "") -> Seen:
        """Add a run's requests to the contender's."""
        sent = self.found.sent.setdefault(contender.name, Sent())
        sent.add(seen.requests, seen.failures(faulty).total(), seen.sound)
        return seen


def other(version: Version) -> Version:
    """The good version to go to from this one."""
    return GOOD[0] if version is GOOD[1] else GOOD[1]


def measure(inside: Inside) -> list[Claim]:
    """Everything, or as many deployments in a row as were asked for; and what it comes to."""
    first = GOOD[0]
    with (
        tidegate(inside.folder / "ours", first.image) as ours,
        swarm(inside.engine, first.image) as peer,
    ):
        comparison = Comparison(inside, ours, peer, {ours.name: first, peer.name: first})
        if inside.size.deployments:
            for _ in range(inside.size.deployments):
                comparison.move(ours, ALL_AT_ONCE, inside.size.rates[0], tries=1)
        else:
            comparison.deploying()
            comparison.draining()
            comparison.wrong()
        return claims_of(comparison.found, inside.size.watch_s)


if __name__ == "__main__":
    main(measure)
