"""Blue and green of a service: part, weight, tasks and traffic, as on one machine."""

from collections.abc import Mapping
from typing import Any

from tidegate.aws.moving import CODEDEPLOY_MOVING
from tidegate.aws.reading.service import ServiceSeen, ms, release_of
from tidegate.core.metrics import Second, merge, percentile_us
from tidegate.core.model import Colour, Role
from tidegate.engine.views.groups import GroupView, TaskView, TrafficView

_PHASES = {
    "PROVISIONING": "started",
    "PENDING": "started",
    "ACTIVATING": "started",
    "RUNNING": "healthy",
    "DEACTIVATING": "draining",
    "STOPPING": "stopping",
    "DEPROVISIONING": "stopping",
    "STOPPED": "stopped",
}


def groups_of(
    seen: ServiceSeen, traffic: Mapping[Colour, tuple[Second, ...]] | None, since: int
) -> tuple[GroupView, ...]:
    """Both groups, without one that has nothing to show. `since` (ms) is where traffic begins."""
    found = []
    for colour in Colour:
        tasks = tasks_in(seen, colour)
        weight = seen.weights_bp.get(colour) if seen.weights_bp is not None else None
        role, release = part_of(seen, colour)
        if not tasks and not weight and release is None:
            continue
        mine = [task for task in tasks if task.release == release]
        seconds = traffic.get(colour, ()) if traffic is not None else None
        found.append(
            GroupView(
                colour.value,
                role,
                release,
                weight,
                wanted_bp(seen, colour),
                int(seen.ecs.get("desiredCount", 0)) if role in (*Role,) else 0,
                sum(task.state == "RUNNING" for task in mine),
                sum(task.health == "HEALTHY" for task in mine),
                tasks,
                None if seconds is None else traffic_of(seconds, since),
            )
        )
    return tuple(found)


def serving(seen: ServiceSeen) -> Colour | None:
    """The colour that stable is in: the one with the weight, or with more of it while it moves."""
    weights = seen.weights_bp
    if not weights or not any(weights.values()):
        return None
    moving = candidate_colour(seen)
    if moving:
        return moving.other
    return max(weights, key=lambda colour: weights[colour])


def candidate_colour(seen: ServiceSeen) -> Colour | None:
    """Where the candidate of a deployment under way is, as far as AWS says."""
    if seen.place.codedeploy:
        sets = (seen.codedeploy.get("target") or {}).get("taskSetsInfo") or ()
        moving = seen.codedeploy.get("status") in CODEDEPLOY_MOVING
        name = next((s["targetGroup"]["name"] for s in sets if _is_green(s)), "") if moving else ""
        return next((c for c in Colour if f"/{name}/" in seen.place.group_arn(c)), None)
    moving_now = seen.moving
    if not moving_now:
        return None
    arn = (moving_now.get("targetServiceRevision") or {}).get("arn", "")
    resolved = (seen.revisions.get(arn, {}).get("resolvedConfiguration") or {}).get("loadBalancers")
    groups = {one.get("targetGroupArn") for one in resolved or ()}
    return next((c for c in Colour if seen.place.group_arn(c) in groups), None)


def _is_green(task_set: Mapping[str, Any]) -> bool:
    return task_set.get("taskSetLabel") == "Green" and "targetGroup" in task_set


def part_of(seen: ServiceSeen, colour: Colour) -> tuple[str, int | None]:
    """The role of that group now, and the release in it."""
    candidate = candidate_colour(seen)
    releases = releases_in(seen)
    if candidate is colour:
        return Role.CANDIDATE, releases[1]
    if serving(seen) is colour:
        return Role.STABLE, releases[0]
    return "", None


def releases_in(seen: ServiceSeen) -> tuple[int | None, int | None]:
    """The releases that are stable and candidate now."""
    if seen.place.codedeploy:
        return _of_task_sets(seen)
    moving = seen.moving
    if moving is None:
        return release_of(str(seen.ecs.get("taskDefinition", ""))), None
    target = (moving.get("targetServiceRevision") or {}).get("arn", "")
    sources = moving.get("sourceServiceRevisions") or [{}]
    stable = seen.revisions.get(sources[0].get("arn", ""), {})
    candidate = seen.revisions.get(target, {})
    return (
        release_of(str(stable.get("taskDefinition", ""))),
        release_of(str(candidate.get("taskDefinition", ""))),
    )


def _of_task_sets(seen: ServiceSeen) -> tuple[int | None, int | None]:
    stable = candidate = None
    for one in seen.ecs.get("taskSets") or ():
        if one["status"] == "PRIMARY":
            stable = release_of(one["taskDefinition"])
        if one["status"] == "ACTIVE":
            candidate = release_of(one["taskDefinition"])
    return stable, candidate


def wanted_bp(seen: ServiceSeen, colour: Colour) -> int:
    """What AWS is on its way to; the same as the weight when it does not say."""
    held = int((seen.weights_bp or {}).get(colour, 0))
    moving, candidate = seen.moving, candidate_colour(seen)
    if not moving or candidate is None:
        return held
    asked = (moving.get("targetServiceRevision") or {}).get("requestedProductionTrafficWeight")
    if asked is None:
        return held
    bp = round(float(asked) * 100)
    return bp if colour is candidate else 10_000 - bp


def tasks_in(seen: ServiceSeen, colour: Colour) -> tuple[TaskView, ...]:
    """The tasks whose address is a target of that group; one that has none yet by its release."""
    targets = seen.health.get(colour, {})
    stable, candidate = releases_in(seen)
    found = []
    for task in seen.tasks:
        address = address_of(task)
        known = any(address in by_target for by_target in seen.health.values())
        release = release_of(str(task["taskDefinitionArn"])) or 0
        here = candidate if candidate_colour(seen) is colour else stable
        expected = not known and release == here and serving_or_candidate(seen, colour)
        if address in targets or expected:
            found.append(_task(task, release, address, targets.get(address or "", "")))
    return tuple(found)


def serving_or_candidate(seen: ServiceSeen, colour: Colour) -> bool:
    """Whether that group has a part now."""
    return colour in (serving(seen), candidate_colour(seen))


def _task(task: Mapping[str, Any], release: int, address: str | None, state: str) -> TaskView:
    phase = _PHASES.get(str(task.get("lastStatus")), "started")
    if phase == "healthy" and state != "healthy":
        phase = "draining" if state == "draining" else "started"
    return TaskView(
        str(task["taskArn"]).rpartition("/")[2],
        release,
        phase,
        ms(task.get("startedAt") or task.get("createdAt")),
        str(task.get("lastStatus", "UNKNOWN")),
        {"healthy": "HEALTHY", "unhealthy": "UNHEALTHY"}.get(state, "UNKNOWN"),
        address,
        0,
    )


def address_of(task: Mapping[str, Any]) -> str | None:
    """The private address of a task with a network interface of its own."""
    for attachment in task.get("attachments") or ():
        for detail in attachment.get("details") or ():
            if detail.get("name") == "privateIPv4Address":
                return str(detail["value"])
    return None


def traffic_of(seconds: tuple[Second, ...], since: int) -> TrafficView:
    """What a group answered since then."""
    total = merge(seconds)
    p95_us = percentile_us(total, 95)
    p95_ms = None if p95_us is None else p95_us / 1_000
    return TrafficView(since, total.requests, total.errors, p95_ms)
