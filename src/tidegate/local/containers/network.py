"""The bridge network of one app: tasks reach the world and, but for Podman, not each other.

Podman has nothing for the last: its `isolate` parts networks, not the containers of one.
"""

import threading
from time import monotonic

from docker import DockerClient
from docker.errors import APIError

from tidegate.local.containers.failures import name_taken
from tidegate.local.containers.labels import MANAGED, OWNER

NO_TALK = "com.docker.network.bridge.enable_icc"


FRESH_S = 1.0
"""Tasks that start at the same time share one look."""


class Network:
    """Made when the first task needs it, and again if somebody removed it."""

    def __init__(self, client: DockerClient, owner: str) -> None:
        self.name = f"tidegate-{owner}"
        self._client = client
        self._owner = owner
        self._lock = threading.Lock()
        self._seen_s = float("-inf")

    def ensure(self) -> None:
        """Make the network unless it is there. Raises the SDK's errors."""
        with self._lock:
            if monotonic() - self._seen_s < FRESH_S:
                return
            if self._client.networks.list(names=[f"^{self.name}$"]):
                self._seen_s = monotonic()
                return
            try:
                self._client.networks.create(
                    self.name,
                    driver="bridge",
                    check_duplicate=True,
                    options={NO_TALK: "false"},
                    labels={MANAGED: "1", OWNER: self._owner},
                )
            except APIError as error:
                if not name_taken(error):  # another controller was faster
                    raise
