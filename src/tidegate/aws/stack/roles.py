"""Roles and policies, spelled out: who may take one, and each action with its resources."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Aws, Fn, Stack
from aws_cdk import aws_iam as iam

Statement = dict[str, Any]


def arn(service: str, resource: str) -> str:
    """An ARN in this account and region; `${Logical}` in it is CloudFormation's."""
    return Fn.sub(
        f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"
    )


def path_arn(path: str) -> str:
    """The roles of this account under an IAM path that begins and ends with `/`."""
    return Fn.sub(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role{path}*")


def allow(actions: Sequence[str], resources: Sequence[str], **conditions: Any) -> Statement:
    """A statement. A condition is `Operator={key: value}`."""
    more = {"Condition": conditions} if conditions else {}
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources), **more}


def document(statements: Sequence[Statement]) -> dict[str, Any]:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


_SAYS_FOR_WHOM = frozenset(
    {"codebuild", "codedeploy", "codepipeline", "ecs-tasks", "vpc-flow-logs"}
)
"""Services that say for which account they take a role ("confused deputy" in their guides). EC2,
Lambda and ECS itself do not say it, or not always: a condition would shut them out."""


def trust(principal: str) -> dict[str, Any]:
    """Who may take the role: one service, and where it says so, only for this account."""
    taken: Statement = {
        "Effect": "Allow",
        "Principal": {"Service": principal},
        "Action": "sts:AssumeRole",
    }
    if principal.partition(".")[0] in _SAYS_FOR_WHOM:
        taken["Condition"] = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
    return document([taken])


def role(
    stack: Stack, name: str, principal: str, path: str, statements: Sequence[Statement]
) -> iam.CfnRole:
    """A role that a service takes, with one inline policy."""
    policies = [{"policyName": "what-it-does", "policyDocument": document(statements)}]
    return iam.CfnRole(
        stack,
        name,
        assume_role_policy_document=trust(principal),
        path=path,
        policies=policies if statements else None,
    )


def write_logs(group_arn: str) -> Statement:
    """To write to one log group; CloudFormation's ARN of it ends with `:*`, as is wanted here."""
    return allow(["logs:CreateLogStream", "logs:PutLogEvents"], [group_arn])


def use_key(key_arn: str) -> Statement:
    """To read and write what is encrypted with a key."""
    return allow(["kms:Decrypt", "kms:GenerateDataKey"], [key_arn])
