"""Imports point down only, worlds stay apart, and the core has the standard library alone."""

import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from grimp import ImportGraph, build_graph
from importlinter.application import use_cases
from importlinter.configuration import configure

ROOT = Path(__file__).parents[2]
WORLDS = ("tidegate.local", "tidegate.simulator", "tidegate.aws")
ABOVE_THE_WORLDS = ("cli", "wiring", "api", "operations", "engine", "demo")
MAY_USE_THE_ENGINE = ("tidegate.simulator", "tidegate.aws")
"""The one runs it in virtual time; the other stands beside it, and answers with its read models."""


def contracts() -> dict[str, Any]:
    """The contracts of `pyproject.toml`, without the parts that are not written yet."""
    read = tomllib.loads((ROOT / "pyproject.toml").read_text())
    settings: dict[str, Any] = read["tool"]["importlinter"]
    for contract in settings["contracts"]:
        for key in ("layers", "modules", "source_modules"):
            if key in contract:
                contract[key] = [name for name in contract[key] if find_spec(name)]
    settings["contracts"] = [c for c in settings["contracts"] if len(c.get("modules", "ab")) > 1]
    return settings


def keeps(settings: dict[str, Any], folder: Path) -> bool:
    """Whether the code keeps the contracts; what is broken is printed."""
    lines = ["[importlinter]", f"root_package = {settings['root_package']}"]
    lines += ["include_external_packages = True"]
    for number, contract in enumerate(settings["contracts"]):
        lines.append(f"[importlinter:contract:{number}]")
        for key, value in contract.items():
            if key != "include_external_packages":
                text = "\n    ".join(["", *value]) if isinstance(value, list) else value
                lines.append(f"{key} = {text}")
    file = folder / ".importlinter"
    file.write_text("\n".join(lines))
    configure()
    return use_cases.lint_imports(str(file), cache_dir=None, no_logo=True)


@pytest.fixture(scope="module")
def graph() -> ImportGraph:
    """Who imports whom, externals included."""
    return build_graph("tidegate", include_external_packages=True, cache_dir=None)


def test_the_contracts_of_the_project_are_kept(tmp_path: Path) -> None:
    assert keeps(contracts(), tmp_path)


def test_a_contract_that_is_broken_is_found(tmp_path: Path) -> None:
    upside_down = {"name": "upside down", "type": "layers"}
    layers = ["tidegate.core", "tidegate.engine"]
    settings = {"root_package": "tidegate", "contracts": [{**upside_down, "layers": layers}]}
    assert not keeps(settings, tmp_path)


def test_no_world_imports_what_stands_above_it(graph: ImportGraph) -> None:
    for world in (name for name in WORLDS if name in graph.modules):
        for part in ABOVE_THE_WORLDS:
            above = f"tidegate.{part}"
            if above not in graph.modules or (part == "engine" and world in MAY_USE_THE_ENGINE):
                continue
            chains = graph.find_shortest_chains(world, above, as_packages=True)
            assert not chains, f"{world} reaches {above}: {sorted(chains)[0]}"


def test_the_core_imports_the_standard_library_only(graph: ImportGraph) -> None:
    for module in {"tidegate.core", *graph.find_descendants("tidegate.core")}:
        for found in graph.find_modules_directly_imported_by(module):
            top = found.split(".")[0]
            assert found.startswith("tidegate.core") or top in sys.stdlib_module_names, (
                f"{module} imports {found}"
            )
