"""All that makes one simulated run: the app, the pushes, what people ask, and what goes wrong."""

from dataclasses import dataclass
from enum import StrEnum

from tidegate.core.model import App, LifecycleStage
from tidegate.core.requests import (
    Abort,
    Approve,
    Pause,
    Promote,
    Request,
    Resume,
    RollBack,
    Scale,
)
from tidegate.load.profile import Profile, Segment, constant
from tidegate.simulator.behaviour import GOOD, Behaviour
from tidegate.simulator.demand import Demand
from tidegate.simulator.faults import NONE, Chances, CrashPoint


class Scan(StrEnum):
    """What a scan of an image finds."""

    CLEAN = "clean"
    VULNERABLE = "vulnerable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Content:
    """What is in a service's folder at one revision; the same `id` makes the same image."""

    id: str
    behaviour: Behaviour = GOOD
    scan: Scan = Scan.CLEAN


@dataclass(frozen=True, slots=True)
class Published:
    """From `at_ms` (elapsed) on it is known that these contents (by id) have a vulnerability."""

    at_ms: int
    id: str
    contents: tuple[str, ...]
    exploited: bool = False


@dataclass(frozen=True, slots=True)
class Push:
    """A revision that is pushed at `at_ms` (elapsed), with the content of every service."""

    at_ms: int
    contents: tuple[tuple[str, Content], ...]
    build_fails: bool = False
    tests_fail: bool = False


class Verb(StrEnum):
    """What an operator asks for."""

    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    ROLL_BACK = "rollback"
    SCALE = "scale"
    APPROVE = "approve"


@dataclass(frozen=True, slots=True)
class Ask:
    """A person asks for something, at a time (elapsed ms) or whenever a stage is entered.

    Stages of a service's first deployment, which has no way back, count for PROMOTE alone.
    """

    verb: Verb
    service: str
    at_ms: int | None = None
    stage: LifecycleStage | None = None
    desired: int = 1

    def request(self, execution: str) -> Request:
        """The request to the engine; `execution` is the newest one."""
        service, by = self.service, "operator"
        match self.verb:
            case Verb.ABORT:
                return Abort(service, by)
            case Verb.PAUSE:
                return Pause(service, by)
            case Verb.RESUME:
                return Resume(service, by)
            case Verb.PROMOTE:
                return Promote(service, by)
            case Verb.ROLL_BACK:
                return RollBack(service, None, by)
            case Verb.SCALE:
                return Scale(service, self.desired, by)
            case Verb.APPROVE:
                return Approve(execution, by)


@dataclass(frozen=True, slots=True)
class Options:
    """One run. Faults happen in the first `faulty_ms`; after that it must come to rest.

    `requests_per_second` is for each service, after what `moves` say of the first while.
    `tick_ms` is the longest wait between two looks. A storm strikes at every stage in `strikes`.
    Where nothing is `published`, nobody looks at the vulnerability data either.
    """

    seed: int
    app: App
    pushes: tuple[Push, ...]
    asks: tuple[Ask, ...] = ()
    chances: Chances = NONE
    crash: CrashPoint | None = None
    faulty_ms: int = 60_000
    requests_per_second: int = 40
    tick_ms: int = 200
    name: str = "random"
    published: tuple[Published, ...] = ()
    moves: tuple[Segment, ...] = ()
    strikes: tuple[LifecycleStage, ...] = ()

    @property
    def demand(self) -> Demand:
        """What is wanted of each service."""
        return Demand(Profile(self.moves) + constant(self.requests_per_second))

    def describe(self) -> str:
        """The choices of this run, in a few lines for a person."""
        lines = [f"seed {self.seed}: {self.name}, {self.requests_per_second} requests/s, "
                 f"a look every {self.tick_ms} ms, faults for {self.faulty_ms} ms"]  # fmt: skip
        for service in self.app.services:
            policy = service.deployment
            lines.append(
                f"  {service.name}: {service.count.desired} tasks, {policy.shift.name}, "
                f"bake {policy.bake_ms} ms, {len(policy.hooks)} hooks, {len(policy.checks)} checks"
            )
            if service.scaling.on:
                lines.append(f"    scaled by {service.scaling}")
        if self.moves:
            lines.append(f"  load {Profile(self.moves)}")
        if self.strikes:
            lines.append(f"  storms at {', '.join(self.strikes)}")
        for push in self.pushes:
            what = ", ".join(f"{s} {c.id} {c.behaviour.name}" for s, c in push.contents)
            lines.append(f"  at {push.at_ms} ms push {what}")
        for news in self.published:
            lines.append(f"  at {news.at_ms} ms {news.id} is known in {', '.join(news.contents)}")
        for ask in self.asks:
            lines.append(f"  at {ask.stage or ask.at_ms} {ask.verb} {ask.service}")
        calls = [f"{fate} {n} in 1000" for fate, n in self.chances.calls]
        mishaps = [f"{kind} each {gap} ms" for kind, gap in self.chances.mishaps]
        lines.append(f"  faults: {', '.join(calls + mishaps) or 'none'}")
        return "\n".join(lines)
