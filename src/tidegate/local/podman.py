"""Tell Podman from Docker behind the one interface that both speak, and say what it lacks.

What Podman does otherwise is asked here and adapted to where it matters; `docs/engines.md` has the
list. Proven with Podman 4.3.1.
"""

import re
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from docker import DockerClient

TELLS_OF_MEMORY = 5
"""Since this version a container that its memory limit killed is marked (podman PR 21523)."""


@dataclass(frozen=True, slots=True)
class Podman:
    """A Podman engine, by its major version; 0 when that cannot be read."""

    major: int

    @property
    def tells_of_memory(self) -> bool:
        """Whether a container says that its memory limit ended it."""
        return self.major >= TELLS_OF_MEMORY

    @property
    def lacks(self) -> tuple[str, ...]:
        """What tasks do not have on this engine, each in a few words."""
        talk = "tasks of one app can reach each other"
        memory = "a task that its memory limit ended is only seen to have been killed"
        return (talk,) if self.tells_of_memory else (talk, memory)


_known: WeakKeyDictionary[DockerClient, Podman | None] = WeakKeyDictionary()


def podman(client: DockerClient) -> Podman | None:
    """The engine if it is Podman, else None; asked once of a client. Raises the SDK's errors."""
    if client not in _known:
        _known[client] = told_by(client.version())
    return _known[client]


def told_by(version: dict[str, Any]) -> Podman | None:
    """The same, from an engine's answer to `version`."""
    for part in version.get("Components") or ():
        if part.get("Name") == "Podman Engine":
            major = re.match(r"\d+", str(part.get("Version", "")))
            return Podman(int(major[0]) if major else 0)
    return None
