"""Stacks into an account: shown first, executed then, and what is live is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.support.aws.fake import FakeAws
from tests.support.aws.shop import APP, NAMES, SERVICES, empty, group, rule, standing, templates
from tidegate.aws.deploy import changes
from tidegate.aws.deploy.following import Run, failure
from tidegate.aws.deploy.up import Options, Up, renews
from tidegate.aws.template import text
from tidegate.core.errors import (
    AccountError,
    Busy,
    DeploymentError,
    StillRunning,
    TidegateError,
    UsageError,
)

PLATFORM, CATS = NAMES.platform_stack, NAMES.service_stack("cats")


class Said(list[str]):
    def has(self, text: str) -> bool:
        return any(text in line for line in self)


def up(fake: FakeAws, made: Any = None, **options: Any) -> tuple[dict[str, str], Said]:
    said = Said()
    wanted = made or templates(APP)
    run = Up(fake.account(), APP, wanted, Options(**options), said.append, fake.pace)
    return run.run(), said


def failing_up(fake: FakeAws, made: Any = None, **options: Any) -> TidegateError:
    with pytest.raises(TidegateError) as caught:
        up(fake, made, **options)
    return caught.value


def changed(service: str = "cats", **resource: Any) -> Any:
    """The templates with one resource of a service's stack changed."""
    made = dict(templates(APP))
    stack = NAMES.service_stack(service)
    resources = {**made[stack]["Resources"], **resource}
    made[stack] = {**made[stack], "Resources": resources}
    return made


def formation(fake: FakeAws) -> Any:
    return fake.parts["cloudformation"]


# --- a first creation ----------------------------------------------------------------------


def test_an_empty_account_gets_the_platform_first_and_then_the_services() -> None:
    fake = empty()
    outputs, said = up(fake)
    assert outputs["LoadBalancerDnsName"] == "shop-1.elb.amazonaws.com"
    asked = [call["StackName"] for call in fake.asked("cloudformation:CreateChangeSet")]
    assert asked == [PLATFORM, CATS, NAMES.service_stack("dogs")]
    assert {s.status for s in formation(fake).stacks.values()} == {"CREATE_COMPLETE"}
    assert said.has("✓ identity: arn:aws:iam::123456789012:user/ann")
    assert said.has(f"{PLATFORM}  create complete  Cluster (ECS::Cluster)")


def test_services_are_created_beside_each_other() -> None:
    fake = empty()
    up(fake)
    executed = [
        call.operation
        for call in fake.calls
        if call.operation in ("ExecuteChangeSet", "DescribeStackEvents")
    ]
    first = executed.index("ExecuteChangeSet", 1)
    assert executed[first : first + 2] == ["ExecuteChangeSet", "ExecuteChangeSet"]


def test_roles_that_aws_needs_are_made_before_a_first_creation() -> None:
    fake = empty()
    up(fake)
    assert "ecs.amazonaws.com" in fake.parts["iam"].made


def test_a_dry_run_of_a_first_creation_leaves_nothing_behind() -> None:
    fake = empty()
    outputs, said = up(fake, dry_run=True)
    assert outputs == {}
    assert formation(fake).stacks == {}
    assert fake.asked("cloudformation:ExecuteChangeSet") == []
    assert fake.parts["iam"].made == []
    assert said.has(f"{CATS} is created: 7 added, 0 changed, 0 removed")
    assert said.has("nothing of it is left in the account")


def test_the_cost_is_told_with_its_date_and_what_is_not_in_it() -> None:
    _, said = up(empty(), dry_run=True)
    (line,) = [text for text in said if text.startswith("cost: ")]
    assert "about $93 a month when idle (+93)" in line
    assert "AWS's list prices of eu-west-1 today, not a quote" in line
    assert line.endswith("not in it: AutoScaling::AutoScalingGroup")


