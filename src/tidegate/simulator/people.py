"""The people around a run: they push, ask for things at odd times, and tend what is paused."""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

from tidegate.core import decision as d
from tidegate.core.errors import TidegateError
from tidegate.core.model import LifecycleStage
from tidegate.core.requests import Abort, Resume, StartExecution
from tidegate.engine.loop import Engine
from tidegate.simulator.options import Ask, Options, Push, Verb
from tidegate.simulator.world import AnyWorld


class People:
    """They talk to `engine()`, which is None while no controller lives.

    `refused` counts what was asked and not granted.
    """

    def __init__(
        self, options: Options, world: AnyWorld[Any], engine: Callable[[], Engine | None]
    ) -> None:
        self.refused = 0
        self._options = options
        self._world = world
        self._engine = engine
        self._tended: set[str] = set()
        for push in options.pushes:
            world.clock.after(push.at_ms, partial(self.push, push))
        for ask in options.asks:
            if ask.at_ms is not None:
                world.clock.after(ask.at_ms, partial(self._ask, ask))

    def hear(self, event: d.Event) -> None:
        """Something was recorded; somebody may have waited for it."""
        match event:
            case d.StageEntered(deployment, stage):
                self._ask_at(deployment, stage)
            case d.DeploymentStarted(deployment):
                self._ask_at(deployment, LifecycleStage.PRE_SCALE_UP)
            case _:
                pass

    def tend(self) -> None:
        """Let what is paused go on, and abort what pauses again."""
        engine = self._engine()
        if engine is None:
            return
        for paused in engine.progress.deployments.values():
            if not paused.live or paused.paused_by is None or paused.promoted:
                continue
            if paused.rollback or paused.aborted_by:
                continue
            verb = Abort if paused.id in self._tended else Resume
            self._tended.add(paused.id)
            engine.ask(verb(paused.service, "operator"))

    def push(self, push: Push) -> None:
        """A push that meets no controller is pushed again a second later."""
        engine = self._engine()
        if engine is None:
            self._world.clock.after(1_000, partial(self.push, push))
            return
        number = engine.progress.next_id("execution")
        execution = f"e{number}"
        self._world.workshop.pushed[execution] = push
        commit = hashlib.sha1(f"{self._options.seed}/{number}".encode()).hexdigest()
        fields = (execution, commit, f"change {number}", "push", "developer", self._options.app)
        engine.ask(StartExecution(*fields))

    def _ask(self, ask: Ask) -> None:
        engine = self._engine()
        if engine is None:
            self.refused += 1
            return
        newest = list(engine.progress.executions)[-1:] or ["none"]
        try:
            engine.ask(ask.request(newest[0]))
        except TidegateError:
            self.refused += 1

    def _ask_at(self, deployment: str, stage: LifecycleStage) -> None:
        engine = self._engine()
        if engine is None:
            return
        moving = engine.progress.deployments[deployment]
        for ask in self._options.asks:
            meant = ask.stage is stage and ask.service == moving.service
            if meant and (moving.stable is not None or ask.verb is Verb.PROMOTE):
                self._world.clock.after(1, partial(self._ask, ask))
