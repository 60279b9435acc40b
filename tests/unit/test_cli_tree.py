"""A command loads what it needs, and the help of all of them none."""

import subprocess
import sys

import pytest

from tidegate.cli.tree import Standing, standing

LOADED = """
import sys
from tidegate.cli.main import call
call(sys.argv[1:])
print("loaded", *sys.modules)
"""


def loaded_by(*words: str) -> set[str]:
    """The modules that are loaded when a command line has run in a new process."""
    run = subprocess.run(
        [sys.executable, "-c", LOADED, *words], capture_output=True, text=True, check=True
    )
    return set(run.stdout.splitlines()[-1].split())


def test_the_help_of_the_tree_runs_no_commands_file() -> None:
    found = loaded_by("--help")
    assert not {name for name in found if name.startswith("tidegate.cli.commands")}
    assert found.isdisjoint({"docker", "httpx2", "starlette", "yaml", "tidegate.engine.codec"})


def test_a_question_to_the_daemon_loads_neither_the_daemons_parts_nor_the_app_files() -> None:
    found = loaded_by("status")
    assert "tidegate.cli.commands.observe" in found
    parts = {"docker", "starlette", "uvicorn", "yaml", "tidegate.scan", "tidegate.spec"}
    assert found.isdisjoint({*parts, "tidegate.local.jobs", "tidegate.simulator"})


@pytest.mark.parametrize("command", list(standing()), ids=lambda one: str(one.name))
def test_the_tree_shows_the_help_that_the_command_itself_has(command: Standing) -> None:
    itself = command.loaded()
    assert itself.name == command.name
    assert " ".join(itself.help.split()) == " ".join(command.help.split())


def test_a_hook_of_a_push_loads_little() -> None:
    code = "import sys, tidegate.cli.receive; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"dataclasses", "inspect", "tempfile", "secrets", "httpx2", "docker", "pydantic"}
    assert not heavy & set(done.stdout.split())
