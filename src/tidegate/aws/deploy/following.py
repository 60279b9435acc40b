"""Stacks at work: their events as progress, their end, and what was the cause when it is bad."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.pace import Pace
from tidegate.core.errors import DeploymentError, StillRunning, TidegateError

Say = Callable[[str], None]
"""Takes one line for a person."""

_GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
_ENDS = _GOOD | {
    "DELETE_COMPLETE",
    "DELETE_FAILED",
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
    "UPDATE_ROLLBACK_FAILED",
}
"""After `CREATE_FAILED` and `UPDATE_FAILED` comes a rollback, so they are none."""
_CANCELLED = ("cancelled", "Resource creation Initiated")


@dataclass(slots=True)
class Run:
    """One stack at work. Events carry the `token` of the request that made them."""

    stack: str
    stack_id: str
    token: str
    started_at: int
    deletes: bool = False
    told: set[str] = field(default_factory=set)
    events: list[Mapping[str, Any]] = field(default_factory=list)
    ended: str = ""

    @property
    def good(self) -> bool:
        """Whether it came to the end that was asked for."""
        return self.ended == "DELETE_COMPLETE" if self.deletes else self.ended in _GOOD


def follow(account: Account, runs: Sequence[Run], say: Say, pace: Pace) -> None:
    """Tell every event until all have ended.

    Raises `DeploymentError` with the root cause of the first that went wrong, once all are at
    rest, and `StillRunning` on Ctrl-C: what has begun goes on in the account.
    """
    try:
        while _look(account, runs, say):
            pace.rest()
    except KeyboardInterrupt as stop:
        raise _detached([run for run in runs if not run.ended]) from stop
    failed = next((run for run in runs if not run.good), None)
    if failed:
        raise failure(failed)


def _look(account: Account, runs: Sequence[Run], say: Say) -> bool:
    """One look at each that has not ended; whether any is left."""
    for run in runs:
        if not run.ended:
            for event in new_events(account, run):
                say(words(run, event))
                run.ended = _end(run, event) or run.ended
    return any(not run.ended for run in runs)


def new_events(account: Account, run: Run) -> list[Mapping[str, Any]]:
    """What has happened since the last look, the oldest first."""
    found = []
    ask = {"StackName": run.stack_id}
    for event in account.each("cloudformation", "describe_stack_events", "StackEvents", **ask):
        if event["EventId"] in run.told or _is_of_before(run, event):
            break  # the newest come first
        found.append(event)
    found.reverse()
    run.told |= {event["EventId"] for event in found}
    run.events += found
    return found


def _is_of_before(run: Run, event: Mapping[str, Any]) -> bool:
    token = event.get("ClientRequestToken")
    if token:
        return bool(token != run.token)
    return bool(event["Timestamp"].timestamp() * 1_000 < run.started_at - 1_000)


def words(run: Run, event: Mapping[str, Any]) -> str:
    """One event as one line; trouble is marked as elsewhere."""
    status = event["ResourceStatus"]
    mark = " !    " if status.endswith("_FAILED") else "----->"
    name = event["LogicalResourceId"]
    kind = event["ResourceType"].removeprefix("AWS::")
    reason = event.get("ResourceStatusReason")
    told = f"{mark} {run.stack}  {status.lower().replace('_', ' ')}  {name} ({kind})"
    return f"{told}: {reason}" if reason else told


def _end(run: Run, event: Mapping[str, Any]) -> str:
    """The stack's last status, when this event is its end."""
    if event.get("PhysicalResourceId") != run.stack_id:
        return ""
    status = str(event["ResourceStatus"])
    return status if status in _ENDS else ""


def root_cause(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The first failure that is not only the cancelling of what was beside it."""
    failed = [e for e in events if e["ResourceStatus"].endswith("_FAILED")]
    own = (e for e in failed if not _is_cancelled(e) and e["ResourceType"] != _STACK)
    return next(own, failed[0] if failed else None)


_STACK = "AWS::CloudFormation::Stack"


def _is_cancelled(event: Mapping[str, Any]) -> bool:
    return any(word in str(event.get("ResourceStatusReason", "")) for word in _CANCELLED)


def failure(run: Run) -> TidegateError:
    """What to tell of a run that went wrong."""
    cause = root_cause(run.events)
    said = ""
    if cause:
        kind = cause["ResourceType"].removeprefix("AWS::")
        reason = cause.get("ResourceStatusReason", "no reason given")
        said = f"{cause['LogicalResourceId']} ({kind}): {reason}"
    if run.deletes:
        return DeploymentError(
            f"stack {run.stack} could not be deleted",
            cause=said or run.ended,
            remedy="remove what holds it, then run the command again; it goes on where it was",
            code="TG531",
        )
    if run.ended.endswith("_FAILED"):  # a first creation's rollback is its deletion
        verb = "continue-update-rollback" if run.ended.startswith("UPDATE") else "delete-stack"
        return DeploymentError(
            f"stack {run.stack} failed, and so did its rollback ({run.ended})",
            cause=said or run.ended,
            remedy=f"mend the cause, then: aws cloudformation {verb} --stack-name {run.stack}",
            code="TG532",
        )
    return DeploymentError(
        f"stack {run.stack} failed, and what was before is back ({run.ended})",
        cause=said,
        remedy="mend the cause and run the command again; nothing is left half-way",
        code="TG530",
    )


def _detached(left: Sequence[Run]) -> StillRunning:
    names = ", ".join(run.stack for run in left)
    deletes = any(run.deletes for run in left)
    remedy = "look on with the same command again"
    if not deletes:
        cancel = "aws cloudformation cancel-update-stack --stack-name"
        remedy += f"; to take an update back: {cancel} {left[0].stack if left else ''}"
    return StillRunning(
        f"detached; CloudFormation goes on {'deleting' if deletes else 'working on'} {names} "
        "without you",
        remedy=remedy,
        code="TG610",
    )
