"""What comes in: bounded in size, checked in shape, and free of control characters."""

import tempfile
from pathlib import Path
from typing import Annotated, BinaryIO, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from tidegate.core.errors import UsageError

MOST_TAR_BYTES = 512 << 20
MOST_TEXT_BYTES = 1 << 20
MOST_WEBHOOK_BYTES = 25 << 20


def _clean(value: object) -> object:
    """One line of printable text, cut at 200 characters: it is shown on terminals."""
    if not isinstance(value, str):
        return value
    return "".join(c if c.isprintable() else " " for c in value)[:200].strip()


Words = Annotated[str, BeforeValidator(_clean)]


class Asked(BaseModel):
    """The body of a request: who asks."""

    model_config = ConfigDict(extra="forbid")

    by: Words = "somebody"


class AskedReject(Asked):
    """And why."""

    reason: Words = ""


class AskedRollback(Asked):
    """And to which release; the one before stable when it is left out."""

    release: Annotated[int, Field(ge=1)] | None = None


class AskedScale(Asked):
    """And how many tasks."""

    desired: Annotated[int, Field(ge=0, le=10_000)]


class AskedDown(BaseModel):
    """Whether tasks and balancer are to end as well."""

    model_config = ConfigDict(extra="forbid")

    everything: bool = False


class AskedExecution(Asked):
    """The query of an upload."""

    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{7,64}$")]
    subject: Words = ""
    trigger: Annotated[str, Field(pattern=r"^(push|deploy|webhook)$")] = "deploy"
    branch: Words = ""


Model = TypeVar("Model", bound=BaseModel)


async def body_of(request: Request, model: type[Model]) -> Model:
    """The request's JSON as `model`; an empty body is an empty object. Raises `UsageError`."""
    text = await bytes_of(request, MOST_TEXT_BYTES)
    try:
        return model.model_validate_json(text or b"{}")
    except ValidationError as error:
        raise _malformed(error) from None


def query_of(request: Request, model: type[Model]) -> Model:
    """The request's query as `model`. Raises `UsageError`."""
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise _malformed(error) from None


async def bytes_of(request: Request, most: int) -> bytes:
    """The whole body. Raises `UsageError` when it is larger than `most` bytes."""
    parts: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        parts.append(chunk)
    return b"".join(parts)


async def file_of(request: Request, folder: str | Path | None = None) -> BinaryIO:
    """The body in a temporary file, from its begin; the caller closes it."""
    file: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 — handed on
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MOST_TAR_BYTES:
            file.close()
            raise _too_large(MOST_TAR_BYTES)
        await run_in_threadpool(file.write, chunk)
    file.seek(0)
    return file


def _malformed(error: ValidationError) -> UsageError:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return UsageError(
        "the request is not well formed", cause=first["msg"], where=where, code="TG125"
    )


def _too_large(most: int) -> UsageError:
    return UsageError(
        f"the body is larger than {most >> 20} MiB",
        remedy="keep large files out of the repository, or in .gitattributes as export-ignore",
        code="TG123",
    )
