"""Where a command is: the app's folder, its state, the daemon's client, and who asks."""

from dataclasses import dataclass, replace
from functools import cached_property
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from tidegate import FILE_NAME
from tidegate.cli.target import TargetName
from tidegate.core.errors import UsageError
from tidegate.local.home import Home

if TYPE_CHECKING:
    from tidegate.api.client import Client
    from tidegate.core.model import App
    from tidegate.operations import Operations
    from tidegate.wiring.aws import OnAws

STATE = ".tidegate"


@dataclass(frozen=True)
class Here:
    """One app's folder: the one with `tidegate.yaml`, or where that is to be."""

    folder: Path
    target: TargetName = TargetName.LOCAL
    region: str | None = None

    @property
    def file(self) -> Path:
        """The app file."""
        return self.folder / FILE_NAME

    @property
    def home(self) -> Home:
        """The state directory beside the app file."""
        return Home(self.folder / STATE)

    @cached_property
    def app(self) -> "App":
        """The app file, with the waivers of the files beside it. Raises `AppFileError`."""
        from tidegate.spec import load
        from tidegate.spec.waivers import Folder, collect

        return collect(load(self.file), Folder(self.folder))

    @cached_property
    def client(self) -> "Client":
        """The operations, by way of the running daemon."""
        from tidegate.api.client import Client  # loads what many commands do not need

        return Client(self.home)

    @cached_property
    def on_aws(self) -> "OnAws":
        """The app in an account of AWS. Raises `AccountError` without the extra `aws`."""
        from tidegate.wiring.aws import OnAws  # loads boto3; one machine needs none

        return OnAws(self.app, self.region)

    @property
    def operations(self) -> "Operations":
        """What can be asked of the app, wherever it is."""
        return self.on_aws.operations if self.target is TargetName.AWS else self.client

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
        moving = [one.name for one in self.operations.status().services if one.deployment]
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
    target = context.params.get("target", TargetName.LOCAL)
    region = context.params.get("region")
    if (target, region) != (found.target, found.region):
        found = context.obj = replace(found, target=target, region=region)
    return found
