"""Take away everything on the engine that belongs to one app."""

from concurrent.futures import ThreadPoolExecutor

from docker import DockerClient
from docker.errors import APIError, DockerException
from requests import RequestException

from tidegate.core.errors import EffectFailed
from tidegate.local.containers.failures import gone, one_line
from tidegate.local.containers.labels import INSTANCE, OWNER


def clear_away(client: DockerClient, owner: str) -> None:
    """Kill and remove the owner's containers, then its network. Images stay.

    It goes by the owner's label alone, so no other app can be touched. Raises `EffectFailed`.
    """
    mine = {"label": f"{OWNER}={owner}"}
    try:
        containers = [found["Id"] for found in client.api.containers(all=True, filters=mine)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: _remove(client, name), containers))
        for network in client.networks.list(filters=mine):
            network.remove()
    except (DockerException, RequestException) as error:
        raise EffectFailed(
            "not everything of this app could be removed", cause=one_line(error), code="TG911"
        ) from error


def clear_instance(client: DockerClient, owner: str, instance: str) -> None:
    """Kill and remove the owner's containers on one instance. Raises `EffectFailed`."""
    mine = {"label": [f"{OWNER}={owner}", f"{INSTANCE}={instance}"]}
    try:
        containers = [found["Id"] for found in client.api.containers(all=True, filters=mine)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: _remove(client, name), containers))
    except (DockerException, RequestException) as error:
        raise EffectFailed(
            f"instance {instance} is not empty yet", cause=one_line(error), code="TG911"
        ) from error


def _remove(client: DockerClient, container: str) -> None:
    try:
        client.api.remove_container(container, v=True, force=True)
    except APIError as error:
        if not gone(error) and error.status_code != 409:  # somebody else is removing it
            raise
