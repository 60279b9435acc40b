"""`tidegate.yaml` → `core.model.App`, or one `AppFileError` that tells everything wrong with it."""

from pathlib import Path as FilePath

from pydantic import ValidationError

from tidegate import FILE_NAME
from tidegate.core.errors import AppFileError
from tidegate.core.model import App
from tidegate.spec import checks
from tidegate.spec.app import AppKeys
from tidegate.spec.capacity_checks import capacity
from tidegate.spec.explain import explain, found
from tidegate.spec.problems import error_of
from tidegate.spec.source import Source, parse


def load(path: FilePath) -> App:
    """The app that the file describes. Raises `AppFileError`."""
    try:
        with path.open("rb") as file:
            data = file.read(2_000_000)  # `parse` refuses what is far smaller
    except FileNotFoundError as error:
        raise AppFileError(
            f"there is no {path.name}",
            cause=f"{path} does not exist",
            where=str(path),
            remedy="write one with: tidegate init",
            code="TG202",
        ) from error
    except OSError as error:
        raise AppFileError(
            f"{path.name} cannot be read",
            cause=error.strerror or str(error),
            where=str(path),
            remedy="check that it is a file, and who may read it",
            code="TG203",
        ) from error
    return loads(data, str(path))


def loads(text: str | bytes, where: str = FILE_NAME) -> App:
    """The app that a text describes; `where` names it in errors. Raises `AppFileError`."""
    source = parse(text, where)
    if not isinstance(source.data, dict):
        raise _no_mapping(source, where)
    try:
        keys = AppKeys.model_validate(source.data)
    except ValidationError as error:
        problems = source.problems + list(explain(error, source))
        raise error_of(problems, where, source.place) from None
    problems = [*source.problems, *checks.across(keys), *capacity(keys)]
    if problems:
        raise error_of(problems, where, source.place)
    return keys.core()


def _no_mapping(source: Source, where: str) -> AppFileError:
    if source.problems:
        return error_of(source.problems, where, source.place)
    empty = source.data is None
    line, column = source.place(())
    return AppFileError(
        f"{where} is empty" if empty else f"{where} is not a mapping of keys",
        cause="there is nothing in it" if empty else f"found {found(source.data)} at the top",
        where=f"{where}:{line}:{column}",
        remedy="begin with `app: NAME` and `services:`, or write one with: tidegate init",
        code="TG206",
    )
