"""A Podman of the tests' own: its service, its images and its containers in one folder."""

import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from docker import DockerClient
from docker.errors import DockerException

from tidegate.local.engine_socket import ping

START_S = 20.0
MOST = 32_768
"""Podman's service lowers its own limits to this."""
CALL_S = 60
RUNTIMES = ("runc", "crun")  # crun does not run where cgroup v1 and v2 are mixed


def why_not() -> str:
    """Why there can be no Podman here, or empty."""
    if shutil.which("podman") is None:
        return "podman is not installed"
    return "" if any(map(shutil.which, RUNTIMES)) else "neither runc nor crun is installed"


@contextmanager
def podman_service() -> Iterator[str]:
    """The URL of a service that nothing else uses. Nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="tidegate-podman-"))  # short: it holds a socket
    environ = os.environ | _settings(folder)
    url = f"unix://{folder}/podman.sock"
    with (folder / "log").open("wb") as log:
        service = subprocess.Popen(
            _command(folder, "system", "service", "--time=0", url),
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd=folder,
        )
    try:
        _wait(url, service, folder / "log")
        yield url
        _remove_all(url)
    finally:
        service.terminate()
        service.wait(CALL_S)
        overlay = folder / "root" / "overlay"
        subprocess.run(["umount", "-l", str(overlay)], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _command(folder: Path, *words: str) -> list[str]:
    return [
        "podman",
        *("--root", f"{folder}/root", "--runroot", f"{folder}/run"),
        *("--tmpdir", f"{folder}/tmp", "--network-config-dir", f"{folder}/net"),
        *words,
    ]


def _settings(folder: Path) -> dict[str, str]:
    """Files in the place of the machine's; the variables that name them."""
    runtime = next(filter(shutil.which, RUNTIMES))
    (folder / "containers.conf").write_text(
        "[containers]\n"
        f'default_ulimits = ["{_limit("nofile")}", "{_limit("nproc")}"]\n'
        "[engine]\n"
        'cgroup_manager = "cgroupfs"\n'
        'events_logger = "file"\n'
        f'runtime = "{runtime}"\n'
        "[network]\n"
        'network_backend = "netavark"\n'
    )
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n'
    )
    return {
        "CONTAINERS_CONF": f"{folder}/containers.conf",
        "CONTAINERS_STORAGE_CONF": f"{folder}/storage.conf",
    }


def _limit(name: str) -> str:
    """What a Podman without CAP_SYS_RESOURCE may give: of itself it asks for more, and fails."""
    _, hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))
    most = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    return f"{name}={most}:{most}"


def _wait(url: str, service: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_S
    while ping(url) is not None:
        if service.poll() is not None or time.monotonic() > end:
            raise AssertionError(f"podman does not start: {log.read_text()[-1000:]}")
        time.sleep(0.05)


def _remove_all(url: str) -> None:
    with closing(DockerClient(base_url=url, timeout=CALL_S)) as client:
        for container in client.api.containers(all=True):
            with suppress(DockerException):
                client.api.remove_container(container["Id"], force=True, v=True)
        for network in client.networks.list():
            if network.name != "podman":
                with suppress(DockerException):
                    network.remove()
