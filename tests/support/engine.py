"""A real container engine for tests, and a small image with a shell in it."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager

import docker
from docker import DockerClient
from docker.models.containers import Container

from tidegate.local.bases import resolve


@contextmanager
def engine() -> Iterator[DockerClient]:
    """A client of this machine's engine."""
    client = docker.from_env()
    try:
        yield client
    finally:
        client.close()


def shell_image(client: DockerClient) -> str:
    """The name of an image that is on the engine and has a shell in it."""
    dockerfile = resolve("FROM busybox\n", client, lambda line: None)
    return dockerfile.removeprefix("FROM ").strip()


def shell_id(client: DockerClient) -> str:
    """The id of that image."""
    return str(client.images.get(shell_image(client)).id)


def tar_of(files: dict[str, str | bytes], mtime: int = 1_700_000_000) -> io.BytesIO:
    """A tar with these files, all of them executable."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(data), 0o755, mtime
            tar.addfile(info, io.BytesIO(data))
    target.seek(0)
    return target


def containers_of(client: DockerClient, owner: str) -> list[Container]:
    """The containers that carry the owner's label, in any state."""
    label = f"tidegate.io/owner={owner}"
    return client.containers.list(all=True, filters={"label": label}, ignore_removed=True)


def remove_all_of(client: DockerClient, owner: str) -> None:
    """Remove the containers and images that carry the owner's label."""
    for container in containers_of(client, owner):
        container.remove(force=True, v=True)
    for image in client.images.list(filters={"label": f"tidegate.io/owner={owner}"}):
        for name in image.tags or [str(image.id)]:
            client.images.remove(name, force=True)
