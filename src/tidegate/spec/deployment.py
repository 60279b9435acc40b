"""The keys of `deployment`: how a service moves from its stable release to a candidate."""

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from tidegate.core import model
from tidegate.core.model import LifecycleStage, OnUnknown, RollbackEvent
from tidegate.spec.keys import Keys, Short, conflict, key, many, needed, part
from tidegate.spec.kinds import (
    Beat,
    Command,
    Label,
    Moment,
    Span,
    Switch,
    UrlTarget,
    Written,
    one_of,
    shaped,
)
from tidegate.spec.strategy import StrategyKeys
from tidegate.spec.units import time_text

POLICY = model.DeploymentPolicy()
CHECK = model.TrafficCheck("/")
HOOK = model.Hook(LifecycleStage.PRE_SCALE_UP, "")

HOOKED = tuple(
    stage
    for stage in LifecycleStage
    if stage not in (LifecycleStage.SCALE_UP, LifecycleStage.BAKE_TIME, LifecycleStage.CLEAN_UP)
)
"""The stages that may have hooks (ECS developer guide, "Lifecycle hooks")."""

_NO_PAUSE = (LifecycleStage.TEST_TRAFFIC_SHIFT, LifecycleStage.PRODUCTION_TRAFFIC_SHIFT)
"""Stages that may not have a PAUSE hook (ECS developer guide, "Pause lifecycle hooks")."""


class CheckKeys(Short):
    """A smoke check of the candidate on the test listener. A plain value is the path."""

    short: ClassVar[str] = "path"
    path: UrlTarget = needed("What is asked for with GET.", "/cats")
    status: Annotated[int, Field(ge=100, le=599)] = key(
        CHECK.status, "The status that the answer must have.", 204
    )
    contains: Written | None = key(None, "Text that the answer must contain.", "<h1>Cats</h1>")
    timeout: Beat = key(time_text(CHECK.timeout_ms), "No answer in this time is a failure.", "5s")
    attempts: Annotated[int, Field(ge=1, le=100)] = key(
        CHECK.attempts, "How often it is tried before it fails.", 5
    )

    def core(self) -> model.TrafficCheck:
        """As the core knows it."""
        return model.TrafficCheck(
            self.path, self.status, self.contains, self.timeout, self.attempts
        )


class HookKeys(Keys):
    """Something to do at a lifecycle stage: a command, a web call, or a wait for `promote`."""

    stage: Annotated[str, one_of(*HOOKED)] = needed(
        "The stage, by ECS's name.", "POST_TEST_TRAFFIC_SHIFT"
    )
    name: Label = needed("A name for it, the only one of its stage.", "smoke-test")
    command: Command = key((), "A command to run; exit 0 is success.", ["./smoke-test", "--quick"])
    url: Annotated[str, shaped(r"https?://[!-~]+", "an http or https address", 2_000)] | None = key(
        None, "An address to call; a 2xx answer is success.", "http://127.0.0.1:9000/hook"
    )
    pause: Switch = key(False, "Wait until somebody says `tidegate promote`.", True)
    timeout: Span = key(
        time_text(HOOK.timeout_ms), "Not done in this time: the deployment rolls back.", "5m"
    )

    @model_validator(mode="after")
    def _one_thing_to_do(self) -> "HookKeys":
        if sum((bool(self.command), self.url is not None, self.pause)) != 1:
            raise conflict("a hook does one thing", "write one of command, url and pause: true")
        if self.pause and self.stage in _NO_PAUSE:
            raise conflict(
                f"{self.stage} cannot have a pause hook",
                "pause at a stage beside it, or hold the traffic with a step of the strategy",
            )
        return self

    def core(self) -> model.Hook:
        """As the core knows it."""
        stage = LifecycleStage(self.stage)
        return model.Hook(stage, self.name, self.command, self.url, self.pause, self.timeout)


