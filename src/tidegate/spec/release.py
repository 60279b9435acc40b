"""The keys of a service that its tasks are made of: image, health, secrets, hardening, counts."""

from typing import Annotated, ClassVar

from pydantic import Field, model_validator

from tidegate.core import model
from tidegate.spec.keys import Keys, Short, conflict, key, many, named
from tidegate.spec.kinds import (
    Beat,
    FilePath,
    Folder,
    HeaderName,
    HeaderValue,
    Kind,
    Moment,
    Switch,
    UrlPath,
    UrlTarget,
    Variable,
    Written,
    shaped,
)
from tidegate.spec.units import time_text

BUILD = model.Build()
HEALTH = model.HealthCheck()
SECURITY = model.Security()
COUNT = model.TaskCount()


class BuildKeys(Short):
    """How the service's image is built. A plain value is the folder."""

    short: ClassVar[str] = "context"
    context: Folder = key(BUILD.context, "The folder of the revision that is built.", "cats")
    dockerfile: Folder = key(
        BUILD.dockerfile, "The Dockerfile, as a path inside that folder.", "Dockerfile.web"
    )
    args: dict[Variable, Written] = named(
        "Build arguments. They stay in the image's history: no secrets.", {"VERSION": "1.10"}
    )

    def core(self) -> model.Build:
        """As the core knows it."""
        return model.Build(self.context, self.dockerfile, tuple(sorted(self.args.items())))


class RouteKeys(Short):
    """Which requests are the service's. A plain value is the path."""

    short: ClassVar[str] = "path"
    path: UrlPath = key(
        "/", "The path and everything below it; the longest path that fits wins.", "/cats"
    )
    headers: dict[HeaderName, HeaderValue] = named(
        "Headers that the request must have, each with exactly this value.", {"x-beta": "on"}
    )

    @model_validator(mode="after")
    def _once_per_header(self) -> "RouteKeys":
        """HTTP's header names are the same in upper and lower case."""
        if len({name.lower() for name in self.headers}) < len(self.headers):
            raise conflict("a header is named twice", "keep one value for each header")
        return self

    def core(self) -> model.Route:
        """As the core knows it: no slash at the end, header names in lower case and in order."""
        headers = sorted((name.lower(), value) for name, value in self.headers.items())
        return model.Route(
            self.path.rstrip("/") or "/", tuple(model.Header(*header) for header in headers)
        )


class TaskKeys(Short):
    """How many tasks the service has. A plain value is `desired`."""

    short: ClassVar[str] = "desired"
    min: Annotated[int, Field(ge=1, le=1_000)] = key(
        COUNT.minimum, "Never fewer tasks than this.", 2
    )
    desired: Annotated[int, Field(ge=1, le=1_000)] | None = key(
        None,
        f"How many tasks a first deployment starts. Left out: {COUNT.desired}, within the bounds.",
        4,
    )
    max: Annotated[int, Field(ge=1, le=1_000)] | None = key(
        None,
        f"Never more tasks than this. Left out: {COUNT.maximum}, or as many as the other two ask.",
        20,
    )

    @model_validator(mode="after")
    def _in_order(self) -> "TaskKeys":
        count = self.core()
        if not count.minimum <= count.desired <= count.maximum:
            raise conflict(
                f"min {count.minimum}, desired {count.desired} and max {count.maximum} "
                "are not in this order",
                "write min ≤ desired ≤ max",
            )
        return self

    def core(self) -> model.TaskCount:
        """As the core knows it, with what was left out filled in."""
        desired, most = self.desired, self.max
        if desired is None:
            desired = max(COUNT.desired, self.min)
            desired = desired if most is None else min(desired, most)
        if most is None:
            most = max(COUNT.maximum, desired, self.min)
        return model.TaskCount(self.min, desired, most)


