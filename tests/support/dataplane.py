"""A HAProxy of its own for a test: short paths, free ports, and nothing left afterwards."""

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.ports import free_port

from tests.support.backends import Backend, Client
from tidegate.core.actions import RegisterTarget
from tidegate.core.model import App, Colour, Listener, Route, Service
from tidegate.core.seen import Target
from tidegate.local.haproxy.balancer import HAProxyBalancer

SHOP = Service("shop", routes=(Route("/"),))


class Plane:
    """A balancer with an app of one service, `shop`, unless told otherwise."""

    def __init__(self, *services: Service) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="tidegate-"))
        listener = Listener(port=free_port(), test_port=free_port())
        self.app = App("test", services or (SHOP,), listener)
        self.balancer = HAProxyBalancer(self.directory)
        self._clients: list[Client] = []

    def __enter__(self) -> Self:
        self.balancer.serve(self.app)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End HAProxy, take its files away, hang up the clients."""
        for client in self._clients:
            client.close()
        self.balancer.stop()
        shutil.rmtree(self.directory)

    def with_services(self, *services: Service) -> App:
        """The same app and listener with other services."""
        return replace(self.app, services=services)

    def register(self, backend: Backend, colour: Colour, service: str = "shop") -> None:
        """Put a backend into a target group; its name is the task's."""
        self.balancer.register(RegisterTarget(backend.name, service, colour, backend.address))

    def client(self, port: int | None = None) -> Client:
        """A client of the production listener, or of another port."""
        client = Client(port or self.app.listener.port)
        self._clients.append(client)
        return client

    def tests(self) -> Client:
        """A client of the test listener."""
        return self.client(self.app.listener.test_port)

    def target(self, task: str) -> Target | None:
        """The task's target as HAProxy shows it."""
        seen = self.balancer.observe()
        assert seen is not None
        return next((t for t in seen.targets if t.task == task), None)

    def pids(self) -> tuple[int, int]:
        """The process ids of HAProxy's master and of the worker that serves."""
        look = self.balancer.look()
        assert look is not None
        return int((self.directory / "pid").read_text()), look.serving.pid


def eventually(holds: Callable[[], bool], limit_s: float = 5.0) -> bool:
    """Whether it holds at some moment within the limit."""
    until = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True
