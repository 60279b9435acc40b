"""One CloudFormation stack: how it stands, a change set for it, and its deletion."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.pace import Pace, waited
from tidegate.aws.template import MOST_BODY_BYTES, text
from tidegate.core.errors import AccountError, Busy, CloudFailed

_ABSENT = ("ValidationError",)
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_PATIENCE_S = 300.0
_STUB_S = 30.0


@dataclass(frozen=True, slots=True)
class StackSeen:
    """A stack that is there. `status` is CloudFormation's."""

    name: str
    id: str
    status: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    protected: bool = False

    @property
    def stub(self) -> bool:
        """Whether it is only what the change set of a first creation leaves."""
        return self.status == "REVIEW_IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A stack as it is to be. `template_url` is set when the template lies in a bucket."""

    name: str
    template: Mapping[str, Any]
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    template_url: str = ""
    role_arn: str = ""

    @property
    def body(self) -> str:
        """The template as it is sent, and as `tidegate aws template` writes it."""
        return text(self.template)

    @property
    def digest(self) -> str:
        """What names its change set: the same wish, the same name."""
        wish = self.body + json.dumps(dict(self.parameters), sort_keys=True)
        return hashlib.sha256(wish.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A change set that can be executed. `changes` are CloudFormation's, page after page."""

    stack: str
    stack_id: str
    id: str
    creates: bool
    changes: tuple[Mapping[str, Any], ...]


def seen(account: Account, name: str) -> StackSeen | None:
    """The stack of that name or id, or None."""
    answer = account.find("cloudformation", "describe_stacks", _ABSENT, StackName=name)
    if answer is None or not answer["Stacks"]:
        return None
    one = answer["Stacks"][0]
    if one["StackStatus"] == "DELETE_COMPLETE":
        return None
    return StackSeen(
        one["StackName"],
        one["StackId"],
        one["StackStatus"],
        {o["OutputKey"]: o["OutputValue"] for o in one.get("Outputs", ())},
        {p["ParameterKey"]: p.get("ParameterValue", "") for p in one.get("Parameters", ())},
        bool(one.get("EnableTerminationProtection")),
    )


def ready(stack: StackSeen | None) -> None:
    """Raises `Busy` or `AccountError` for a stack that cannot be updated as it stands."""
    if stack is None or stack.stub:
        return
    if stack.status == "UPDATE_ROLLBACK_FAILED":
        raise AccountError(
            f"stack {stack.name} could not be rolled back",
            cause=stack.status,
            remedy=f"aws cloudformation continue-update-rollback --stack-name {stack.name}",
            code="TG288",
        )
    if stack.status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
        raise AccountError(
            f"stack {stack.name} can only be deleted now",
            cause=f"it is {stack.status}: its creation, or its deletion, failed earlier",
            remedy=f"aws cloudformation delete-stack --stack-name {stack.name}, then up again",
            code="TG287",
        )
    if stack.status.endswith("_IN_PROGRESS"):
        raise Busy(
            f"something else is at work on stack {stack.name}",
            cause=stack.status,
            remedy="wait for its end; CloudFormation does one thing at a time to a stack",
            code="TG810",
        )


def propose(account: Account, wanted: Wanted, pace: Pace) -> ChangeSet | None:
    """A change set of what would change, or None when nothing would. Nothing is executed.

    Raises `Busy`, `AccountError`, `CloudFailed`.
    """
    known = seen(account, wanted.name)
    ready(known)
    creates = known is None or known.stub
    name = f"tidegate-{wanted.digest}"
    where = {"StackName": wanted.name, "ChangeSetName": name}
    _forget(account, where)
    account.ask("cloudformation", "create_change_set", **where, **_asked(wanted, known, creates))
    answer = _made(account, where, pace)
    if answer["Status"] == "FAILED":
        reason = str(answer.get("StatusReason", ""))
        if any(words in reason for words in _NO_CHANGES):
            withdraw(account, where, creates, pace)
            return None
        cause = _invalid(account, where) or reason
        withdraw(account, where, creates, pace)
        raise AccountError(
            f"CloudFormation refuses the change of stack {wanted.name}", cause=cause, code="TG262"
        )
    changes = tuple(answer["Changes"])
    return ChangeSet(wanted.name, answer["StackId"], answer["ChangeSetId"], creates, changes)


def withdraw(account: Account, where: Mapping[str, str], creates: bool, pace: Pace) -> None:
    """Delete the change set, and the empty stack that one of a first creation leaves behind."""
    _forget(account, where)
    if creates:
        known = seen(account, where["StackName"])
        if known and known.stub:
            account.ask("cloudformation", "delete_stack", StackName=known.name)
            waited(pace, lambda: seen(account, known.name) is None, _STUB_S)


def give_up(account: Account, change_set: ChangeSet, pace: Pace) -> None:
    """Leave nothing of it behind."""
    where = {"StackName": change_set.stack, "ChangeSetName": change_set.id}
    withdraw(account, where, change_set.creates, pace)


def _asked(wanted: Wanted, known: StackSeen | None, creates: bool) -> dict[str, Any]:
    body = wanted.body
    if wanted.template_url:
        template = {"TemplateURL": wanted.template_url}
    elif len(body.encode()) <= MOST_BODY_BYTES:
        template = {"TemplateBody": body}
    else:
        raise AccountError(
            f"the template of {wanted.name} is too large to send",
            cause=f"{len(body.encode()):,} of {MOST_BODY_BYTES:,} bytes",
            remedy="let it lie in a bucket: tidegate up --target aws --bucket NAME",
            code="TG289",
        )
    return {
        **template,
        "ChangeSetType": "CREATE" if creates else "UPDATE",
        "Parameters": _parameters(wanted, known),
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        "Tags": [{"Key": key, "Value": value} for key, value in wanted.tags.items()],
        "OnStackFailure": "DELETE" if creates else "ROLLBACK",
        **({"RoleARN": wanted.role_arn} if wanted.role_arn else {}),
    }


def _parameters(wanted: Wanted, known: StackSeen | None) -> list[dict[str, Any]]:
    """What is given; else what the stack has; else the template's default."""
    found: list[dict[str, Any]] = []
    for name in wanted.template.get("Parameters") or {}:
        if name in wanted.parameters:
            found.append({"ParameterKey": name, "ParameterValue": wanted.parameters[name]})
        elif known and name in known.parameters:
            found.append({"ParameterKey": name, "UsePreviousValue": True})
    return found


def _made(account: Account, where: Mapping[str, str], pace: Pace) -> dict[str, Any]:
    """The whole change set once it is made or has failed."""
    answer: dict[str, Any] = {}

    def done() -> bool:
        nonlocal answer
        answer = account.ask(
            "cloudformation", "describe_change_set", **where, IncludePropertyValues=True
        )
        return answer["Status"] in ("CREATE_COMPLETE", "FAILED")

    if not waited(pace, done, _PATIENCE_S):
        raise CloudFailed(
            "CloudFormation does not finish a change set",
            cause=str(answer.get("Status")),
            where=where["StackName"],
            code="TG980",
        )
    changes = list(answer.get("Changes", ()))
    token = answer.get("NextToken")
    while token:
        ask = {**where, "IncludePropertyValues": True, "NextToken": token}
        page = account.ask("cloudformation", "describe_change_set", **ask)
        changes += page.get("Changes", ())
        token = page.get("NextToken")
    return {**answer, "Changes": changes}


def _invalid(account: Account, where: Mapping[str, str]) -> str:
    """What the validation before deployment found, if that was it."""
    answer = account.find("cloudformation", "describe_events", _ABSENT, **where) or {}
    found = (
        f"{e.get('LogicalResourceId', '')}: {e.get('ValidationStatusReason', '')}"
        for e in answer.get("OperationEvents", ())
        if e.get("EventType") == "VALIDATION_ERROR"
    )
    return "; ".join(found)


def _forget(account: Account, where: Mapping[str, str]) -> None:
    absent = (*_ABSENT, "ChangeSetNotFound", "ChangeSetNotFoundException")
    account.find("cloudformation", "delete_change_set", absent, **where)
