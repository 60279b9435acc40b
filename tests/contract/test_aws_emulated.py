"""The stacks against an emulated CloudFormation: made, changed, not changed, failed, deleted.

What the emulator lacks is taken out (`tests.support.ministack.LACKS`); only an account proves the
rest, and docs/aws-unproven.md says how.
"""

import copy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.aws_stacks import app, stacks
from tests.support.ministack import ministack, without_what_it_lacks
from tidegate.aws.names import Names
from tidegate.aws.template import text

VARIANT = "native-fargate"
NAMES = Names(app(VARIANT).name)
CATS = NAMES.service_stack("cats")
IMAGE = "111122223333.example/cats@sha256:" + "ab" * 32


class Cloud:
    """The emulated CloudFormation."""

    def __init__(self, url: str) -> None:
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        self.session = boto3.Session(region_name="us-east-1", **keys)
        self.url = url
        self.api = self.client("cloudformation")

    def client(self, service: str) -> Any:
        """A client of the emulator."""
        return self.session.client(service, endpoint_url=self.url)

    def change(self, stack: str, template: dict[str, Any], **parameters: str) -> list[Any]:
        """Create or update a stack by change set; the changes, or none."""
        kind = "UPDATE" if self.status(stack) else "CREATE"
        name = f"c{time.monotonic_ns()}"
        self.api.create_change_set(
            StackName=stack,
            ChangeSetName=name,
            ChangeSetType=kind,
            TemplateBody=text(template),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        )
        found = self.api.describe_change_set(StackName=stack, ChangeSetName=name)
        if found["Status"] == "FAILED":
            assert "didn't contain changes" in found["StatusReason"], found["StatusReason"]
            return []
        self.api.execute_change_set(StackName=stack, ChangeSetName=name)
        self.settle(stack)
        changes: list[Any] = found["Changes"]
        return changes

    def settle(self, stack: str) -> str:
        """Wait until nothing is in progress; the stack's status, "" when it is gone."""
        for _ in range(600):
            status = self.status(stack)
            if not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(0.05)
        raise AssertionError(f"{stack} does not settle")

    def status(self, stack: str) -> str:
        """The stack's status, "" when there is none."""
        try:
            found = self.api.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        except ClientError:
            return ""
        return "" if found == "DELETE_COMPLETE" else str(found)

    def outputs(self, stack: str) -> dict[str, str]:
        """The outputs of a stack."""
        found = self.api.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", ())
        return {one["OutputKey"]: one["OutputValue"] for one in found}


def emulated(variant: str) -> dict[str, dict[str, Any]]:
    """The templates of a variant for the emulator."""
    return {name: without_what_it_lacks(one) for name, one in stacks(variant).items()}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """An account with the stacks of the variant."""
    folder: Path = tmp_path_factory.mktemp("ministack")
    with ministack(folder) as url:
        made = Cloud(url)
        for name, template in emulated(VARIANT).items():
            made.change(name, template)
        yield made


def test_every_stack_is_created_in_its_order(cloud: Cloud) -> None:
    states = {name: cloud.status(name) for name in stacks(VARIANT)}
    assert set(states.values()) == {"CREATE_COMPLETE"}, states


def test_the_outputs_hold_what_a_person_and_the_operator_need(cloud: Cloud) -> None:
    assert cloud.outputs(NAMES.platform_stack)["LoadBalancerDnsName"]
    assert cloud.outputs(CATS)["Controller"] == "ecs"
    assert len(cloud.outputs(CATS)["AlarmNames"].split(",")) == 6


