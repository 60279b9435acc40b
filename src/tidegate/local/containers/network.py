"""The bridge network of an app's tasks: they reach the world and, but for Podman, not each other.

Podman has nothing for the last: its `isolate` parts networks, not the containers of one.
"""

import threading
from time import monotonic

from docker import DockerClient
from docker.errors import APIError

from tidegate.local.containers.failures import name_taken
from tidegate.local.containers.labels import MANAGED, OWNER

DEFAULT = "bridge"
"""The engine's own network. Where it parts its containers (`dockerd --icc=false`, as the CIS Docker
Benchmark asks for), it is good enough, and a task starts sooner: on any other network the engine
sets up a name server in each container."""
TALK = "com.docker.network.bridge.enable_icc"
FRESH_S = 1.0
"""Tasks that start at the same time share one look."""


class Network:
    """The engine's own where that will do; else the app's, made when it is not there."""

    def __init__(self, client: DockerClient, owner: str) -> None:
        self._client = client
        self._owner = owner
        self._own = f"tidegate-{owner}"
        self._lock = threading.Lock()
        self._name, self._seen_s = "", float("-inf")

    def ensure(self) -> str:
        """The name of the network that a task is to be on; it is there. Raises the SDK's errors."""
        with self._lock:
            if monotonic() - self._seen_s >= FRESH_S:
                self._name = self._find()
                self._seen_s = monotonic()
            return self._name

    def _find(self) -> str:
        names = [f"^{DEFAULT}$", f"^{self._own}$"]
        there = {found.name: found.attrs for found in self._client.networks.list(names=names)}
        if (there.get(DEFAULT, {}).get("Options") or {}).get(TALK) == "false":
            return DEFAULT
        if self._own not in there:
            self._make()
        return self._own

    def _make(self) -> None:
        try:
            self._client.networks.create(
                self._own,
                driver="bridge",
                check_duplicate=True,
                options={TALK: "false"},
                labels={MANAGED: "1", OWNER: self._owner},
            )
        except APIError as error:
            if not name_taken(error):  # another controller was faster
                raise