def test_a_first_creation_that_fails_is_told_by_its_root_cause() -> None:
    fake = empty()
    formation(fake).failing = {"Alb": "You have reached the maximum number of load balancers"}
    error = failing_up(fake)
    assert isinstance(error, DeploymentError)
    assert (error.number, error.exit_code) == ("TG530", 6)
    assert error.cause.startswith("Alb (ElasticLoadBalancingV2::LoadBalancer): You have reached")
    assert formation(fake).stacks == {}


def with_a_network() -> Any:
    """The templates with a network of the app's own."""
    made = dict(templates(APP))
    own = {"Vpc": {"Type": "AWS::EC2::VPC"}, **{f"Ip{n}": {"Type": "AWS::EC2::EIP"} for n in "123"}}
    made[PLATFORM] = {**made[PLATFORM], "Resources": {**made[PLATFORM]["Resources"], **own}}
    return made


def test_a_quota_that_is_used_up_stops_before_anything_is_made() -> None:
    fake = empty()
    fake.parts["ec2"].vpcs = 5
    error = failing_up(fake, with_a_network())
    assert error.number == "TG285"
    assert error.cause == "5 of 5 VPCs are used, 1 more are taken"
    assert fake.asked("cloudformation:CreateChangeSet") == []


def test_each_zone_s_address_counts_against_the_quota() -> None:
    fake = empty()
    fake.parts["ec2"].addresses = 2
    assert up(fake, with_a_network())[1].has("✓ Elastic IPs: 2 of 5 Elastic IPs are used, 3 more")
    fake = empty()
    fake.parts["ec2"].addresses = 3
    assert failing_up(fake, with_a_network()).cause.startswith("3 of 5 Elastic IPs")


def test_a_network_that_is_there_takes_nothing_of_the_quota_of_networks() -> None:
    fake = empty()
    fake.parts["ec2"].vpcs = 5
    outputs, said = up(fake)
    assert outputs["LoadBalancerDnsName"]
    assert not said.has("VPCs")


def test_a_quota_that_cannot_be_read_does_not_stop() -> None:
    fake = empty()
    for _ in range(3):
        fake.refuse("service-quotas:GetServiceQuota", "AccessDeniedException", "no")
    _, said = up(fake, with_a_network())
    assert said.has("? VPCs: not known: AccessDeniedException")


# --- updates -------------------------------------------------------------------------------


def live_parameters(fake: FakeAws, stack: str) -> dict[str, str]:
    asked = [c for c in fake.asked("cloudformation:CreateChangeSet") if c["StackName"] == stack]
    return {
        p["ParameterKey"]: p["ParameterValue"]
        for p in asked[-1]["Parameters"]
        if "ParameterValue" in p
    }


MORE = {"Type": "AWS::IAM::Role", "Properties": {"Path": "/x/"}}
SETTINGS = {"Type": "AWS::SSM::Parameter", "Properties": {"Value": '{"cpu": "512"}'}}
REVISION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/tidegate-shop-cats"


@pytest.mark.parametrize("controller", ["ecs", "codedeploy"])
def test_live_weights_and_revision_are_read_and_fed_in(controller: str) -> None:
    """Pitfall 1: an update must not send traffic to an empty target group."""
    fake = standing(controller)
    fake.parts["elbv2"].rules[rule("cats")] = {group("cats", "blue"): 0, group("cats", "green"): 1}
    up(fake, changed(Role=MORE))
    assert live_parameters(fake, CATS) == {
        "LiveColour": "green",
        "LiveTaskDefinition": f"{REVISION}:3",
    }
    assert live_parameters(fake, NAMES.service_stack("dogs"))["LiveColour"] == "blue"


def test_the_release_that_a_rollback_brought_survives_an_update() -> None:
    fake = standing()
    fake.parts["ecs"].settle("cats", 2)
    up(fake, changed(Role=MORE))
    assert live_parameters(fake, CATS)["LiveTaskDefinition"] == f"{REVISION}:2"


