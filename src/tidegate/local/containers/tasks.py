"""`core.ports.Tasks` on a container engine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import ceil

from docker import DockerClient
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from tidegate.core.decision import StartTask
from tidegate.core.errors import EffectFailed
from tidegate.core.seen import Health, TaskSeen
from tidegate.local.containers.creation import Given, Owner, Place, creation
from tidegate.local.containers.failures import name_taken, port_taken, translated
from tidegate.local.containers.hostports import HostPorts
from tidegate.local.containers.labels import container_name
from tidegate.local.containers.network import Network
from tidegate.local.containers.secrets import read_secrets
from tidegate.local.containers.usage import Subject, Usages
from tidegate.local.containers.watcher import Known, Watcher
from tidegate.local.home import Home
from tidegate.local.podman import podman
from tidegate.local.probing import Probe, Prober

KEPT_LINES = 200
PORT_ATTEMPTS = 20
IMAGE_ID = "sha256:"


class ContainerTasks:
    """The tasks of one app: its containers, and what their health checks say.

    Secrets are read when a task starts and handed to it as environment variables, as most
    programs expect them. They are in no label, log or journal of ours, but whoever may use the
    container engine can see them with `docker inspect`. `place` says where a task of an instance
    is started, and raises `EffectFailed` when that instance does not run.
    """

    def __init__(
        self,
        client: DockerClient,
        home: Home,
        app_name: Callable[[], str],
        on_change: Callable[[], None] = lambda: None,
        place: Callable[[str | None], Place] = lambda instance: Place(),
    ) -> None:
        self._client = client
        self._place = place
        self._home = home
        self._owner = home.owner
        self._app_name = app_name
        self._on_change = on_change
        self._network = Network(client, self._owner)
        self._ports = HostPorts()
        self._prober = Prober(on_change)
        self._usages = Usages(client)
        self._users: dict[str, str] = {}
        self._watcher = Watcher(client, self._owner, self._looked)

    def open(self) -> "ContainerTasks":
        """Begin to watch; `observe` answers None until the engine was read once."""
        self._watcher.open()
        self._usages.open()
        return self

    def close(self) -> None:
        """Stop watching. The tasks run on."""
        self._watcher.close()
        self._prober.close()
        self._usages.close()

    def start(self, action: StartTask) -> None:
        """Create and start the task's container, unless it is there. Raises `EffectFailed`."""
        what = f"task {action.task} of {action.service.name} cannot start"
        if not action.digest.startswith(IMAGE_ID):
            raise EffectFailed(
                f"{what}: {action.digest} is a name, not an image id",
                cause="a name can be moved to an image that was never judged",
                code="TG912",
            )
        place = self._place(action.instance)
        secrets = read_secrets(action.service.secrets)
        with self._seen_afterwards(), translated(what):
            user = self._user_of(action.digest)
            on = Owner(self._owner, self._app_name(), self._network.ensure())
            given = Given(user, secrets, place, podman(self._client) is not None)
            self._start(on, action, given)

    def stop(self, task: str, grace_ms: int) -> None:
        """Stop it with its image's signal, killing it after the grace. Raises `EffectFailed`.

        A container that never started cannot stop: it is removed.
        """
        with self._seen_afterwards(), translated(f"task {task} cannot be stopped"):
            try:
                container = self._client.containers.get(self._name(task))
                if container.status == "created":
                    container.remove(v=True)
                else:
                    container.stop(timeout=ceil(grace_ms / 1000))
            except NotFound:
                return

    def remove(self, task: str) -> None:
        """Remove it and keep its last 200 lines in `Home.task_log`. Raises `EffectFailed`."""
        with self._seen_afterwards(), translated(f"task {task} cannot be removed"):
            try:
                lines = self._client.api.logs(self._name(task), tail=KEPT_LINES, timestamps=True)
                unkept = self._keep(task, lines)
                self._client.api.remove_container(self._name(task), v=True)
            except NotFound:
                return
        if unkept:
            raise EffectFailed(
                f"the last lines of task {task} could not be kept", cause=unkept, code="TG917"
            )

    def observe(self) -> tuple[TaskSeen, ...] | None:
        """Every task with its health and usage; None when the engine has been silent for 2 s."""
        known = self._watcher.known()
        if known is None:
            return None
        return tuple(self._seen(task, read.seen) for task, read in known.items())

    def _seen(self, task: str, seen: TaskSeen) -> TaskSeen:
        """With its health, and what is wrong with it, and what it uses."""
        health = self._prober.health(task)
        note = self._prober.fault(task) if health is Health.UNHEALTHY else seen.note
        return replace(seen, health=health, note=note, usage=self._usages.of(task))

    def _user_of(self, image: str) -> str:
        """The user that the image names, "" for root: an image's id stands for what it says."""
        if image not in self._users:
            found = self._client.images.get(image).attrs["Config"]
            self._users[image] = found.get("User") or ""
        return self._users[image]

    # --- starting -------------------------------------------------------------------------------

    def _start(self, on: Owner, action: StartTask, given: Given) -> None:
        """Another port whenever the engine refuses one."""
        refused: list[int] = []
        while True:
            with self._ports.hold(self._name(action.task), refused, given.place.address) as port:
                container = self._create(on, action, given, port)
                if container.status != "created":
                    return  # it runs, or has run
                try:
                    container.start()
                    return
                except APIError as error:
                    container.remove(v=True, force=True)  # what could not start is no task
                    if not port_taken(error) or len(refused) == PORT_ATTEMPTS:
                        raise
                    refused.append(port)

    def _create(self, on: Owner, action: StartTask, given: Given, port: int) -> Container:
        """The container, made now or before."""
        try:
            return self._client.containers.create(**creation(on, action, given, port))
        except APIError as error:
            if not name_taken(error):
                raise
            return self._client.containers.get(self._name(action.task))

    @contextmanager
    def _seen_afterwards(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._watcher.look_again()

    # --- seeing ---------------------------------------------------------------------------------

    def _looked(self, known: Known) -> None:
        self._prober.follow(
            {
                task: Probe(read.seen.address, read.check, read.started_s)
                for task, read in known.items()
                if read.seen.address is not None
            }
        )
        self._usages.follow(
            {task: Subject(read.container, read.pid) for task, read in known.items() if read.pid}
        )
        self._on_change()

    def _keep(self, task: str, lines: bytes) -> str:
        """Write the lines; answer why not, if not."""
        path = self._home.task_log(task)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(lines)
        except OSError as error:
            return str(error)
        return ""

    def _name(self, task: str) -> str:
        return container_name(self._owner, task)
