"""The fold of the pipeline's events, and what every fold needs: counting, and forgetting."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar, assert_never

from tidegate.core import decision as d
from tidegate.core.progress import Deployment, Execution, Progress, StageRecord

KEPT = 200
"""Ended executions and deployments that stay in memory; the journal keeps all."""

_Ended = TypeVar("_Ended", Deployment, Execution)


def count(progress: Progress, kind: str) -> Progress:
    """One more of this kind was started."""
    return replace(progress, started={**progress.started, kind: progress.next_id(kind)})


def forget_ended(known: Mapping[str, _Ended]) -> dict[str, _Ended]:
    """All that live, and the newest of those that ended."""
    ended = [name for name, one in known.items() if not one.live]
    forgotten = set(ended[:-KEPT])
    return {name: one for name, one in known.items() if name not in forgotten}


ExecutionEvent = (
    d.ExecutionStarted
    | d.StageStarted
    | d.StageSucceeded
    | d.StageFailed
    | d.ImagesBuilt
    | d.VerdictReached
    | d.Approved
    | d.Rejected
    | d.ExecutionFinished
)


def advance_execution(progress: Progress, event: ExecutionEvent, at: int) -> Progress:
    """The progress after an event of the pipeline, which happened at `at` (ms)."""
    if isinstance(event, d.ExecutionStarted):
        made = Execution(
            event.execution,
            event.commit,
            event.subject,
            event.trigger,
            event.by,
            event.app,
            at,
        )
        executions = {**forget_ended(progress.executions), event.execution: made}
        return replace(count(progress, "execution"), executions=executions)
    known = progress.executions[event.execution]
    match event:
        case d.StageStarted(_, stage):
            made = replace(known, stages=(*known.stages, StageRecord(stage, at)))
        case d.StageSucceeded(_, _, summary):
            made = replace(known, stages=_end_stage(known, at, True, summary))
        case d.StageFailed(_, _, reason):
            made = replace(known, stages=_end_stage(known, at, False, reason))
        case d.ImagesBuilt(_, images):
            made = replace(known, images=images)
        case d.VerdictReached():
            made = replace(known, verdicts=(*known.verdicts, event))
        case d.Approved(_, by):
            made = replace(known, approved_by=by)
        case d.Rejected(_, by, reason):
            made = replace(known, rejected=f"rejected by {by}: {reason}")
        case d.ExecutionFinished(_, outcome, reason):
            made = replace(known, finished_at=at, outcome=outcome, reason=reason)
        case _:
            assert_never(event)
    return replace(progress, executions={**progress.executions, event.execution: made})


def _end_stage(known: Execution, at: int, ok: bool, summary: str) -> tuple[StageRecord, ...]:
    ended = replace(known.stages[-1], ended_at=at, ok=ok, summary=summary)
    return (*known.stages[:-1], ended)
