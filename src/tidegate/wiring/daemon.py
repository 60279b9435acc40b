"""The daemon of one app: ports, engine, API; from its start to its orderly end.

Its disorderly end needs nothing: containers and HAProxy are no children of it, the kernel gives
its lease back, and the next daemon replays the journal.
"""

import json
import logging
import os
import socket
import threading
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import uvicorn

from tidegate import spec
from tidegate.api import app as api
from tidegate.core.errors import SetupError
from tidegate.core.model import App
from tidegate.core.ports import World
from tidegate.engine.execute import Lanes
from tidegate.engine.journal import Journal
from tidegate.engine.loop import Engine
from tidegate.engine.operations import EngineOperations, Outside
from tidegate.local import engine_socket
from tidegate.local.bases import resolve
from tidegate.local.clock import SteadyClock
from tidegate.local.containers.clear import clear_away
from tidegate.local.containers.logs import TaskLogs
from tidegate.local.containers.tasks import ContainerTasks
from tidegate.local.git.repository import Repository
from tidegate.local.haproxy.balancer import HAProxyBalancer
from tidegate.local.home import Home
from tidegate.local.instances import LocalInstances, Records, find
from tidegate.local.jobs.runner import LocalJobs
from tidegate.local.jobs.site import Site
from tidegate.local.metrics.collector import Collector
from tidegate.local.metrics.scrape import Scrape
from tidegate.local.scanning import LocalAdvisories, Refresher, Settings
from tidegate.local.setup import programs
from tidegate.wiring import scanning
from tidegate.wiring.chosen import policy_in_scan
from tidegate.wiring.webhook import Webhook

LOOPBACK = "127.0.0.1"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Parts:
    """What a daemon is made of, in the order in which it is taken apart."""

    engine: Engine
    lanes: Lanes
    tasks: ContainerTasks
    balancer: HAProxyBalancer
    collector: Collector
    journal: Journal
    refresher: Refresher
    instances: LocalInstances


def serve(folder: Path, foreground: bool = False) -> None:
    """Run the daemon of the app in `folder` until it is told to stop.

    Raises `AppFileError` for a wrong app file, `SetupError` for what the machine lacks, `Busy`
    when another controller has this app, `JournalError` for a journal that cannot be used.
    """
    logging.basicConfig(
        level=logging.INFO if foreground else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    home = Home(folder.resolve() / ".tidegate").create()
    described = spec.load(folder / spec.FILE_NAME)
    repository = Repository(home.repository).create(home, described.pipeline.branch)
    repository.add_remote(folder)
    parts = _assemble(home, described)
    ending = Ending()
    try:
        _run(home, repository, parts, ending)
        if ending.everything:
            parts.engine.end()
            parts.balancer.stop()
            clear_away(engine_socket.connect(), home.owner)
            parts.instances.clear()
    finally:
        _take_apart(parts)
        home.daemon.unlink(missing_ok=True)


class Ending:
    """How the daemon is told to stop, and whether the app ends with it."""

    def __init__(self) -> None:
        self.everything = False
        self.server: uvicorn.Server | None = None

    def down(self, everything: bool) -> None:
        """Stop serving once the answers under way are given."""
        self.everything = everything
        if self.server:
            self.server.should_exit = True


def _assemble(home: Home, described: App) -> Parts:
    found = programs.haproxy()
    balancer = HAProxyBalancer(home.haproxy, found.path if found else None)
    balancer.check_ports(described.listener)
    journal = Journal.open(home.journal, home.owner)
    clock = SteadyClock(journal.last_at)
    waker = Waker()
    client = engine_socket.connect()
    instances = LocalInstances(
        client,
        find(client, home.owner),
        Records(home.instances),
        clock.now,
        lambda: engine.progress.app.capacity if engine.progress.app else None,
    )
    instances.on_change = waker.wake
    tasks = ContainerTasks(client, home, lambda: described.name, waker.wake, instances.place)
    collector = Collector(home.haproxy, clock.ahead_ms)
    site = Site(home, client, lambda: engine.progress, resolve)
    settings = Settings.of_user()
    refresher = scanning.refresher(settings)
    scanner = scanning.scanner(
        home, client, settings, refresher, lambda: policy_in_scan(engine.progress)
    )
    jobs = LocalJobs(site, scanner, waker.wake)
    advisories = LocalAdvisories(settings.root)
    memory_mib = engine_socket.memory_mib(client)
    world = World(clock, tasks, balancer, collector, jobs, advisories, instances, memory_mib)
    lanes = Lanes(world, waker.wake)
    engine = Engine(journal, world, lanes)
    waker.engine = engine
    tasks.open()
    collector.start()
    refresher.start()
    return Parts(engine, lanes, tasks, balancer, collector, journal, refresher, instances)


class Waker:
    """Wakes the engine, which is made after the parts that wake it."""

    def __init__(self) -> None:
        self.engine: Engine | None = None

    def wake(self) -> None:
        """Look now."""
        if self.engine:
            self.engine.wake()


def _run(home: Home, repository: Repository, parts: Parts, ending: Ending) -> None:
    """The loop in a thread of its own, and the API in this one."""
    engine = parts.engine
    engine.begin(home.owner, version("tidegate"))
    outside = Outside(
        files=home,
        task_lines=TaskLogs(engine_socket.connect(), home).lines,
        down=ending.down,
        interrupt=parts.instances.interrupt,
        why_not_limited=parts.instances.why_not_limited,
    )
    operations = EngineOperations(engine, outside)
    application = api.create(
        operations,
        token=home.token.read_text().strip(),
        metrics=Scrape(parts.collector, parts.balancer).page,
        webhook=Webhook(home, repository, operations),
    )
    config = uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=3)
    ending.server = uvicorn.Server(config)
    stop = threading.Event()
    loop = threading.Thread(target=engine.run, args=(stop,), name="engine")
    loop.start()
    try:
        with _listening(home) as listening:
            ending.server.run(sockets=[listening])
    finally:
        operations.close()
        stop.set()
        engine.wake()
        loop.join()
        parts.lanes.close()


def _listening(home: Home) -> socket.socket:
    """A loopback port: the last daemon's if it is free, so that addresses stay good."""
    remembered = home.path / "port"
    try:
        last = int(remembered.read_text())
    except (FileNotFoundError, ValueError):  # the first start, or a full disk cut the number short
        last = 0
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, last))
    except (OSError, OverflowError):
        listening.bind((LOOPBACK, 0))
    port = listening.getsockname()[1]
    part = home.daemon.with_suffix(".new")
    try:
        remembered.write_text(str(port))
        part.write_text(json.dumps({"pid": os.getpid(), "port": port}))
        part.rename(home.daemon)
    except OSError as error:
        listening.close()
        raise SetupError(
            "the daemon cannot say where it listens",
            cause=str(error),
            where=str(home.daemon),
            remedy="free some disk space",
            code="TG232",
        ) from error
    return listening


def _take_apart(parts: Parts) -> None:
    """The lease goes last."""
    parts.refresher.close()
    parts.tasks.close()
    parts.collector.close()
    parts.journal.close()
