"""Where a built image's base ends: the layers of the images that its Dockerfile begins FROM."""

from collections.abc import Mapping

from docker import DockerClient
from docker.errors import DockerException

from tidegate.local.bases.dockerfile import outside_images
from tidegate.scan.inventory import KnownBase


def bases_of(
    written: str, resolved: str, args: Mapping[str, str], client: DockerClient
) -> tuple[KnownBase, ...]:
    """Each FROM image by the name that its user wrote, with the layers of what was built on.

    `resolved` is the same Dockerfile with stand-ins. An image that the engine does not tell of is
    left out: then the boundary is guessed.
    """
    found = []
    pairs = zip(outside_images(written, args), outside_images(resolved, args), strict=False)
    for asked, used in pairs:
        try:
            layers = client.images.get(used.image).attrs["RootFS"].get("Layers") or []
        except (DockerException, KeyError):
            continue
        found.append(KnownBase(asked.image, tuple(str(layer) for layer in layers)))
    return tuple(found)