def test_new_settings_of_tasks_go_out_with_the_image_that_runs() -> None:
    fake = standing()
    up(fake, changed(TaskTemplate=SETTINGS))
    given = live_parameters(fake, CATS)
    assert given["LiveTaskDefinition"] == ""
    assert given["LiveImage"].endswith("@sha256:" + "3" * 64)
    assert all(stack.sets == {} for stack in formation(fake).stacks.values())


def test_a_revision_of_the_stack_s_own_needs_no_parameter() -> None:
    fake = standing()
    fake.parts["ecs"].settle("cats", 1)
    up(fake, changed(Role=MORE))
    assert live_parameters(fake, CATS) == {"LiveColour": "blue"}


def test_a_service_without_an_image_keeps_having_none() -> None:
    fake = standing()
    family = fake.parts["ecs"].definitions["tidegate-shop-cats"]
    family[-1]["containerDefinitions"][0]["image"] = "123456789012.registry.example/shop:none"
    up(fake, changed(Role=MORE))
    assert live_parameters(fake, CATS) == {"LiveColour": "blue"}


def test_an_image_that_somebody_deployed_by_its_tag_is_not_lost() -> None:
    fake = standing()
    family = fake.parts["ecs"].definitions["tidegate-shop-cats"]
    family[-1]["containerDefinitions"][0]["image"] = "123456789012.registry.example/shop:v3"
    up(fake, changed(TaskTemplate=SETTINGS))
    assert live_parameters(fake, CATS)["LiveImage"].endswith("/shop:v3")


@pytest.mark.parametrize(
    ("change", "renewed"),
    [
        ({"LogicalResourceId": "Role", "Replacement": "True"}, False),
        ({"LogicalResourceId": "TaskRole", "Replacement": "True"}, True),
        ({"LogicalResourceId": "TaskTemplate", "Evaluation": "Static"}, True),
        ({"LogicalResourceId": "TaskTemplate", "Evaluation": "Dynamic"}, False),
    ],
)
def test_only_what_changes_the_tasks_makes_a_new_revision(
    change: dict[str, str], renewed: bool
) -> None:
    target = {"Attribute": "Properties", "Name": "Value"}
    details = [{"Target": target, "Evaluation": change.pop("Evaluation", "Static")}]
    assert renews([{"ResourceChange": {**change, "Details": details}}]) is renewed


# --- drift ---------------------------------------------------------------------------------


def with_service(**properties: Any) -> Any:
    return changed(Service={"Type": "AWS::ECS::Service", "Properties": properties})


def test_what_others_have_changed_is_told_before_it_is_written_over() -> None:
    fake = standing()
    formation(fake).drifts[CATS] = [("Service", "/PlatformVersion", "LATEST", "1.4.0")]
    _, said = up(fake, with_service(PropagateTags="SERVICE"))
    assert said.has(
        "! was changed outside the stack, and is written over: "
        "PlatformVersion is 1.4.0, the stack had LATEST"
    )


def test_what_an_update_writes_as_it_is_live_is_no_loss() -> None:
    fake = standing()
    weights = [("Rule", "/Actions/0/Weight", "100", "0"), ("Service", "/DesiredCount", "2", "6")]
    formation(fake).drifts[CATS] = weights
    moved = {
        "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
        "Properties": {"Actions": [{"Weight": 0}]},
    }
    _, said = up(fake, changed(Rule=moved))
    assert not said.has("was changed outside the stack")


def test_drift_that_cannot_be_read_is_said_and_stops_nothing() -> None:
    fake = standing()
    fake.refuse("cloudformation:DetectStackDrift", "AccessDenied", "no")
    _, said = up(fake, with_service(PropagateTags="SERVICE"))
    assert said.has(f"? {CATS}: what was changed outside it is not known: no")


