"""Images on the container engine: how ours are named, how a ready one is had, which ones go."""

import queue
import threading
from collections.abc import Collection, Iterator

import requests
from docker import DockerClient
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.utils import parse_repository_tag

from tidegate.core.errors import BuildError, EffectFailed
from tidegate.local.containers.failures import one_line
from tidegate.local.containers.labels import APP, MANAGED, OWNER

_DENIED = ("no basic auth", "denied", "unauthorized", "authentication required", "forbidden")


def repository(app: str, service: str) -> str:
    """The name of an image that we built; its tag is the execution.

    `localhost/` makes a missing one fail at once instead of being looked for on a public registry.
    """
    return f"localhost/tidegate/{app}/{service}".lower()


def labels(owner: str, app: str) -> dict[str, str]:
    """The labels of a throw-away container of ours."""
    return {MANAGED: "1", OWNER: owner, APP: app}


def image_labels(owner: str) -> dict[str, str]:
    """The label of every image that we built, which holds nothing that changes between builds.

    It is one: Buildah adds several in any order, so its cache would not know the image again.
    """
    return {OWNER: owner}


def owned(client: DockerClient, owner: str) -> dict[str, tuple[str, ...]]:
    """The names of each image that carries the owner's label, by image id."""
    found = client.api.images(filters={"label": f"{OWNER}={owner}"})
    return {image["Id"]: tuple(image["RepoTags"] or ()) for image in found}


def obtain(client: DockerClient, name: str, silence_s: float = 15.0) -> str:
    """The id of the image `name`: the local one, else pulled.

    A registry that says nothing for `silence_s` is given up. Raises `BuildError`.
    """
    try:
        return str(client.images.get(name).id)
    except ImageNotFound:
        pass
    try:
        for line in within(_pull(client, name), silence_s):
            if "error" in line:
                raise _not_had(name, str(line["error"]))
        return str(client.images.get(name).id)
    except (DockerException, requests.RequestException) as error:
        raise _not_had(name, one_line(error)) from error


def prune(client: DockerClient, owner: str, keep: Collection[str]) -> tuple[str, ...]:
    """Remove the owner's images but those in `keep` and those of a container; answer their ids.

    Raises `EffectFailed` when the engine cannot be asked.
    """
    try:
        used = {container["ImageID"] for container in client.api.containers(all=True)}
        gone = [
            (image, names)
            for image, names in owned(client, owner).items()
            if image not in keep and image not in used
        ]
        for image, names in gone:
            _remove(client, image, names)
    except (DockerException, requests.RequestException) as error:
        raise EffectFailed("old images could not be removed", cause=one_line(error)) from error
    return tuple(image for image, _ in gone)


def _remove(client: DockerClient, image: str, names: tuple[str, ...]) -> None:
    """Take the names away one by one: never forced, so an image in use stays."""
    for name in [n for n in names if n != "<none>:<none>"] or [image]:
        try:
            client.api.remove_image(name)
        except NotFound:
            continue
        except APIError as error:
            if error.status_code != 409:  # 409: a container has begun to use it
                raise


def _pull(client: DockerClient, name: str) -> Iterator[dict[str, object]]:
    client.api.reload_config()  # a `docker login` since the last pull counts
    place, tag = parse_repository_tag(name)
    yield from client.api.pull(place, tag=tag or "latest", stream=True, decode=True)


def within(lines: Iterator[dict[str, object]], silence_s: float) -> Iterator[dict[str, object]]:
    """The lines, read in a thread of their own since the SDK cannot be given a limit."""
    said: queue.Queue[dict[str, object] | Exception | None] = queue.Queue()

    def read() -> None:
        try:
            for line in lines:
                said.put(line)
            said.put(None)
        except Exception as error:  # noqa: BLE001  raised again below
            said.put(error)

    threading.Thread(target=read, name="pull", daemon=True).start()
    while True:
        try:
            line = said.get(timeout=silence_s)
        except queue.Empty:
            yield {"error": f"the registry said nothing for {silence_s:g} s"}
            return
        if line is None:
            return
        if isinstance(line, Exception):
            raise line
        yield line


def _not_had(name: str, cause: str) -> BuildError:
    return BuildError(
        f"there is no image {name} here and it cannot be pulled",
        cause=cause,
        remedy=login(name) if denied(cause) else f"check the name, or bring it: docker pull {name}",
        code="TG303",
    )


def registry_of(image: str) -> str:
    """`host.example/a/b:1` → `host.example`; `docker.io` when the name begins with none."""
    host, slash, _ = image.partition("/")
    return host if slash and ("." in host or ":" in host or host == "localhost") else "docker.io"


def denied(cause: str) -> bool:
    """Whether a registry gives the image only to who is known to it."""
    return any(phrase in cause.lower() for phrase in _DENIED)


def login(image: str) -> str:
    """What gives the engine the credentials; some registries deny a wrong name, too."""
    host = registry_of(image)
    where = "" if host == "docker.io" else f" {host}"
    return (
        f"check the name, and log in as the user whose controller this is: docker login{where}; "
        "it counts from the next push on"
    )
