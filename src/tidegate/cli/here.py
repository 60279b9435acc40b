"""Where a command is: the app's folder, its state, the daemon's client, and who asks."""

from dataclasses import dataclass
from functools import cached_property
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tidegate import FILE_NAME
from tidegate.core.errors import UsageError
from tidegate.local.home import Home

if TYPE_CHECKING:
    from tidegate.api.client import Client

STATE = ".tidegate"


@dataclass(frozen=True)
class Here:
    """One app's folder: the one with `tidegate.yaml`, or where that is to be."""

    folder: Path

    @property
    def file(self) -> Path:
        """The app file."""
        return self.folder / FILE_NAME

    @property
    def home(self) -> Home:
        """The state directory beside the app file."""
        return Home(self.folder / STATE)

    @cached_property
    def client(self) -> "Client":
        """The operations, by way of the running daemon."""
        from tidegate.api.client import Client  # loads what many commands do not need

        return Client(self.home)

    @property
    def by(self) -> str:
        """The person's name for the journal."""
        return getuser()

    def service(self, named: str | None) -> str:
        """The service that was named, or the only one that a deployment moves.

        Raises `UsageError` when none was named and there is not exactly one.
        """
        if named:
            return named
        moving = [one.name for one in self.client.status().services if one.deployment]
        if len(moving) == 1:
            return moving[0]
        if not moving:
            raise UsageError(
                "no deployment is under way",
                remedy="tidegate executions lists what was; tidegate rollback goes back",
                code="TG106",
            )
        raise UsageError(
            "name the service",
            cause=f"deployments are under way for: {', '.join(moving)}",
            code="TG106",
        )


def find(start: Path) -> Path:
    """The nearest folder from `start` upwards that holds an app; `start` when there is none."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).exists() or (folder / STATE).is_dir():
            return folder
    return start


def here(context: typer.Context) -> Here:
    """What the top of the command line found out."""
    found = context.find_object(Here)
    assert found is not None
    return found