def test_no_drift_is_looked_for_where_nobody_else_writes() -> None:
    fake = standing()
    up(fake, changed(Extra={"Type": "AWS::SNS::Topic"}))
    assert fake.asked("cloudformation:DetectStackDrift") == []


def test_a_stack_is_left_alone_while_a_deployment_moves_its_service() -> None:
    fake = standing()
    fake.parts["ecs"].move("cats", 4, "PRODUCTION_TRAFFIC_SHIFT", 10.0)
    error = failing_up(fake, changed(Role={"Type": "AWS::IAM::Role"}))
    assert isinstance(error, Busy)
    assert error.number == "TG811"
    assert "dep0003; an update now could send traffic to an empty target group" in error.cause
    assert fake.asked("cloudformation:ExecuteChangeSet") == []


def test_a_stack_is_left_alone_while_codedeploy_moves_its_service() -> None:
    fake = standing("codedeploy")
    fake.parts["codedeploy"].add("d-ABC", "cats", "InProgress", {})
    error = failing_up(fake, changed(Role={"Type": "AWS::IAM::Role"}))
    assert (error.number, "d-ABC" in error.cause) == ("TG811", True)


def test_traffic_that_somebody_has_split_by_hand_stops_an_update() -> None:
    fake = standing()
    fake.parts["elbv2"].rules[rule("cats")] = {group("cats", c): 50 for c in ("blue", "green")}
    error = failing_up(fake, changed(Role={"Type": "AWS::IAM::Role"}))
    assert (error.number, error.cause) == ("TG260", "blue 50 %, green 50 %")


def test_a_service_whose_rules_say_different_weights_is_left_alone() -> None:
    fake = standing()
    other = rule("cats").replace("cats", "cats2")
    green = {group("cats", "blue"): 0, group("cats", "green"): 100}
    fake.parts["elbv2"].rules[other] = green
    formation(fake).outputs[CATS]["ProductionRuleArns"] = f"{rule('cats')},{other}"
    error = failing_up(fake, changed(Role={"Type": "AWS::IAM::Role"}))
    assert error.number == "TG261"
    assert fake.asked("cloudformation:ExecuteChangeSet") == []


def test_no_change_set_of_the_others_stays_when_one_service_moves() -> None:
    fake = standing()
    fake.parts["ecs"].move("dogs", 4, "BAKE_TIME", 100.0)
    failing_up(fake, changed(Role={"Type": "AWS::IAM::Role", "Properties": {"Path": "/x/"}}))
    assert all(stack.sets == {} for stack in formation(fake).stacks.values())


def test_nothing_to_change_is_a_success_and_leaves_no_change_set() -> None:
    fake = standing()
    stack_names = [CATS, NAMES.service_stack("dogs")]
    for service, name in zip(SERVICES, stack_names, strict=True):
        live = formation(fake).stacks[name]
        running = REVISION.replace("cats", service) + ":3"
        live.parameters = {
            "LiveImage": "",
            "LiveColour": "blue",
            "LiveTaskDefinition": running,
        }
        assert service in name
    formation(fake).stacks[PLATFORM].parameters = {"NotifyEmail": ""}
    outputs, said = up(fake)
    assert outputs["ClusterName"] == "shop-cluster"
    assert said.has(f"✓ {CATS}: nothing to change")
    assert fake.asked("cloudformation:ExecuteChangeSet") == []
    assert all(stack.sets == {} for stack in formation(fake).stacks.values())


def test_a_parameter_that_nobody_gives_keeps_its_value() -> None:
    fake = standing()
    formation(fake).stacks[PLATFORM].parameters = {"NotifyEmail": "ann@example.com"}
    up(fake)
    (asked, *_) = fake.asked("cloudformation:CreateChangeSet")
    assert asked["Parameters"] == [{"ParameterKey": "NotifyEmail", "UsePreviousValue": True}]


