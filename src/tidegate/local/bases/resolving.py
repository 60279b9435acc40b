"""Make sure that what a Dockerfile begins FROM can be had, before anything is built."""

import platform as machine
import threading
from collections.abc import Callable, Mapping
from time import monotonic

from docker import DockerClient
from docker.errors import ImageNotFound

from tidegate.core.errors import BuildError
from tidegate.local.bases.debian import Apt
from tidegate.local.bases.dockerfile import From, exchange, outside_images
from tidegate.local.bases.recipes import RECIPES, recipe_for
from tidegate.local.bases.standin import StandIn, stand_in
from tidegate.local.images import denied, login, obtain, registry_of

PULL_SILENCE_S = 15.0
ASK_AGAIN_S = 60.0
"""A registry that could not be reached is not asked again for this long."""

_ANSWERS = ("manifest unknown", "not found", "invalid reference")
"""What a registry that was reached says of an image that it does not give."""

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_unreachable: dict[str, tuple[float, str]] = {}
_lock = threading.Lock()


def resolve(
    dockerfile: str,
    client: DockerClient,
    say: Callable[[str], None],
    args: Mapping[str, str] | None = None,
) -> str:
    """The Dockerfile, with stand-ins for the images that cannot be had.

    For each FROM: the image here, else a pull, else a stand-in where a recipe covers it. `say`
    gets a line for each stand-in; `args` are the build arguments. Raises `BuildError` TG331 with
    the line's number.
    """
    exchanged: dict[From, str] = {}
    for found in outside_images(dockerfile, args or {}):
        cause = _missing(found.image, client)
        if cause is not None:
            base = _covering(found, cause, client, say)
            origin = f"stand-in from Debian {base.package} {base.version}"
            say(f"FROM {found.image} -> {origin} (registry not reachable)")
            exchanged[found] = base.image
    return exchange(dockerfile, exchanged) if exchanged else dockerfile


def _missing(image: str, client: DockerClient) -> str | None:
    """None when the image is here now, pulled if need be; else why it is not."""
    registry = registry_of(image)
    with _lock:
        since, why = _unreachable.get(registry, (float("-inf"), ""))
    asked_lately = monotonic() - since < ASK_AGAIN_S
    try:
        if asked_lately:
            client.images.get(image)
        else:
            obtain(client, image, PULL_SILENCE_S)
    except ImageNotFound:
        return why
    except BuildError as error:
        if not reached(error.cause):
            with _lock:
                _unreachable[registry] = monotonic(), error.cause
        return error.cause
    return None


def reached(cause: str) -> bool:
    """Whether a registry said so, and not the way to it: then the name is wrong, not the net."""
    return denied(cause) or any(phrase in cause.lower() for phrase in _ANSWERS)


def _covering(found: From, cause: str, client: DockerClient, say: Callable[[str], None]) -> StandIn:
    """The stand-in for the image. Raises `BuildError` TG331 when there can be none."""
    recipe = recipe_for(found.image)
    if recipe is None or reached(cause) or not Apt.usable() or not _ours(found.platform):
        raise _not_had(found, cause)
    made = stand_in(recipe[0], client, say)
    if not recipe[0].covers(recipe[1], made.version):
        raise _not_had(found, f"{cause}; and Debian here has {recipe[0].name} {made.version}")
    return made


def _ours(platform: str) -> bool:
    """Whether the platform is this machine's, or left to the builder."""
    here = _ARCHITECTURES.get(machine.machine(), machine.machine())
    return platform.partition("/")[2].split("/")[0] in ("", here)


def _not_had(found: From, cause: str) -> BuildError:
    bring = f"check the name and the network, or bring it: docker pull {found.image}; "
    names = ", ".join(sorted(RECIPES))
    return BuildError(
        f"the base image {found.image} cannot be had",
        cause=cause,
        where=f"Dockerfile:{found.first + 1}",
        remedy=login(found.image)
        if denied(cause)
        else f"{bring}where no registry is reachable there are stand-ins for {names}",
        code="TG331",
    )
