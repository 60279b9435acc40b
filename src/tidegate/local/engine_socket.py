"""Find the container engine of this machine and open a client to it.

What decides is an answer, not a file: each place is asked by a ping with a time limit. An engine
that the user names is the only one asked. Order: `research/runtime.md` §1.
"""

import errno
import grp
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from getpass import getuser
from pathlib import Path

import requests
from docker import APIClient, DockerClient
from docker.context import ContextAPI
from docker.errors import DockerException

from tidegate.core.errors import SetupError

PING_S = 2
CALL_S = 60
"""A call that takes longer has failed. Streams and `stop` have limits of their own."""
CONNECTIONS = 64
_ANY = "1.41"
"""Named so that the SDK does not ask; a ping's address holds no version."""

_OTHER_MACHINES = ("ssh://", "tcp://", "http://", "https://")
_THIS_MACHINE = ("tcp://127.", "tcp://localhost", "http://127.", "http://localhost")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an engine may listen: a URL, and who says so. `named` by the user himself."""

    url: str
    source: str
    named: bool = False


def places(environ: Mapping[str, str]) -> Iterator[Place]:
    """Where to look, the first first."""
    for variable in ("TIDEGATE_ENGINE", "DOCKER_HOST"):
        if url := environ.get(variable):
            yield Place(url, f"the variable {variable}", named=True)
    if url := _context_url():
        yield Place(url, "the current docker context")
    runtime = environ.get("XDG_RUNTIME_DIR")
    yield Place("unix:///var/run/docker.sock", "the usual place of Docker")
    if runtime:
        yield Place(f"unix://{runtime}/docker.sock", "the usual place of rootless Docker")
    yield Place("unix:///run/podman/podman.sock", "the usual place of Podman")
    if runtime:
        yield Place(f"unix://{runtime}/podman/podman.sock", "the usual place of rootless Podman")


def ping(url: str, limit_s: int = PING_S) -> str | None:
    """None when an engine answers at `url` within the limit, else why not, in one line.

    Its version is not asked for: Podman starts several programs to tell it, for seconds at times.
    """
    try:
        if path := _socket_path(url):
            with socket.socket(socket.AF_UNIX) as probe:  # the SDK's words on this are long
                probe.settimeout(limit_s)
                probe.connect(path)
        with closing(APIClient(base_url=url, version=_ANY)) as api:
            api.get(f"{api.base_url}/_ping", timeout=limit_s).raise_for_status()
    except OSError as error:
        return error.strerror or str(error)
    except (DockerException, requests.RequestException, ValueError) as error:
        return str(error)
    return None


def find_engine(environ: Mapping[str, str] = os.environ, limit_s: int = PING_S) -> str:
    """The URL of the first engine that answers.

    Raises `SetupError` TG212 when none does, TG213 when the named one is on another machine, TG229
    when one is there that this user may not ask.
    """
    tried: list[str] = []
    closed = ""
    for place in places(environ):
        if place.named and _elsewhere(place.url):
            raise _on_another_machine(place)
        trouble = ping(place.url, limit_s)
        if trouble is None:
            return place.url
        tried.append(f"{place.url} ({place.source}): {trouble}")
        if trouble == os.strerror(errno.EACCES):
            closed = closed or _socket_path(place.url)
        if place.named:
            break
    if closed:
        raise _not_allowed(closed, tried)
    raise SetupError(
        "no container engine answers",
        cause="; ".join(tried),
        remedy="tidegate setup installs and starts one here; or start Docker or Podman, "
        "or name its socket: TIDEGATE_ENGINE=unix:///path/to.sock",
        code="TG212",
    )


def connect(url: str | None = None) -> DockerClient:
    """A client for many threads, with the API version that the engine speaks.

    Without `url` the engine is looked for. Raises `SetupError`.
    """
    url = url or find_engine()
    try:
        return DockerClient(base_url=url, timeout=CALL_S, max_pool_size=CONNECTIONS)
    except (DockerException, requests.RequestException) as error:
        raise SetupError(
            f"the container engine at {url} does not answer",
            cause=str(error),
            remedy="tidegate doctor shows what is wrong",
            code="TG212",
        ) from error


def memory_mib(client: DockerClient) -> int | None:
    """The memory of the engine's machine, or None when it does not say."""
    try:
        return int(client.info()["MemTotal"]) >> 20
    except (DockerException, requests.RequestException, KeyError, TypeError, ValueError):
        return None


def _socket_path(url: str) -> str:
    return url.removeprefix("unix://") if url.startswith("unix://") else ""


def _context_url() -> str | None:
    """The host of the docker context that is set, unless that is the built-in one."""
    try:
        context = ContextAPI.get_current_context()
    except (DockerException, OSError, ValueError):
        return None  # a broken docker configuration: the places after it are asked
    return None if context is None or context.Name == "default" else context.Host


def _elsewhere(url: str) -> bool:
    return url.startswith(_OTHER_MACHINES) and not url.startswith(_THIS_MACHINE)


def _not_allowed(path: str, tried: list[str]) -> SetupError:
    """Nothing is to be installed: the engine is here. `path` is its socket."""
    remedy = "or start a rootless engine of your own; docs/engines.md has what works on which"
    try:
        group = grp.getgrgid(Path(path).stat().st_gid).gr_name
    except (OSError, KeyError):  # its folder is closed too, or the group has no name
        group = ""
    if group and group != "root":
        joins = f"sudo usermod -aG {group} {getuser()}, then log in again"
        remedy = f"join its group, which may do as much as root: {joins}; {remedy}"
    else:
        remedy = f"run Tidegate as the user whose engine it is, {remedy}"
    return SetupError(
        "a container engine is here, but this user may not use it",
        cause="; ".join(tried),
        where=path,
        remedy=remedy,
        code="TG229",
    )


def _on_another_machine(place: Place) -> SetupError:
    return SetupError(
        f"the container engine {place.url} is on another machine",
        cause="tasks are reached on loopback addresses, which that machine keeps to itself",
        where=place.source,
        remedy="run Tidegate on that machine, or name an engine of this one in TIDEGATE_ENGINE",
        code="TG213",
    )
