"""The targets in HAProxy's configuration: one `server` line each, in the section of its group.

The file is the memory. A cold start or a reload comes up with the targets that stand there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tidegate.local.haproxy.routing import of_group

# A dead target is found by the requests themselves or by a look each half second, and is back with
# the first look that succeeds. The looks only connect: whether a task is well is the engine's
# business, by the health check of the task's own release, which this file cannot know.
# `test_balancer_drops` kills and stops targets under load, and no request fails. The pool is
# named because a server added at run time has none otherwise: a new connection for each request.
OPTIONS = (
    "check inter 500ms fastinter 100ms downinter 100ms fall 2 rise 1 "
    "observe layer4 error-limit 1 on-error mark-down pool-max-conn -1 pool-purge-delay 5s"
)
READY = 100
"""The weight of a target that gets requests; 0 makes HAProxy drain it."""


@dataclass(frozen=True, slots=True)
class Server:
    """A target on disk. `address` is `host:port`."""

    task: str
    address: str
    draining: bool = False

    @property
    def line(self) -> str:
        """Its line in the configuration."""
        weight = 0 if self.draining else READY
        return f"  server {self.task} {self.address} {OPTIONS} weight {weight}"


Servers = Mapping[str, tuple[Server, ...]]
"""The targets of each group, by the group's name."""


def read_servers(configuration: str) -> dict[str, tuple[Server, ...]]:
    """The targets of every group that the configuration has, also of the empty ones."""
    found: dict[str, tuple[Server, ...]] = {}
    for section in configuration.split("\n\n"):
        name = _group_of(section)
        if name is not None:
            lines = [line.split() for line in section.splitlines() if _is_server(line)]
            found[name] = tuple(Server(w[1], w[2], w[-1] == "0") for w in lines)
    return found


def with_servers(configuration: str, servers: Servers) -> str:
    """The same configuration with exactly these targets in its groups."""
    sections = []
    for section in configuration.strip().split("\n\n"):
        name = _group_of(section)
        if name is not None:
            kept = [line for line in section.splitlines() if not _is_server(line)]
            section = "\n".join(kept + [server.line for server in servers.get(name, ())])
        sections.append(section)
    return "\n\n".join(sections) + "\n"


def with_server(known: Servers, name: str, server: Server) -> dict[str, tuple[Server, ...]]:
    """The targets with this one added to the group, or in the place of the same task's."""
    return {**known, name: (*without(known, name, server.task)[name], server)}


def without(known: Servers, name: str, task: str) -> dict[str, tuple[Server, ...]]:
    """The targets without this task in the group."""
    return {**known, name: tuple(s for s in known.get(name, ()) if s.task != task)}


def _group_of(section: str) -> str | None:
    """The group whose section this is, or None."""
    words = section.split(maxsplit=2)
    return words[1] if words[:1] == ["backend"] and of_group(words[1]) else None


def _is_server(line: str) -> bool:
    return line.startswith("  server ")
