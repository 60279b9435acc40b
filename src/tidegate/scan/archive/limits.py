"""How much of an image is read before it is refused. An image is somebody else's bytes."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one image. What goes over is an error (TG414), never a silent end.

    `image_bytes` is an archive's whole, `layer_bytes` and `members` are one layer's, all after
    decompression; `file_bytes` is the largest single file that is looked into; `json_bytes` the
    largest manifest or configuration.
    """

    layers: int = 256
    image_bytes: int = 64 * 1024 * MIB
    layer_bytes: int = 16 * 1024 * MIB
    members: int = 2_000_000
    file_bytes: int = 256 * MIB
    json_bytes: int = 16 * MIB


DEFAULT = Limits()
