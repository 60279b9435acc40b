"""The state on disk: the configuration with its targets, and the map of where traffic goes.

It is all that a cold start needs, and it is never half written.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tidegate.core.errors import EffectFailed
from tidegate.core.model import App, Colour
from tidegate.core.seen import Routing
from tidegate.local.haproxy import configuration as conf
from tidegate.local.haproxy import servers
from tidegate.local.haproxy.machine import max_connections
from tidegate.local.haproxy.place import Place, kept, read, write
from tidegate.local.haproxy.reports import reports
from tidegate.local.haproxy.routing import group, map_text, read_map, routing, value


class State:
    """Reads and writes HAProxy's files. Any write raises `EffectFailed` TG954 on a full disk."""

    def __init__(self, place: Place) -> None:
        self._place = place
        place.directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def listener(self) -> str:
        """The listener key of the app that is served, "" before the first."""
        return conf.listener_of(kept(self._place.configuration))

    def mark(self, listener: str) -> str:
        """What a process that runs with this listener says of itself."""
        return conf.mark(listener, reports(self._place))

    def bound(self) -> frozenset[str]:
        """The addresses (`host:port`) that the configuration listens on."""
        return conf.bound(read(self._place.configuration))

    def prepare(self, app: App, check: Callable[[Path], None]) -> None:
        """Write what the app needs; services that stay keep their targets and weights.

        `check` has a say on the configuration before it counts. The services' entries come before
        the configuration that needs them, and go after it.
        """
        old = read(self._place.configuration)
        new = conf.render(app, servers.read_servers(old), reports(self._place), max_connections())
        held = read_map(read(self._place.services))
        fresh = {s.name: _entry(s.name, held.get(s.name)) for s in app.services}
        write(self._place.directory / new.routes_name, new.routes)
        write(self._place.services, map_text({**held, **fresh}))
        trial = self._place.directory / "trial.cfg"
        write(trial, new.text)
        check(trial)
        write(self._place.configuration, new.text)
        write(self._place.services, map_text(fresh))
        for path in self._place.directory.glob("routes-*.map"):
            if path.name != new.routes_name:
                path.unlink(missing_ok=True)

    def put(self, name: str, server: servers.Server) -> None:
        """Keep a target in its group. Raises `EffectFailed` TG953 when there is no such group."""
        known = self._servers()
        if name not in known:
            raise _not_served(name)
        self._keep(servers.with_server(known, name, server))

    def drain(self, name: str, task: str) -> None:
        """Keep a target as draining, if it is there."""
        known = self._servers()
        for server in known.get(name, ()):
            if server.task == task and not server.draining:
                self._keep(servers.with_server(known, name, replace(server, draining=True)))

    def remove(self, name: str, task: str) -> None:
        """Keep a target no longer."""
        known = self._servers()
        if any(server.task == task for server in known.get(name, ())):
            self._keep(servers.without(known, name, task))

    def route(self, routing: Routing) -> None:
        """Keep a service's split. Raises `EffectFailed` TG953 when it is not served."""
        entries = read_map(read(self._place.services))
        if group(routing.service, Colour.BLUE) not in self._servers():
            raise _not_served(routing.service)
        if entries.get(routing.service) != value(routing):
            write(self._place.services, map_text({**entries, routing.service: value(routing)}))

    def _servers(self) -> servers.Servers:
        return servers.read_servers(read(self._place.configuration))

    def _keep(self, known: servers.Servers) -> None:
        old = read(self._place.configuration)
        new = servers.with_servers(old, known)
        if new != old:
            write(self._place.configuration, new)


def _entry(service: str, held: str | None) -> str:
    """The split that a service has, as this version writes it; all to blue for a new one."""
    return value(Routing(service, 0) if held is None else routing(service, held))


def _not_served(name: str) -> EffectFailed:
    return EffectFailed(
        f"{name} is not served yet", cause="the balancer does not know it", code="TG953"
    )
