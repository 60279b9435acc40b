"""Stacks against an emulator of CloudFormation that was written by others.

What it cannot show: it has no tokens on events, no OnStackFailure, and one answer with a wrong
wrapper, which is set right here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.support.ministack import ministack
from tidegate.aws.account import Account
from tidegate.aws.deploy import changes, stacks
from tidegate.aws.deploy.following import Run, follow
from tidegate.aws.pace import Pace
from tidegate.core.errors import DeploymentError

PACE = Pace(every_s=0.05)
TOPIC = {"Type": "AWS::SNS::Topic"}
QUEUE = {"Type": "AWS::SQS::Queue"}
_DELETED = b"<DeleteChangeSetResponse><DeleteChangeSetResult/></DeleteChangeSetResponse>"


class Local:
    """A session whose clients go to a port of this machine."""

    def __init__(self, url: str) -> None:
        self.url = url
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        self.session = boto3.Session(**keys, region_name="us-east-1")

    def client(self, service: str, **options: Any) -> Any:
        made = self.session.client(service, endpoint_url=self.url, **options)
        made.meta.events.register("before-parse.cloudformation.DeleteChangeSet", _wrapped)
        return made


def _wrapped(response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] < 300:
        response_dict["body"] = _DELETED


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with ministack(tmp_path_factory.mktemp("ministack")) as url:
        yield Account(Local(url), "us-east-1")


def proposed(account: Account, name: str, **resources: Any) -> stacks.ChangeSet | None:
    wanted = stacks.Wanted(name, {"Resources": resources})
    return stacks.propose(account, wanted, PACE)


def apply(account: Account, name: str, **resources: Any) -> list[str]:
    found = proposed(account, name, **resources)
    assert found
    said: list[str] = []
    token = f"tidegate-{PACE.now()}"
    run = Run(name, found.stack_id, token, PACE.now())
    where = {"ChangeSetName": found.id, "StackName": found.stack_id}
    account.ask("cloudformation", "execute_change_set", **where, ClientRequestToken=token)
    follow(account, [run], said.append, PACE)
    return said


def test_a_stack_is_created_changed_left_alone_and_deleted(account: Account) -> None:
    assert any(
        "create complete  One (SNS::Topic)" in line for line in apply(account, "a", One=TOPIC)
    )
    assert proposed(account, "a", One=TOPIC) is None
    found = proposed(account, "a", One=TOPIC, Two=QUEUE)
    assert found
    assert changes.diff("a", found.creates, found.changes).counts == (1, 0, 0)
    apply(account, "a", One=TOPIC, Two=QUEUE)
    known = stacks.seen(account, "a")
    assert known
    assert known.status == "UPDATE_COMPLETE"
    account.ask("cloudformation", "delete_stack", StackName="a")
    run = Run("a", known.id, "", PACE.now(), deletes=True)
    follow(account, [run], lambda _: None, PACE)
    assert stacks.seen(account, "a") is None


def test_a_dry_run_leaves_neither_change_set_nor_stub(account: Account) -> None:
    found = proposed(account, "b", One=TOPIC)
    assert found
    assert found.creates
    stacks.give_up(account, found, PACE)
    assert stacks.seen(account, "b") is None


def test_an_update_that_fails_goes_back_and_tells_the_root_cause(account: Account) -> None:
    apply(account, "c", One=TOPIC)
    with pytest.raises(DeploymentError) as caught:
        apply(account, "c", One=TOPIC, Two={"Type": "AWS::Nope::Nope"})
    assert caught.value.cause.startswith("Two (Nope::Nope): Unsupported resource type")
    known = stacks.seen(account, "c")
    assert known
    assert known.status == "UPDATE_ROLLBACK_COMPLETE"
