"""The ways in which an image cannot be read, as errors. Each means: no evidence, so no pass.

Codes: TG410 no image there, TG411 damaged, TG412 content and digest differ, TG413 a part is
missing, TG414 over a limit, TG415 a compression that cannot be read here, TG416 the engine refuses.
"""

from tidegate.core.errors import GateError


def no_image(where: str, cause: str) -> GateError:
    """TG410: the file or folder is no image that is known here."""
    return GateError(
        "there is no image to scan",
        cause=cause,
        where=where,
        remedy="give an image's name, the tar of `docker save`, or an OCI layout",
        code="TG410",
    )


def damaged(cause: str, where: str = "") -> GateError:
    """TG411: the bytes do not follow their format."""
    return GateError("the image cannot be read", cause=cause, where=where, code="TG411")


def differs(what: str, promised: str, found: str) -> GateError:
    """TG412: a content address does not hold."""
    return GateError(
        f"{what} is not what its digest says",
        cause=f"promised {promised}, found {found}",
        remedy="fetch or build the image again",
        code="TG412",
    )


def missing(what: str, where: str = "") -> GateError:
    """TG413: the image names a part that is not there."""
    return GateError("a part of the image is missing", cause=what, where=where, code="TG413")


def too_large(what: str, limit: int) -> GateError:
    """TG414: more than is read of one image."""
    return GateError(
        "the image is larger than is scanned", cause=f"{what} over {limit:,}", code="TG414"
    )


def compression(name: str, remedy: str) -> GateError:
    """TG415: a layer's compression cannot be read here."""
    return GateError(
        f"a layer is compressed with {name}, which cannot be read here",
        remedy=remedy,
        code="TG415",
    )


def refused(cause: str) -> GateError:
    """TG416: the engine does not give the image out, or the disk does not take it."""
    return GateError("the engine does not give out the image", cause=cause, code="TG416")
