"""What was changed outside a stack, and an update would write over.

CloudFormation compares a template with the one before it, never with the account: a change set is
silent on what ECS, autoscaling or a person has changed since. So drift is detected for what the
change set touches, and each difference that the update does not keep is told beforehand.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.pace import Pace, waited
from tidegate.core.errors import CloudFailed, TidegateError

_KINDS = (
    "AWS::ApplicationAutoScaling::",
    "AWS::AutoScaling::AutoScalingGroup",
    "AWS::CloudWatch::Alarm",
    "AWS::EC2::SecurityGroup",
    "AWS::ECS::Service",
    "AWS::ElasticLoadBalancingV2::",
    "AWS::IAM::Role",
)
"""What others change: traffic, counts, rights. Whatever else is touched is the stack's alone."""
_MOST_IDS = 100  # of one call
_PATIENCE_S = 120.0

Overwritten = Mapping[str, tuple[str, ...]]
"""By logical id: sentences on what is lost."""


def overwritten(
    account: Account, stack: str, changes: Sequence[Mapping[str, Any]], pace: Pace
) -> tuple[Overwritten, str]:
    """What an update of the stack would write over, and why it is not known if it is not."""
    touched = {one["LogicalResourceId"]: one for one in _touched(changes)}
    if not touched:
        return {}, ""
    found: dict[str, tuple[str, ...]] = {}
    try:
        for drifted in _drifted(account, stack, sorted(touched)[:_MOST_IDS], pace):
            name = drifted["LogicalResourceId"]
            after = _properties(touched[name].get("AfterContext"))
            if told := tuple(_lost(drifted, after)):
                found[name] = told
    except TidegateError as error:
        return {}, error.cause or error.what
    return found, ""


def _touched(changes: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for change in changes:
        one = change.get("ResourceChange") or {}
        if one.get("Action") == "Modify" and str(one["ResourceType"]).startswith(_KINDS):
            yield one


def _drifted(
    account: Account, stack: str, names: Sequence[str], pace: Pace
) -> Iterator[Mapping[str, Any]]:
    """The resources of these that are no longer as the stack made them."""
    where = {"StackName": stack, "LogicalResourceIds": list(names)}
    begun = account.ask("cloudformation", "detect_stack_drift", **where)
    asked = {"StackDriftDetectionId": begun["StackDriftDetectionId"]}
    state: dict[str, Any] = {}

    def done() -> bool:
        state.update(
            account.ask("cloudformation", "describe_stack_drift_detection_status", **asked)
        )
        return bool(state["DetectionStatus"] != "DETECTION_IN_PROGRESS")

    if not waited(pace, done, _PATIENCE_S):
        raise CloudFailed("CloudFormation does not finish looking for drift", code="TG984")
    filters = {"StackResourceDriftStatusFilters": ["MODIFIED", "DELETED"]}
    ask = {"StackName": stack, **filters}
    key = "StackResourceDrifts"
    every = account.each("cloudformation", "describe_stack_resource_drifts", key, **ask)
    return (one for one in every if one["LogicalResourceId"] in names)


def _lost(drifted: Mapping[str, Any], after: Any) -> Iterator[str]:
    """Each difference that the update does not write just as it is."""
    if drifted["StackResourceDriftStatus"] == "DELETED":
        yield "it was deleted"
    for one in drifted.get("PropertyDifferences") or ():
        actual, path = str(one["ActualValue"]), str(one["PropertyPath"])
        if _same(_at(after, path), actual):
            continue
        yield f"{path.lstrip('/')} is {actual}, the stack had {one['ExpectedValue']}"


def _properties(context: Any) -> Any:
    """The resource's properties after the update, of a change set's `AfterContext`."""
    try:
        return json.loads(context or "null")["Properties"]
    except (ValueError, TypeError, KeyError):
        return None


def _at(properties: Any, path: str) -> Any:
    """The value at a path such as `/Actions/0/Order`; None when there is none."""
    value = properties
    for part in path.strip("/").split("/"):
        try:
            value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return value


def _same(value: Any, actual: str) -> bool:
    """CloudFormation gives actual values as text, and those of lists and maps as JSON."""
    if value is None:
        return False
    try:
        return str(value) == actual or value == json.loads(actual)
    except ValueError:
        return False
