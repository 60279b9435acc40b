"""The keys of one service."""

from typing import Annotated

from pydantic import Field, model_validator

from tidegate.core import model
from tidegate.spec.capacity import StrategyItemKeys
from tidegate.spec.deployment import DeploymentKeys, merged
from tidegate.spec.keys import Keys, conflict, key, many, named, part
from tidegate.spec.kinds import Command, Memory, Moment, Switch, Variable, Written, shaped
from tidegate.spec.release import (
    BuildKeys,
    HealthKeys,
    RouteKeys,
    SecretKeys,
    SecurityKeys,
    TaskKeys,
)
from tidegate.spec.scaling import ScalingKeys
from tidegate.spec.units import size_text, time_text

SERVICE = model.Service("service")
Image = Annotated[
    str, shaped(r"[a-z0-9][A-Za-z0-9._:/@-]*", "the reference of an image, such as `nginx:1.27`")
]


class ServiceKeys(Keys):
    """One service of the app: an image, its tasks, and the requests that they answer."""

    build: BuildKeys | None = key(
        None,
        "The folder with the Dockerfile. Without `build` and `image` it is the revision's root.",
        "cats",
    )
    image: Image | None = key(None, "A ready image, in place of `build`.", "nginx:1.27")
    port: Annotated[int, Field(ge=1, le=65_535)] = key(
        SERVICE.port, "The port that the container listens on, for HTTP.", 8000
    )
    route: RouteKeys | None = key(
        None, "The requests that it answers. An app's only service answers all: `/`.", "/cats"
    )
    routes: list[RouteKeys] | None = key(
        None, "Several routes, in place of `route`.", ["/cats", "/kittens"]
    )
    cpu: Annotated[int, Field(ge=16, le=196_608)] = key(
        SERVICE.cpu_units, "CPU units of each task; 1024 are one core.", 512
    )
    memory: Memory = key(
        size_text(SERVICE.memory_mib), "Memory of each task; more than this is killed.", "256MiB"
    )
    tasks: TaskKeys = part(TaskKeys, "How many tasks it has.", 4)
    scaling: ScalingKeys = part(
        ScalingKeys, "What changes the number of tasks while it runs.", {"target": 50}
    )
    health: HealthKeys = part(HealthKeys, "How a task shows that it is healthy.", "/health")
    command: Command = key((), "The command in place of the image's own.", "gunicorn app:main")
    environment: dict[Variable, Written] = named(
        "Variables of the container. Not for secrets: releases show them.", {"LOG_LEVEL": "info"}
    )
    secrets: dict[Variable, SecretKeys] = named(
        "Variables whose values are read where the task starts.",
        {"DB_PASSWORD": {"from_env": "DB_PASSWORD"}},
    )
    security: SecurityKeys = part(
        SecurityKeys, "The hardening of the containers.", {"read_only": False}
    )
    test: Command = key((), "A command run inside the new image; exit 0 passes.", "pytest -q")
    deployment: DeploymentKeys = part(
        DeploymentKeys,
        "How this service moves to a candidate, where it differs from the app's `deployment`.",
        {"strategy": "ECSAllAtOnce"},
    )
    drain: Moment = key(
        time_text(SERVICE.drain_timeout_ms),
        "How long requests under way may go on when a task leaves.",
        "2m",
    )
    stop_grace: Moment = key(
        time_text(SERVICE.stop_grace_ms),
        "The time from asking a task to stop to killing it.",
        "30s",
    )
    sticky: Switch = key(
        SERVICE.sticky, "Whether a client stays with one release during a shift.", True
    )
    retry_unsafe: Switch = key(
        SERVICE.retry_unsafe,
        "Whether the balancer may send a failed POST again; only if twice does no harm.",
        True,
    )
    capacity_provider_strategy: list[StrategyItemKeys] = many(
        "Which capacity providers its tasks go to, where it differs from the app's default.",
        [{"capacity_provider": "on-demand", "base": 1}, {"capacity_provider": "spot", "weight": 4}],
    )

    @model_validator(mode="after")
    def _one_way(self) -> "ServiceKeys":
        if self.build is not None and self.image is not None:
            raise conflict("both build and image are given", "keep one of them")
        if self.route is not None and self.routes is not None:
            raise conflict("both route and routes are given", "move the route into routes")
        if self.routes == []:
            raise conflict("routes is empty", "write at least one route")
        both = sorted(set(self.environment) & set(self.secrets))
        if both:
            raise conflict(
                f"{both[0]} is both in environment and in secrets", "keep one of the two"
            )
        return self

    @property
    def own_routes(self) -> tuple[RouteKeys, ...]:
        """The routes that the file gives it; none when it is to have the default."""
        return tuple(self.routes or ()) if self.route is None else (self.route,)

    def core(self, name: str, app_wide: DeploymentKeys) -> model.Service:
        """As the core knows it; without a route it answers `/`."""
        build = model.Build(image=self.image) if self.image else (self.build or BuildKeys()).core()
        return model.Service(
            name=name,
            port=self.port,
            build=build,
            routes=tuple(route.core() for route in self.own_routes) or SERVICE.routes,
            cpu_units=self.cpu,
            memory_mib=self.memory,
            count=self.tasks.core(),
            health=self.health.core(),
            command=self.command,
            environment=tuple(sorted(self.environment.items())),
            secrets=tuple(secret.core(name) for name, secret in sorted(self.secrets.items())),
            security=self.security.core(),
            test=self.test,
            deployment=merged(app_wide, self.deployment).core(),
            stop_grace_ms=self.stop_grace,
            drain_timeout_ms=self.drain,
            sticky=self.sticky,
            retry_unsafe=self.retry_unsafe,
            capacity_provider_strategy=tuple(i.core() for i in self.capacity_provider_strategy),
            scaling=self.scaling.core(),
        )
