"""A change set as a person reads it: what is added, changed, removed, and what deserves a look.

Pure. Called out are a resource that is replaced, rights that become wider, whatever traffic goes by
(listeners, rules, services), for an update there can move it, and what others have changed since.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

_TRAFFIC = (
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::ECS::Service",
    "AWS::CodeDeploy::DeploymentGroup",
)
_HOLDS_DATA = ("AWS::S3::Bucket", "AWS::ECR::Repository", "AWS::Logs::LogGroup")
_RIGHTS = ("AWS::IAM::", "AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::KMS::Key")
_SIGNS = {"Add": "+", "Modify": "~", "Remove": "-", "Import": "+", "Dynamic": "~"}


class Notice(StrEnum):
    """Why a change deserves a look."""

    REPLACED = "is replaced"
    TRAFFIC = "traffic goes by it"
    WIDER = "gives more rights"
    DATA = "holds data"
    DRIFTED = "was changed outside the stack, and is written over"


@dataclass(frozen=True, slots=True)
class Change:
    """One resource. `sign` is +, ~ or -; `properties` are the names of those that change.

    `notices` say what deserves a look, each with its detail.
    """

    sign: str
    name: str
    kind: str
    properties: tuple[str, ...] = ()
    notices: tuple[tuple[Notice, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Diff:
    """All changes of one stack, those that deserve a look first."""

    stack: str
    creates: bool
    changes: tuple[Change, ...]

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many are added, changed and removed."""
        signs = [change.sign for change in self.changes]
        return signs.count("+"), signs.count("~"), signs.count("-")

    @property
    def notable(self) -> bool:
        """Whether a person should say yes first."""
        return any(change.notices for change in self.changes)


def diff(stack: str, creates: bool, changes: Iterable[Mapping[str, Any]]) -> Diff:
    """The diff out of DescribeChangeSet's `Changes`, with property values if they are in it."""
    found = [_change(one["ResourceChange"]) for one in changes if "ResourceChange" in one]
    found.sort(key=lambda change: (not change.notices, change.kind, change.name))
    return Diff(stack, creates, tuple(found))


def drifted(one: Diff, lost: Mapping[str, Sequence[str]]) -> Diff:
    """The diff with what the update would write over, by logical id."""
    return replace(one, changes=tuple(_with(change, lost) for change in one.changes))


def _with(change: Change, lost: Mapping[str, Sequence[str]]) -> Change:
    more = tuple((Notice.DRIFTED, text) for text in lost.get(change.name, ()))
    return replace(change, notices=(*change.notices, *more))


def of_template(stack: str, template: Mapping[str, Any]) -> Diff:
    """What a first creation adds, when no change set can be made yet (imports are missing)."""
    made = (
        {"Action": "Add", "LogicalResourceId": name, "ResourceType": resource["Type"]}
        for name, resource in (template.get("Resources") or {}).items()
    )
    return diff(stack, True, ({"ResourceChange": one} for one in made))


def lines(one: Diff) -> Iterator[str]:
    """The diff as text."""
    added, changed, removed = one.counts
    verb = "is created" if one.creates else "changes"
    yield f"{one.stack} {verb}: {added} added, {changed} changed, {removed} removed"
    for change in one.changes:
        tail = f"  {', '.join(change.properties)}" if change.properties else ""
        yield f"  {change.sign} {change.name} ({change.kind.removeprefix('AWS::')}){tail}"
        for notice, detail in change.notices:
            yield f"      ! {notice}{f': {detail}' if detail else ''}"


def _change(one: Mapping[str, Any]) -> Change:
    details = one.get("Details") or ()
    named = (d.get("Target") or {} for d in details)
    properties = {str(t.get("Name") or t.get("Attribute") or "") for t in named}
    return Change(
        _SIGNS.get(one["Action"], "~"),
        one["LogicalResourceId"],
        one["ResourceType"],
        tuple(sorted(properties - {""})),
        tuple(_notices(one)),
    )


