"""Finding the container engine."""

import errno
import grp
import os
import socket
from pathlib import Path

import pytest

from tidegate.core.errors import SetupError
from tidegate.local import engine_socket
from tidegate.local.engine_socket import find_engine, ping, places


def test_the_named_engine_comes_first_and_is_the_only_one_asked(tmp_path: Path) -> None:
    dead = f"unix://{tmp_path}/none.sock"
    environ = {"TIDEGATE_ENGINE": dead, "DOCKER_HOST": "unix:///other.sock"}
    with pytest.raises(SetupError) as caught:
        find_engine(environ)
    assert "none.sock" in caught.value.cause and "No such file" in caught.value.cause
    assert "docker.sock" not in caught.value.cause


def test_the_places_are_asked_in_their_order() -> None:
    found = [p.url for p in places({"XDG_RUNTIME_DIR": "/run/user/7"}) if "context" not in p.source]
    assert found == [
        "unix:///var/run/docker.sock",
        "unix:///run/user/7/docker.sock",
        "unix:///run/podman/podman.sock",
        "unix:///run/user/7/podman/podman.sock",
    ]


@pytest.mark.parametrize("url", ["ssh://deploy@host", "tcp://10.1.2.3:2376"])
def test_an_engine_on_another_machine_is_refused_with_the_reason(url: str) -> None:
    with pytest.raises(SetupError, match="loopback") as caught:
        find_engine({"DOCKER_HOST": url})
    assert caught.value.number == "TG213"


def test_a_plain_file_in_the_place_of_the_socket_is_no_engine(tmp_path: Path) -> None:
    (tmp_path / "docker.sock").write_text("")
    assert ping(f"unix://{tmp_path}/docker.sock")


def test_a_socket_that_never_answers_is_no_engine(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "docker.sock"))
        silent.listen()
        assert ping(f"unix://{tmp_path}/docker.sock", limit_s=1)


@pytest.mark.parametrize(
    ("group", "remedy"),
    [
        ("docker", "sudo usermod -aG docker ann, then log in again"),
        ("root", "run Tidegate as the user whose engine it is"),
    ],
)
def test_an_engine_that_this_user_may_not_ask_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str, remedy: str
) -> None:
    (tmp_path / "docker.sock").touch()
    monkeypatch.setattr(engine_socket, "ping", lambda url, limit_s: os.strerror(errno.EACCES))
    monkeypatch.setattr(engine_socket, "getuser", lambda: "ann")
    known = grp.struct_group((group, "x", 7, []))
    monkeypatch.setattr(grp, "getgrgid", lambda number: known)
    with pytest.raises(SetupError, match="this user may not use it") as caught:
        find_engine({"DOCKER_HOST": f"unix://{tmp_path}/docker.sock"})
    assert caught.value.number == "TG229"
    assert caught.value.where == f"{tmp_path}/docker.sock"
    assert remedy in caught.value.remedy and "rootless" in caught.value.remedy