def test_a_service_s_rules_are_on_both_listeners_and_all_weight_is_on_blue(cloud: Cloud) -> None:
    found = cloud.outputs(NAMES.platform_stack)
    elb = cloud.client("elbv2")
    for listener in ("ProductionListenerArn", "TestListenerArn"):
        rules = elb.describe_rules(ListenerArn=found[listener])["Rules"]
        paths = {c for r in rules for k in r["Conditions"] for c in k.get("Values", ())}
        values = {
            value
            for rule in rules
            for condition in rule["Conditions"]
            for value in condition.get("PathPatternConfig", {}).get("Values", ())
        }
        assert {"/*", "/cats", "/cats/*", "/dogs", "/dogs/*"} <= paths | values


def test_a_service_begins_with_no_tasks(cloud: Cloud) -> None:
    ecs = cloud.client("ecs")
    name = cloud.outputs(CATS)["ServiceName"]
    cluster = cloud.outputs(NAMES.platform_stack)["ClusterName"]
    (found,) = ecs.describe_services(cluster=cluster, services=[name])["services"]
    assert found["desiredCount"] == 0


def test_the_settings_of_a_service_are_what_its_functions_read(cloud: Cloud) -> None:
    from tidegate.aws.account import Account
    from tidegate.aws.settings import gate_policy, service_settings

    class Here(Account):
        def client(self, service: str) -> Any:
            return cloud.client(service)

    account = Here(cloud.session, "us-east-1")
    settings = service_settings(account, NAMES.services_path, "cats")
    assert settings.service == "cats"
    assert settings.blue_target_group != settings.green_target_group
    assert [check.path for check in settings.checks] == ["/cats"]
    assert settings.first_count == 2
    assert gate_policy(account, NAMES.gate_parameter) == app(VARIANT).gate


def test_an_update_that_changes_nothing_is_told_as_such(cloud: Cloud) -> None:
    for name, template in emulated(VARIANT).items():
        assert cloud.change(name, template) == [], name


def test_an_update_changes_only_what_the_file_changed(cloud: Cloud) -> None:
    template = copy.deepcopy(emulated(VARIANT)[CATS])
    attributes = template["Resources"]["BlueGroup"]["Properties"]["TargetGroupAttributes"]
    attributes[0]["Value"] = "45"
    changes = cloud.change(CATS, template)
    touched = {c["ResourceChange"]["LogicalResourceId"] for c in changes}
    assert "BlueGroup" in touched
    assert not {"ProductionRule", "TestRule", "Service"} & touched
    assert cloud.change(CATS, emulated(VARIANT)[CATS])  # and back


def test_what_is_live_is_what_an_update_writes(cloud: Cloud) -> None:
    changes = cloud.change(CATS, emulated(VARIANT)[CATS], LiveImage=IMAGE, LiveColour="green")
    assert changes
    ecs = cloud.client("ecs")
    family = cloud.outputs(CATS)["TaskFamily"]
    found = ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]
    assert found["containerDefinitions"][0]["image"] == IMAGE


def test_a_creation_that_fails_is_rolled_back_and_says_why(cloud: Cloud) -> None:
    broken = copy.deepcopy(emulated(VARIANT)[CATS])
    broken["Resources"]["Unknown"] = {"Type": "AWS::Nowhere::Nothing", "Properties": {}}
    text_of = text(broken)
    assert "AWS::Nowhere" in text_of
    stack = NAMES.service_stack("broken")
    try:
        cloud.api.create_stack(
            StackName=stack, TemplateBody=text_of, Capabilities=["CAPABILITY_IAM"]
        )
    except ClientError as refused:
        assert "AWS::Nowhere::Nothing" in str(refused)
        return
    assert cloud.settle(stack) == "ROLLBACK_COMPLETE"
    events = cloud.api.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [e for e in events if e["ResourceStatus"] == "CREATE_FAILED"]
    assert failed


def test_everything_can_be_deleted_in_reverse(cloud: Cloud) -> None:
    made = emulated("native-ec2")
    for name, template in made.items():
        cloud.change(name, template)
        assert cloud.status(name) == "CREATE_COMPLETE"
    for name in reversed(made):
        cloud.api.delete_stack(StackName=name)
        assert cloud.settle(name) == ""
