"""An app's account on AWS, put together: who signs in where, and what is asked of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tidegate.aws.account import Account, sign_in
from tidegate.aws.deploy import changes
from tidegate.aws.deploy.down import Down
from tidegate.aws.deploy.up import Options, Up
from tidegate.aws.names import Names
from tidegate.aws.operations import AwsOperations
from tidegate.aws.pace import Pace
from tidegate.aws.reading.outputs import shared_outputs, shown_stacks
from tidegate.aws.template import templates
from tidegate.core.model import App

pace = Pace
"""How AWS is waited for."""

Say = Callable[[str], None]
"""Takes one line for a person."""


@dataclass(frozen=True)
class OnAws:
    """One app in one account. Nothing is asked of AWS before it has to be."""

    app: App
    region: str | None = None
    pace: Pace = field(default_factory=lambda: pace())

    @cached_property
    def account(self) -> Account:
        """By the environment's credentials; the region as told, the app file's, or AWS_REGION."""
        return sign_in(self.region or self.app.aws.region)

    @cached_property
    def operations(self) -> AwsOperations:
        """The operations of the app in the account."""
        return AwsOperations(self.account, self.app)

    def up(self, options: Options, say: Say) -> dict[str, str]:
        """Bring its stacks up; the platform's outputs."""
        return Up(self.account, self.app, templates(self.app), options, say, self.pace).run()

    def down(self, say: Say, purge: bool) -> tuple[str, ...]:
        """Take its stacks down; what is kept."""
        services = tuple(service.name for service in self.app.services)
        names = Names(self.app.name)
        return Down(self.account, names, services, say, self.pace, purge).run()

    def outputs(self) -> dict[str, str]:
        """The outputs of the shared stacks; empty when they are not there."""
        return shared_outputs(self.account, Names(self.app.name))

    def stack(self) -> Mapping[str, Mapping[str, Any]]:
        """The templates in the account, by stack; what `up` would bring when there are none."""
        names = Names(self.app.name)
        services = [names.service_stack(service.name) for service in self.app.services]
        found = shown_stacks(self.account, [*names.shared_stacks, *services])
        return found or templates(self.app)


__all__ = ["OnAws", "Options", "changes"]
