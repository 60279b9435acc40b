"""CloudFormation with a memory: change sets, events one at a time, rollback, deletion."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.support.aws.fake import NOW, NUMBER, REGION, Clock, Refused

STACK = "AWS::CloudFormation::Stack"


@dataclass
class Stack:
    name: str
    id: str
    status: str = "REVIEW_IN_PROGRESS"
    template: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    told: int = 0
    protected: bool = False
    sets: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Formation:
    """`failing` maps a logical id to the reason why it fails; `outputs` are those of each stack.

    `kept` are logical ids that survive their stack. `invalid` is what validation finds. `drifts`
    are what detection finds, by stack: (logical id, path, expected, actual).
    """

    clock: Clock
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)
    physical: dict[str, str] = field(default_factory=dict)
    kept: set[str] = field(default_factory=set)
    invalid: str = ""
    drifts: dict[str, list[tuple[str, str, str, str]]] = field(default_factory=dict)
    stacks: dict[str, Stack] = field(default_factory=dict)
    gone: dict[str, Stack] = field(default_factory=dict)

    # --- stacks ----------------------------------------------------------------------------

    def make(self, name: str, template: dict[str, Any], **facts: Any) -> Stack:
        """A stack that is there already."""
        made = Stack(name, _arn(name), "CREATE_COMPLETE", template, **facts)
        self.stacks[name] = made
        return made

    def _find(self, name: str) -> Stack:
        for stack in [*self.stacks.values(), *self.gone.values()]:
            if name in (stack.name, stack.id) and (stack.name in self.stacks or name == stack.id):
                return stack
        raise Refused("ValidationError", f"Stack with id {name} does not exist")

    def DescribeStacks(self, StackName: str) -> Any:
        one = self._find(StackName)
        outputs = self.outputs.get(one.name, {}) if one.template else {}
        return {
            "Stacks": [
                {
                    "StackName": one.name,
                    "StackId": one.id,
                    "StackStatus": one.status,
                    "CreationTime": _time(NOW),
                    "EnableTerminationProtection": one.protected,
                    "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()],
                    "Parameters": [
                        {"ParameterKey": k, "ParameterValue": v} for k, v in one.parameters.items()
                    ],
                }
            ]
        }

    def GetTemplate(self, StackName: str, TemplateStage: str) -> Any:
        body = json.dumps(self._find(StackName).template)
        return {"TemplateBody": body, "StagesAvailable": ["Original"]}

    def UpdateTerminationProtection(self, EnableTerminationProtection: bool, StackName: str) -> Any:
        self._find(StackName).protected = EnableTerminationProtection
        return {}

    def ListStackResources(self, StackName: str) -> Any:
        one = self._find(StackName)
        return {
            "StackResourceSummaries": [
                {
                    "LogicalResourceId": name,
                    "PhysicalResourceId": self.physical.get(name, f"{one.name}-{name}"),
                    "ResourceType": resource["Type"],
                    "ResourceStatus": "CREATE_COMPLETE",
                    "LastUpdatedTimestamp": _time(NOW),
                }
                for name, resource in one.template.get("Resources", {}).items()
            ]
        }

    # --- drift -----------------------------------------------------------------------------

    def DetectStackDrift(self, StackName: str, LogicalResourceIds: list[str]) -> Any:
        known = self._find(StackName).template.get("Resources", {})
        assert set(LogicalResourceIds) <= set(known)
        return {"StackDriftDetectionId": self._find(StackName).name}

    def DescribeStackDriftDetectionStatus(self, StackDriftDetectionId: str) -> Any:
        return {
            "StackId": _arn(StackDriftDetectionId),
            "StackDriftDetectionId": StackDriftDetectionId,
            "DetectionStatus": "DETECTION_COMPLETE",
            "Timestamp": _time(NOW),
        }

    def DescribeStackResourceDrifts(
        self, StackName: str, StackResourceDriftStatusFilters: list[str]
    ) -> Any:
        stack = self._find(StackName)
        return {
            "StackResourceDrifts": [
                {
                    "StackId": stack.id,
                    "LogicalResourceId": name,
                    "ResourceType": stack.template["Resources"][name]["Type"],
                    "StackResourceDriftStatus": "MODIFIED",
                    "Timestamp": _time(NOW),
                    "PropertyDifferences": [
                        {
                            "PropertyPath": path,
                            "ExpectedValue": expected,
                            "ActualValue": actual,
                            "DifferenceType": "NOT_EQUAL",
                        }
                    ],
                }
                for name, path, expected, actual in self.drifts.get(stack.name, [])
            ]
        }

    # --- change sets -----------------------------------------------------------------------

    def CreateChangeSet(
        self, StackName: str, ChangeSetName: str, ChangeSetType: str, **asked: Any
    ) -> Any:
        if "TemplateBody" in asked and len(asked["TemplateBody"]) > 51_200:
            raise Refused("ValidationError", "templateBody must have length less than 51200")
        known = self.stacks.get(StackName)
        if ChangeSetType == "UPDATE" and (known is None or known.status == "REVIEW_IN_PROGRESS"):
            raise Refused("ValidationError", f"Stack [{StackName}] does not exist")
        if ChangeSetType == "CREATE" and known and known.status != "REVIEW_IN_PROGRESS":
            raise Refused("ValidationError", f"Stack [{StackName}] already exists")
        stack = self.stacks.setdefault(StackName, Stack(StackName, _arn(StackName)))
        template = json.loads(asked.get("TemplateBody") or "{}")
        given = {
            p["ParameterKey"]: p.get("ParameterValue", stack.parameters.get(p["ParameterKey"], ""))
            for p in asked["Parameters"]
        }
        stack.sets[ChangeSetName] = {
            "template": template,
            "parameters": given,
            "changes": _changes(stack.template, template),
            "same": template == stack.template and given == stack.parameters,
            "creates": ChangeSetType == "CREATE",
            "on_failure": asked.get("OnStackFailure"),
            "looks": 0,
        }
        return {"Id": f"{_arn(StackName)}/cs/{ChangeSetName}", "StackId": stack.id}

    def DescribeChangeSet(self, StackName: str, ChangeSetName: str, **_: Any) -> Any:
        stack = self._find(StackName)
        made = self._set(stack, ChangeSetName)
        made["looks"] += 1
        status, reason = "CREATE_COMPLETE", ""
        if made["looks"] == 1:
            status = "CREATE_IN_PROGRESS"
        elif self.invalid:
            status, reason = "FAILED", "validation failed"
        elif made["same"]:
            status = "FAILED"
            reason = "The submitted information didn't contain changes."
        return {
            "ChangeSetName": ChangeSetName,
            "ChangeSetId": f"{stack.id}/cs/{ChangeSetName}",
            "StackId": stack.id,
            "StackName": stack.name,
            "Status": status,
            "StatusReason": reason,
            "Changes": made["changes"],
        }

    def DescribeEvents(self, StackName: str, ChangeSetName: str) -> Any:
        event = {
            "EventType": "VALIDATION_ERROR",
            "LogicalResourceId": "Bucket",
            "ValidationStatusReason": self.invalid,
        }
        return {"OperationEvents": [event] if self.invalid else []}

    def DeleteChangeSet(self, StackName: str, ChangeSetName: str) -> Any:
        stack = self._find(StackName)
        stack.sets.pop(ChangeSetName.rpartition("/")[2], None)
        return {}

    def ExecuteChangeSet(self, ChangeSetName: str, StackName: str, ClientRequestToken: str) -> Any:
        stack = self._find(StackName)
        made = self._set(stack, ChangeSetName)
        verb = "CREATE" if made["creates"] else "UPDATE"
        old = (stack.template, stack.parameters)
        stack.template, stack.parameters = made["template"], made["parameters"]
        stack.sets.clear()
        emit = _Emitter(self, stack, ClientRequestToken)
        emit(stack.name, STACK, f"{verb}_IN_PROGRESS", "User Initiated")
        failed = False
        for name, kind in _touched(made["changes"]):
            emit(name, kind, f"{verb}_IN_PROGRESS")
            if name in self.failing:
                emit(name, kind, f"{verb}_FAILED", self.failing[name])
                failed = True
            elif failed:
                emit(name, kind, f"{verb}_FAILED", f"Resource {verb.lower()} cancelled")
            else:
                emit(name, kind, f"{verb}_COMPLETE")
        if not failed:
            emit(stack.name, STACK, f"{verb}_COMPLETE")
        elif verb == "UPDATE":
            stack.template, stack.parameters = old
            emit(stack.name, STACK, "UPDATE_ROLLBACK_IN_PROGRESS", "The following failed")
            emit(stack.name, STACK, "UPDATE_ROLLBACK_COMPLETE")
        else:
            emit(stack.name, STACK, "CREATE_FAILED", "The following failed")
            emit(stack.name, STACK, "DELETE_IN_PROGRESS")
            emit(stack.name, STACK, "DELETE_COMPLETE")
        return {}

    def DeleteStack(self, StackName: str, ClientRequestToken: str = "") -> Any:
        stack = self._find(StackName)
        if stack.protected:
            raise Refused("ValidationError", "TerminationProtection is enabled")
        if stack.status == "REVIEW_IN_PROGRESS":
            self.gone[stack.name] = self.stacks.pop(stack.name)
            return {}
        emit = _Emitter(self, stack, ClientRequestToken)
        emit(stack.name, STACK, "DELETE_IN_PROGRESS", "User Initiated")
        for name, resource in stack.template.get("Resources", {}).items():
            if name in self.failing:
                emit(name, resource["Type"], "DELETE_FAILED", self.failing[name])
            else:
                kept = name in self.kept
                emit(name, resource["Type"], "DELETE_SKIPPED" if kept else "DELETE_COMPLETE")
        bad = any(name in self.failing for name in stack.template.get("Resources", {}))
        emit(stack.name, STACK, "DELETE_FAILED" if bad else "DELETE_COMPLETE")
        return {}

    def DescribeStackEvents(self, StackName: str) -> Any:
        """Two more at each look, the newest first."""
        stack = self._find(StackName)
        stack.told = min(stack.told + 2, len(stack.events))
        shown = stack.events[: stack.told]
        for event in shown:
            if event["PhysicalResourceId"] == stack.id:
                stack.status = event["ResourceStatus"]
        if stack.status == "DELETE_COMPLETE" and stack.name in self.stacks:
            self.gone[stack.name] = self.stacks.pop(stack.name)
        return {"StackEvents": list(reversed(shown))}

    def _set(self, stack: Stack, name: str) -> dict[str, Any]:
        key = name.rpartition("/")[2]
        if key not in stack.sets:
            raise Refused("ChangeSetNotFound", f"ChangeSet [{key}] does not exist")
        return stack.sets[key]


@dataclass
class _Emitter:
    formation: Formation
    stack: Stack
    token: str

    def __call__(self, name: str, kind: str, status: str, reason: str = "") -> None:
        own = kind == STACK
        number = len(self.stack.events)
        self.stack.events.append(
            {
                "StackId": self.stack.id,
                "EventId": f"{self.stack.name}-{number}",
                "StackName": self.stack.name,
                "LogicalResourceId": name,
                "PhysicalResourceId": self.stack.id if own else f"{self.stack.name}-{name}",
                "ResourceType": kind,
                "Timestamp": _time(self.formation.clock.now),
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
                "ClientRequestToken": self.token,
            }
        )


def _touched(changes: list[dict[str, Any]]) -> list[tuple[str, str]]:
    inner = [one["ResourceChange"] for one in changes]
    return [(one["LogicalResourceId"], one["ResourceType"]) for one in inner]


def _changes(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    """As DescribeChangeSet has them with property values."""
    before, after = old.get("Resources", {}), new.get("Resources", {})
    found = []
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) == after.get(name):
            continue
        action = "Add" if name not in before else "Remove" if name not in after else "Modify"
        one: dict[str, Any] = {
            "Action": action,
            "LogicalResourceId": name,
            "ResourceType": (after.get(name) or before[name])["Type"],
        }
        if action == "Modify":
            one["Replacement"] = "False"
            one["BeforeContext"] = json.dumps(before[name])
            one["AfterContext"] = json.dumps(after[name])
            properties = (before[name].get("Properties", {}), after[name].get("Properties", {}))
            names = [k for k in properties[1] if properties[0].get(k) != properties[1][k]]
            if "ClusterName" in names or "Name" in names:
                one["Replacement"] = "True"
            one["Details"] = [
                {
                    "Target": {
                        "Attribute": "Properties",
                        "Name": k,
                        "RequiresRecreation": "Always" if k in ("Name", "ClusterName") else "Never",
                    }
                }
                for k in names
            ]
        found.append({"Type": "Resource", "ResourceChange": one})
    return found


def _arn(name: str) -> str:
    return f"arn:aws:cloudformation:{REGION}:{NUMBER}:stack/{name}/0001"


def _time(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1_000, UTC)
