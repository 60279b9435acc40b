"""What is done with each ref of a push."""

import pytest

from tidegate.core.errors import UsageError
from tidegate.local.git.push import Plan, RefUpdate, options, plan, updates

OLD, NEW, NONE = "a" * 40, "b" * 40, "0" * 40


def planned(*lines: str, given: frozenset[str] = frozenset()) -> Plan:
    return plan(updates(lines), "main", given)


def test_the_lines_of_a_receive_hook_are_read() -> None:
    assert updates([f"{OLD} {NEW} refs/heads/main\n", "\n"]) == (
        RefUpdate(OLD, NEW, "refs/heads/main"),
    )


def test_the_deploy_branch_deploys() -> None:
    assert planned(f"{OLD} {NEW} refs/heads/main") == Plan(NEW, ())
    assert planned(f"{NONE} {NEW} refs/heads/main") == Plan(NEW, ())


def test_other_refs_are_stored_and_said_to_be() -> None:
    lines = (f"{NONE} {NEW} refs/heads/topic", f"{NONE} {NEW} refs/tags/v1")
    assert planned(*lines) == Plan(
        None,
        (
            "topic is stored, not deployed: only main deploys",
            "v1 is stored, not deployed: only main deploys",
        ),
    )


def test_a_tag_of_the_name_of_the_deploy_branch_does_not_deploy() -> None:
    assert planned(f"{NONE} {NEW} refs/tags/main").commit is None


def test_another_branch_may_be_deleted() -> None:
    assert planned(f"{OLD} {NONE} refs/heads/topic").notes == (
        "topic is deleted, not deployed: only main deploys",
    )


def test_the_deploy_branch_may_not_be_deleted() -> None:
    with pytest.raises(UsageError, match="cannot be deleted"):
        planned(f"{OLD} {NONE} refs/heads/main")


def test_the_option_no_deploy_only_stores() -> None:
    given = options({"GIT_PUSH_OPTION_COUNT": "1", "GIT_PUSH_OPTION_0": "no-deploy"})
    assert planned(f"{OLD} {NEW} refs/heads/main", given=given) == Plan(
        None, ("main is stored, not deployed, as you asked",)
    )


def test_an_unknown_option_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="no push option strategy=canary") as refused:
        options({"GIT_PUSH_OPTION_COUNT": "1", "GIT_PUSH_OPTION_0": "strategy=canary"})
    assert "no-deploy" in refused.value.remedy
