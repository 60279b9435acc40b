"""The pipeline's last stage: a release for each service that would differ, and how they fare."""

from dataclasses import replace

from tidegate.core import gate
from tidegate.core.decision import (
    AppAccepted,
    Decision,
    DeploymentQueued,
    DeploymentSuperseded,
    Event,
    ExecutionFinished,
    Outcome,
    PipelineStage,
    ReleaseMade,
    StageFailed,
    StageSucceeded,
)
from tidegate.core.model import Release, Service
from tidegate.core.progress import Execution, Progress, ServiceProgress


def make_releases(progress: Progress, execution: Execution, now: int) -> list[Event]:
    """A release for each service whose tasks would differ, and its place in the queue."""
    events: list[Event] = [AppAccepted(execution.app)]
    verdicts = {v.service: v for v in execution.verdicts}
    number = progress.next_id("release")
    for service, digest in execution.images:
        settings = execution.app.service(service)
        said = verdicts.get(service)
        if settings is None or said is None or said.digest != digest:
            continue
        if not gate.may_run(said.verdict, said.allowed):
            continue
        known = progress.services.get(service)
        if known and _runs_already(progress, known, settings, digest):
            continue
        release = Release(
            number, settings, digest, execution.commit, execution.id, said.verdict.value, now,
            said.allowed,
        )  # fmt: skip
        events.append(ReleaseMade(release))
        if known and known.waiting:
            events.append(DeploymentSuperseded(service, known.waiting.release, number))
        events.append(DeploymentQueued(service, number, execution.id, execution.by))
        number += 1
    return events


def _runs_already(
    progress: Progress, known: ServiceProgress, settings: Service, digest: str
) -> bool:
    """Whether the release that the service is heading for has this image and these settings."""
    deployment = progress.deployment_of(known.name)
    if known.waiting:
        heading = known.waiting.release
    elif deployment and deployment.rollback is None:
        heading = deployment.candidate
    else:
        heading = known.stable or 0
    release = progress.releases.get(heading)
    if release is None:
        return False
    return release.digest == digest and task_settings(release.service) == task_settings(settings)


def task_settings(service: Service) -> Service:
    """The settings that a running task has in it: what is left when the rest is made equal."""
    blank = Service(service.name)
    return replace(
        service,
        build=blank.build,
        routes=blank.routes,
        count=blank.count,
        deployment=blank.deployment,
        test=blank.test,
        drain_timeout_ms=blank.drain_timeout_ms,
        stop_grace_ms=blank.stop_grace_ms,
        sticky=blank.sticky,
        retry_unsafe=blank.retry_unsafe,
        capacity_provider_strategy=blank.capacity_provider_strategy,
        scaling=blank.scaling,
    )


def follow_deployments(progress: Progress, execution: Execution) -> Decision:
    """The deploy stage ends with the last of its deployments."""
    releases = [r for r in progress.releases.values() if r.execution == execution.id]
    outcomes: list[Outcome] = []
    reasons: list[str] = []
    for release in releases:
        name = release.service.name
        waiting = progress.services[name].waiting
        if waiting and waiting.release == release.number:
            return Decision(reason=f"{release.label} waits for {name} to be free")
        deployment = next(
            (p for p in progress.deployments.values() if p.candidate == release.number), None
        )
        if deployment and deployment.outcome is None:
            return Decision()
        outcomes.append(deployment.outcome or Outcome.FAILED if deployment else Outcome.SUPERSEDED)
        reasons.append(_ending(release, outcomes[-1], deployment.reason if deployment else ""))
    return _finish(execution, outcomes, "; ".join(reasons))


def _ending(release: Release, outcome: Outcome, reason: str) -> str:
    """How one deployment ended, in words: `cats v3 serves`, `dogs v4 rolled back: …`."""
    name = f"{release.service.name} {release.label}"
    if outcome is Outcome.SUCCEEDED:
        return f"{name} serves"
    return f"{name} {outcome}: {reason}" if reason else f"{name} {outcome}"


_WORST = (Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.SUPERSEDED)


def _finish(execution: Execution, outcomes: list[Outcome], reasons: str) -> Decision:
    outcome = next((bad for bad in _WORST if bad in outcomes), Outcome.SUCCEEDED)
    summary = reasons or "nothing to deploy: every service already runs this"
    ended: Event = StageSucceeded(execution.id, PipelineStage.DEPLOY, summary)
    if outcome is not Outcome.SUCCEEDED:
        ended = StageFailed(execution.id, PipelineStage.DEPLOY, summary)
    return Decision(events=(ended, ExecutionFinished(execution.id, outcome, summary)))