def _notices(one: Mapping[str, Any]) -> Iterator[tuple[Notice, str]]:
    kind, action = one["ResourceType"], one["Action"]
    old = action != "Add"
    replaced = one.get("Replacement") in ("True", "Conditional")
    if old and replaced:
        sure = "" if one["Replacement"] == "True" else "perhaps"
        yield Notice.REPLACED, ", ".join(filter(None, (sure, _recreating(one))))
    if old and kind in _TRAFFIC:
        yield Notice.TRAFFIC, ""
    if old and kind in _HOLDS_DATA and (action == "Remove" or replaced):
        yield Notice.DATA, ""
    if old and kind.startswith(_RIGHTS):
        wider = widened(_context(one, "BeforeContext"), _context(one, "AfterContext"))
        if wider:
            yield Notice.WIDER, "; ".join(wider)


def _recreating(one: Mapping[str, Any]) -> str:
    targets = [detail.get("Target") or {} for detail in one.get("Details") or ()]
    bad = ("Always", "Conditionally")
    names = {str(t.get("Name")) for t in targets if t.get("RequiresRecreation") in bad}
    return "because of " + ", ".join(sorted(names)) if names else ""


def _context(one: Mapping[str, Any], name: str) -> Any:
    """The resource before or after, as CloudFormation's JSON has it; None when it does not say."""
    try:
        return json.loads(one.get(name) or "null")
    except ValueError:
        return None


# --- rights --------------------------------------------------------------------------------------


def widened(before: Any, after: Any) -> tuple[str, ...]:
    """What the resource may do or lets do after, and not before, as `ACTION on RESOURCE`.

    Every statement with Allow that is anywhere in it counts; managed policies count by their name.
    A Deny that goes is wider, too. What cannot be read is said to be so, never taken as harmless.
    """
    if after is None:
        return ("its policies cannot be read here; look at them in the console",)
    old, new = set(_grants(before)), set(_grants(after))
    lost = {grant for grant in old - new if grant.startswith("not ")}
    gained = {grant for grant in new - old if not grant.startswith("not ")}
    gained = {grant for grant in gained if not _covered(grant, old)}
    return (*sorted(gained), *(f"no longer denied: {grant[4:]}" for grant in sorted(lost)))


def _grants(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _grants(item)
    if not isinstance(value, dict):
        return
    if value.get("Effect") in ("Allow", "Deny"):
        yield from _statement(value)
        return
    for key, item in value.items():
        if key == "ManagedPolicyArns":
            yield from (f"all of {_text(arn)}" for arn in _listed(item))
        else:
            yield from _grants(item)


def _statement(statement: Mapping[str, Any]) -> Iterator[str]:
    prefix = "" if statement["Effect"] == "Allow" else "not "
    actions = _listed(statement.get("Action")) or [
        f"all but {_text(one)}" for one in _listed(statement.get("NotAction"))
    ]
    resources = _listed(statement.get("Resource")) or [
        f"all but {_text(one)}" for one in _listed(statement.get("NotResource"))
    ]
    who = statement.get("Principal")
    by = f" by {_text(who)}" if who else ""
    if "Condition" in statement:
        by += f" if {_text(statement['Condition'])}"
    for action in actions:
        for resource in resources or [""]:
            on = f" on {_text(resource)}" if resource else ""
            yield f"{prefix}{_text(action)}{on}{by}"


def _covered(grant: str, old: set[str]) -> bool:
    """Whether an earlier grant with a star at its end held it already."""
    action, on, rest = grant.partition(" on ")
    resource, _, by = rest.partition(" by ")
    for known in old:
        known_action, _, known_rest = known.partition(" on ")
        known_resource, _, known_by = known_rest.partition(" by ")
        same = known_by == by and bool(on)
        if same and _under(action, known_action) and _under(resource, known_resource):
            return True
    return False


def _under(value: str, pattern: str) -> bool:
    if pattern.endswith("*"):
        return value.startswith(pattern[:-1])
    return value == pattern


def _listed(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
