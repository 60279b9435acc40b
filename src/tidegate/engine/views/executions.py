"""Executions: stages, times, verdicts, and the exit code that each end stands for."""

from dataclasses import dataclass

from tidegate.core import decision as d
from tidegate.core.progress import Execution, Progress


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage. `state` is running, succeeded or failed; `summary` is what it said."""

    stage: str
    state: str
    started_at: int
    ended_at: int | None
    summary: str


@dataclass(frozen=True, slots=True)
class VerdictView:
    """The gate's word on one service's image."""

    service: str
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExecutionView:
    """One run of the pipeline. `outcome` is None while it runs; `exit_code` then, too.

    `images` are (service, digest) pairs; `releases` are the numbers that came of it.
    """

    id: str
    commit: str
    subject: str
    trigger: str
    by: str
    started_at: int
    finished_at: int | None
    outcome: str | None
    exit_code: int | None
    reason: str
    stages: tuple[StageView, ...]
    images: tuple[tuple[str, str], ...]
    verdicts: tuple[VerdictView, ...]
    releases: tuple[int, ...]
    approved_by: str | None = None


def view_execution(progress: Progress, one: Execution) -> ExecutionView:
    """The execution as it stands in `progress`."""
    stages = []
    for stage in one.stages:
        state = "running" if stage.ok is None else "succeeded" if stage.ok else "failed"
        times = (stage.started_at, stage.ended_at)
        stages.append(StageView(stage.stage.value, state, *times, stage.summary))
    last = one.stage.stage if one.stage else None
    return ExecutionView(
        one.id,
        one.commit,
        one.subject,
        one.trigger,
        one.by,
        one.started_at,
        one.finished_at,
        one.outcome.value if one.outcome else None,
        exit_code(one.outcome, last) if one.outcome else None,
        one.reason,
        tuple(stages),
        one.images,
        tuple(VerdictView(v.service, v.verdict.value, v.reason) for v in one.verdicts),
        tuple(r.number for r in progress.releases.values() if r.execution == one.id),
        one.approved_by,
    )


_FAILED_IN = {
    d.PipelineStage.SCAN: 5,
    d.PipelineStage.APPROVE: 5,
    d.PipelineStage.DEPLOY: 6,
}


def exit_code(outcome: d.Outcome | None, stage: d.PipelineStage | None) -> int:
    """What a command that waited for an execution exits with; `stage` is the last it was in.

    0 done, 4 build failed, 5 gate or approval refused, 6 rolled back or failed to deploy,
    7 still running, 9 superseded by a newer revision.
    """
    match outcome:
        case None:
            return 7
        case d.Outcome.SUCCEEDED:
            return 0
        case d.Outcome.SUPERSEDED:
            return 9
        case d.Outcome.ROLLED_BACK:
            return 6
        case d.Outcome.REFUSED:
            return 5
        case d.Outcome.FAILED:
            return _FAILED_IN.get(stage, 4) if stage else 4
