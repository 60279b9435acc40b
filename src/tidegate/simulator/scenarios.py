"""Named stories: one change of a service under load, and how it must end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from tidegate.core.decision import Outcome
from tidegate.core.model import (
    Alarm,
    App,
    DeploymentPolicy,
    HealthCheck,
    LifecycleStage,
    MissingData,
    Service,
    Shift,
    TaskCount,
    Waiver,
)
from tidegate.core.provider import Capacity, Provider, ProviderKind, StrategyItem
from tidegate.core.traffic import linear
from tidegate.simulator import behaviour as b
from tidegate.simulator.advisories import OWN
from tidegate.simulator.clock import EPOCH_MS
from tidegate.simulator.faults import Chances, CrashPoint, Mishap
from tidegate.simulator.options import Ask, Content, Options, Published, Push, Scan, Verb

SERVICE = "cats"
PUSHED_AT_MS = 8_000
"""When the second revision comes, onto a service that serves the first."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A story for any seed. `outcome` is how the deployment of its second revision must end.

    None: it may end either way, or never start.
    """

    name: str
    says: str
    options: Callable[[int], Options]
    outcome: Outcome | None


def app(shift: Shift, bake_ms: int, tasks: int) -> App:
    """One service, with an alarm on its share of 5xx answers, and the comparison on."""
    policy = DeploymentPolicy(shift=shift, bake_ms=bake_ms, scale_up_timeout_ms=20_000)
    service = Service(
        SERVICE,
        count=TaskCount(1, tasks, 6),
        health=HealthCheck(grace_period_ms=4_000),
        deployment=policy,
        stop_grace_ms=2_000,
        drain_timeout_ms=5_000,
    )
    alarm = Alarm(
        "errors", "ErrorPercent", threshold=50, period_ms=2_000,
        treat_missing_data=MissingData.NOT_BREACHING,
    )  # fmt: skip
    return App("shop", (service,), alarms=(alarm,))


CLOUDY = Capacity(
    (
        Provider("on-demand", cpu_units=512, memory_mib=256, maximum=20, launch_ms=1_000),
        Provider(
            "spot", ProviderKind.SPOT, cpu_units=512, memory_mib=256, maximum=20, launch_ms=1_000
        ),
    ),
    (StrategyItem("on-demand", 1, 1), StrategyItem("spot", 0, 4)),
    interruption_notice_ms=20_000, idle_ms=4_000, backoff_ms=3_000, backoff_most_ms=9_000,
    return_after_ms=3_000, return_every_ms=1_000,
)  # fmt: skip
"""Instances of two tasks each, one task on demand, four of five of the rest on spot."""
SLOWLY = app(linear(1_000, 2_000), bake_ms=6_000, tasks=3)
"""10 % more each two seconds: enough requests on both sides for the comparison to tell."""
QUICKLY = app(linear(5_000, 1_000), bake_ms=4_000, tasks=2)
"""Two steps, for stories that are run hundreds of times."""


def change(seed: int, release: Content | b.Behaviour = b.GOOD, app: App = SLOWLY) -> Options:
    """A good release serves; this one is pushed. No faults, 100 requests a second."""
    content = Content("two", release) if isinstance(release, b.Behaviour) else release
    return Options(
        seed,
        app,
        (Push(0, ((SERVICE, Content("one")),)), Push(PUSHED_AT_MS, ((SERVICE, content),))),
        faulty_ms=PUSHED_AT_MS + 1_000,
        requests_per_second=100,
    )


def _asked(verb: Verb, stage: LifecycleStage) -> Callable[[int], Options]:
    ask = Ask(verb, SERVICE, stage=stage)
    return lambda seed: replace(change(seed), asks=(ask,))


def _with(chances: Chances) -> Callable[[int], Options]:
    return lambda seed: replace(change(seed), chances=chances, faulty_ms=40_000)


def _stormy(kind: Mishap) -> Callable[[int], Options]:
    """Nothing else goes wrong: whatever fails is the controller's."""
    weather = Chances(mishaps=((kind, 9_000),))
    calm = replace(SLOWLY, capacity=CLOUDY)
    return lambda seed: replace(change(seed, app=calm), chances=weather, faulty_ms=60_000)


def _crashed(seed: int) -> Options:
    return replace(change(seed), crash=CrashPoint(20 + seed % 20, after=seed % 2 == 0))


def _waived(seed: int, for_ms: int, app: App = SLOWLY) -> Options:
    """A vulnerable release whose finding is waived for so long from the start."""
    waiver = Waiver(OWN, "not reachable", "ann", EPOCH_MS + for_ms)
    waiving = replace(app, gate=replace(app.gate, waivers=(waiver,)))
    return change(seed, Content("two", scan=Scan.VULNERABLE), waiving)


