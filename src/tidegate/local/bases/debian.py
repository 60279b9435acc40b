"""Get Debian packages without installing them: which ones, in which version, and their files.

apt resolves from nothing, as if no package were installed, and checks the archive's signatures.
"""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tidegate.core.errors import BuildError

APT_S = 300


@dataclass(frozen=True, slots=True)
class Package:
    """One package as apt would install it."""

    name: str
    version: str
    architecture: str


class Apt:
    """apt with a state of its own under `folder`; the machine's own is only read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @staticmethod
    def usable() -> bool:
        """Whether this machine has apt and dpkg."""
        return bool(shutil.which("apt-get") and shutil.which("dpkg-deb"))

    def resolve(self, names: tuple[str, ...]) -> tuple[Package, ...]:
        """These packages and all that they depend on, by name. Raises `BuildError` TG332."""
        try:
            said = self._apt("install", "-s", "-y", *names)
        except BuildError:
            self._apt("update", "-qq")  # the machine's lists are missing or too old: our own
            said = self._apt("install", "-s", "-y", *names)
        found = (_package(line) for line in said.splitlines() if line.startswith("Inst "))
        return tuple(sorted(found, key=lambda package: package.name))

    def download(self, names: tuple[str, ...]) -> dict[str, Path]:
        """The .deb of each package that `resolve` names. Raises `BuildError` TG332."""
        (self._archives / "partial").mkdir(parents=True, exist_ok=True)
        self._apt("install", "-qq", "-y", "--download-only", *names)
        return {path.name.split("_")[0]: path for path in self._archives.glob("*.deb")}

    def forget(self) -> None:
        """Remove what was downloaded."""
        shutil.rmtree(self._archives, ignore_errors=True)

    @property
    def _archives(self) -> Path:
        return self._folder / f"archives-{os.getpid()}"  # others may make one at the same time

    def _apt(self, *words: str) -> str:
        status = self._folder / "status"
        status.write_text("")
        lists = self._folder / "lists"
        if words[0] == "update":
            (lists / "partial").mkdir(parents=True, exist_ok=True)
        options = {
            "Dir::State::status": str(status),
            "Dir::Cache::archives": f"{self._archives}/",
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Debug::NoLocking": "1",
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root",
        } | ({"Dir::State::lists": f"{lists}/"} if lists.exists() else {})
        settings = [word for pair in options.items() for word in ("-o", "=".join(pair))]
        return run("apt-get", *settings, *words)


def run(*command: str) -> str:
    """What the command prints. Raises `BuildError` TG332 with its last line when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=APT_S)
    except (OSError, subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip()
        raise BuildError(
            f"{command[0]} could not get the packages of a stand-in base image",
            cause=said.splitlines()[-1],
            remedy="check the network and /etc/apt/sources.list, then run: apt-get update",
            code="TG332",
        ) from error
    return done.stdout


@contextmanager
def files_of(deb: Path, part: str = "--fsys-tarfile") -> Iterator[tarfile.TarFile]:
    """The files of a package, to be read once from front to back."""
    with (
        subprocess.Popen(["dpkg-deb", part, str(deb)], stdout=subprocess.PIPE) as process,
        tarfile.open(fileobj=process.stdout, mode="r|") as files,
    ):
        yield files


def control_of(deb: Path) -> str:
    """The package's control fields, as scanners read them from `status.d`."""
    return run("dpkg-deb", "-f", str(deb))


def checksums_of(deb: Path) -> bytes:
    """The package's list of files with their MD5, as scanners read it from `status.d`."""
    with files_of(deb, "--ctrl-tarfile") as files:
        for member in files:
            content = files.extractfile(member) if member.name == "./md5sums" else None
            if content:
                return content.read()
    return b""


def _package(line: str) -> Package:
    """`Inst nginx (1.22.1-9 Debian:12/stable [amd64])` → its parts."""
    words = line.split()
    version = words[2].lstrip("(")
    return Package(words[1], version, line.rsplit("[", 1)[1].split("]")[0])
