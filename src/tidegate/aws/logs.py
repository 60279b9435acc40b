"""Logs out of CloudWatch Logs: of a service's tasks, of one task, of an execution's build."""

from collections.abc import Iterator

from tidegate.aws.account import Account
from tidegate.aws.names import ServiceOutput as Out
from tidegate.aws.pace import Pace
from tidegate.aws.reading import executions
from tidegate.aws.reading.service import Place
from tidegate.core.errors import NotFound
from tidegate.engine.messages import LogLine

_BACK_MS = 3_600_000  # of a service's log, at first
_BUILD = "CodeBuild"


def lines(
    account: Account, places: tuple[Place, ...], subject: str, follow: bool, pace: Pace
) -> Iterator[LogLine | None]:
    """The last hour, oldest first; with `follow` what comes as well, and None while nothing does.

    Raises `NotFound` when the subject is neither a service, a task nor an execution.
    """
    place = next((one for one in places if one.service == subject), None)
    if place:
        return _tail(account, place.outputs[Out.LOG_GROUP_NAME], "", follow, pace)
    head, _, stage = subject.partition("/")
    if any(head.startswith(f"{one.service}-") for one in places):
        return _of_build(account, places, head, stage or "build")
    for one in places:
        if _has_task(account, one, subject):
            return _tail(account, one.outputs[Out.LOG_GROUP_NAME], subject, follow, pace)
    raise NotFound(
        f"nothing is called {subject}",
        cause=f"services: {', '.join(one.service for one in places) or 'none yet'}",
        remedy="name a service, a task (tidegate status --target aws) or an execution",
        code="TG724",
    )


def _tail(
    account: Account, group: str, task: str, follow: bool, pace: Pace
) -> Iterator[LogLine | None]:
    since, told = pace.now() - _BACK_MS, set[str]()
    while True:
        ask = {"logGroupName": group, "startTime": since, "interleaved": True}
        for event in account.each("logs", "filter_log_events", "events", **ask):
            stream = str(event["logStreamName"])
            if event["eventId"] in told or task not in stream:
                continue
            told.add(event["eventId"])
            since = max(since, int(event["timestamp"]))
            yield {"source": stream.rpartition("/")[2][:7], "text": str(event["message"]).rstrip()}
        if not follow:
            return
        yield None
        pace.rest()


def _has_task(account: Account, place: Place, task: str) -> bool:
    ask = {"cluster": place.cluster, "tasks": [task]}
    absent = ("InvalidParameterException",)
    found = account.find("ecs", "describe_tasks", absent, **ask)
    name = place.outputs[Out.SERVICE_NAME].rpartition("/")[2]
    return any(one.get("group") == f"service:{name}" for one in (found or {}).get("tasks", ()))


def _of_build(
    account: Account, places: tuple[Place, ...], execution: str, stage: str
) -> Iterator[LogLine | None]:
    named = executions.named(places, execution)
    for action in executions.actions(account, named):
        result = (action.get("output") or {}).get("executionResult") or {}
        provider = ((action.get("input") or {}).get("actionTypeId") or {}).get("provider")
        if str(action["stageName"]).lower() != stage:
            continue
        if provider != _BUILD or not result.get("externalExecutionId"):
            yield {"source": stage[:7], "text": str(result.get("externalExecutionSummary", ""))}
            continue
        ask = {"ids": [result["externalExecutionId"]]}
        for build in account.ask("codebuild", "batch_get_builds", **ask)["builds"]:
            where = {k: build["logs"][k] for k in ("groupName", "streamName")}
            yield from _stream(account, where["groupName"], where["streamName"], stage)


def _stream(account: Account, group: str, stream: str, source: str) -> Iterator[LogLine | None]:
    ask = {"logGroupName": group, "logStreamNames": [stream]}
    for event in account.each("logs", "filter_log_events", "events", **ask):
        yield {"source": source[:7], "text": str(event["message"]).rstrip()}
