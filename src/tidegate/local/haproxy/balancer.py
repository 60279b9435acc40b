"""The port `Balancer` on HAProxy. It remembers nothing: the disk and the process hold the state.

Each change is written to disk first and told to HAProxy next, so a crash between the two is mended
by doing it again, and a cold start comes up with the same targets and weights.
"""

import threading
import time
from pathlib import Path

from tidegate.core.decision import DeregisterTarget, DrainTarget, RegisterTarget
from tidegate.core.errors import EffectFailed, SetupError
from tidegate.core.model import App, Listener
from tidegate.core.routing import listener_key
from tidegate.core.seen import BalancerSeen, Routing
from tidegate.local.haproxy.machine import check_certificate
from tidegate.local.haproxy.place import SERVICES, Place
from tidegate.local.haproxy.process import Process
from tidegate.local.haproxy.routing import group, value
from tidegate.local.haproxy.runtime import Runtime
from tidegate.local.haproxy.servers import OPTIONS, READY, Server
from tidegate.local.haproxy.state import State
from tidegate.local.haproxy.tables import Held, Look
from tidegate.local.haproxy.view import routings, targets

_LOOK_S = 0.1
_DELETE_S = 0.5
"""How long a deletion is tried again before it is left to the next change."""


class HAProxyBalancer:
    """The data plane of one app. A HAProxy that already runs in the directory is taken over."""

    def __init__(self, home_dir: Path, binary: str | None = None) -> None:
        place = Place(home_dir.resolve())
        self._state = State(place)
        self._process = Process(place, binary)
        self._runtime = Runtime(place)
        self._changing = threading.Lock()

    def serve(self, app: App) -> None:
        """Serve exactly these services: HAProxy is started, reloaded, or left alone.

        Raises `SetupError`: TG220 a port is in use, TG221 the certificate is no good, TG222 and
        TG223 HAProxy refuses, TG224 there is none, TG225 the path is too long, TG226 a value cannot
        be used. What served before goes on.
        """
        with self._changing:
            look = self._process.look()
            key = listener_key(app)
            if look and self._state.listener == key and look.mark == self._state.mark(key):
                self._runtime.settle()
                return
            check_certificate(app.listener.certificate)
            if look:
                self._process.check_ports(app.listener, self._state.bound())
            self._state.prepare(app, self._process.check)
            if look:
                self._process.reload()
            else:
                self._process.start(app.listener)
            self._runtime.settle()

    def register(self, action: RegisterTarget) -> None:
        """Add the target, or make it ready again.

        Raises `EffectFailed` TG953 while the service is not served.
        """
        name = group(action.service, action.colour)
        server = Server(action.task, action.address)
        with self._changing:
            self._state.put(name, server)
            held = self._runtime.look().serving.targets.get((name, action.task))
            self._runtime.tell(*_register(name, server, held))

    def drain(self, action: DrainTarget) -> None:
        """No new requests for the target; nothing if it is not there."""
        name = group(action.service, action.colour)
        with self._changing:
            self._state.drain(name, action.task)
            held = self._runtime.look().serving.targets.get((name, action.task))
            if held and not held.retired:
                self._runtime.tell(f"set server {name}/{action.task} state drain")

    def deregister(self, action: DeregisterTarget) -> None:
        """Take the target out; nothing if it is not there. `force` cuts what is under way.

        Raises `EffectFailed` TG952 while it is busy and not forced.
        """
        key = (group(action.service, action.colour), action.task)
        with self._changing:
            look = self._runtime.look()
            active = look.active(key)
            if active and not action.force:
                raise EffectFailed(
                    f"target {action.task} is busy", cause=f"{active} under way", code="TG952"
                )
            self._state.remove(*key)
            if key in look.serving.targets:
                self._runtime.tell(*_retire("/".join(key), action.force))
            if action.force:
                for worker in look.old:
                    self._runtime.cut(worker, key)
            self._delete_retired()

    def route(self, routing: Routing) -> None:
        """Set a service's split at once.

        Raises `EffectFailed` TG953 while the service is not served.
        """
        with self._changing:
            self._state.route(routing)
            self._runtime.unsettle()
            self._runtime.tell(f"set map {SERVICES} {routing.service} {value(routing)}")
            self._runtime.settle()

    def observe(self) -> BalancerSeen | None:
        """What HAProxy holds, by its own word, within 0.1 s; None when it gives none."""
        look = self.look()
        if look is None:
            return None
        listener = self._state.listener
        known = look.mark == self._state.mark(listener)
        key = listener if known else ""
        return BalancerSeen(targets(look), routings(look), key, self._process.name())

    def look(self) -> Look | None:
        """Everything that all workers say at one moment, or None when one gives no answer."""
        try:
            return self._runtime.look(_LOOK_S)
        except (EffectFailed, SetupError):
            return None

    def check_ports(self, listener: Listener) -> None:
        """See that nobody else holds the listener's ports. Raises `SetupError` TG220, TG227."""
        if self._process.look() is None:
            self._process.check_ports(listener, frozenset())

    def stop(self) -> None:
        """End HAProxy and cut all that it serves. What is on disk stays."""
        with self._changing:
            self._process.stop()

    def _delete_retired(self) -> None:
        """Delete targets that are out. HAProxy may refuse for a while after their last request.

        It keeps an idle connection a little longer than it says (haproxy issue 2323).
        """
        until = time.monotonic() + _DELETE_S
        while True:
            look = self._runtime.look()
            left = [key for key, held in look.serving.targets.items() if held.retired]
            idle = [key for key in left if not look.serving.targets[key].active]
            refused = sum(not self._deleted("/".join(key)) for key in idle)
            if not refused or time.monotonic() > until:
                return
            time.sleep(0.02)

    def _deleted(self, name: str) -> bool:
        try:
            self._runtime.tell(f"del server {name}")
        except EffectFailed:
            return False  # retired targets are out already; the next change tries again
        return True


def _register(name: str, server: Server, held: Held | None) -> list[str]:
    """The commands that make a target ready, from wherever it is."""
    target = f"{name}/{server.task}"
    if held is None:
        added = f"add server {target} {server.address} {OPTIONS} weight {READY}"
        return [added, f"enable health {target}", f"enable server {target}"]
    commands = [f"set server {target} state ready", f"set server {target} weight {READY}"]
    if held.address != server.address:
        address, _, port = server.address.rpartition(":")
        commands.insert(0, f"set server {target} addr {address} port {port}")
    return commands


def _retire(target: str, force: bool) -> list[str]:
    """The commands that take a target out; what is under way goes on, unless forced."""
    cut = [f"shutdown sessions server {target}"] if force else []
    return [f"set server {target} state maint", *cut]
