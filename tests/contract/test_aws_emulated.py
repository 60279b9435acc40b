"""`up` against an emulated account: looked at, made, changed, not changed, failed, deleted.

MiniStack was written by others. What it lacks is taken out of the templates
(`tests.support.ministack.LACKS`), it has no OnStackFailure, keeps no weights of a rule, and gives
one answer wrongly, which `tests.support.emulator` sets right. Only an account proves the rest, and
docs/aws-unproven.md says how.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.aws_stacks import app, stacks
from tests.support.ministack import ministack, without_what_it_lacks
from tidegate.aws.account import Account
from tidegate.aws.deploy import changes
from tidegate.aws.deploy import stacks as deploying
from tidegate.aws.deploy.following import Run, follow
from tidegate.aws.deploy.up import Options, Up
from tidegate.aws.names import Names
from tidegate.aws.pace import Pace
from tidegate.aws.settings import gate_policy, service_settings
from tidegate.cli.main import call
from tidegate.core.errors import AccountError, DeploymentError

PACE = Pace(every_s=0.05)
VARIANT = "native-fargate"
NAMES = Names(app(VARIANT).name)
CATS = NAMES.service_stack("cats")
IMAGE = "111122223333.example/cats@sha256:" + "ab" * 32
REVISION = "arn:aws:ecs:us-east-1:111122223333:task-definition/tidegate-catsndogs-cats:7"
TOPIC = {"Type": "AWS::SNS::Topic"}
QUEUE = {"Type": "AWS::SQS::Queue"}


class Local:
    """A session whose clients go to a port of this machine."""

    def __init__(self, url: str) -> None:
        self.url = url
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.session = boto3.Session(**keys, region_name="us-east-1")

    def client(self, service: str, **options: Any) -> Any:
        return self.session.client(service, endpoint_url=self.url, **options)


@cache
def emulated(variant: str) -> dict[str, dict[str, Any]]:
    """The templates of a variant for the emulator. Not to be changed."""
    return {name: without_what_it_lacks(one) for name, one in stacks(variant).items()}


def up(account: Account, **options: Any) -> tuple[dict[str, str], list[str]]:
    """`tidegate up --target aws` with the variant's templates: outputs, and what was said."""
    said: list[str] = []
    made = Up(account, app(VARIANT), emulated(VARIANT), Options(**options), said.append, PACE)
    return made.run(), said


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ministack(tmp_path_factory.mktemp("ministack")) as found:
        yield found


@pytest.fixture(scope="module")
def empty(url: str) -> Account:
    return Account(Local(url), "us-east-1")


@pytest.fixture(scope="module")
def looked_at(empty: Account) -> list[str]:
    """What a dry run on the empty account said."""
    outputs, said = up(empty, dry_run=True)
    assert outputs == {}
    return said


@pytest.fixture(scope="module")
def account(empty: Account, looked_at: list[str]) -> Account:
    """The account with the app, as `up` made it after the dry run."""
    up(empty)
    return empty


def change(account: Account, name: str, template: Mapping[str, Any], **given: str) -> set[str]:
    """Create or update a stack; the logical ids that were touched."""
    found = deploying.propose(account, deploying.Wanted(name, template, given), PACE)
    if found is None:
        return set()
    token = f"tidegate-{PACE.now()}"
    run = Run(name, found.stack_id, token, PACE.now())
    where = {"ChangeSetName": found.id, "StackName": found.stack_id}
    account.ask("cloudformation", "execute_change_set", **where, ClientRequestToken=token)
    follow(account, [run], lambda _: None, PACE)
    return {one["ResourceChange"]["LogicalResourceId"] for one in found.changes}


def delete(account: Account, name: str) -> None:
    known = deploying.seen(account, name)
    assert known
    account.ask("cloudformation", "delete_stack", StackName=name)
    follow(account, [Run(name, known.id, "", PACE.now(), deletes=True)], lambda _: None, PACE)
    assert deploying.seen(account, name) is None