def test_a_dry_run_of_an_update_leaves_no_change_set() -> None:
    fake = standing()
    _, said = up(fake, changed(Extra={"Type": "AWS::SNS::Topic"}), dry_run=True)
    assert said.has("+ Extra (SNS::Topic)")
    assert all(stack.sets == {} for stack in formation(fake).stacks.values())
    assert fake.asked("cloudformation:ExecuteChangeSet") == []


def test_wider_rights_and_listener_changes_need_a_yes() -> None:
    fake = standing()
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policies = [{"PolicyName": "p", "PolicyDocument": {"Statement": [statement]}}]
    wider = {"Type": "AWS::IAM::Role", "Properties": {"Policies": policies}}
    moved = {"Type": "AWS::ElasticLoadBalancingV2::ListenerRule", "Properties": {"Priority": 2}}
    asked: list[Sequence[changes.Diff]] = []

    def no(diffs: Sequence[changes.Diff]) -> bool:
        asked.append(diffs)
        return False

    error = failing_up(fake, changed(Role=wider, Rule=moved), confirm=no)
    assert isinstance(error, UsageError)
    assert len(asked) == 1
    text = "\n".join(changes.lines(asked[0][0]))
    assert "! gives more rights: s3:* on *" in text
    assert "! traffic goes by it" in text
    assert all(stack.sets == {} for stack in formation(fake).stacks.values())


def test_an_update_that_fails_says_why_and_that_it_is_back() -> None:
    fake = standing()
    formation(fake).failing = {"Queue": "Access denied for operation CreateQueue"}
    extra: dict[str, Any] = {
        "Aaa": {"Type": "AWS::SNS::Topic"},
        "Queue": {"Type": "AWS::SQS::Queue"},
    }
    error = failing_up(fake, changed(**extra, Zzz={"Type": "AWS::SNS::Topic"}))
    assert error.what.startswith(f"stack {CATS} failed, and what was before is back")
    assert error.cause == "Queue (SQS::Queue): Access denied for operation CreateQueue"


@pytest.mark.parametrize(
    ("ended", "command"),
    [
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name shop"),
        ("ROLLBACK_FAILED", "delete-stack --stack-name shop"),
        ("DELETE_FAILED", "delete-stack --stack-name shop"),
    ],
)
def test_a_rollback_that_fails_too_is_never_told_as_one_that_is_back(
    ended: str, command: str
) -> None:
    error = failure(Run("shop", "arn", "token", 0, ended=ended))
    assert error.number == "TG532"
    assert error.what == f"stack shop failed, and so did its rollback ({ended})"
    assert error.remedy.endswith(f"aws cloudformation {command}")


def test_validation_before_deployment_is_told_with_the_resource() -> None:
    fake = standing()
    formation(fake).invalid = "a bucket of that name exists"
    error = failing_up(fake)
    assert (error.number, error.cause) == ("TG262", "Bucket: a bucket of that name exists")
    assert all(stack.sets == {} for stack in formation(fake).stacks.values())


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        ("ROLLBACK_COMPLETE", "TG287", "delete-stack"),
        ("DELETE_FAILED", "TG287", "delete-stack"),
        ("UPDATE_ROLLBACK_FAILED", "TG288", "continue-update-rollback"),
        ("UPDATE_IN_PROGRESS", "TG810", "one thing at a time"),
    ],
)
def test_a_stack_that_cannot_be_updated_says_what_to_do(
    status: str, code: str, remedy: str
) -> None:
    fake = standing()
    formation(fake).stacks[PLATFORM].status = status
    error = failing_up(fake)
    assert error.number == code
    assert remedy in error.remedy


def test_ctrl_c_says_what_goes_on_and_stops_nothing() -> None:
    fake = standing()

    def interrupt(_: int) -> None:
        if fake.asked("cloudformation:ExecuteChangeSet"):
            raise KeyboardInterrupt

    fake.clock.at_sleep = interrupt
    error = failing_up(fake, changed(Extra={"Type": "AWS::SNS::Topic"}))
    assert isinstance(error, StillRunning)
    assert error.what == f"detached; CloudFormation goes on working on {CATS} without you"
    assert f"cancel-update-stack --stack-name {CATS}" in error.remedy
    assert not any(call.operation == "CancelUpdateStack" for call in fake.calls)


