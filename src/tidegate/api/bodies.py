"""What comes in: bounded in size, checked in shape, and free of control characters."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, BinaryIO, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from tidegate.core.errors import SetupError, UsageError
from tidegate.engine.messages import one_line

MOST_TAR_BYTES = 512 << 20
MOST_TEXT_BYTES = 1 << 20
MOST_WEBHOOK_BYTES = 25 << 20


Words = Annotated[str, AfterValidator(one_line)]


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


class AskedInterrupt(Asked):
    """And which instances, or what share of one provider's, or of all."""

    instances: Annotated[list[Annotated[str, Field(pattern=r"^i[0-9]{1,9}$")]], Field()] = []
    storm_percent: Annotated[int, Field(ge=0, le=100)] = 0
    provider: Words = ""


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


@asynccontextmanager
async def file_of(request: Request) -> AsyncIterator[BinaryIO]:
    """The body in a temporary file, from its begin, until the end of the block.

    Raises `UsageError` when it is larger than `MOST_TAR_BYTES`, `SetupError` on a full disk.
    """
    size = 0
    with tempfile.TemporaryFile() as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MOST_TAR_BYTES:
                raise _too_large(MOST_TAR_BYTES)
            try:
                await run_in_threadpool(file.write, chunk)
            except OSError as error:
                raise SetupError(
                    "the source cannot be kept",
                    cause=str(error),
                    remedy="free some disk space and push again",
                    code="TG230",
                ) from error
        file.seek(0)
        yield file


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
