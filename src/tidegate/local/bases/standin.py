"""Have a stand-in on the engine: found there, loaded from the cache, or made."""

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from docker import DockerClient
from docker.errors import DockerException, ImageNotFound
from requests import RequestException

from tidegate.core.errors import BuildError
from tidegate.local.bases.archive import write_image
from tidegate.local.bases.debian import Apt, Package
from tidegate.local.bases.recipes import EVERYWHERE, PATH, Recipe
from tidegate.local.bases.rootfs import CERTIFICATES, write_root

STAND_IN_FOR = "tidegate.io/standin-for"
FORMAT = 4
"""Raised when the same recipe and packages would make another image."""
CREATED = "2023-11-14T22:13:20Z"
"""In the history, too: without it Podman neither tells the history nor uses its build cache."""
_LISTS = Path("/var/lib/apt/lists")
_MACHINES = {"amd64": "amd64", "arm64": "arm64", "armhf": "arm", "i386": "386"}
"""Debian's word for an architecture and that of images."""

_making = threading.Lock()
_resolved: dict[tuple[str, float], tuple[Package, ...]] = {}


@dataclass(frozen=True, slots=True)
class StandIn:
    """A base image of ours, made of Debian's `package` in that `version`."""

    image: str
    package: str
    version: str


def stand_in(recipe: Recipe, client: DockerClient, say: Callable[[str], None]) -> StandIn:
    """The recipe's image, on the engine and named by the hash of what it is made of.

    Raises `BuildError` TG332 when the packages cannot be had, TG333 when the engine refuses.
    """
    with _making:
        cache = cache_folder()
        packages = _packages(recipe, Apt(cache))
        version = next(package.version for package in packages if package.name == recipe.main)
        mark = recipe_hash(recipe, packages)
        name = f"localhost/tidegate/base-{recipe.name}:{mark}"
        try:
            if not _there(client, name):
                path = cache / f"{recipe.name}-{mark}.tar"
                if not path.exists():
                    say(f"making a base image from Debian {recipe.main} {version}")
                    _make(path, recipe, packages, name)
                with path.open("rb") as archive:
                    client.images.load(archive)
        except (DockerException, RequestException) as error:
            raise BuildError(
                f"the engine did not take the base image {name}", cause=str(error), code="TG333"
            ) from error
        return StandIn(name, recipe.main, version)


def cache_folder() -> Path:
    """Where packages and finished stand-ins are kept: $XDG_CACHE_HOME/tidegate/bases."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(root) / "tidegate" / "bases"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def recipe_hash(recipe: Recipe, packages: tuple[Package, ...]) -> str:
    """12 hex digits of everything that goes into the image."""
    certificates = CERTIFICATES.read_bytes() if CERTIFICATES.exists() else b""
    parts = (FORMAT, recipe, packages, hashlib.sha256(certificates).hexdigest())
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _packages(recipe: Recipe, apt: Apt) -> tuple[Package, ...]:
    """What apt would install; asked again only when the package lists have changed."""
    key = recipe.name, _LISTS.stat().st_mtime if _LISTS.exists() else 0.0
    if key not in _resolved:
        _resolved[key] = apt.resolve((*recipe.packages, *EVERYWHERE))
    return _resolved[key]


def _make(path: Path, recipe: Recipe, packages: tuple[Package, ...], name: str) -> None:
    """Write it whole or not at all: another process may be making the same."""
    apt = Apt(path.parent)
    with TemporaryDirectory(dir=path.parent) as folder:
        layer, image = Path(folder, "layer.tar"), Path(folder, "image.tar")
        try:
            debs = apt.download((*recipe.packages, *EVERYWHERE))
            write_root(layer, recipe, packages, debs)
            write_image(image, layer, _config(recipe, packages), name)
        finally:
            apt.forget()
        image.replace(path)


def _config(recipe: Recipe, packages: tuple[Package, ...]) -> dict[str, object]:
    debian = next(p.architecture for p in packages if p.architecture != "all")
    settings: dict[str, object] = {
        "Env": [f"PATH={PATH}", *(f"{name}={value}" for name, value in recipe.environment)],
        "Cmd": list(recipe.command),
        "StopSignal": recipe.stop_signal,
        "Labels": {STAND_IN_FOR: recipe.name},
    }
    if recipe.port:
        settings["ExposedPorts"] = {f"{recipe.port}/tcp": {}}
    return {
        "created": CREATED,
        "architecture": _MACHINES.get(debian, debian),
        "os": "linux",
        "config": settings,
        "history": [{"created": CREATED, "created_by": f"tidegate base {recipe.name}"}],
    }


def _there(client: DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True
