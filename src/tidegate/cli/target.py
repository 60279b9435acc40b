"""Where a command acts: on this machine, or on the same app in an AWS account."""

import inspect
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Annotated, Any

import typer


class TargetName(StrEnum):
    """This machine, or an account."""

    LOCAL = "local"
    AWS = "aws"


Target = Annotated[
    TargetName, typer.Option("--target", envvar="TIDEGATE_TARGET", help="Where the app is.")
]
Region = Annotated[
    str | None, typer.Option("--region", help="Of AWS; else the app file's, else AWS_REGION.")
]


def also_on_aws(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options `--target` and `--region`; `here` reads them of its context."""

    @wraps(command)
    def run(*words: Any, target: TargetName, region: str | None, **options: Any) -> None:
        command(*words, **options)

    signature = inspect.signature(command)
    kind = inspect.Parameter.KEYWORD_ONLY
    more = [
        inspect.Parameter("target", kind, default=TargetName.LOCAL, annotation=Target),
        inspect.Parameter("region", kind, default=None, annotation=Region),
    ]
    known = [*signature.parameters.values(), *more]
    run.__signature__ = signature.replace(parameters=known)  # type: ignore[attr-defined]
    run.__annotations__ = {**command.__annotations__, "target": Target, "region": Region}
    return run
