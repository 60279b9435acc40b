"""Say why a container could not be started, or ended at once, and which setting would help."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from docker.errors import APIError, DockerException
from requests import RequestException

from tidegate.core.errors import EffectFailed, Unreachable

PORT_TAKEN = ("port is already allocated", "address already in use", "ports are not available")
_NAME_TAKEN = ("name is already in use", "network already exists")
"""Podman's words, with the status of an internal error; Docker says 409."""

_REFUSALS = (  # what the engine says, our word for it, what to do, the code
    *(
        (phrase, "no port for it is free", "stop what listens there: ss -ltnp", "TG914")
        for phrase in PORT_TAKEN
    ),
    ("no such image", "its image is not here", "push again: it is built anew", "TG912"),
    (
        "container-init binary not found",
        "Podman has no init program to start it under",
        "install one, as root: apt-get install catatonit, or dnf install catatonit; "
        "or name another in containers.conf: init_path",
        "TG911",
    ),
    (
        "error setting rlimit",
        "the engine asks for higher limits than it may give",
        'in containers.conf, lower default_ulimits, such as ["nofile=8192:8192", '
        '"nproc=8192:8192"]',
        "TG911",
    ),
    (
        "unable to find user",
        "the image has no such user",
        "correct `security.user`: a name of the image's /etc/passwd, or uid:gid",
        "TG916",
    ),
    (
        "invalid capability",
        "there is no such capability",
        "correct `security.capabilities`",
        "TG916",
    ),
    (
        "unknown capability",
        "there is no such capability",
        "correct `security.capabilities`",
        "TG916",
    ),
    (
        "cannot allocate memory",
        "the machine has no memory left for it",
        "stop something, or lower `memory` and `count`",
        "TG913",
    ),
    (
        "memory limit",
        "the memory limit is not possible here",
        "raise `memory`: engines want at least 6 MiB",
        "TG913",
    ),
    (
        "no space left on device",
        "the disk is full",
        "free some space: docker system df shows what the engine holds",
        "TG917",
    ),
    (
        "address pool",
        "the engine has no network range left",
        "remove networks that nobody uses: docker network ls",
        "TG918",
    ),
)

_ENDINGS = (  # what its last lines say, and what that means
    (
        r"exec \S+ failed: no such file|failed to exec pid1: no such file",
        "its command is not in the image; correct `command`, or the image's CMD",
    ),
    (
        r"exec \S+ failed: permission denied|failed to exec pid1: permission denied",
        "its user may not run the command; make it executable in the image, or set security.user",
    ),
    (
        r"read-only file system|EROFS",
        "it wrote to its read-only root{at}; name the folder in security.tmpfs, "
        "or set security.read_only: false",
    ),
    (
        r"(chown|setgid|setuid|initgroups|setgroups|fchown)\b.*operation not permitted",
        "it changes users, which needs privileges; give the service in tidegate.yaml the line "
        "`security: {{user: {user}}}`, the user that it ends as, "
        "or `security: {{capabilities: [CHOWN, SETGID, SETUID]}}`",
    ),
    (
        r"operation not permitted|EPERM",
        "it needs a capability that tasks do not have; name it in security.capabilities",
    ),
    (
        r"permission denied|EACCES",
        "its user may not open{at}; set security.user, or the owner of the file in the image",
    ),
    (
        r"can't start new thread|cannot fork|fork: retry|resource temporarily unavailable",
        "it starts more processes than it may; raise security.pids_limit",
    ),
    (
        r"no space left on device|ENOSPC",
        "a temporary folder is full{at}; give it a size: security.tmpfs: ['/tmp:size=256m']",
    ),
)
_USER = re.compile(r"""(?:chown|setgid|setuid|initgroups)\([^)]*?(\d{1,10})\)""")
_PATH = re.compile(r"""["'`](/[^"'`\s]*)["'`]""")


def one_line(error: Exception) -> str:
    """An engine's error in one line."""
    text = error.explanation if isinstance(error, APIError) and error.explanation else error
    return " ".join(str(text).split())


def port_taken(error: APIError) -> bool:
    """Whether the engine refused the published port."""
    said = one_line(error).lower()
    return any(phrase in said for phrase in PORT_TAKEN)


def name_taken(error: APIError) -> bool:
    """Whether there is a container or network of that name already."""
    said = one_line(error).lower()
    return error.status_code == 409 or any(phrase in said for phrase in _NAME_TAKEN)


def gone(error: APIError) -> bool:
    """Whether there is no such container. Of one that has just gone Podman says it with a 500."""
    return error.status_code == 404 or "no such container" in one_line(error).lower()


def refusal(what: str, error: Exception) -> EffectFailed:
    """The engine's error in our words, with a remedy where we know one."""
    said = one_line(error)
    if not isinstance(error, APIError):
        return Unreachable(
            f"{what}: the container engine does not answer",
            cause=said,
            remedy="tidegate doctor shows what is wrong; it is tried again",
        )
    for phrase, meaning, remedy, code in _REFUSALS:
        if phrase in said.lower():
            return EffectFailed(f"{what}: {meaning}", cause=said, remedy=remedy, code=code)
    return EffectFailed(f"{what}: the container engine refused", cause=said, code="TG911")


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Raise `EffectFailed` for whatever the engine or the way to it raises inside."""
    try:
        yield
    except (DockerException, RequestException) as error:
        raise refusal(what, error) from error


def ending(log: str) -> str:
    """What the last lines of a task that ended soon point to, or "" when nothing is known.

    Only a path and a user's number are taken over from the log: it may hold anything, and this goes
    to the journal.
    """
    for pattern, meaning in _ENDINGS:
        for line in log.splitlines():
            if re.search(pattern, line, re.IGNORECASE):
                path = _PATH.search(line)
                user = _USER.search(line)
                return meaning.format(
                    at=_at(path.group(1)) if path else "",
                    user=f'"{user.group(1)}"' if user else "NAME",
                )
    return ""


def _at(path: str) -> str:
    parent = PurePosixPath(path).parent
    return f" at {parent if str(parent) != '/' else path}"
