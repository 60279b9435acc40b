"""Which files hold waivers, and what they come to together with the app file's own."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from tidegate.core.errors import AppFileError
from tidegate.core.model import App, GateMode, Waiver
from tidegate.spec.waivers import cyclonedx, openvex, osv, trivy
from tidegate.spec.waivers.parts import MOST_BYTES, MOST_WAIVERS, broken, json_of


class Beside(Protocol):
    """The revision that the app file lies in."""

    def names(self) -> Iterable[str]:
        """The files in the folder of the app file."""
        ...

    def read(self, path: str, most: int) -> bytes | None:
        """The first `most` bytes of a file, by its path from the app file; None: not there."""
        ...


class Folder:
    """A revision as it lies on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> Iterable[str]:
        """The files in the folder."""
        return [entry.name for entry in self._folder.iterdir() if entry.is_file()]

    def read(self, path: str, most: int) -> bytes | None:
        """The first `most` bytes of a file; None when it is not there, or not to be read."""
        try:
            with (self._folder / path).open("rb") as file:
                return file.read(most)
        except OSError:
            return None


def _vex(name: str, data: bytes) -> list[Waiver]:
    """A VEX document of either kind, told by its first key."""
    document = json_of(name, data)
    if str(document.get("@context", "")).startswith(openvex.CONTEXT):
        return openvex.read(name, document)
    if document.get("bomFormat") == "CycloneDX":
        return cyclonedx.read(name, document)
    raise broken(name, "it is neither OpenVEX nor CycloneDX")


_READERS: dict[str, Callable[[str, bytes], list[Waiver]]] = {
    ".trivyignore": trivy.read_lines,
    ".trivyignore.yaml": trivy.read_yaml,
    ".trivyignore.yml": trivy.read_yaml,
    "osv-scanner.toml": osv.read,
    "openvex.json": _vex,
    "vex.json": _vex,
}
_VEX_ENDS = (".openvex.json", ".vex.json")


def collect(app: App, beside: Beside) -> App:
    """The app with the waivers of the files beside its own, each with its source.

    Raises `AppFileError` when one cannot be understood, or one of `gate: vex` is not there.
    """
    if app.gate.mode is GateMode.OFF:
        return app
    found: list[Waiver] = []
    for name in sorted(beside.names()):
        reader = _READERS.get(name) or (_vex if name.endswith(_VEX_ENDS) else None)
        if reader and name not in app.gate.vex:
            found += reader(name, _bytes(beside, name))
    for path in app.gate.vex:
        found += _vex(path, _bytes(beside, path))
    waivers = tuple(dict.fromkeys((*app.gate.waivers, *found)))
    if len(waivers) > MOST_WAIVERS:
        raise AppFileError(
            f"there are {len(waivers):,} waivers",
            cause=f"the gate takes at most {MOST_WAIVERS:,}",
            where=", ".join(dict.fromkeys(w.source for w in found)),
            remedy="take out those that no finding needs: tidegate gate explain",
            code="TG251",
        )
    return replace(app, gate=replace(app.gate, waivers=waivers))


def _bytes(beside: Beside, path: str) -> bytes:
    data = beside.read(path, MOST_BYTES + 1)
    if data is None:
        raise broken(path, "it is not there")
    return data
