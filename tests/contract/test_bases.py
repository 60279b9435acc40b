"""Stand-in base images on the real engine, where no registry can be reached."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient

from tests.support.engine import engine
from tests.support.old_python import without_filters
from tests.support.tasks_bench import container_bench
from tidegate.core.decision import StartTask
from tidegate.core.errors import BuildError
from tidegate.core.model import Security, Service
from tidegate.core.seen import Health
from tidegate.local.bases import resolve, standin
from tidegate.local.bases.debian import Apt
from tidegate.local.bases.recipes import RECIPES

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not Apt.usable(), reason="stand-ins are made of Debian packages"),
]

WWW = "101:101"
ROOM = ("/tmp", "/run", "/var/cache/nginx")


@pytest.fixture(scope="module")
def client() -> Iterator[DockerClient]:
    with engine() as found:
        yield found


def base(client: DockerClient, image: str) -> str:
    """The id of what stands in for the image here."""
    name = resolve(f"FROM {image}\n", client, lambda line: None).split()[1]
    return str(client.images.get(name).id)


def run(client: DockerClient, image: str, *command: str) -> str:
    output = client.containers.run(
        image, list(command), remove=True, user="1000", read_only=True, cap_drop=["ALL"]
    )
    return output.decode().strip()


def test_an_image_that_is_here_is_left_as_it_is_and_so_is_scratch(client: DockerClient) -> None:
    image = base(client, "busybox")
    text = f"FROM {image} AS one\nFROM scratch\nCOPY --from=one /bin/sh /\n"
    assert resolve(text, client, pytest.fail) == text


def test_a_stand_in_is_said_named_by_its_making_and_never_by_what_it_stands_for(
    client: DockerClient,
) -> None:
    said: list[str] = []
    text = resolve("FROM nginx:stable AS web\nCOPY a /b\n", client, said.append)
    name = text.split()[1]
    assert text == f"FROM {name} AS web\nCOPY a /b\n"
    assert name.startswith("localhost/tidegate/base-nginx:")
    assert said[-1].startswith("FROM nginx:stable -> stand-in from Debian nginx 1.")
    image = client.images.get(name)
    assert image.tags == [name]
    assert image.labels["tidegate.io/standin-for"] == "nginx"
    assert image.attrs["Config"]["StopSignal"] == "SIGQUIT"
    assert image.attrs["Config"]["Cmd"] == ["nginx", "-g", "daemon off;"]


def test_the_nginx_stand_in_serves_its_folder_hardened_on_port_80(
    client: DockerClient, tmp_path: Path
) -> None:
    with container_bench(tmp_path / "home") as bench:
        service = Service("web", security=Security(user=WWW, tmpfs=ROOM))
        bench.tasks.start(StartTask("t1", service, 1, base(client, "nginx:stable")))
        bench.wait_for("t1", lambda seen: seen.health is Health.HEALTHY)
        assert bench.inside("t1", "id -u; ls /usr/share/nginx/html").startswith("101\n")
        assert "listen       80;" in bench.inside("t1", "cat /etc/nginx/conf.d/default.conf")
        assert "Package: nginx" in bench.inside("t1", "cat /var/lib/dpkg/status.d/nginx")
        bench.tasks.stop("t1", 5_000)
        assert bench.container("t1").attrs["State"]["ExitCode"] == 0


def test_an_nginx_that_needs_its_setting_says_so(client: DockerClient, tmp_path: Path) -> None:
    with container_bench(tmp_path / "home") as bench:
        bench.tasks.start(StartTask("t1", Service("web"), 1, base(client, "nginx")))
        seen = bench.wait_for("t1", lambda seen: bool(seen.note))
        assert "security: {user: " in seen.note


def test_the_python_stand_in_runs_scripts_with_the_standard_library(client: DockerClient) -> None:
    script = "import http.server, json, sqlite3, ssl, sys; print(sys.version_info[:2])"
    image = base(client, "python:3")
    version, other = run(client, image, "sh", "-c", f"python -c '{script}'; python3 -V").split("\n")
    assert version.startswith("(3, ") and other.startswith("Python 3.")


def test_the_node_and_busybox_stand_ins_run(client: DockerClient) -> None:
    assert run(client, base(client, "node"), "node", "-p", "6 * 7") == "42"
    assert run(client, base(client, "busybox"), "sh", "-c", "echo $((6 * 7))") == "42"


def test_a_stand_in_is_made_of_the_same_bytes_again_on_debian_s_own_python_too(
    client: DockerClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_filters(monkeypatch)
    recipe = RECIPES["busybox"]
    before = client.images.get(standin.stand_in(recipe, client, lambda line: None).image)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    packages = standin._packages(recipe, Apt(tmp_path))
    made = tmp_path / "again.tar"
    standin._make(made, recipe, packages, "unused:1")
    assert str(before.id).removeprefix("sha256:").encode() in made.read_bytes()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM nginx\nFROM postgres:16\n", 2),
        ("# none\nFROM python:2.7\n", 2),
        ("FROM nginx@sha256:" + "0" * 64 + "\n", 1),
        ("FROM --platform=linux/s390x nginx:1\n", 1),
    ],
)
def test_what_cannot_be_had_is_an_error_that_names_the_line(
    client: DockerClient, text: str, line: int
) -> None:
    with pytest.raises(BuildError) as caught:
        resolve(text, client, lambda said: None)
    assert caught.value.number == "TG331"
    assert caught.value.where == f"Dockerfile:{line}"
    assert caught.value.cause and caught.value.remedy
