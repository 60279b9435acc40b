"""What the shared stacks say of themselves."""

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