def test_an_expired_token_in_the_middle_leaves_the_stack_to_cloudformation() -> None:
    fake = standing()

    def expire(_: int) -> None:
        fake.refuse("cloudformation:DescribeStackEvents", "ExpiredToken", "expired")

    fake.clock.at_sleep = expire
    error = failing_up(fake, changed(Extra={"Type": "AWS::SNS::Topic"}))
    assert (error.number, isinstance(error, AccountError)) == ("TG282", True)
    assert not fake.asked("cloudformation:DeleteStack")


def test_a_connection_that_nobody_has_authorised_is_told_with_its_place() -> None:
    fake = standing()
    fake.parts["codeconnections"].status = "PENDING"
    formation(fake).outputs[PLATFORM]["ConnectionArn"] = (
        "arn:aws:codeconnections:eu-west-1:123456789012:connection/0"
    )
    _, said = up(fake)
    console = "https://eu-west-1.console.aws.amazon.com/codesuite/settings/connections"
    told = f"? connection: the connection to the git host is PENDING; authorise it once: {console}"
    assert said.has(told)
    assert said.count(told) == 1
    new = empty()
    new.parts["codeconnections"].status = "PENDING"
    formation(new).outputs[PLATFORM] = formation(fake).outputs[PLATFORM]
    assert up(new)[1][-1] == told
    assert told not in up(empty(), dry_run=True)[1]


def test_a_connection_that_has_ended_stops_an_update_and_says_where_to_authorise_it() -> None:
    fake = standing()
    fake.parts["codeconnections"].status = "ERROR"
    formation(fake).outputs[PLATFORM]["ConnectionArn"] = (
        "arn:aws:codeconnections:eu-west-1:123456789012:connection/0"
    )
    error = failing_up(fake, changed(Role=MORE))
    assert (error.number, error.cause) == ("TG285", "the connection to the git host is ERROR")
    assert error.remedy.startswith("authorise it once: https://eu-west-1.console.")
    assert fake.asked("cloudformation:CreateChangeSet") == []


def test_a_connection_that_cannot_be_read_is_said_and_stops_nothing() -> None:
    fake = standing()
    formation(fake).outputs[PLATFORM]["ConnectionArn"] = (
        "arn:aws:codeconnections:eu-west-1:123456789012:connection/0"
    )
    fake.refuse("codeconnections:GetConnection", "AccessDeniedException", "no")
    outputs, said = up(fake)
    assert said.has("? connection: not known: AccessDeniedException")
    assert outputs["ClusterName"]


def test_a_template_that_is_too_large_is_said_to_be_before_it_is_sent() -> None:
    made = changed(Big={"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "x" * 60_000}})
    error = failing_up(standing(), made)
    assert error.number == "TG289"
    assert "of 51,200 bytes" in error.cause


def test_what_is_sent_is_the_file_that_tidegate_aws_template_writes() -> None:
    """Also what is no ASCII: escaped, it would be twice as large or more."""
    made = changed(Big={"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "ü" * 20_000}})
    fake = standing()
    up(fake, made)
    (sent,) = [c for c in fake.asked("cloudformation:CreateChangeSet") if c["StackName"] == CATS]
    assert sent["TemplateBody"] == text(made[CATS])


def test_drift_is_never_reverted_by_a_change_set() -> None:
    """Pitfall 1: REVERT_DRIFT would give the template's weights to the listener."""
    fake = standing()
    up(fake, changed(Extra={"Type": "AWS::SNS::Topic"}))
    for asked in fake.asked("cloudformation:CreateChangeSet"):
        assert "DeploymentMode" not in asked