class AnalysisKeys(Short):
    """The comparison with stable: growing evidence holds the weight. A plain value is `enabled`."""

    short: ClassVar[str] = "enabled"
    enabled: Switch = key(POLICY.analysis.enabled, "Whether they are compared.", False)
    false_rollback_rate: Annotated[float, Field(gt=0, lt=1)] = key(
        POLICY.analysis.false_rollback_rate,
        "The chance that an equal release is rolled back, at most.",
        0.05,
    )
    error_margin: Annotated[float, Field(ge=0, le=1)] = key(
        POLICY.analysis.error_margin,
        "A smaller difference in the share of failed requests never rolls back.",
        0.01,
    )
    slow_margin: Annotated[float, Field(ge=0, le=1)] = key(
        POLICY.analysis.slow_margin,
        "A smaller difference in the share of slow requests never rolls back.",
        0.1,
    )
    warm_up: Moment = key(
        time_text(POLICY.analysis.warm_up_ms), "The candidate's first traffic is left out.", "10s"
    )

    def core(self) -> model.AnalysisPolicy:
        """As the core knows it."""
        return model.AnalysisPolicy(
            self.enabled,
            self.false_rollback_rate,
            self.error_margin,
            self.slow_margin,
            self.warm_up,
        )


class BreakerKeys(Keys):
    """How many failed task starts fail a deployment: a percentage of `desired`, within bounds."""

    percent: Annotated[int, Field(ge=1, le=100)] = key(
        POLICY.breaker.percent, "The share of the desired tasks, rounded up.", 30
    )
    min: Annotated[int, Field(ge=1, le=1_000)] = key(
        POLICY.breaker.minimum, "Never fewer failures than this.", 1
    )
    max: Annotated[int, Field(ge=1, le=1_000)] = key(
        POLICY.breaker.maximum, "Never more failures than this.", 10
    )

    def core(self) -> model.Breaker:
        """As the core knows it."""
        return model.Breaker(self.percent, self.min, self.max)


class DeploymentKeys(Keys):
    """How a service moves from its stable release to a candidate."""

    strategy: StrategyKeys = key(
        POLICY.shift.name, "The timetable of the traffic shift.", "ECSCanary10Percent5Minutes"
    )
    bake: Moment = key(
        time_text(POLICY.bake_ms), "How long the old release is kept with all traffic gone.", "5m"
    )
    checks: list[CheckKeys] = many(
        "Smoke checks on the test listener, before production traffic.", ["/cats"]
    )
    hooks: list[HookKeys] = many(
        "What else is to be done at the lifecycle stages.",
        [{"stage": "POST_SCALE_UP", "name": "warm", "command": "./warm-cache"}],
    )
    rollback_on: list[Annotated[str, one_of(*RollbackEvent)]] = key(
        sorted(event.value for event in POLICY.rollback_on),
        "What rolls back; anything else pauses the deployment. An abort always rolls back.",
        ["DEPLOYMENT_FAILURE"],
    )
    analysis: AnalysisKeys = part(
        AnalysisKeys, "The comparison of the candidate with the stable release.", False
    )
    breaker: BreakerKeys = part(
        BreakerKeys, "How many failed task starts fail the deployment.", {"percent": 30}
    )
    scale_up_timeout: Span = key(
        time_text(POLICY.scale_up_timeout_ms),
        "A stage that gets nowhere for this long fails.",
        "5m",
    )
    on_unknown: Annotated[str, one_of(*OnUnknown)] = key(
        POLICY.on_unknown.value, "What to do while alarms or metrics have no data.", "proceed"
    )

    @model_validator(mode="after")
    def _hooks_apart(self) -> "DeploymentKeys":
        places = [(hook.stage, hook.name) for hook in self.hooks]
        twice = next((place for place in places if places.count(place) > 1), None)
        if twice:
            raise conflict(
                f"two hooks of {twice[0]} are named {twice[1]}",
                "give every hook of a stage a name of its own",
            )
        return self

    def core(self) -> model.DeploymentPolicy:
        """As the core knows it."""
        return model.DeploymentPolicy(
            self.strategy.core(),
            self.bake,
            tuple(check.core() for check in self.checks),
            tuple(hook.core() for hook in self.hooks),
            frozenset(RollbackEvent(event) for event in self.rollback_on),
            self.analysis.core(),
            self.breaker.core(),
            self.scale_up_timeout,
            OnUnknown(self.on_unknown),
        )


def merged(app_wide: DeploymentKeys, own: DeploymentKeys) -> DeploymentKeys:
    """The app-wide policy with what a service says itself; lists and strategies are replaced."""
    changes: dict[str, object] = {name: getattr(own, name) for name in own.model_fields_set}
    for name in ("analysis", "breaker"):
        mine: Keys = getattr(own, name)
        said = {inner: getattr(mine, inner) for inner in mine.model_fields_set}
        changes[name] = getattr(app_wide, name).model_copy(update=said)
    return app_wide.model_copy(update=changes)