def outputs(account: Account, name: str) -> Mapping[str, str]:
    known = deploying.seen(account, name)
    assert known
    return known.outputs


# --- the app -------------------------------------------------------------------------------------


def test_a_dry_run_on_an_empty_account_tells_every_stack_and_leaves_none(
    looked_at: list[str], empty: Account
) -> None:
    for name in stacks(VARIANT):
        assert any(line.startswith(f"{name} is created: ") for line in looked_at), name
    assert looked_at[-1].endswith("nothing of it is left in the account")
    assert any("list prices of us-east-1 as of" in line for line in looked_at)  # it has no list


def test_the_command_s_dry_run_ends_well_and_leaves_no_stack(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`tidegate` as a person starts it, with whole templates: its botocore is told of the port."""
    (tmp_path / "tidegate.yaml").write_text("app: look\nservices: {web: {build: web}}\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr("tidegate.wiring.aws.pace", lambda: PACE)
    assert call(["-C", str(tmp_path), "up", "--target", "aws", "--dry-run"]) == 0
    told = capsys.readouterr()
    names = Names("look")
    for name in (*names.shared_stacks, names.service_stack("web")):
        assert f"{name} is created: " in told.err
    assert told.err.rstrip().endswith("nothing of it is left in the account")
    assert told.out == ""
    assert deploying.seen(Account(Local(url), "us-east-1"), names.platform_stack) is None


def test_up_makes_every_stack_in_one_go(account: Account) -> None:
    found = {name: deploying.seen(account, name) for name in stacks(VARIANT)}
    states = {one.status for one in found.values() if one}
    assert states == {"CREATE_COMPLETE"}, found


def test_the_outputs_hold_what_a_person_and_the_operator_need(account: Account) -> None:
    assert outputs(account, NAMES.platform_stack)["LoadBalancerDnsName"]
    assert outputs(account, CATS)["Controller"] == "ecs"
    assert len(outputs(account, CATS)["AlarmNames"].split(",")) == 6


def test_a_service_s_rules_are_on_both_listeners(account: Account) -> None:
    found = outputs(account, NAMES.platform_stack)
    for listener in ("ProductionListenerArn", "TestListenerArn"):
        rules = account.ask("elbv2", "describe_rules", ListenerArn=found[listener])["Rules"]
        conditions = [one for rule in rules for one in rule["Conditions"]]
        paths = {value for one in conditions for value in one.get("Values", ())}
        for one in conditions:
            paths |= set(one.get("PathPatternConfig", {}).get("Values", ()))
        assert {"/*", "/cats", "/cats/*", "/dogs", "/dogs/*"} <= paths


def test_a_service_begins_with_no_tasks(account: Account) -> None:
    cluster = outputs(account, NAMES.platform_stack)["ClusterName"]
    ask = {"cluster": cluster, "services": [outputs(account, CATS)["ServiceName"]]}
    (found,) = account.ask("ecs", "describe_services", **ask)["services"]
    assert found["desiredCount"] == 0


def test_the_settings_of_a_service_are_what_its_functions_read(account: Account) -> None:
    settings = service_settings(account, NAMES.services_path, "cats")
    assert settings.service == "cats"
    assert settings.blue_target_group != settings.green_target_group
    assert [check.path for check in settings.checks] == ["/cats"]
    assert settings.first_count == 2
    assert gate_policy(account, NAMES.gate_parameter) == app(VARIANT).gate


def test_an_update_that_changes_nothing_is_told_as_such(account: Account) -> None:
    for name, template in emulated(VARIANT).items():
        assert change(account, name, template) == set(), name


def test_an_update_changes_only_what_the_file_changed(account: Account) -> None:
    template = copy.deepcopy(emulated(VARIANT)[CATS])
    attributes = template["Resources"]["BlueGroup"]["Properties"]["TargetGroupAttributes"]
    attributes[0]["Value"] = "45"
    touched = change(account, CATS, template)
    assert "BlueGroup" in touched
    assert not {"ProductionRule", "TestRule", "Service", "TaskDefinition"} & touched
    assert change(account, CATS, emulated(VARIANT)[CATS])  # and back


def test_the_image_that_runs_goes_into_the_stack_s_revision_when_it_is_given(
    account: Account,
) -> None:
    touched = change(account, CATS, emulated(VARIANT)[CATS], LiveImage=IMAGE, LiveColour="green")
    assert "TaskDefinition" in touched
    ask = {"taskDefinition": outputs(account, CATS)["TaskFamily"]}
    found = account.ask("ecs", "describe_task_definition", **ask)["taskDefinition"]
    assert found["containerDefinitions"][0]["image"] == IMAGE


def test_a_revision_that_runs_is_left_as_it_is_when_it_is_given(account: Account) -> None:
    template = emulated(VARIANT)[CATS]
    touched = change(account, CATS, template, LiveTaskDefinition=REVISION)
    assert "TaskDefinition" not in touched
    known = deploying.seen(account, CATS)
    assert known
    assert known.parameters["LiveTaskDefinition"] == REVISION
    assert known.parameters["LiveImage"] == IMAGE  # what nobody gives keeps its value


def test_a_stack_that_is_in_the_way_is_named_with_what_to_do(account: Account) -> None:
    stack = NAMES.service_stack("broken")
    broken = {"One": TOPIC, "Two": {"Type": "AWS::Nowhere::Nothing", "Properties": {}}}
    body = '{"Resources": {"Two": {"Type": "AWS::Nowhere::Nothing", "Properties": {}}}}'
    try:
        account.ask("cloudformation", "create_stack", StackName=stack, TemplateBody=body)
    except Exception:  # noqa: BLE001 — an emulator that refuses at once has nothing in the way
        pytest.skip("the emulator refuses an unknown type before there is a stack")
    with pytest.raises(AccountError) as caught:
        change(account, stack, {"Resources": broken})
    assert caught.value.number == "TG287"
    assert f"delete-stack --stack-name {stack}" in caught.value.remedy


def test_everything_can_be_deleted_in_reverse(account: Account) -> None:
    made = emulated("native-ec2")
    for name, template in made.items():
        change(account, name, template)
    for name in reversed(made):
        delete(account, name)


# --- any stack -----------------------------------------------------------------------------------


def test_a_stack_is_created_changed_and_left_alone(account: Account) -> None:
    assert change(account, "a", {"Resources": {"One": TOPIC}}) == {"One"}
    assert change(account, "a", {"Resources": {"One": TOPIC}}) == set()
    wanted = deploying.Wanted("a", {"Resources": {"One": TOPIC, "Two": QUEUE}})
    found = deploying.propose(account, wanted, PACE)
    assert found
    assert changes.diff("a", found.creates, found.changes).counts == (1, 0, 0)
    deploying.give_up(account, found, PACE)
    assert (
        deploying.propose(account, deploying.Wanted("a", {"Resources": {"One": TOPIC}}), PACE)
        is None
    )


def test_a_change_set_that_is_given_up_leaves_no_stub(account: Account) -> None:
    wanted = deploying.Wanted("b", {"Resources": {"One": TOPIC}})
    found = deploying.propose(account, wanted, PACE)
    assert found
    assert found.creates
    deploying.give_up(account, found, PACE)
    assert deploying.seen(account, "b") is None


def test_an_update_that_fails_goes_back_and_tells_the_root_cause(account: Account) -> None:
    change(account, "c", {"Resources": {"One": TOPIC}})
    with pytest.raises(DeploymentError) as caught:
        change(account, "c", {"Resources": {"One": TOPIC, "Two": {"Type": "AWS::Nope::Nope"}}})
    assert caught.value.cause.startswith("Two (Nope::Nope): Unsupported resource type")
    known = deploying.seen(account, "c")
    assert known
    assert known.status == "UPDATE_ROLLBACK_COMPLETE"
