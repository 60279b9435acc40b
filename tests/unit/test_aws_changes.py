"""What a change set is said to do: nothing that matters is left unsaid."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidegate.aws.deploy import changes
from tidegate.aws.deploy.changes import Notice, widened


def change(action: str, kind: str, **facts: Any) -> dict[str, Any]:
    one = {"Action": action, "LogicalResourceId": "One", "ResourceType": kind, **facts}
    return {"ResourceChange": one}


def notices(one: dict[str, Any]) -> list[Notice]:
    (found,) = changes.diff("s", False, [one]).changes
    return [notice for notice, _ in found.notices]


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Properties": {"Policies": [{"PolicyDocument": {"Statement": list(statements)}}]}}


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def test_a_replacement_is_called_out_with_its_cause() -> None:
    target = {"Name": "SubnetIds", "Attribute": "Properties", "RequiresRecreation": "Always"}
    one = change("Modify", "AWS::EC2::X", Replacement="True", Details=[{"Target": target}])
    text = "\n".join(changes.lines(changes.diff("s", False, [one])))
    assert "~ One (EC2::X)  SubnetIds" in text
    assert "! is replaced: because of SubnetIds" in text


def test_what_is_only_perhaps_replaced_is_said_so() -> None:
    one = change("Modify", "AWS::EC2::X", Replacement="Conditional")
    assert notices(one) == [Notice.REPLACED]


def test_whatever_traffic_goes_by_is_called_out_when_it_changes_or_goes() -> None:
    for kind in ("Listener", "ListenerRule", "TargetGroup"):
        for action in ("Modify", "Remove"):
            one = change(action, f"AWS::ElasticLoadBalancingV2::{kind}", Replacement="False")
            assert notices(one) == [Notice.TRAFFIC]
    assert notices(change("Add", "AWS::ElasticLoadBalancingV2::Listener")) == []


def test_what_holds_data_is_called_out_when_it_goes() -> None:
    assert notices(change("Remove", "AWS::S3::Bucket")) == [Notice.DATA]


def test_an_added_action_is_wider_and_a_removed_one_is_not() -> None:
    less, more = policy(allow("s3:GetObject")), policy(allow(["s3:GetObject", "s3:PutObject"]))
    assert widened(less, more) == ("s3:PutObject on *",)
    assert widened(more, less) == ()


def test_what_a_star_allowed_before_is_not_wider() -> None:
    assert widened(policy(allow("s3:*")), policy(allow("s3:PutObject", "arn:aws:s3:::b"))) == ()


def test_a_condition_that_goes_is_wider() -> None:
    bound = allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "ecs"}})
    assert widened(policy(bound), policy(allow("iam:PassRole"))) == ("iam:PassRole on *",)


def test_a_deny_that_goes_is_wider() -> None:
    deny = {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}
    assert widened(policy(deny), policy()) == ("no longer denied: s3:* on *",)


def test_a_new_principal_and_a_managed_policy_are_wider() -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    after = {"Properties": {"AssumeRolePolicyDocument": {"Statement": [trust]}}}
    assert widened({}, after) == ('sts:AssumeRole by {"AWS": "*"}',)
    admin = {"Properties": {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}}
    assert widened({}, admin) == ("all of arn:aws:iam::aws:policy/AdministratorAccess",)


def test_policies_that_cannot_be_read_are_never_taken_as_harmless() -> None:
    one = change("Modify", "AWS::IAM::Role", Replacement="False", AfterContext="{broken")
    assert notices(one) == [Notice.WIDER]


_ACTIONS = st.sampled_from(["s3:Get", "s3:Put", "s3:*", "ecs:Run", "*"])
_RESOURCES = st.sampled_from(["*", "arn:a", "arn:a/*", "arn:b"])
_STATEMENTS = st.lists(st.builds(allow, _ACTIONS, _RESOURCES), max_size=4)


@given(_STATEMENTS, _STATEMENTS)
def test_only_new_rights_are_wider(before: list[Any], more: list[Any]) -> None:
    assert widened(policy(*before), policy(*before)) == ()
    assert widened(policy(*before, *more), policy(*before)) == ()
    told = widened(policy(*before), policy(*before, *more))
    assert set(told) <= {f"{s['Action']} on {s['Resource']}" for s in more}


def test_a_diff_reads_the_json_that_cloudformation_gives() -> None:
    after = json.dumps(policy(allow("s3:*")))
    one = change("Modify", "AWS::IAM::Policy", BeforeContext="{}", AfterContext=after)
    assert notices(one) == [Notice.WIDER]
