"""A base image of a private registry, pulled by the real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient

from tests.support.engine import engine
from tests.support.registry import log_in, private_registry
from tidegate.core.errors import BuildError
from tidegate.local.bases import resolve
from tidegate.local.podman import podman

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    with engine() as found:
        yield found


def test_a_login_counts_at_the_next_push_and_its_want_is_told_with_the_command(
    client: DockerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if podman(client):
        pytest.skip("Podman wants HTTPS, or a line in registries.conf, even of loopback")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with private_registry("tgtest/private") as image:
        log_in(tmp_path, "elsewhere.example/x:1")
        with pytest.raises(BuildError) as caught:
            resolve(f"# ours\nFROM {image}\n", client, pytest.fail)
        host = image.partition("/")[0]
        assert (caught.value.number, caught.value.where) == ("TG331", "Dockerfile:2")
        assert f"docker login {host};" in caught.value.remedy

        log_in(tmp_path, image)
        try:
            assert resolve(f"FROM {image}\n", client, pytest.fail) == f"FROM {image}\n"
            assert client.images.get(image).attrs["Architecture"] == "amd64"
        finally:
            client.api.remove_image(image)
