"""A deployment of ECS itself as one machine shows it; `codedeploy` has the others."""

from collections.abc import Mapping
from typing import Any

from tidegate.aws.moving import ECS_MOVING
from tidegate.aws.reading import codedeploy
from tidegate.aws.reading.groups import candidate_colour, releases_in
from tidegate.aws.reading.service import ServiceSeen, ms, release_of
from tidegate.core.model import Colour
from tidegate.engine.views.deployments import DeploymentView, ReportView
from tidegate.engine.views.events import Moment

OUTCOMES = {
    "SUCCESSFUL": "succeeded",
    "ROLLBACK_SUCCESSFUL": "rolled back",
    "ROLLBACK_FAILED": "failed",
    "STOPPED": "failed",
}
"""AWS's end states in our words."""


def view(seen: ServiceSeen, held_by: str | None) -> DeploymentView | None:
    """The deployment under way, or None. `held_by` is who paused it."""
    if seen.place.codedeploy:
        return codedeploy.view(seen)
    moving = seen.moving
    if moving is None:
        return None
    stable, candidate = releases_in(seen)
    target = moving.get("targetServiceRevision") or {}
    weight = round((target.get("requestedProductionTrafficWeight") or 0.0) * 100)
    back = moving["status"].startswith("ROLLBACK")
    why = str((moving.get("rollback") or {}).get("reason") or moving.get("statusReason") or "")
    started = ms(moving.get("startedAt") or moving["createdAt"])
    step, steps = steps_of(moving, weight)
    waits = waiting_hook(moving)
    return DeploymentView(
        id_of(moving),
        seen.place.service,
        stable,
        candidate or 0,
        (candidate_colour(seen) or Colour.GREEN).value,
        started,
        str(moving.get("lifecycleStage") or moving["status"]),
        ms(moving.get("updatedAt")) or started,
        step,
        steps,
        weight,
        None,
        _reason(moving, waits, seen.place.service),
        held_by or ("a pause hook" if waits else None),
        (why or "ECS takes all traffic back") if back else "",
        moving.get("lifecycleStage") == "CLEAN_UP",
    )


def _reason(moving: Mapping[str, Any], waits: str | None, service: str) -> str:
    if waits:
        return f"waits at a pause hook for: tidegate promote {service} --target aws"
    return str(moving.get("statusReason") or f"ECS says {moving['status']}")


def id_of(deployment: Mapping[str, Any]) -> str:
    """The last part of a service deployment's ARN."""
    return str(deployment["serviceDeploymentArn"]).rpartition("/")[2]


def waiting_hook(deployment: Mapping[str, Any]) -> str | None:
    """The id of the PAUSE hook that waits for a person, or None."""
    for hook in deployment.get("lifecycleHookDetails") or ():
        if hook.get("status") == "AWAITING_ACTION":
            return str(hook["hookId"])
    return None


def steps_of(deployment: Mapping[str, Any], weight_bp: int) -> tuple[int, int]:
    """Which step of the shift that weight is, of how many; 0 before the first."""
    configuration = deployment.get("deploymentConfiguration") or {}
    linear = (configuration.get("linearConfiguration") or {}).get("stepPercent")
    canary = (configuration.get("canaryConfiguration") or {}).get("canaryPercent")
    if linear:
        size = round(linear * 100)
        return -(-weight_bp // size), -(-10_000 // size)
    if canary:
        return (0 if not weight_bp else 2 if weight_bp >= 10_000 else 1), 2
    return int(weight_bp > 0), 1


def report(
    service: str,
    deployment: Mapping[str, Any],
    told: tuple[Moment, ...],
    releases: tuple[int | None, int | None],
) -> ReportView:
    """The report of an ECS service deployment; requests and errors are in `tidegate metrics`."""
    back = deployment.get("rollback") or {}
    finished = deployment.get("finishedAt") or deployment.get("stoppedAt")
    started = ms(deployment.get("startedAt") or deployment["createdAt"])
    over = deployment["status"] not in ECS_MOVING
    back_ms = None
    if back.get("startedAt") and finished:
        back_ms = ms(finished) - ms(back["startedAt"])
    return ReportView(
        id_of(deployment),
        service,
        releases[0],
        releases[1] or 0,
        started,
        ms(finished) if over and finished else None,
        OUTCOMES.get(deployment["status"]) if over else None,
        str(deployment.get("statusReason") or ""),
        str(back.get("reason") or ""),
        0,
        0,
        ms(back["startedAt"]) - started if back.get("startedAt") else None,
        back_ms,
        told,
    )


def releases_of(
    deployment: Mapping[str, Any], revisions: Mapping[str, Mapping[str, Any]]
) -> tuple[int | None, int | None]:
    """The releases that a deployment moved between, as far as their revisions are known."""
    sources = deployment.get("sourceServiceRevisions") or [{}]
    arns = (sources[0].get("arn", ""), (deployment.get("targetServiceRevision") or {}).get("arn"))
    stable, candidate = (revisions.get(arn or "", {}).get("taskDefinition", "") for arn in arns)
    return release_of(str(stable)), release_of(str(candidate))
