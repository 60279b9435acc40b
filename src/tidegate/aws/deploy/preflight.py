"""What must be so before anything is changed: who asks, quotas, roles that AWS itself needs."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.deploy import stacks
from tidegate.aws.faults import code_of
from tidegate.aws.names import Names, PlatformOutput
from tidegate.core.errors import AccountError, TidegateError

_LINKED = {
    "ecs.amazonaws.com": "AWSServiceRoleForECS",
    "elasticloadbalancing.amazonaws.com": "AWSServiceRoleForElasticLoadBalancing",
    "ecs.application-autoscaling.amazonaws.com": (
        "AWSServiceRoleForApplicationAutoScaling_ECSService"
    ),
}
_QUOTAS = (
    ("vpc", "L-F678F1CE", "VPCs", "AWS::EC2::VPC", ("ec2", "describe_vpcs", "Vpcs")),
    (
        "ec2",
        "L-0263D0A3",
        "Elastic IPs",
        "AWS::EC2::EIP",
        ("ec2", "describe_addresses", "Addresses"),
    ),
    (
        "elasticloadbalancing",
        "L-53DA6B97",
        "load balancers",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        ("elbv2", "describe_load_balancers", "LoadBalancers"),
    ),
)
"""Service, quota code, name, what takes one in a template, and how to count what is there."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `ok` None: it could not be read, and why is in `what`."""

    name: str
    ok: bool | None
    what: str
    remedy: str = ""


def preflight(account: Account, names: Names, wanted: Mapping[str, Any]) -> tuple[Check, ...]:
    """Every check; nothing is changed. Raises `AccountError` without valid credentials.

    `wanted` is the platform's template: a first creation takes of the quotas what is in it.
    """
    number, who = account.identity()
    identity = Check("identity", True, f"{who} in account {number}, {account.region}")
    platform = stacks.seen(account, names.platform_stack)
    checks = [identity, *_roles(account), _scanning(account)]
    if platform is None or platform.stub:
        checks += _quotas(account, wanted)
    else:
        checks += connection(account, platform.outputs)
    return tuple(checks)


def demand(checks: tuple[Check, ...]) -> None:
    """Raises `AccountError` for the first check that failed; what could not be read is let be."""
    bad = next((check for check in checks if check.ok is False), None)
    if bad:
        raise AccountError(
            f"the account is not ready: {bad.name}", cause=bad.what, remedy=bad.remedy, code="TG285"
        )


def make_roles(account: Account, checks: tuple[Check, ...]) -> None:
    """Make the service-linked roles that are missing; without them a first creation fails.

    One that somebody else makes meanwhile is as good.
    """
    there = ("InvalidInput", "EntityAlreadyExists")
    for service, role in _LINKED.items():
        if any(check.name == role and check.remedy for check in checks):
            account.find("iam", "create_service_linked_role", there, AWSServiceName=service)


def _roles(account: Account) -> Iterator[Check]:
    for role in _LINKED.values():
        try:
            found = account.find("iam", "get_role", ("NoSuchEntity",), RoleName=role)
        except AccountError as error:
            yield Check(role, None, f"not known: {error.what}")
            continue
        if found:
            yield Check(role, True, "is there")
        else:
            yield Check(role, True, "is missing; up makes it", remedy="up makes it")


def _scanning(account: Account) -> Check:
    """The registry's scan type is the account's: it is read, never set."""
    try:
        answer = account.ask("ecr", "get_registry_scanning_configuration")
    except TidegateError as error:
        return Check("scanning", None, f"not known: {code_of(error) or error.what}")
    kind = answer.get("scanningConfiguration", {}).get("scanType", "BASIC")
    note = "" if kind == "ENHANCED" else "; it looks at packages of the system only"
    return Check("scanning", True, f"ECR scans are {kind}{note}")


def _quotas(account: Account, wanted: Mapping[str, Any]) -> Iterator[Check]:
    kinds = Counter(str(one["Type"]) for one in (wanted.get("Resources") or {}).values())
    for service, code, name, kind, (where, operation, key) in _QUOTAS:
        takes = kinds[kind]
        if not takes:
            continue
        try:
            ask = {"ServiceCode": service, "QuotaCode": code}
            most = account.ask("service-quotas", "get_service_quota", **ask)["Quota"]["Value"]
            has = sum(1 for _ in account.each(where, operation, key))
        except TidegateError as error:
            yield Check(name, None, f"not known: {code_of(error) or error.what}")
            continue
        what = f"{has} of {most:g} {name} are used, {takes} more are taken"
        remedy = f"ask for more: aws service-quotas request-service-quota-increase … {code}"
        yield Check(name, has + takes <= most, what, remedy if has + takes > most else "")


def connection(
    account: Account, outputs: Mapping[str, str], known: Mapping[str, str] | None = None
) -> Iterator[Check]:
    """The connection to the git host, if the platform's outputs have another than `known` has."""
    arn = outputs.get(PlatformOutput.CONNECTION_ARN)
    if not arn or arn == (known or {}).get(PlatformOutput.CONNECTION_ARN):
        return
    try:
        answer = account.ask("codeconnections", "get_connection", ConnectionArn=arn)
    except TidegateError as error:
        yield Check("connection", None, f"not known: {code_of(error) or error.what}")
        return
    status = answer["Connection"]["ConnectionStatus"]
    yield Check(
        "connection",
        None if status == "PENDING" else status == "AVAILABLE",
        f"the connection to the git host is {status}",
        "" if status == "AVAILABLE" else f"authorise it once: {console_of(account.region)}",
    )


def console_of(region: str) -> str:
    """Where a person authorises a connection."""
    return f"https://{region}.console.aws.amazon.com/codesuite/settings/connections"
