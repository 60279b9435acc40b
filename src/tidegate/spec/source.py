"""YAML into plain data, with the place of every key: what stands at line 12, column 5?

Nothing else than mappings, lists, text, numbers, true, false and null comes out of it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import yaml

from tidegate.spec.problems import Path, Problem, dotted, shown
from tidegate.spec.yaml12 import DEEPEST, MOST_NODES, TAG, TooMuch, compose, too_much

_AS_WRITTEN = frozenset({"environment", "args", "command", "test", "headers", "contains"})
"""Keys whose values, and those one level below, are text exactly as written: `1.10`, `yes`."""

_SCALARS: dict[str, Callable[[str], object]] = {
    "str": str,
    "int": lambda text: int(_match("[-+]?[0-9]{1,18}", text)),
    "float": lambda text: float(_match("[-+.0-9eE]{1,40}", text)),
    "bool": lambda text: _match("true|false", text.lower()) == "true",
    "null": lambda text: None,
}


@dataclass
class Source:
    """What a text says: `data`, the (line, column) of every path in it, from 1, and its faults."""

    data: object = None
    places: dict[Path, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path) -> tuple[int, int]:
        """Where the path stands, or the nearest one above it that does."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))


def parse(text: str | bytes, where: str) -> Source:
    """The text's one document. Raises `AppFileError` when it cannot be read as YAML at all."""
    root = compose(text, where)
    source = Source()
    if root is not None:
        try:
            source.data = _Reader(source).read(root, ())
        except TooMuch as error:
            raise too_much(where) from error
    return source


class _Reader:
    """One walk over the nodes, which fills in a source's places and problems."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._nodes = 0

    def read(self, node: yaml.Node, path: Path) -> object:
        """The node's data; what an alias stands for is counted as often as it is used."""
        self._nodes += 1
        if self._nodes > MOST_NODES or len(path) > DEEPEST:
            raise TooMuch
        self._source.places.setdefault(path, _place(node))
        if isinstance(node, yaml.MappingNode) and node.tag == TAG + "map":
            return self._read_mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == TAG + "seq":
            return [self.read(item, (*path, number)) for number, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag.removeprefix(TAG) in _SCALARS:
            return self._read_scalar(node, path)
        self._refuse(path, f"the tag {shown(node.tag, 60)} is not for this file", "remove the tag")
        return None

    def _read_mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        data: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(path, "a list or a mapping is used as a key", "use a plain word")
                continue
            inner = (*path, key.value)
            if key.value in data:
                first = self._source.places[inner][0]
                cause = f"it stands here a second time, first in line {first}"
                self._refuse(inner, cause, "keep one of them", _place(key))
                continue
            self._source.places[inner] = _place(key)
            self._check_text(key.value, inner)
            data[key.value] = self.read(value, inner)
        return data

    def _read_scalar(self, node: yaml.ScalarNode, path: Path) -> object:
        self._check_text(node.value, path)
        kind = node.tag.removeprefix(TAG)
        if kind in ("int", "float", "bool") and _as_written(path):
            kind = "str"
        try:
            return _SCALARS[kind](node.value)
        except ValueError:  # an explicit tag that does not fit, such as `!!float abc`
            self._refuse(path, f"`{shown(node.value, 40)}` is no {kind}", "remove the tag")
            return None

    def _check_text(self, text: str, path: Path) -> None:
        if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text):
            self._refuse(path, "there is a character in it that no text may hold", "remove it")

    def _refuse(
        self, path: Path, cause: str, remedy: str, place: tuple[int, int] | None = None
    ) -> None:
        what = f"{dotted(path)} cannot be read"
        self._source.problems.append(Problem(path, what, cause, remedy, place))


def _match(pattern: str, text: str) -> str:
    if re.fullmatch(pattern, text) is None:
        raise ValueError(text)
    return text


def _place(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _as_written(path: Path) -> bool:
    """Whether the values here are text as written. A service may be named like such a key."""
    inner = path[2:] if path[:1] == ("services",) else path
    return any(part in _AS_WRITTEN for part in inner[-2:])
