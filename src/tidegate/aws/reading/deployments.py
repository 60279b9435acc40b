"""A deployment of ECS or CodeDeploy as the view and the report that one machine gives."""

from collections.abc import Mapping
from typing import Any

from tidegate.aws.deploy_function import MOVING
from tidegate.aws.reading.groups import candidate_colour, releases_in
from tidegate.aws.reading.service import ServiceSeen, ms, release_of
from tidegate.core.model import Colour
from tidegate.engine.views.deployments import DeploymentView, ReportView
from tidegate.engine.views.events import Moment

OUTCOMES = {
    "SUCCESSFUL": "succeeded",
    "Succeeded": "succeeded",
    "ROLLBACK_SUCCESSFUL": "rolled back",
    "ROLLBACK_FAILED": "failed",
    "STOPPED": "failed",
    "Stopped": "failed",
    "Failed": "failed",
}
"""AWS's end states in our words."""

_STAGES_OF_CODEDEPLOY = {
    "BeforeInstall": "PRE_SCALE_UP",
    "Install": "SCALE_UP",
    "AfterInstall": "POST_SCALE_UP",
    "AllowTestTraffic": "TEST_TRAFFIC_SHIFT",
    "AfterAllowTestTraffic": "POST_TEST_TRAFFIC_SHIFT",
    "BeforeAllowTraffic": "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "AllowTraffic": "PRODUCTION_TRAFFIC_SHIFT",
    "AfterAllowTraffic": "POST_PRODUCTION_TRAFFIC_SHIFT",
    "Terminate": "CLEAN_UP",
}
"""The AppSpec's events by ECS's names (docs/vocabulary.md)."""


_NOTHING: Mapping[str, Any] = {}


def view(seen: ServiceSeen, held_by: str | None) -> DeploymentView | None:
    """The deployment under way, or None. `held_by` is who paused it."""
    if seen.place.codedeploy:
        return _of_codedeploy(seen)
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


def _of_codedeploy(seen: ServiceSeen) -> DeploymentView | None:
    one = seen.codedeploy
    if one.get("status") not in ("Created", "Queued", "InProgress", "Baking", "Ready"):
        return None
    target = one.get("target") or {}
    stable, candidate = releases_in(seen)
    sets: list[Mapping[str, Any]] = target.get("taskSetsInfo") or []
    green = next((one for one in sets if one.get("taskSetLabel") == "Green"), _NOTHING)
    weight = round(float(green.get("trafficWeight", 0)) * 100)
    running = [e for e in target.get("lifecycleEvents") or () if e.get("status") == "InProgress"]
    event = str(running[-1]["lifecycleEventName"]) if running else ""
    started = ms(one.get("startTime") or one["createTime"])
    ready = one["status"] == "Ready"
    reason = str(one.get("additionalDeploymentStatusInfo") or f"CodeDeploy says {one['status']}")
    return DeploymentView(
        str(one["deploymentId"]),
        seen.place.service,
        stable,
        candidate or 0,
        (candidate_colour(seen) or Colour.GREEN).value,
        started,
        _STAGES_OF_CODEDEPLOY.get(event, event or str(one["status"])),
        ms(running[-1].get("startTime")) if running else started,
        int(weight > 0),
        1,
        weight,
        None,
        f"waits for: tidegate promote {seen.place.service} --target aws" if ready else reason,
        "the deployment group" if ready else None,
        str((one.get("rollbackInfo") or {}).get("rollbackMessage") or ""),
        event == "Terminate",
    )


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
    over = deployment["status"] not in MOVING
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
