"""HAProxy's runtime API: commands to the worker that serves, and questions to all of them.

After a reload the old worker ends what it has begun and takes no changes any more: its requests
under way still count, and can be cut, until it is gone.
"""

import socket
import time
from collections.abc import Sequence

from tidegate.core.errors import EffectFailed
from tidegate.local.haproxy import settled, tables
from tidegate.local.haproxy.place import MASTER, SERVICES, WORKER, Place

_TARGETS = ("show servers state", "show stat -1 6 -1")
_DONE = ("", "New server registered.", "Server deleted.")
_CHANGE_S = 2.0


class Runtime:
    """Commands to a running HAProxy. Any call raises `EffectFailed` TG950 without an answer."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def look(self, limit_s: float = _CHANGE_S) -> tables.Look:
        """Everything that all workers hold now.

        A worker may end, or be replaced, between two questions; then all are asked again.
        """
        until = time.monotonic() + limit_s
        while True:
            try:
                return self._look(until)
            except (KeyError, ValueError) as error:
                if time.monotonic() > until:
                    raise EffectFailed(
                        "HAProxy gives half an answer", cause=repr(error), code="TG950"
                    ) from error
                time.sleep(0.005)

    def tell(self, *commands: str) -> None:
        """Change the worker that serves. Raises `EffectFailed` TG951 when it refuses."""
        said = self._ask(WORKER, ";".join(commands), time.monotonic() + _CHANGE_S)
        refused = [line for line in said.splitlines() if line not in _DONE]
        if refused:
            raise EffectFailed("HAProxy refused a change", cause=" ".join(refused), code="TG951")

    def unsettle(self) -> None:
        """Have requests take the long way, which each change is made for (`settled`)."""
        if settled.routes_name(self._ask(WORKER, "show map", time.monotonic() + _CHANGE_S)):
            self.tell(settled.UNSETTLE)

    def settle(self) -> None:
        """Let requests take the short way, unless something shifts (`settled`).

        Raises `EffectFailed` TG951 when it is refused; they take the long way then.
        """
        until = time.monotonic() + _CHANGE_S
        routes = settled.routes_name(self._ask(WORKER, "show map", until))
        services = tables.parse_map(self._ask(WORKER, f"show map {SERVICES}", until))
        if routes is None or settled.shifts(services):
            return
        name = settled.of_groups(routes)
        held = tables.parse_places(self._ask(WORKER, f"show map {name}", until))
        paths = tables.parse_map(self._ask(WORKER, f"show map {routes}", until))
        for place, group in settled.changes(held, paths, services):
            self.tell(f"set map {name} #{place} {group}")
        self.tell(settled.SETTLE)

    def cut(self, worker: tables.Worker, key: tuple[str, str]) -> None:
        """Cut what an old worker still has under way to a target (group, task)."""
        until = time.monotonic() + _CHANGE_S
        sessions = self._ask(MASTER, _for_old(worker.pid, ("show sess",)), until)
        for session in tables.parse_sessions(sessions, key):
            self._ask(MASTER, _for_old(worker.pid, (f"shutdown session {session}",)), until)

    def _look(self, until: float) -> tables.Look:
        pids = tables.parse_workers(self._ask(MASTER, "show proc", until))
        questions = ("show info", f"show map {SERVICES}", *_TARGETS)
        answers = _split(self._ask(WORKER, ";".join(questions), until))
        return tables.parse_look(pids, answers, [self._old(p, until) for p in pids[1:]])

    def _old(self, pid: int, until: float) -> list[str]:
        return _split(self._ask(MASTER, _for_old(pid, _TARGETS), until))

    def _ask(self, name: str, command: str, until: float) -> str:
        """One connection, one line of commands, everything that comes until it is closed."""
        answer = bytearray()
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(max(until - time.monotonic(), 0.001))
                connection.connect(self._place.socket(name))
                connection.sendall(command.encode() + b"\n")
                connection.shutdown(socket.SHUT_WR)
                while part := connection.recv(1 << 16):
                    answer += part
                    connection.settimeout(max(until - time.monotonic(), 0.001))
        except OSError as error:
            raise EffectFailed(
                "HAProxy does not answer", cause=str(error), where=name, code="TG950"
            ) from error
        return answer.decode(errors="replace")


def _for_old(pid: int, commands: Sequence[str]) -> str:
    """Commands for an old worker, reached through the master."""
    return ";".join(f"@!{pid} {command}" for command in commands)


def _split(text: str) -> list[str]:
    """The answers to several questions; each ends with an empty line."""
    return text.strip("\n").split("\n\n")
