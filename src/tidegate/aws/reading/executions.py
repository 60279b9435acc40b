"""CodePipeline's executions in our stages. An execution's id is `SERVICE-UUID`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.names import ServiceOutput as Out
from tidegate.aws.reading.service import Place, ms
from tidegate.core.errors import NotFound
from tidegate.core.pipeline_events import Outcome, PipelineStage
from tidegate.engine.views.executions import ExecutionView, StageView, VerdictView, exit_code

_OUTCOMES = {
    "Succeeded": Outcome.SUCCEEDED,
    "Failed": Outcome.FAILED,
    "Stopped": Outcome.FAILED,
    "Cancelled": Outcome.FAILED,
    "Superseded": Outcome.SUPERSEDED,
}
_STATES = {"InProgress": "running", "Succeeded": "succeeded"}
_TRIGGERS = {
    "Webhook": "push",
    "WebhookV2": "push",
    "CloudWatchEvent": "push",
    "PollForSourceChanges": "push",
    "StartPipelineExecution": "deploy",
    "ManualRollback": "rollback",
    "AutomatedRollback": "rollback",
}


@dataclass(frozen=True, slots=True)
class Named:
    """An execution of one service's pipeline."""

    place: Place
    uuid: str

    @property
    def pipeline(self) -> str:
        """The pipeline's name."""
        return self.place.outputs[Out.PIPELINE_NAME]

    @property
    def id(self) -> str:
        """How we call it."""
        return f"{self.place.service}-{self.uuid}"


def named(places: Iterable[Place], execution: str) -> Named:
    """The execution of that id. Raises `NotFound` when no service's name begins it."""
    known = sorted(places, key=lambda place: -len(place.service))
    for place in known:
        head, uuid = f"{place.service}-", execution.removeprefix(f"{place.service}-")
        if execution.startswith(head) and uuid and Out.PIPELINE_NAME in place.outputs:
            return Named(place, uuid)
    raise NotFound(
        f"no execution {execution}",
        cause="on AWS an execution is called SERVICE-UUID, after its pipeline",
        remedy="list them: tidegate executions --target aws",
        code="TG702",
    )


def executions(account: Account, place: Place, most: int = 10) -> tuple[ExecutionView, ...]:
    """The newest runs of one service's pipeline, the newest first; stages of those that run."""
    pipeline = place.outputs.get(Out.PIPELINE_NAME)
    if not pipeline:
        return ()
    ask = {"pipelineName": pipeline, "maxResults": most}
    found = account.ask("codepipeline", "list_pipeline_executions", **ask)
    return tuple(
        view(account, Named(place, one["pipelineExecutionId"]), one)
        for one in found.get("pipelineExecutionSummaries", ())
    )


def execution(account: Account, one: Named) -> ExecutionView:
    """One run. Raises `NotFound`."""
    ask = {"pipelineName": one.pipeline}
    key = "pipelineExecutionSummaries"
    for summary in account.each("codepipeline", "list_pipeline_executions", key, **ask):
        if summary["pipelineExecutionId"] == one.uuid:
            return view(account, one, summary)
    raise NotFound(
        f"the pipeline of {one.place.service} has no execution {one.uuid}",
        remedy="list them: tidegate executions --target aws",
        code="TG746",
    )


def view(account: Account, one: Named, summary: Mapping[str, Any]) -> ExecutionView:
    """The execution with its stages, out of its actions."""
    acted = actions(account, one)
    stages = stages_of(acted)
    outcome = _OUTCOMES.get(summary["status"])
    revision = (summary.get("sourceRevisions") or [{}])[0]
    trigger = summary.get("trigger") or {}
    failed = next((stage for stage in stages if stage.state == "failed"), None)
    last = _stage_of(failed.stage if failed else stages[-1].stage if stages else "")
    if failed and last in (PipelineStage.SCAN, PipelineStage.APPROVE):
        outcome = Outcome.REFUSED if outcome is Outcome.FAILED else outcome
    reason = str(summary.get("statusSummary") or (failed.summary if failed else ""))
    return ExecutionView(
        one.id,
        str(revision.get("revisionId", "")),
        str(revision.get("revisionSummary", "")),
        _TRIGGERS.get(str(trigger.get("triggerType")), str(trigger.get("triggerType", ""))),
        str(trigger.get("triggerDetail", "")).rpartition("/")[2],
        ms(summary.get("startTime")),
        ms(summary.get("lastUpdateTime")) if outcome else None,
        outcome.value if outcome else None,
        exit_code(outcome, last) if outcome else None,
        reason,
        stages,
        (),
        _verdicts(one, stages),
        (),
    )


def actions(account: Account, one: Named) -> list[Mapping[str, Any]]:
    """Its actions, the oldest first."""
    chosen = {"pipelineExecutionId": one.uuid}
    ask = {"pipelineName": one.pipeline, "filter": chosen}
    key = "actionExecutionDetails"
    found = list(account.each("codepipeline", "list_action_executions", key, **ask))
    return sorted(found, key=lambda action: (action["startTime"], action["actionExecutionId"]))


def stages_of(acted: Iterable[Mapping[str, Any]]) -> tuple[StageView, ...]:
    """Stages out of actions: one that has failed makes its stage fail."""
    by_stage: dict[str, list[Mapping[str, Any]]] = {}
    for action in acted:
        by_stage.setdefault(str(action["stageName"]), []).append(action)
    found = []
    for name, mine in by_stage.items():
        states = [_STATES.get(action["status"], "failed") for action in mine]
        state = next((s for s in ("failed", "running") if s in states), "succeeded")
        ended = max(ms(action.get("lastUpdateTime")) for action in mine)
        summary = "; ".join(filter(None, map(_said, mine)))
        over = None if state == "running" else ended
        found.append(StageView(name.lower(), state, ms(mine[0]["startTime"]), over, summary))
    return tuple(found)


def _said(action: Mapping[str, Any]) -> str:
    result = (action.get("output") or {}).get("executionResult") or {}
    error = (result.get("errorDetails") or {}).get("message")
    return str(error or result.get("externalExecutionSummary") or "")


def _stage_of(name: str) -> PipelineStage | None:
    known = {"gate": PipelineStage.SCAN, "approval": PipelineStage.APPROVE}
    return known.get(name) or next((s for s in PipelineStage if s.value == name), None)


def _verdicts(one: Named, stages: Iterable[StageView]) -> tuple[VerdictView, ...]:
    """The gate's word stands at the beginning of its action's summary."""
    for stage in stages:
        head, _, rest = stage.summary.partition("the gate says ")
        if rest and not head:
            verdict, _, reason = rest.partition(": ")
            return (VerdictView(one.place.service, verdict, reason),)
    return ()
