"""Docker Swarm as a contender: `docker service update`, start-first, behind HAProxy.

Swarm's own balancing needs IPVS, which not every kernel has. So the service's endpoint mode is
dnsrr, and HAProxy finds the tasks by DNS, with the same retries and as many threads as Tidegate's.
Health checks run each second inside the containers, which costs a process each time; a task has
30 s to end, as with Tidegate. While Tidegate is measured, Swarm's tasks are scaled to none, so that
their checks take nothing from it.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from docker import DockerClient

from bench.contender import TASKS, Delivery
from bench.engine import quiet, run
from bench.images import BALANCER
from bench.ports import free_ports
from tidegate.local import engine_socket

SERVICE, NETWORK, PROXY = "web", "bench", "bench-balancer"
ONE_BY_ONE, TOGETHER = "1", "4"
UNDER_WAY = ("", "updating", "rollback_started")
UPDATE_S = 120.0
READY_S = 60.0
BALANCING = """\
global
  nbthread 1
  maxconn 8000
resolvers docker
  nameserver dns 127.0.0.11:53
  timeout resolve 1s
  timeout retry 1s
  hold valid 1s
  hold obsolete 0s
defaults
  mode http
  timeout connect 100ms
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  timeout http-keep-alive 60s
  timeout check 500ms
  http-reuse always
  option http-ignore-probes
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response
frontend production
  bind :80
  default_backend web
backend web
  balance roundrobin
  server-template web 12 tasks.web:8080 resolvers docker init-addr none check inter 500ms \
fastinter 100ms fall 2 rise 1 observe layer4 error-limit 1 on-error mark-down
"""


@dataclass
class Swarm:
    """The service on the engine at `url`."""

    url: str
    client: DockerClient
    port: int
    name: str = "Swarm"

    def deliver(self, image: str, how: str) -> Delivery:
        """`docker service update`, and wait until Swarm says that it is over.

        `how` is the parallelism. Raises `SystemExit` when Swarm gives no end in time.
        """
        at = time.time()
        self._docker(
            *("service", "update", "--detach", "--no-resolve-image", "--update-parallelism", how),
            *("--image", image, SERVICE),
        )
        while time.time() < at + UPDATE_S:
            status = self._status()
            state = status.get("State", "")
            if state not in UNDER_WAY and _since(status) > at - 1:
                return Delivery(at, time.time(), state)
            time.sleep(0.05)
        raise SystemExit(f"Swarm's update has not ended in {UPDATE_S:g} s")

    def owns(self, names: list[str]) -> bool:
        """Tasks are named `web.SLOT.ID`."""
        return names[0].startswith(f"/{SERVICE}.")

    def prepare(self, image: str) -> None:
        """The swarm, the service, and its balancer."""
        listen = ("--listen-addr", "127.0.0.1:2377")
        self._docker("swarm", "init", "--advertise-addr", "127.0.0.1", *listen)
        self._docker("network", "create", "--driver", "overlay", "--attachable", NETWORK)
        self._docker(
            *("service", "create", "--detach", "--no-resolve-image", "--name", SERVICE),
            *("--replicas", "0", "--endpoint-mode", "dnsrr", "--network", NETWORK),
            *("--update-order", "start-first", "--update-monitor", "1s"),
            *("--update-failure-action", "rollback", "--stop-grace-period", "30s"),
            *("--health-cmd", "wget -q -O /dev/null http://127.0.0.1:8080/health"),
            *("--health-interval", "1s", "--health-timeout", "5s"),
            *("--health-retries", "3", "--health-start-period", "10s"),
            *("--limit-cpu", "1", "--limit-memory", "64M", image),
        )
        self._docker(
            *("run", "--detach", "--name", PROXY, "--network", NETWORK),
            *("--publish", f"127.0.0.1:{self.port}:80", BALANCER),
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have the tasks while the block runs, and none afterwards."""
        self._scale(TASKS)
        self._await(TASKS, {"health": "healthy"})
        time.sleep(2)  # the balancer asks DNS once a second
        try:
            yield
        finally:
            self._scale(0)
            self._await(0, {"status": "running"})

    def _status(self) -> dict[str, str]:
        """Of the last update: State, StartedAt and more; empty before the first."""
        shown = run("docker", "--host", self.url, "service", "inspect", SERVICE)
        found: dict[str, str] = json.loads(shown)[0].get("UpdateStatus") or {}
        return found

    def _scale(self, count: int) -> None:
        self._docker("service", "scale", "--detach", f"{SERVICE}={count}")

    def _await(self, count: int, filters: dict[str, str]) -> None:
        give_up_at = time.monotonic() + READY_S
        while True:
            found = self.client.api.containers(filters=filters)
            if sum(1 for container in found if self.owns(container["Names"])) == count:
                return
            if time.monotonic() > give_up_at:
                raise SystemExit(f"Swarm has not {count} {filters} tasks after {READY_S:g} s")
            time.sleep(0.1)

    def _docker(self, *words: str) -> None:
        run("docker", "--host", self.url, *words)


@contextmanager
def swarm(url: str, image: str) -> Iterator[Swarm]:
    """A service that serves `image`; it ends with everything of it."""
    (port,) = free_ports(1)
    contender = Swarm(url, engine_socket.connect(url), port)
    try:
        contender.prepare(image)
        yield contender
    finally:
        docker = ("docker", "--host", url)
        quiet(*docker, "service", "rm", SERVICE)
        quiet(*docker, "rm", "--force", PROXY)
        quiet(*docker, "swarm", "leave", "--force")


def _since(status: dict[str, str]) -> float:
    """When the update began, in seconds since the epoch."""
    return datetime.fromisoformat(status["StartedAt"]).timestamp()
