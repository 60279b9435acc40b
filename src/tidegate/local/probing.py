"""Ask every running task for its health over HTTP, all of them from one thread.

Written on asyncio streams: only the status line matters, and a whole client costs ten times the
processor time at fifty tasks a second.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic, time

from tidegate.core.model import HealthCheck
from tidegate.core.seen import Health
from tidegate.local.health import Checked, after, pause_ms


@dataclass(frozen=True, slots=True)
class Probe:
    """Whom to ask, and how. `address` is host:port; `started_s` is in seconds since the epoch."""

    address: str
    check: HealthCheck
    started_s: float


class Prober:
    """One thread that keeps the health of the tasks it follows. `on_change` runs in it."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._checked: dict[str, Checked] = {}
        self._faults: dict[str, str] = {}
        self._asking: dict[str, tuple[Probe, asyncio.Task[None]]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)
        self._thread.start()

    def follow(self, probes: Mapping[str, Probe]) -> None:
        """Ask these tasks, by id, from now on, and no others."""
        self._loop.call_soon_threadsafe(self._follow, dict(probes))

    def health(self, task: str) -> Health:
        """What is known of the task; UNKNOWN when it is not followed."""
        return self._checked.get(task, Checked()).health

    def fault(self, task: str) -> str:
        """What was wrong with the latest check; empty when it passed, or was never made."""
        return self._faults.get(task, "")

    def close(self) -> None:
        """Stop asking, and end the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._follow({})
        left = asyncio.all_tasks(self._loop)
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    def _follow(self, probes: dict[str, Probe]) -> None:
        for task, (probe, asking) in list(self._asking.items()):
            if probes.get(task) != probe:
                asking.cancel()
                del self._asking[task]
                self._checked.pop(task, None)
                self._faults.pop(task, None)
        for task in probes.keys() - self._asking.keys():
            asking = self._loop.create_task(self._ask(task, probes[task]))
            self._asking[task] = (probes[task], asking)

    async def _ask(self, task: str, probe: Probe) -> None:
        checked = self._checked[task] = Checked()
        since_s = monotonic() - max(0.0, time() - probe.started_s)
        while True:
            fault = self._faults[task] = await fault_of(probe.address, probe.check)
            age_ms = int((monotonic() - since_s) * 1000)
            before, checked = checked, after(checked, probe.check, not fault, age_ms)
            self._checked[task] = checked
            if checked.health is not before.health:
                self._on_change()
            await asyncio.sleep(pause_ms(checked, probe.check, age_ms) / 1000)


async def fault_of(address: str, check: HealthCheck) -> str:
    """What is wrong with the answer to a GET of the check's path; empty when it is 2xx or 3xx."""
    try:
        async with asyncio.timeout(check.timeout_ms / 1000):
            status = await _status(address, check.path)
    except TimeoutError:
        return f"no answer within {check.timeout_ms / 1000:g} s"
    except ConnectionError:
        return "nothing listens there"
    except (OSError, ValueError, IndexError):
        return "no answer in HTTP"
    return "" if 200 <= status < 400 else f"it answers {status}"


async def _status(address: str, path: str) -> int:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: tidegate-health\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n".encode()
        )
        line = await reader.readline()
        version, status = line.split(maxsplit=2)[:2]
        if not version.startswith(b"HTTP/1."):
            raise ValueError("not HTTP")
        return int(status)
    finally:
        writer.close()
