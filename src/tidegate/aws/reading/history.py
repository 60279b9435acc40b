"""What has happened, as events of ours: out of deployments, alarms' histories and pipelines.

AWS keeps no journal with numbers, so an entry's number is its time (ms) times ten, and one more for
each that falls on the same: it grows with time and stays the same at every look.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.moving import ECS_MOVING
from tidegate.aws.reading import codedeploy
from tidegate.aws.reading.deployments import OUTCOMES, id_of, releases_of
from tidegate.aws.reading.groups import candidate_colour
from tidegate.aws.reading.service import ServiceSeen, ms
from tidegate.core import decision as d
from tidegate.core.model import Colour, LifecycleStage, RollbackEvent
from tidegate.engine.views.events import EventView, Moment
from tidegate.engine.views.executions import ExecutionView
from tidegate.engine.views.sentences import sentence

Told = tuple[int, d.Event]
"""When (ms), and what."""


def views(told: Iterable[Told]) -> list[EventView]:
    """All of it in order, each with its number and its sentence."""
    found: list[EventView] = []
    last = 0
    for at, event in sorted(told, key=lambda one: (one[0], type(one[1]).__name__, str(one[1]))):
        last = max(at * 10, last + 1)
        found.append(EventView(last, at, event, sentence(event)))
    return found


def moments(told: Iterable[Told], began_at: int) -> tuple[Moment, ...]:
    """The same as a story that began then."""
    return tuple(
        Moment(one.seq, one.at, one.at - began_at, one.type, one.text) for one in views(told)
    )


def story(told: Iterable[Told]) -> tuple[Moment, ...]:
    """The same as a story that began with its first entry."""
    known = list(told)
    return moments(known, min(at for at, _ in known))


def of_deployments(account: Account, seen: ServiceSeen) -> Iterator[Told]:
    """The newest deployments of a service, by ECS or by CodeDeploy."""
    for one in seen.deployments[:5]:
        yield from of_deployment(seen, one)
    for kept in codedeploy.recent(account, seen) if seen.place.codedeploy else ():
        yield from codedeploy.told(seen, kept)


def of_deployment(seen: ServiceSeen, one: Mapping[str, Any]) -> Iterator[Told]:
    """One of ECS, as far as it tells: start, the stage it is in, weight, rollback, end."""
    name, service = id_of(one), seen.place.service
    stable, candidate = releases_of(one, seen.revisions)
    started = ms(one.get("startedAt") or one["createdAt"])
    colour = (candidate_colour(seen) if one["status"] in ECS_MOVING else None) or Colour.GREEN
    yield started, d.DeploymentStarted(name, service, stable, candidate or 0, colour)
    at, stage = ms(one.get("updatedAt")) or started, str(one.get("lifecycleStage"))
    if stage in LifecycleStage.__members__ and one["status"] in ECS_MOVING:
        yield at, d.StageEntered(name, LifecycleStage(stage), str(one.get("statusReason") or ""))
    weight = (one.get("targetServiceRevision") or {}).get("requestedProductionTrafficWeight")
    if weight and one["status"] in ECS_MOVING:
        yield at, d.TrafficObserved(name, round(weight * 100))
    back = one.get("rollback") or {}
    if back.get("startedAt"):
        reason = str(back.get("reason") or "")
        yield ms(back["startedAt"]), d.RollbackStarted(name, _kind(one), reason)
    ended = one.get("finishedAt") or one.get("stoppedAt")
    if one["status"] not in ECS_MOVING and ended:
        outcome = d.Outcome(OUTCOMES.get(one["status"], "failed"))
        yield ms(ended), d.DeploymentFinished(name, outcome, str(one.get("statusReason") or ""))


def _kind(one: Mapping[str, Any]) -> RollbackEvent:
    """What set the rollback off, as far as ECS's monitors tell."""
    if (one.get("alarms") or {}).get("status") == "TRIGGERED":
        return RollbackEvent.ALARM
    if "stop" in str((one.get("rollback") or {}).get("reason", "")).lower():
        return RollbackEvent.REQUEST
    return RollbackEvent.FAILURE


def of_alarms(account: Account, service: str, names: Iterable[str]) -> Iterator[Told]:
    """The last changes of the service's alarms."""
    for name in names:
        ask = {"AlarmName": name, "HistoryItemType": "StateUpdate", "MaxRecords": 20}
        answer = account.ask("cloudwatch", "describe_alarm_history", **ask)
        for item in answer.get("AlarmHistoryItems", ()):
            summary = str(item.get("HistorySummary", ""))
            state = summary.rpartition(" ")[2]
            known = d.AlarmState.__members__.get(state)
            if known:
                yield ms(item["Timestamp"]), d.AlarmChanged(f"{service}/{name}", known, summary)


def of_execution(one: ExecutionView) -> Iterator[Told]:
    """The stages of one run of a pipeline, and its end."""
    for stage in one.stages:
        known = stage_named(stage.stage)
        if known is None:
            continue
        yield stage.started_at, d.StageStarted(one.id, known)
        if stage.state == "succeeded" and stage.ended_at:
            yield stage.ended_at, d.StageSucceeded(one.id, known, stage.summary)
        if stage.state == "failed" and stage.ended_at:
            yield stage.ended_at, d.StageFailed(one.id, known, stage.summary)
    if one.outcome and one.finished_at:
        yield one.finished_at, d.ExecutionFinished(one.id, d.Outcome(one.outcome), one.reason)


def stage_named(name: str) -> d.PipelineStage | None:
    """Our stage of a pipeline's; None for one that is none of ours."""
    ours = {"gate": "scan", "approval": "approve", "prepare": "deploy", "release": "deploy"}
    word = ours.get(name, name)
    return next((stage for stage in d.PipelineStage if stage.value == word), None)
