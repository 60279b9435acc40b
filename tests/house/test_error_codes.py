"""Each failure has a code of its own, in the range of its class, and each class is in the tree."""

import ast
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tidegate.core import errors
from tidegate.core.errors import TidegateError

SOURCE = Path(__file__).parents[2] / "src" / "tidegate"
CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, TidegateError)
}
CONTROLLER = ("core", "engine", "api", "aws")
"""These speak of the same things, and share the codes for them."""
ROW = re.compile(r"^ *[│ ]*[├└]── (\w+) +TG(\d+x*(?:(?:–|, )\d+x*)?)", re.MULTILINE)


@dataclass(frozen=True)
class Use:
    """One place where an error is made with a code of its own."""

    code: str
    kind: str
    meaning: str
    where: str


def text_of(node: ast.expr | None) -> str:
    """What an error says, with `{}` for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in node.values)
    return "" if node is None else ast.unparse(node)


@cache
def trees() -> dict[Path, ast.Module]:
    """Every module, parsed."""
    return {path: ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}


@cache
def uses() -> tuple[Use, ...]:
    """Every call of an error's class that passes a code."""
    found = []
    for path, module in trees().items():
        for node in ast.walk(module):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            code = next((k.value for k in node.keywords if k.arg == "code"), None)
            if name in CLASSES and isinstance(code, ast.Constant):
                where = f"{path.relative_to(SOURCE)}:{node.lineno}"
                first = node.args[0] if node.args else None
                found.append(Use(str(code.value), name, text_of(first), where))
    return tuple(found)


def drawn() -> dict[str, tuple[str, ...]]:
    """The tree's classes and what their codes begin with: `TG21x–24x` is TG21 to TG24."""
    found = {}
    for name, codes in ROW.findall(errors.__doc__ or ""):
        first, last = re.findall(r"\d+", codes)[0], re.findall(r"\d+", codes)[-1]
        numbers = range(int(first), int(last) + 1) if "–" in codes else {int(first), int(last)}
        found[name] = tuple(f"TG{number}" for number in numbers)
    return found


def range_of(kind: type[TidegateError]) -> tuple[str, ...]:
    """What the codes of a class begin with, by the nearest class that the tree gives a range."""
    return next((drawn()[b.__name__] for b in kind.__mro__ if b.__name__ in drawn()), ("TG",))


def test_the_tree_shows_every_class() -> None:
    assert drawn().keys() == CLASSES.keys() - {"TidegateError"}


def test_the_tree_shows_each_class_below_its_parent() -> None:
    parents: dict[int, str] = {0: "TidegateError"}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^( *[│ ]*)[├└]── (\w+)", line)
        if found:
            depth = len(found[1]) // 4
            assert CLASSES[found[2]].__bases__ == (CLASSES[parents[depth - 1]],)
            parents[depth] = found[2]


def test_the_tree_shows_each_exit_code() -> None:
    shown = re.findall(r"── (\w+) +TG\w+ +exit (\d+)", errors.__doc__ or "")
    assert {name: CLASSES[name].exit_code for name, _ in shown} == {
        name: int(code) for name, code in shown
    }


def test_a_class_s_own_code_is_in_its_range() -> None:
    for name, kind in CLASSES.items():
        assert kind.code.startswith(range_of(kind)), name


def test_no_error_is_defined_outside_the_tree() -> None:
    stray = [
        f"{path.relative_to(SOURCE)}: {node.name}"
        for path, module in trees().items()
        if path.name != "errors.py"
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id in CLASSES for base in node.bases)
    ]
    assert stray == []


def test_every_code_is_in_the_range_of_its_class() -> None:
    wrong = [use for use in uses() if not use.code.startswith(range_of(CLASSES[use.kind]))]
    assert wrong == []


def test_every_code_has_one_meaning() -> None:
    """One class and one part of the code; `cli.codes` words what its places have in common."""
    parts: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for use in uses():
        folder = Path(use.where).parts[0]
        parts[use.code].add((use.kind, "controller" if folder in CONTROLLER else folder))
    assert {code: found for code, found in parts.items() if len(found) > 1} == {}


def test_no_two_codes_have_the_same_meaning() -> None:
    codes: dict[tuple[str, str], set[str]] = defaultdict(set)
    for use in uses():
        if not use.meaning.startswith("{}") and " " in use.meaning:  # what is said in words
            codes[use.kind, use.meaning].add(use.code)
    assert {meaning: found for meaning, found in codes.items() if len(found) > 1} == {}


def test_the_codes_were_found_at_all() -> None:
    assert {"TG701", "TG705", "TG803"} <= {use.code for use in uses()}
