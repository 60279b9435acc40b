"""Pause and resume on AWS: a note beside the service's settings that our lifecycle hook reads.

ECS itself only pauses where a deployment was configured to. The hook runs after every step of a
shift, and while the note names the deployment it answers IN_PROGRESS. ECS rolls back what stays in
one stage for 24 hours. A note of an earlier deployment holds nothing.
"""

import json

from tidegate.aws.account import Account

_ABSENT = ("ParameterNotFound",)


def parameter_of(path: str, service: str) -> str:
    """The SSM parameter's name under `Names.services_path`."""
    return f"{path.rstrip('/')}/{service}/hold"


def held_by(account: Account, path: str, service: str, deployment: str) -> str | None:
    """Who holds that deployment, or None."""
    name = parameter_of(path, service)
    answer = account.find("ssm", "get_parameter", _ABSENT, Name=name)
    if answer is None:
        return None
    note = json.loads(answer["Parameter"]["Value"])
    return str(note["by"]) if note.get("deployment") == deployment else None


def hold(account: Account, path: str, service: str, note: dict[str, str]) -> None:
    """Write the note: `{"deployment": …, "by": …}`."""
    name, text = parameter_of(path, service), json.dumps(note)
    account.ask("ssm", "put_parameter", Name=name, Value=text, Type="String", Overwrite=True)


def let_go(account: Account, path: str, service: str) -> None:
    """Take the note away; nothing if there is none."""
    account.find("ssm", "delete_parameter", _ABSENT, Name=parameter_of(path, service))
