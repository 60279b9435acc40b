"""Small modules, short functions, few parameters, and a word on all that is public."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "tidegate"
MODULES = sorted(SOURCE.rglob("*.py"))
MOST_LINES, MOST_COLUMNS, MOST_FUNCTION_LINES, MOST_PARAMETERS = 300, 100, 50, 5
SPEAKS = ("cli", "demo")
"""The parts that write to a terminal, as does any `__main__.py`."""
REGISTRIES = re.compile(
    r"index\.docker|registry-1|ghcr\.io|quay\.io|gcr\.io|\.dkr\.ecr\.|public\.ecr\.aws|"
    r"mcr\.microsoft|pypi\.org|pythonhosted|npmjs|crates\.io|proxy\.golang"
)
"""Hosts of registries. Not among them is a name that is also a package of Debian's engine."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
each_module = pytest.mark.parametrize(
    "path", MODULES, ids=[str(path.relative_to(SOURCE)) for path in MODULES]
)


def part(path: Path) -> str:
    """The part of Tidegate that a module belongs to."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@cache
def tree(path: Path) -> ast.Module:
    """The module, parsed."""
    return ast.parse(path.read_text())


@cache
def functions(path: Path) -> tuple[Function, ...]:
    """Every function and method, however deep."""
    return tuple(node for node in ast.walk(tree(path)) if isinstance(node, Function))


def parameters(function: Function) -> int:
    """How many a caller passes: self and cls are not."""
    arguments = function.args
    named = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return len(named) - (named[:1] in (["self"], ["cls"]))


def undocumented(node: ast.Module | ast.ClassDef, where: str) -> Iterator[str]:
    """Public classes, functions and methods without a docstring."""
    for child in node.body:
        if not isinstance(child, ast.ClassDef | Function) or child.name.startswith("_"):
            continue
        name = f"{where}:{child.lineno} {child.name}"
        if ast.get_docstring(child) is None and not _is_setter(child) and not _is_bare(child):
            yield name
        if isinstance(child, ast.ClassDef):
            yield from undocumented(child, where)


def _is_bare(node: ast.ClassDef | Function) -> bool:
    """A protocol's method that only has a signature: what its class says is enough."""
    return len(node.body) == 1 and ast.unparse(node.body[0]) == "..."


def _is_setter(node: ast.ClassDef | Function) -> bool:
    return any(isinstance(d, ast.Attribute) and d.attr == "setter" for d in node.decorator_list)


@each_module
def test_a_module_is_no_longer_than_a_few_screens(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= MOST_LINES
    assert [n for n, line in enumerate(lines, 1) if len(line) > MOST_COLUMNS] == []


@each_module
def test_a_function_fits_on_a_screen(path: Path) -> None:
    lengths = {f.name: (f.end_lineno or f.lineno) - f.lineno + 1 for f in functions(path)}
    assert {name: n for name, n in lengths.items() if n > MOST_FUNCTION_LINES} == {}


@each_module
def test_a_function_takes_few_parameters(path: Path) -> None:
    if part(path) == "cli":
        return
    many = {f.name: parameters(f) for f in functions(path) if parameters(f) > MOST_PARAMETERS}
    assert many == {}


@each_module
def test_all_that_is_public_says_what_it_is(path: Path) -> None:
    module = tree(path)
    missing = [] if ast.get_docstring(module) else [f"{path.name} itself"]
    assert [*missing, *undocumented(module, path.name)] == []


@each_module
def test_only_the_parts_that_speak_to_a_person_print(path: Path) -> None:
    if part(path) in SPEAKS or path.name == "__main__.py":
        return
    calls = (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))
    prints = [c.lineno for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]
    assert prints == []


@each_module
def test_no_registry_is_named(path: Path) -> None:
    assert REGISTRIES.findall(path.read_text()) == []
