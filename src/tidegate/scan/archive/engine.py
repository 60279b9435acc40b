"""An image of a container engine, read from the stream of its `docker save`, never from disk.

The engine is passed in: `docker.APIClient` has these three methods.
"""

from collections.abc import Collection, Iterator
from typing import Any, Protocol

from tidegate.core.errors import GateError, NotFound
from tidegate.scan.archive import problems
from tidegate.scan.archive.compression import layer
from tidegate.scan.archive.image import Description, describe, step
from tidegate.scan.archive.limits import MIB, Limits
from tidegate.scan.archive.stream import Part, Raw, Stream
from tidegate.scan.archive.tar import MemberKind, Tar

_NO_LAYER = (
    *("CMD ", "ENTRYPOINT ", "ENV ", "LABEL ", "EXPOSE ", "USER ", "STOPSIGNAL ", "ARG "),
    *("VOLUME ", "HEALTHCHECK ", "SHELL ", "ONBUILD ", "MAINTAINER "),
)
"""Instructions that never make a layer. The engine's history does not say which did."""


class Engine(Protocol):
    """The part of an engine's API that is used. Failures are `OSError`s, as the SDK's are."""

    def inspect_image(self, image: str) -> Any: ...

    def history(self, image: str) -> Any: ...

    def get_image(self, image: str, chunk_size: int | None = ...) -> Iterator[bytes]: ...


class EngineImage:
    """An image of an engine, by name or id. Raises `NotFound` TG728, `GateError` TG410 to TG416."""

    def __init__(self, engine: Engine, name: str, limits: Limits) -> None:
        self._engine, self._limits = engine, limits
        try:
            found = engine.inspect_image(name)
            self._id = str(found["Id"])
        except OSError as error:
            raise _refused(name, error) from error
        self.description = _describe(found, _history(engine, self._id), limits)

    def layers(self, wanted: Collection[str]) -> Iterator[tuple[str, Raw]]:
        """The image's layers in the order of the stream. Their bytes tell their diff IDs."""
        tar = Tar(Stream(_Chunks(self._engine, self._id), self._limits.image_bytes), self._limits)
        for member in tar:
            if member.kind is MemberKind.FILE and not member.sparse:
                raw = layer(Part(tar, member.size))
                if raw is not None:
                    yield "", raw


def _history(engine: Engine, image: str) -> Any:
    """How the image was made; nothing where the engine cannot say: then its steps have no names.

    Podman before 5 breaks on a history without times, which several builders write.
    """
    try:
        return engine.history(image)
    except OSError as error:
        if getattr(error, "status_code", None) == 500:
            return []
        raise _refused(image, error) from error


class _Chunks(Raw):
    """The stream of `docker save`."""

    def __init__(self, engine: Engine, image: str) -> None:
        self._image = image
        self._chunks: Iterator[bytes] | None = None
        self._engine = engine

    def read(self, size: int, /) -> bytes:
        try:
            if self._chunks is None:
                self._chunks = iter(self._engine.get_image(self._image, chunk_size=MIB))
            return next(self._chunks, b"")
        except OSError as error:
            raise _refused(self._image, error) from error


def _describe(found: Any, history: Any, limits: Limits) -> Description:
    """The engine's answers in the words of an image's configuration."""
    diff_ids = found["RootFS"].get("Layers") or []
    entries = [(step(str(e["CreatedBy"])), int(e["Size"])) for e in reversed(history)]
    made = [not text.startswith(_NO_LAYER) for text, _ in entries]
    if sum(made) != len(diff_ids):
        made = [may and size > 0 for may, (_, size) in zip(made, entries, strict=True)]
    config = {
        "rootfs": {"diff_ids": diff_ids},
        "architecture": found.get("Architecture", ""),
        "history": [
            {"created_by": text, "empty_layer": not layer_made}
            for (text, _), layer_made in zip(entries, made, strict=True)
        ],
    }
    return describe(config, str(found["Id"]), str(found["Id"]), limits)


def _refused(name: str, error: OSError) -> GateError | NotFound:
    if getattr(error, "status_code", None) == 404:
        return NotFound(
            f"there is no image {name}",
            remedy="give the name of an image that `docker images` lists",
            code="TG728",
        )
    return problems.refused(str(error))
