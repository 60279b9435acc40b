"""Where the base image ends and the rest begins."""

from collections.abc import Sequence
from dataclasses import dataclass

from tidegate.scan.archive.image import Description
from tidegate.scan.packages import Base

_STAND_IN = "tidegate base "
"""The history line of a base image that Tidegate made of Debian's packages."""
_STARTS = ("CMD ", "ENTRYPOINT ")


@dataclass(frozen=True, slots=True)
class KnownBase:
    """An image that others may be built on: its name and its layers' diff IDs."""

    name: str
    diff_ids: tuple[str, ...]


def find_base(image: Description, known: Sequence[KnownBase]) -> Base | None:
    """The longest known image whose layers are the image's first; else a guess; else None."""
    fitting = [
        base
        for base in known
        if base.diff_ids and image.diff_ids[: len(base.diff_ids)] == base.diff_ids
    ]
    if fitting:
        best = max(fitting, key=lambda base: len(base.diff_ids))
        return Base(len(best.diff_ids), best.name, certain=True)
    return _guess(image)


def _guess(image: Description) -> Base | None:
    """Base images end in CMD: the last one that a layer follows ends the base, as Trivy has it."""
    if sum(made for _, made in image.history) != len(image.diff_ids):
        return None
    if image.steps and image.steps[0].startswith(_STAND_IN):
        return Base(1, image.steps[0].removeprefix("tidegate "), certain=True)
    layers = len(image.diff_ids)
    for step, made_layer in reversed(image.history):
        layers -= made_layer
        if step.startswith(_STARTS) and 0 < layers < len(image.diff_ids):
            return Base(layers)
    return None
