"""What an image says of itself, and where its layers are had."""

import json
import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tidegate.scan.archive import problems
from tidegate.scan.archive.limits import Limits
from tidegate.scan.archive.stream import Raw

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SHELL = re.compile(r"^/bin/sh -c (#\(nop\) )?\s*")
_SOURCE = re.compile(r"\b((?:dir|file|multi):[0-9a-f]{12})[0-9a-f]{52}\b")
_ARGUMENTS = re.compile(r"^RUN \|\d+ .*?/bin/sh -c ")


@dataclass(frozen=True, slots=True)
class Description:
    """`digest` names the image, `image_id` its configuration; `steps` go with `diff_ids`.

    A step is the Dockerfile instruction that made the layer, "" where the image does not tell.
    `history` is every instruction with whether it made a layer, the oldest first.
    """

    digest: str
    image_id: str
    diff_ids: tuple[str, ...]
    steps: tuple[str, ...] = ()
    history: tuple[tuple[str, bool], ...] = ()
    architecture: str = ""


class Image(Protocol):
    """An image that can be read: an archive on disk, or one of an engine."""

    @property
    def description(self) -> Description:
        """What the image says of itself."""
        ...

    def layers(self, wanted: Collection[str]) -> Iterator[tuple[str, Raw]]:
        """Each wanted layer once, in any order: its diff ID and its bytes, uncompressed.

        The diff ID is "" when only its bytes can tell; then more than the wanted may come.
        """
        ...


def describe(config: Mapping[str, Any], digest: str, image_id: str, limits: Limits) -> Description:
    """Read an image's configuration. Raises `GateError` TG411 or TG414."""
    rootfs = config.get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(diff_ids, list):
        raise problems.damaged("its configuration names no layers")
    if len(diff_ids) > limits.layers:
        raise problems.too_large("layers", limits.layers)
    layers = tuple(checked_digest(diff_id) for diff_id in diff_ids)
    history = tuple(_history(config.get("history")))
    return Description(
        digest=digest,
        image_id=image_id,
        diff_ids=layers,
        steps=steps_of(history, len(layers)),
        history=history,
        architecture=str(config.get("architecture", ""))[:40],
    )


def steps_of(history: tuple[tuple[str, bool], ...], layers: int) -> tuple[str, ...]:
    """The instructions that made layers; nothing when they are not as many as the layers."""
    steps = tuple(step for step, made_layer in history if made_layer)
    return steps if len(steps) == layers else ("",) * layers


def step(created_by: str) -> str:
    """A history line as its author wrote it: `/bin/sh -c #(nop) COPY …` → `COPY …`.

    The classic builder names a copy's source by a digest alone; its first digits are enough.
    """
    text = printable(" ".join(created_by.split())[:500])
    match = _SHELL.match(text)
    if match:
        rest = text[match.end() :]
        return _SOURCE.sub(r"\1", rest) if match[1] else f"RUN {rest}"
    text = text.removesuffix(" # buildkit")
    return _ARGUMENTS.sub("RUN ", text.replace("RUN /bin/sh -c ", "RUN "))


def checked_digest(value: object) -> str:
    """A digest that is safe to use as a name. Raises `GateError` TG411 for anything else."""
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise problems.damaged(f"{str(value)[:80]!r} is no sha256 digest")
    return value


def read_json(data: bytes, what: str) -> Any:
    """Parsed JSON. Raises `GateError` TG411."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise problems.damaged(f"its {what}: {error}") from error


def printable(text: str) -> str:
    """The same text with letters that would steer a terminal written out: ESC as `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def inside(name: str) -> str | None:
    """A member's name as a path from the root, cleaned as the engines do it.

    None when it would lead outside, or is longer than a path can be.
    """
    if name.startswith("./"):
        name = name[2:]
    if "//" in name or "./" in name or name.startswith("/") or name.endswith(("/", "/.", "..")):
        name = posixpath.normpath(name).lstrip("/")
    if name == ".." or name.startswith("../") or len(name) > 4096:
        return None
    return "" if name == "." else name


def _history(entries: object) -> Iterator[tuple[str, bool]]:
    if not isinstance(entries, list):
        return
    for entry in entries:
        if isinstance(entry, dict):
            yield step(str(entry.get("created_by", ""))), not entry.get("empty_layer", False)