class HealthKeys(Short):
    """How a task shows that it is healthy: a 2xx or 3xx answer. A plain value is the path."""

    short: ClassVar[str] = "path"
    path: UrlTarget = key(HEALTH.path, "What is asked for with GET.", "/health")
    interval: Beat = key(time_text(HEALTH.interval_ms), "The time between two checks.", "5s")
    timeout: Beat = key(time_text(HEALTH.timeout_ms), "No answer in this time is a failure.", "2s")
    healthy_threshold: Annotated[int, Field(ge=1, le=10)] = key(
        HEALTH.healthy_threshold, "Passes in a row that make an unhealthy task healthy.", 3
    )
    unhealthy_threshold: Annotated[int, Field(ge=1, le=10)] = key(
        HEALTH.unhealthy_threshold, "Failures in a row that make a healthy task unhealthy.", 3
    )
    grace_period: Moment = key(
        time_text(HEALTH.grace_period_ms),
        "Failures of a new task do not count for this long.",
        "1m",
    )

    @model_validator(mode="after")
    def _answer_before_the_next(self) -> "HealthKeys":
        if self.timeout > self.interval:
            raise conflict(
                f"timeout {time_text(self.timeout)} is longer than "
                f"interval {time_text(self.interval)}",
                "make the interval at least as long as the timeout",
            )
        return self

    def core(self) -> model.HealthCheck:
        """As the core knows it."""
        return model.HealthCheck(
            self.path,
            self.interval,
            self.timeout,
            self.healthy_threshold,
            self.unhealthy_threshold,
            self.grace_period,
        )


class SecretKeys(Keys):
    """Where a secret is read from, when a task starts. Its value is never stored."""

    from_env: Variable | None = key(
        None, "A variable of the environment that Tidegate's daemon runs in.", "DB_PASSWORD"
    )
    from_file: FilePath | None = key(
        None, "A file on the machine that runs the tasks.", "/etc/catsndogs/db-password"
    )

    @model_validator(mode="after")
    def _one_source(self) -> "SecretKeys":
        if (self.from_env is None) is (self.from_file is None):
            raise conflict(
                "a secret has one source", "write either {from_env: NAME} or {from_file: PATH}"
            )
        return self

    def core(self, name: str) -> model.Secret:
        """As the core knows it."""
        source = f"env:{self.from_env}" if self.from_env else f"file:{self.from_file}"
        return model.Secret(name, source)


def _user(value: object) -> object:
    return str(value) if type(value) is int and value >= 0 else _USER.read(value)


_USER = shaped("[a-z0-9_][a-z0-9_.-]{0,31}(?::[a-z0-9_][a-z0-9_.-]{0,31})?", "")
_USER_SCHEMA = (("anyOf", [{"type": "integer", "minimum": 0}, dict(_USER.schema)]),)
User = Annotated[str, Kind("a user or `user:group`, by name or number", _USER_SCHEMA, _user)]
Mount = Annotated[str, shaped(r"/[A-Za-z0-9._/-]+", "an absolute path in the container")]
Capability = Annotated[
    str, shaped("(?!ALL$|CAP_)[A-Z][A-Z_]{1,30}", "a capability without `CAP_`, but not `ALL`")
]


class SecurityKeys(Keys):
    """The hardening of the service's containers. By default everything is taken away."""

    user: User | None = key(None, "The user that runs it. Left out: the image's own.", "101:101")
    read_only: Switch = key(SECURITY.read_only, "Whether the image's files are read-only.", False)
    tmpfs: list[Mount] = key(
        list(SECURITY.tmpfs), "Folders in memory that can be written.", ["/tmp", "/var/cache/nginx"]
    )
    capabilities: list[Capability] = many("Capabilities that are given back.", ["CHOWN", "SETUID"])
    pids_limit: Annotated[int, Field(ge=1, le=100_000)] = key(
        SECURITY.pids_limit, "The most processes and threads.", 512
    )

    def core(self) -> model.Security:
        """As the core knows it."""
        return model.Security(
            self.user, self.read_only, tuple(self.tmpfs), tuple(self.capabilities), self.pids_limit
        )
