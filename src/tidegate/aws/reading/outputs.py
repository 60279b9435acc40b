"""What the shared stacks say of themselves."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.deploy import stacks
from tidegate.aws.names import Names


def shared_outputs(account: Account, names: Names) -> dict[str, str]:
    """The outputs of all shared stacks that are there, as one."""
    found: dict[str, str] = {}
    for name in names.shared_stacks:
        known = stacks.seen(account, name)
        found.update(known.outputs if known else {})
    return found


def shown_stacks(account: Account, stacks_of: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """The templates of those stacks that are there, by name."""
    found: dict[str, Mapping[str, Any]] = {}
    for name in stacks_of:
        if stacks.seen(account, name) is not None:
            ask = {"StackName": name, "TemplateStage": "Original"}
            body = account.ask("cloudformation", "get_template", **ask)["TemplateBody"]
            found[name] = json.loads(body) if isinstance(body, str) else body
    return found
