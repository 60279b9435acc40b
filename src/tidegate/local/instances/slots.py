"""`core.ports.Instances` on one machine.

An instance is a slot: a control group with its limits, a loopback address, a file that says so. It
is RUNNING once the launch latency of the app file has passed. An interruption is a drill: a notice
in the file, and at its deadline the slot is taken back with all that is in it.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

from docker import DockerClient

from tidegate.core.decision import LaunchInstance
from tidegate.core.errors import EffectFailed
from tidegate.core.provider import Capacity
from tidegate.core.seen import InstanceSeen, InstanceState
from tidegate.local.containers.clear import clear_instance
from tidegate.local.containers.creation import Place
from tidegate.local.instances.addresses import address_of
from tidegate.local.instances.cgroups import Cgroups
from tidegate.local.instances.market import Weather
from tidegate.local.instances.records import Record, Records

log = logging.getLogger(__name__)


class LocalInstances:
    """The instances of one app. `now` is the machine's time in ms, as the engine has it.

    `capacity` is what the app file says now; `on_change` is told of what happens by itself.
    """

    def __init__(
        self,
        client: DockerClient,
        cgroups: Cgroups,
        records: Records,
        now: Callable[[], int],
        capacity: Callable[[], Capacity | None] = lambda: None,
    ) -> None:
        self._client = client
        self._cgroups = cgroups
        self._records = records
        self.on_change: Callable[[], None] = lambda: None
        self._now = now
        self._capacity = capacity
        self._weather = Weather(records.folder / "market.json")
        self._lock = threading.Lock()
        self._taking: set[str] = set()

    def launch(self, action: LaunchInstance) -> None:
        """Order the instance, unless it is there. Raises `EffectFailed`."""
        provider = action.provider
        with self._lock:
            if self._records.get(action.instance) is None:
                now = self._now()
                record = Record(
                    action.instance, provider.name, provider.spot, action.zone,
                    provider.cpu_units, provider.memory_mib,
                    address_of(self._cgroups.owner, action.instance), now,
                    now + provider.launch_ms,
                )  # fmt: skip
                self._limit(record)
                self._records.put(record)

    def terminate(self, instance: str) -> None:
        """End it and all that is on it; nothing if it is not there. Raises `EffectFailed`.

        It is gone from sight first, so that what dies with it is nobody's failure.
        """
        with self._lock:
            self._records.remove(instance)
        clear_instance(self._client, self._cgroups.owner, instance)
        self._cgroups.clear(instance)

    def observe(self) -> tuple[InstanceSeen, ...] | None:
        """Every instance; those whose time is up are taken back meanwhile. None: unreadable."""
        now = self._now()
        try:
            records = self._records.all()
            self._storm(records, now)
        except OSError as error:
            log.warning("the instances cannot be read: %s", error)
            return None
        due = [r for r in records if r.deadline is not None and now >= r.deadline]
        for record in due:
            self._take_back(record.id)
        return tuple(_seen(record, now) for record in records if record not in due)

    def clear(self) -> None:
        """Forget every instance, and take its group away. Its containers must be gone."""
        for record in self._records.all():
            self._records.remove(record.id)
            self._cgroups.clear(record.id)

    def interrupt(self, instances: Iterable[str], notice_ms: int, note: str) -> tuple[str, ...]:
        """Give these a notice, unless they have one or are gone; which ones got it."""
        noticed = []
        with self._lock:
            for name in instances:
                record = self._records.get(name)
                if record is not None and record.deadline is None:
                    deadline = self._now() + notice_ms
                    self._records.put(replace(record, deadline=deadline, note=note))
                    noticed.append(name)
        self.on_change()
        return tuple(noticed)

    def place(self, instance: str | None) -> Place:
        """Where a task of that instance is started; None is the machine itself.

        Raises `EffectFailed` when there is no such instance, or it does not run.
        """
        if instance is None:
            return Place()
        record = self._records.get(instance)
        if record is None or self._now() < record.ready_at:
            raise EffectFailed(f"instance {instance} does not run", code="TG958")
        self._limit(record)  # a reboot of the machine takes the groups away
        return Place(record.address, self._cgroups.parent(instance))

    @property
    def why_not_limited(self) -> str:
        """Why an instance is accounting only on this machine, or empty."""
        return self._cgroups.why_not

    def _storm(self, records: tuple[Record, ...], now: int) -> None:
        capacity = self._capacity()
        if capacity is None:
            return
        spot = [r.id for r in records if r.spot and r.deadline is None and now >= r.ready_at]
        struck = self._weather.struck(capacity.market, spot, now)
        if struck:
            self.interrupt(struck, capacity.interruption_notice_ms, "a storm of the spot market")

    def _limit(self, record: Record) -> None:
        try:
            self._cgroups.make(record.id, record.cpu_units, record.memory_mib)
        except OSError as error:
            raise EffectFailed(
                f"instance {record.id} cannot be limited",
                cause=str(error),
                remedy="see what tidegate doctor says of instances",
                code="TG959",
            ) from error

    def _take_back(self, instance: str) -> None:
        """In a thread of its own: killing containers takes a while, and a look must not wait."""
        with self._lock:
            if instance in self._taking:
                return
            self._taking.add(instance)
        threading.Thread(target=self._reclaim, args=(instance,), daemon=True).start()

    def _reclaim(self, instance: str) -> None:
        try:
            self.terminate(instance)
        except EffectFailed as error:
            log.warning("%s", error)
        finally:
            with self._lock:
                self._taking.discard(instance)
            self.on_change()


def _seen(record: Record, now: int) -> InstanceSeen:
    state = InstanceState.RUNNING if now >= record.ready_at else InstanceState.PENDING
    return InstanceSeen(record.id, state, record.deadline, record.note)
