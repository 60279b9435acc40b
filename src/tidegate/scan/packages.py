"""What an image holds: packages, each with the layer that brought it, and what could not be read.

Names, versions and ecosystems are written the way OSV writes them, so that they match as they are.
"""

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """Where a package was found: its package manager, by purl's name of the type."""

    DEB = "deb"
    APK = "apk"
    RPM = "rpm"
    PYPI = "pypi"
    NPM = "npm"
    GO = "golang"
    MAVEN = "maven"

    __hash__ = object.__hash__  # by identity: Enum's own is slow, and every package asks for it

    @property
    def of_system(self) -> bool:
        """Whether the distribution provides it: then the ecosystem names the distribution."""
        return self not in LANGUAGE_ECOSYSTEMS


LANGUAGE_ECOSYSTEMS = {
    Kind.PYPI: "PyPI",
    Kind.NPM: "npm",
    Kind.GO: "Go",
    Kind.MAVEN: "Maven",
}


@dataclass(frozen=True, slots=True)
class OsRelease:
    """The distribution, from os-release: `id` "debian", `version` "12", `name` for people."""

    id: str
    version: str = ""
    name: str = ""

    @property
    def ecosystem(self) -> str:
        """OSV's name of this release: "Debian:12", "Alpine:v3.18", "Ubuntu:24.04:LTS".

        A distribution that OSV has no data of is called by its own id: "amzn:2".
        """
        parts = self.version.split(".")
        major, minor = parts[0], ".".join(parts[:2])
        match self.id:
            case "debian":
                return f"Debian:{major}" if major else "Debian"
            case "ubuntu":
                lts = minor.endswith(".04") and major.isdecimal() and int(major) % 2 == 0
                return f"Ubuntu:{minor}:LTS" if lts else f"Ubuntu:{minor}"
            case "alpine":
                return f"Alpine:v{minor}" if minor else "Alpine"
            case "wolfi" | "chainguard":
                return self.id.capitalize()
            case "almalinux":
                return f"AlmaLinux:{major}"
            case "rocky":
                return f"Rocky Linux:{major}"
            case "rhel":
                return f"Red Hat:{major}"
            case _:
                return f"{self.id}:{self.version}"


@dataclass(frozen=True, slots=True)
class Package:
    """One package of an image.

    `name` and `version` are as OSV has them: PyPI names normalised, Maven "group:artifact" (only
    "artifact" when the jar does not tell its group), Go without `v`, the Go library as "stdlib",
    rpm and deb versions with their epoch. `source_name` and `source_version` are what a binary
    package was built from (deb, apk, rpm); equal to name and version when nothing else is said.
    `module` is an rpm's modularity label ("container-tools:rhel8:8060…"), else empty.
    `path` is the file that told of it, inside the image; a nested jar is "app.jar!/lib/x.jar".
    `layer` is the index of the layer that brought it; `layer_digest` that layer's diff ID.
    `dev` is a development dependency of a lock file: written down, not installed.
    """

    name: str
    version: str
    ecosystem: str
    kind: Kind
    purl: str
    source_name: str = ""
    source_version: str = ""
    architecture: str = ""
    module: str = ""
    path: str = ""
    layer: int = 0
    layer_digest: str = ""
    dev: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Something that could not be read. `blinds`: packages may be missing, so no pass follows."""

    path: str
    text: str
    layer: int = 0
    blinds: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer: its diff ID, and the Dockerfile step that made it, if the image tells."""

    index: int
    digest: str
    created_by: str = ""


@dataclass(frozen=True, slots=True)
class Base:
    """Where the base image ends: `layers` of them, from below, are its.

    `certain` when its layers were compared; else the boundary is guessed from the history.
    """

    layers: int
    name: str = ""
    certain: bool = False


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that was found in the image `digest`. Packages are sorted and unique.

    `image_id` is the digest of the image's configuration: what a single machine's engine calls it.
    """

    digest: str
    os: OsRelease | None = None
    packages: tuple[Package, ...] = ()
    notes: tuple[Note, ...] = ()
    layers: tuple[Layer, ...] = ()
    base: Base | None = None
    image_id: str = ""
    architecture: str = ""

    @property
    def complete(self) -> bool:
        """False when a package database or a part of the image could not be read."""
        return not any(note.blinds for note in self.notes)

    def of_base(self, package: Package) -> bool | None:
        """Whether the base image brought the package; None when the boundary is not known."""
        return None if self.base is None else package.layer < self.base.layers
