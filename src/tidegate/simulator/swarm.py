"""Options from a seed, swarm style: each run has only some of the features and faults."""

from dataclasses import replace
from random import Random

from tidegate.core.model import (
    DAY_MS,
    Alarm,
    AlarmScope,
    App,
    DeploymentPolicy,
    GateMode,
    GatePolicy,
    HealthCheck,
    Hook,
    LifecycleStage,
    MissingData,
    OnUnknown,
    PipelinePolicy,
    Route,
    Service,
    TaskCount,
    TrafficCheck,
    UnknownRule,
    Waiver,
)
from tidegate.core.traffic import all_at_once, canary, linear
from tidegate.simulator import behaviour as b
from tidegate.simulator.advisories import OWN
from tidegate.simulator.clock import EPOCH_MS
from tidegate.simulator.faults import NONE, Chances, Fate, Mishap
from tidegate.simulator.options import Ask, Content, Options, Published, Push, Scan, Verb
from tidegate.simulator.rng import Rng
from tidegate.simulator.swarm_capacity import strikes, weather, with_capacity
from tidegate.simulator.swarm_scaling import moving, with_scaling

_SHIFTS = (
    linear(2_500, 2_000), linear(1_000, 1_000), linear(3_300, 1_500), canary(1_000, 5_000),
    canary(500, 3_000), all_at_once(),
)  # fmt: skip

_BAD = (
    b.failing(0.05), b.failing(0.3), b.failing(1.0), b.slow(3), b.slow(8), b.CRASH_LOOP,
    b.NEVER_HEALTHY, b.leaking(2_000), b.leaking(9_000), b.weak_under_load(8),
    b.Behaviour("fails its hook", fails_hooks=True),
)  # fmt: skip

_GOOD = (b.GOOD, b.GOOD, b.Behaviour(graceful=False), b.Behaviour(ready_ms=2_000))

_CALLS = (
    (Fate.LOST, 40), (Fate.SILENTLY_LOST, 20), (Fate.UNTOLD, 40), (Fate.LATE, 40),
    (Fate.TWICE, 40), (Fate.CRASH_BEFORE, 15), (Fate.CRASH_AFTER, 15),
)  # fmt: skip

_MISHAPS = (
    (Mishap.STALE_TASKS, 15_000), (Mishap.STALE_BALANCER, 15_000), (Mishap.METRICS_LOST, 20_000),
    (Mishap.METRICS_LATE, 20_000), (Mishap.ENGINE_DOWN, 30_000), (Mishap.BALANCER_RESTART, 40_000),
    (Mishap.TASK_CRASH, 15_000), (Mishap.TASK_HANG, 20_000), (Mishap.CONTROLLER_CRASH, 15_000),
    (Mishap.CLOCK_JUMP, 40_000),
)  # fmt: skip


def draw(seed: int) -> Options:
    """The options of this seed. Every part has a stream of its own."""
    rng = Rng(seed)
    app = _app(rng("app"))
    app = replace(app, gate=_gate(rng("gate"), app.gate))
    app = with_capacity(app, rng("capacity"))
    rps = rng("load").choice((10, 30, 30, 60))
    app = with_scaling(app, rng("scaling"), rps)
    pushes = _pushes(rng("pushes"), app)
    faulty_ms = pushes[-1].at_ms + rng("end").randrange(5_000, 30_000)
    chances = weather(_chances(rng("chances")), app, rng("weather"))
    scaled = any(service.scaling.on for service in app.services)
    return Options(
        seed,
        app,
        pushes,
        _asks(rng("asks"), app, pushes),
        chances,
        faulty_ms=faulty_ms,
        requests_per_second=rps,
        tick_ms=1_000 if scaled else rng("tick").choice((200, 200, 500, 1_000)),
        published=_published(rng("advisories"), pushes),
        moves=moving(rng("moves"), app, rps, faulty_ms),
        strikes=strikes(chances, rng("strikes")),
    )


def _app(rng: Random) -> App:
    names = ("cats", "dogs")[: rng.choice((1, 1, 2))]
    alarms = (_alarm(rng),) if rng.random() < 0.4 else ()
    return App(
        "shop",
        tuple(_service(rng, name) for name in names),
        alarms=alarms,
        gate=GatePolicy(rng.choice((GateMode.ENFORCE, GateMode.ENFORCE, GateMode.OFF))),
        pipeline=PipelinePolicy(
            approval=rng.random() < 0.1, approval_timeout_ms=8_000, stage_timeout_ms=20_000
        ),
        retention=rng.choice((1, 2, 5)),
    )


def _gate(rng: Random, gate: GatePolicy) -> GatePolicy:
    """Mostly the default policy; now and then another, and a waiver that may end on the way."""
    ends_ms = EPOCH_MS + rng.choice((5_000, 20_000, DAY_MS))
    waivers = (Waiver(OWN, "not reachable", "ann", ends_ms),)
    return replace(
        gate,
        new_only=rng.random() < 0.8,
        on_unknown=rng.choice((UnknownRule.REFUSE, UnknownRule.REFUSE, UnknownRule.WARN)),
        waivers=waivers if rng.random() < 0.3 else (),
    )


