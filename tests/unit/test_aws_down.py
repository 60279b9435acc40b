"""Out of an account: emptied first, in the order in which it can go."""

from __future__ import annotations

import pytest

from tests.support.aws.fake import FakeAws
from tests.support.aws.shop import NAMES, SERVICES, empty, standing
from tidegate.aws.deploy.down import Down
from tidegate.core.errors import DeploymentError, NotFound, StillRunning

PLATFORM = NAMES.platform_stack


@pytest.fixture
def fake() -> FakeAws:
    made = standing()
    formation = made.parts["cloudformation"]
    formation.physical = {
        "Artifacts": "shop-artifacts",
        "Repository": "shop/cats",
        "Fleet": "shop-fleet",
        "Service": "cats",
        "Log": "/shop/cats",
    }
    made.parts["autoscaling"].instances = {"shop-fleet": ["i-1", "i-2"]}
    made.parts["autoscaling"].protected = {"i-1", "i-2"}
    made.parts["ecr"].images = {"shop/cats": [f"sha256:{n:064x}" for n in range(130)]}
    made.parts["s3"].buckets = {"shop-artifacts"}
    made.parts["s3"].objects = {("shop-artifacts", "a"): b"1", ("shop-artifacts", "b"): b"2"}
    made.parts["logs"].groups = ["/shop/cats"]
    return made


def down(fake: FakeAws, purge: bool = False) -> tuple[tuple[str, ...], list[str]]:
    said: list[str] = []
    run = Down(fake.account(), NAMES, SERVICES, said.append, fake.pace, purge)
    return run.run(), said


def deleted(fake: FakeAws) -> list[str]:
    return [c["StackName"].split("/")[1] for c in fake.asked("cloudformation:DeleteStack")]


def test_services_go_before_the_platform(fake: FakeAws) -> None:
    down(fake)
    assert deleted(fake) == [*map(NAMES.service_stack, SERVICES), PLATFORM]
    assert fake.parts["cloudformation"].stacks == {}


def test_tasks_are_drained_before_their_stack_goes(fake: FakeAws) -> None:
    down(fake)
    operations = [call.operation for call in fake.calls]
    drained = [c for c in fake.asked("ecs:UpdateService") if c["desiredCount"] == 0]
    assert drained
    assert operations.index("UpdateService") < operations.index("DeleteStack")


def test_protection_is_cleared_before_a_group_is_emptied(fake: FakeAws) -> None:
    """Pitfall 9: with managed termination protection a stack's deletion hangs."""
    down(fake)
    assert fake.parts["autoscaling"].protected == set()
    assert fake.parts["autoscaling"].updates[-1]["MaxSize"] == 0


def test_repositories_and_buckets_are_empty_before_they_are_deleted(fake: FakeAws) -> None:
    _, said = down(fake)
    assert fake.parts["ecr"].images["shop/cats"] == []
    assert fake.parts["s3"].objects == {}
    assert any("130 images out of shop/cats" in line for line in said)
    assert any("2 objects out of shop-artifacts" in line for line in said)


def test_termination_protection_is_taken_off(fake: FakeAws) -> None:
    fake.parts["cloudformation"].stacks[PLATFORM].protected = True
    down(fake)
    assert fake.parts["cloudformation"].stacks == {}


def test_what_a_stack_keeps_is_named_and_purged_when_asked(fake: FakeAws) -> None:
    """Pitfall 11: buckets, repositories and log groups outlive their stacks."""
    fake.parts["cloudformation"].kept = {"Artifacts", "Log"}
    kept, _ = down(fake)
    assert "bucket shop-artifacts" in kept
    assert "log group /shop/cats" in kept
    again = standing()
    again.parts["cloudformation"].physical = fake.parts["cloudformation"].physical
    again.parts["logs"].groups = ["/shop/cats"]
    again.parts["s3"].buckets = {"shop-artifacts"}
    again.parts["ecr"].images = {"shop/cats": []}
    assert down(again, purge=True)[0] == ()
    assert again.parts["s3"].buckets == set()
    assert again.parts["logs"].groups == []


def test_the_key_that_a_stack_keeps_is_named_and_purged_when_asked() -> None:
    def kept_key() -> FakeAws:
        made = standing()
        formation = made.parts["cloudformation"]
        formation.stacks[PLATFORM].template["Resources"]["Key"] = {"Type": "AWS::KMS::Key"}
        formation.physical, formation.kept = {"Key": "key-1"}, {"Key"}
        made.parts["kms"].keys = {"key-1": "Enabled"}
        return made

    fake = kept_key()
    assert down(fake)[0] == ("key key-1",)
    assert fake.parts["kms"].keys == {"key-1": "Enabled"}
    again = kept_key()
    kept, said = down(again, purge=True)
    assert (kept, again.parts["kms"].keys) == ((), {"key-1": "PendingDeletion"})
    assert "-----> key-1  is deleted in 7 days" in said
    gone = kept_key()
    gone.parts["kms"].keys = {"key-1": "PendingDeletion"}  # as without `aws.protect`
    assert down(gone)[0] == ()


def test_what_holds_a_stack_is_told(fake: FakeAws) -> None:
    fake.parts["cloudformation"].failing = {"Alb": "resource sg-1 has a dependent object"}
    with pytest.raises(DeploymentError) as caught:
        down(fake)
    assert caught.value.number == "TG531"
    assert "sg-1 has a dependent object" in caught.value.cause


def test_an_app_that_is_not_there_names_the_region() -> None:
    with pytest.raises(NotFound) as caught:
        down(empty())
    assert caught.value.number == "TG745"
    assert caught.value.where.startswith("eu-west-1")


def test_ctrl_c_leaves_the_deletion_to_cloudformation(fake: FakeAws) -> None:
    def interrupt(_: int) -> None:
        if fake.asked("cloudformation:DeleteStack"):
            raise KeyboardInterrupt

    fake.clock.at_sleep = interrupt
    with pytest.raises(StillRunning) as caught:
        down(fake)
    assert "goes on deleting" in caught.value.what
    assert caught.value.remedy == "look on with the same command again"  # it cannot be taken back


def test_run_again_it_goes_on_where_it_was(fake: FakeAws) -> None:
    for service in SERVICES:
        del fake.parts["cloudformation"].stacks[NAMES.service_stack(service)]
    down(fake)
    assert deleted(fake) == [PLATFORM]
