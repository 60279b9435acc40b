"""YAML text into nodes with their marks: YAML 1.2's scalars, one document, within bounds.

`off` and `yes` are text here, and `1:30` is no number, as YAML 1.2's core schema has it.
"""

import re

import yaml

from tidegate.core.errors import AppFileError
from tidegate.spec.problems import shown

TAG = "tag:yaml.org,2002:"
MOST_BYTES = 1_000_000
MOST_NODES = 20_000
DEEPEST = 30


class TooMuch(Exception):
    """The text nests deeper than `DEEPEST`, or has more than `MOST_NODES` values."""


class _Loader(yaml.SafeLoader):
    """PyYAML's loader; nodes are only composed, never constructed."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The base class's, counted."""
        self._depth += 1
        self._nodes += 1
        if self._depth > DEEPEST or self._nodes > MOST_NODES:
            raise TooMuch
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


_Loader.yaml_implicit_resolvers = {}  # without those of YAML 1.1
for _kind, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("null", r"null|Null|NULL|~|", [*"nN~", ""]),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,17})", [*"-+0123456789"]),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,2})?",
        [*"-+.0123456789"],
    ),
):
    _Loader.add_implicit_resolver(TAG + _kind, re.compile(f"^(?:{_pattern})$"), _first)


def compose(text: str | bytes, where: str) -> yaml.Node | None:
    """The root node of the one document, None when there is none. Raises `AppFileError`."""
    if len(text) > MOST_BYTES:
        cause = f"it is larger than {MOST_BYTES // 1_000:,} kB"
        raise unreadable(where, cause, "check that this is the right file", "TG205")
    try:
        return _compose(text.decode() if isinstance(text, bytes) else text)
    except UnicodeDecodeError as error:
        cause = f"byte {error.start + 1} is not UTF-8"
        raise unreadable(where, cause, "save it as UTF-8 text", "TG203") from error
    except TooMuch as error:
        raise too_much(where) from error
    except yaml.YAMLError as error:
        raise _not_yaml(where, error) from error


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        node: yaml.Node | None = loader.get_single_node()
        return node
    finally:
        loader.dispose()


def too_much(where: str) -> AppFileError:
    """The error of a text that is too deep, or whose aliases stand for too much."""
    cause = f"it has more than {MOST_NODES:,} values, or is nested deeper than {DEEPEST}"
    return unreadable(where, cause, "write it without anchors and aliases", "TG205")


def unreadable(where: str, cause: str, remedy: str, code: str) -> AppFileError:
    """The error of a file that is not read at all."""
    what = f"{where} cannot be read"
    return AppFileError(what, cause=cause, where=where, remedy=remedy, code=code)


def _not_yaml(where: str, error: yaml.YAMLError) -> AppFileError:
    cause, remedy = str(error).partition("\n")[0], "check quotes, colons and indentation"
    if isinstance(error, yaml.MarkedYAMLError):
        cause = ": ".join(part for part in (error.context, error.problem) if part)
        mark = error.problem_mark or error.context_mark
        where = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
    if "'\\t'" in cause:
        cause, remedy = "there is a tab where only spaces may stand", "indent with spaces"
    elif "single document" in cause:
        cause, remedy = "there is a second document in it", "remove the line `---` and what follows"
    cause = shown(cause, 200)
    return AppFileError("this is not YAML", cause=cause, where=where, remedy=remedy, code="TG204")