def _published(rng: Random, pushes: tuple[Push, ...]) -> tuple[Published, ...]:
    """In half of the runs something becomes known of some of the contents while they run."""
    known = sorted({content.id for push in pushes for _, content in push.contents})
    news = []
    for number in range(rng.choice((0, 0, 1, 2))):
        at_ms = rng.randrange(0, pushes[-1].at_ms + 5_000)
        contents = tuple(rng.sample(known, rng.randrange(1, len(known) + 1)))
        news.append(Published(at_ms, f"CVE-2024-100{number}", contents, rng.random() < 0.2))
    return tuple(news)


def _alarm(rng: Random) -> Alarm:
    return Alarm(
        "errors",
        "ErrorPercent",
        threshold=20,
        period_ms=rng.choice((1_000, 5_000)),
        evaluation_periods=2,
        datapoints_to_alarm=rng.choice((1, 2)),
        treat_missing_data=rng.choice((MissingData.NOT_BREACHING, MissingData.MISSING)),
        scope=rng.choice((AlarmScope.CANDIDATE, AlarmScope.SERVICE)),
    )


def _service(rng: Random, name: str) -> Service:
    desired = rng.choice((1, 2, 2, 3, 4))
    return Service(
        name,
        routes=(Route(f"/{name}"),),
        count=TaskCount(1, desired, 6),
        health=HealthCheck(grace_period_ms=rng.choice((3_000, 5_000))),
        test=("make", "test") if rng.random() < 0.3 else (),
        deployment=DeploymentPolicy(
            shift=rng.choice(_SHIFTS),
            bake_ms=rng.choice((0, 2_000, 6_000)),
            checks=(TrafficCheck("/"),) if rng.random() < 0.3 else (),
            hooks=_hooks(rng),
            scale_up_timeout_ms=rng.choice((15_000, 30_000)),
            on_unknown=rng.choice((OnUnknown.HOLD, OnUnknown.HOLD, OnUnknown.PROCEED)),
        ),
        stop_grace_ms=rng.choice((1_000, 5_000)),
        drain_timeout_ms=rng.choice((2_000, 6_000)),
    )


def _hooks(rng: Random) -> tuple[Hook, ...]:
    hooks = []
    bare = (LifecycleStage.SCALE_UP, LifecycleStage.BAKE_TIME, LifecycleStage.CLEAN_UP)
    stages = [stage for stage in LifecycleStage if stage not in bare]
    if rng.random() < 0.3:
        hooks.append(Hook(rng.choice(stages), "verify", command=("verify",), timeout_ms=5_000))
    if rng.random() < 0.1:
        hooks.append(Hook(rng.choice(stages), "ask", pause=True, timeout_ms=6_000))
    return tuple(hooks)


def _pushes(rng: Random, app: App) -> tuple[Push, ...]:
    """A first revision that is mostly good, and one to three more."""
    median_us = rng.choice((20_000, 20_000, 120_000))

    def content(name: str, bad: float) -> Content:
        behaviour = rng.choice(_BAD) if rng.random() < bad else rng.choice(_GOOD)
        scan = rng.choices((Scan.CLEAN, Scan.VULNERABLE, Scan.UNKNOWN), (94, 4, 2))[0]
        return Content(name, replace(behaviour, median_us=median_us), scan)

    first = {s.name: content(f"{s.name}-1", bad=0.05) for s in app.services}
    pushes = [Push(0, tuple(first.items()))]
    at_ms = 0
    contents = first
    for number in range(2, rng.choice((3, 4, 5))):
        at_ms += rng.randrange(500, rng.choice((3_000, 40_000, 40_000)))
        changed = rng.sample(sorted(contents), rng.randrange(1, len(contents) + 1))
        contents = contents | {s: content(f"{s}-{number}", bad=0.5) for s in changed}
        build_fails, tests_fail = rng.random() < 0.04, rng.random() < 0.04
        pushes.append(Push(at_ms, tuple(contents.items()), build_fails, tests_fail))
    return tuple(pushes)


def _asks(rng: Random, app: App, pushes: tuple[Push, ...]) -> tuple[Ask, ...]:
    """Somebody to promote at most pauses, and others who ask for things soon after a push."""
    asks = [
        Ask(Verb.PROMOTE, service.name, stage=hook.stage)
        for service in app.services
        for hook in service.deployment.hooks
        if hook.pause and rng.random() < 0.8
    ]
    for _ in range(rng.choice((0, 0, 1, 2, 4))):
        service, push = rng.choice(app.services).name, rng.choice(pushes)
        at_ms = push.at_ms + rng.randrange(500, 15_000)
        verb = rng.choice((*Verb, Verb.ABORT))
        asks.append(Ask(verb, service, at_ms, desired=rng.randrange(1, 6)))
    return tuple(asks)


def _chances(rng: Random) -> Chances:
    """One run in six is spared, so that the good is seen to go well."""
    if rng.random() < 1 / 6:
        return NONE
    factor = rng.choice((1, 1, 2, 3))
    calls = tuple((fate, n * factor // 2) for fate, n in _CALLS if rng.random() < 0.4)
    mishaps = tuple((kind, gap // factor) for kind, gap in _MISHAPS if rng.random() < 0.4)
    return Chances(calls, mishaps)
