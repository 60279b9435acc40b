"""HAProxy's runtime API: commands to the worker that serves, and to old workers that still end.

After a reload the old worker finishes what it has begun, and answers one last request on each idle
connection. So every change goes to all workers, and what is under way is the sum over all.
"""

import socket
import time
from collections.abc import Sequence

from tidegate.core.errors import EffectFailed
from tidegate.local.haproxy import tables
from tidegate.local.haproxy.place import MASTER, SERVICES, WORKER, Place

_TARGETS = ("show servers state", "show stat -1 6 -1")
_DONE = ("", "New server registered.", "Server deleted.")
_CHANGE_S = 2.0


class Runtime:
    """Commands to a running HAProxy. Any call raises `EffectFailed` TG950 without an answer."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def look(self, limit_s: float = _CHANGE_S) -> tables.Look:
        """Everything that all workers hold now."""
        until = time.monotonic() + limit_s
        pids = tables.parse_workers(self._ask(MASTER, "show proc", until))
        if not pids:
            raise EffectFailed("HAProxy has no worker", code="TG950")
        questions = ("show info", f"show map {SERVICES}", *_TARGETS)
        info, services, *rows = _split(self._ask(WORKER, ";".join(questions), until))
        facts = tables.parse_info(info)
        if facts.get("Pid") != str(pids[0]):
            raise EffectFailed("HAProxy is changing its worker", code="TG950")
        return tables.Look(
            facts.get("description", ""),
            tables.parse_map(services),
            tables.parse_worker(pids[0], *rows),
            tuple(self._old_worker(pid, until) for pid in pids[1:]),
        )

    def tell(self, look: tables.Look, worker: tables.Worker, commands: Sequence[str]) -> None:
        """Change one worker. Raises `EffectFailed` TG951 when the serving one refuses.

        An old worker may refuse what it never knew, or end meanwhile; the next look shows which
        of its targets still have work.
        """
        until = time.monotonic() + _CHANGE_S
        if worker is not look.serving:
            self._ask(MASTER, _for_old(worker.pid, commands), until)
            return
        said = self._ask(WORKER, ";".join(commands), until)
        refused = [line for line in said.splitlines() if line not in _DONE]
        if refused:
            raise EffectFailed("HAProxy refused a change", cause=" ".join(refused), code="TG951")

    def _old_worker(self, pid: int, until: float) -> tables.Worker:
        return tables.parse_worker(pid, *_split(self._ask(MASTER, _for_old(pid, _TARGETS), until)))

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
