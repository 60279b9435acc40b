"""The root file system of a stand-in: Debian packages unpacked, and what an image needs besides.

Maintainer scripts are not run, which is fine for the packages of our recipes. Their state is kept
in `var/lib/dpkg/status.d`, where scanners find it, as in distroless images.
"""

import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tidegate.local.bases.archive import MERGED, Layer, merged
from tidegate.local.bases.debian import Package, checksums_of, control_of, files_of
from tidegate.local.bases.recipes import Recipe, User

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""The machine's own, so that a build trusts what the machine trusts."""

_UNNEEDED = (
    "usr/share/man/",
    "usr/share/locale/",
    "usr/share/info/",
    "usr/share/i18n/",
    "usr/share/lintian/",
    "usr/share/doc/",
)
_ROOT = User("root", 0, "/root")
_NOBODY = User("nobody", 65534)


def write_root(
    path: Path, recipe: Recipe, packages: Iterable[Package], debs: dict[str, Path]
) -> None:
    """Write the layer of the recipe to `path`. `debs` holds each package's file by name."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        layer = Layer(tar)
        _frame(layer)
        _accounts(layer, (_ROOT, *recipe.users, _NOBODY))
        for folder, owner in recipe.folders:
            layer.folder(folder, owner=owner)
        for link, target in recipe.links:
            layer.link(link, target)
        for file, text in recipe.files:
            layer.file(file, text.encode())
        for package in packages:
            _unpack(layer, debs[package.name])
            state = f"var/lib/dpkg/status.d/{package.name}"
            layer.file(state, control_of(debs[package.name]).encode())
            layer.file(f"{state}.md5sums", checksums_of(debs[package.name]))
        for applet in _applets(debs["busybox"]):
            layer.link(f"usr/bin/{applet}", "busybox")


def _frame(layer: Layer) -> None:
    """What Debian's scripts would have made."""
    layer.folder("usr")
    for top in MERGED:
        layer.folder(f"usr/{top}")
        layer.link(top, f"usr/{top}")
    layer.folder("tmp", 0o1777)
    layer.folder("root", 0o700)
    layer.folder("run")
    layer.folder("var")
    layer.link("var/run", "/run")
    layer.folder("var/tmp", 0o1777)
    if CERTIFICATES.exists():
        layer.file("etc/ssl/certs/ca-certificates.crt", CERTIFICATES.read_bytes())


def _accounts(layer: Layer, users: Iterable[User]) -> None:
    rows = [f"{u.name}:x:{u.number}:{u.number}:{u.name}:{u.home}:/bin/sh" for u in users]
    layer.file("etc/passwd", "".join(f"{row}\n" for row in rows).encode())
    groups = [f"{u.name}:x:{u.number}:" for u in users]
    layer.file("etc/group", "".join(f"{row}\n" for row in groups).encode())


def _unpack(layer: Layer, deb: Path) -> None:
    with files_of(deb) as files:
        for member in files:
            name = merged(member.name)
            if _unneeded(name):
                continue
            layer.add(member, files.extractfile(member) if member.isreg() else None)


def _unneeded(name: str) -> bool:
    """Manuals, translations and character sets; licences are kept."""
    return (name.startswith(_UNNEEDED) and not name.endswith("/copyright")) or "/gconv/" in name


def _applets(deb: Path) -> list[str]:
    """The tools that this build of busybox has, by its own word."""
    with tempfile.TemporaryDirectory() as folder:
        busybox = Path(folder, "busybox")
        with files_of(deb) as files:
            for member in files:
                content = files.extractfile(member) if member.isreg() else None
                if content and merged(member.name) == "usr/bin/busybox":
                    busybox.write_bytes(content.read())
        busybox.chmod(0o700)
        listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    return sorted(listed.stdout.split())