def _waits(seed: int) -> Options:
    """The first release is approved at once, the second long after its waiver has ended."""
    app = replace(SLOWLY, pipeline=replace(SLOWLY.pipeline, approval=True))
    until_ms = PUSHED_AT_MS + 6_000
    early = (Ask(Verb.APPROVE, SERVICE, at_ms) for at_ms in range(1_000, PUSHED_AT_MS, 500))
    late = (Ask(Verb.APPROVE, SERVICE, until_ms + after_ms) for after_ms in (5_000, 9_000))
    return replace(_waived(seed, until_ms, app), asks=(*early, *late), faulty_ms=until_ms + 10_000)


def _known(seed: int, news: Published) -> Options:
    return replace(change(seed), published=(news,))


def _of(behaviour: b.Behaviour, says: str) -> Scenario:
    outcome = Outcome.ROLLED_BACK if behaviour.bad else Outcome.SUCCEEDED
    name = f"{behaviour.name.replace(' ', '-')}-release"
    return Scenario(name, says, lambda seed: change(seed, behaviour), outcome)


_ABORTED = tuple(
    Scenario(
        f"abort-at-{stage.lower().replace('_', '-')}",
        f"somebody aborts when {stage} is entered",
        _asked(Verb.ABORT, stage),
        Outcome.SUCCEEDED if stage is LifecycleStage.CLEAN_UP else Outcome.ROLLED_BACK,
    )
    for stage in LifecycleStage
)

_ALL = (
    _of(b.GOOD, "an equal release goes through"),
    _of(b.failing(0.1), "10 % of its requests fail"),
    _of(b.slow(3), "it takes three times as long"),
    _of(b.CRASH_LOOP, "its tasks exit before they are ready"),
    _of(b.NEVER_HEALTHY, "its tasks never pass a health check"),
    _of(b.leaking(3_000), "the kernel kills its tasks for their memory"),
    _of(b.weak_under_load(6), "it fails once a task gets 6 requests a second"),
    Scenario(
        "vulnerable-release",
        "the scan finds a critical vulnerability",
        lambda seed: change(seed, Content("two", scan=Scan.VULNERABLE)),
        None,
    ),
    Scenario(
        "unknown-release",
        "the scanner cannot tell what is in it",
        lambda seed: change(seed, Content("two", scan=Scan.UNKNOWN)),
        None,
    ),
    Scenario(
        "waived-release",
        "what the scan finds is waived",
        lambda seed: _waived(seed, 3_600_000),
        Outcome.SUCCEEDED,
    ),
    Scenario(
        "waiver-ends-while-it-waits",
        "the waiver ends before somebody approves",
        _waits,
        None,
    ),
    Scenario(
        "inherited-vulnerability",
        "data that comes later finds the same in what runs and in what is pushed",
        lambda seed: _known(seed, Published(4_000, "CVE-2024-0002", ("one", "two"))),
        Outcome.SUCCEEDED,
    ),
    Scenario(
        "inherited-and-exploited",
        "the same, but it is exploited, and so counts all the same",
        lambda seed: _known(seed, Published(4_000, "CVE-2024-0003", ("one", "two"), True)),
        None,
    ),
    Scenario(
        "news-of-what-runs",
        "data that comes later finds something in what runs; nothing happens but an alarm",
        lambda seed: _known(seed, Published(4_000, "CVE-2024-0004", ("one",))),
        Outcome.SUCCEEDED,
    ),
    Scenario("controller-crash", "the controller dies between two effects", _crashed,
             Outcome.SUCCEEDED),
    Scenario(
        "controller-keeps-crashing",
        "it dies every few seconds",
        _with(Chances(mishaps=((Mishap.CONTROLLER_CRASH, 4_000),))),
        Outcome.SUCCEEDED,
    ),
    Scenario(
        "balancer-restart",
        "HAProxy loses what was set at run time, again and again",
        _with(Chances(mishaps=((Mishap.BALANCER_RESTART, 6_000),))),
        None,
    ),
    Scenario(
        "engine-down",
        "the container engine answers nothing for seconds",
        _with(Chances(mishaps=((Mishap.ENGINE_DOWN, 8_000),))),
        Outcome.SUCCEEDED,
    ),
    Scenario("promoted", "somebody promotes during the shift",
             _asked(Verb.PROMOTE, LifecycleStage.PRODUCTION_TRAFFIC_SHIFT), Outcome.SUCCEEDED),
    Scenario("paused", "somebody pauses it during the shift, and somebody lets it go on",
             _asked(Verb.PAUSE, LifecycleStage.PRODUCTION_TRAFFIC_SHIFT), Outcome.SUCCEEDED),
    *_ABORTED,
    Scenario("spot-storms", "most of its spot instances are taken back, again and again",
             _stormy(Mishap.SPOT_STORM), Outcome.SUCCEEDED),
    Scenario("spot-lost", "spot instances go without a notice",
             _stormy(Mishap.INSTANCE_LOST), Outcome.SUCCEEDED),
)  # fmt: skip

SCENARIOS: Mapping[str, Scenario] = MappingProxyType({scenario.name: scenario for scenario in _ALL})
"""Every story by its name."""
