"""Releases on AWS: the revisions of a service's task definition, with the gate's evidence on each.

A revision is what a release is: a numbered pair of image and settings, never changed once made.
Numbers are each service's own.
"""

import json
from collections.abc import Mapping
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.names import Names, PlatformOutput
from tidegate.aws.names import ServiceOutput as Out
from tidegate.aws.reading.deployments import releases_of
from tidegate.aws.reading.groups import releases_in
from tidegate.aws.reading.service import Place, ServiceSeen, ms
from tidegate.core.model import HealthCheck, Route, Service, TaskCount
from tidegate.engine.views.releases import ReleaseView

_NONE = ("NoSuchKey", "404", "NotFound")


def releases(account: Account, seen: ServiceSeen, most: int = 10) -> tuple[ReleaseView, ...]:
    """The newest releases of one service, the newest first; a placeholder's image is none."""
    family = seen.place.outputs[Out.TASK_FAMILY]
    ask = {"familyPrefix": family, "sort": "DESC", "maxResults": most}
    arns = account.ask("ecs", "list_task_definitions", **ask)["taskDefinitionArns"]
    found = []
    for arn in arns:
        made = definition(account, arn)
        if digest := digest_of(made):
            found.append(_view(account, seen, made, digest))
    return tuple(found)


def definition(account: Account, name: str) -> dict[str, Any]:
    """A task definition by `FAMILY:REVISION` or ARN."""
    ask = {"taskDefinition": name}
    return dict(account.ask("ecs", "describe_task_definition", **ask)["taskDefinition"])


def find_definition(account: Account, name: str) -> dict[str, Any] | None:
    """A task definition by `FAMILY:REVISION`, or None; ECS has one code for all that is wrong."""
    ask = {"taskDefinition": name}
    found = account.find("ecs", "describe_task_definition", ("ClientException",), **ask)
    return dict(found["taskDefinition"]) if found else None


def good(seen: ServiceSeen) -> set[int]:
    """The releases whose deployments have succeeded, as far as ECS remembers."""
    ended = (d for d in seen.deployments if d["status"] == "SUCCESSFUL")
    pairs = (releases_of(d, seen.revisions) for d in ended)
    return {candidate for _, candidate in pairs if candidate}


def digest_of(made: Mapping[str, Any]) -> str:
    """The digest of the container that gets traffic; empty for an image without one."""
    containers = made.get("containerDefinitions") or ()
    images = [str(c["image"]) for c in containers if c.get("portMappings")] or [
        str(c["image"]) for c in containers
    ]
    return next((image.partition("@")[2] for image in images if "@sha256:" in image), "")


def evidence_of(account: Account, place: Place, digest: str) -> dict[str, Any]:
    """What the gate stored on that image; empty when it stored nothing."""
    bucket = place.platform.get(PlatformOutput.ARTIFACTS_BUCKET_NAME)
    if not bucket:
        return {}
    key = Names.evidence_key(place.service, digest)
    answer = account.find("s3", "get_object", _NONE, Bucket=bucket, Key=key)
    return dict(json.loads(answer["Body"].read())) if answer else {}


def settings(service: str, made: Mapping[str, Any]) -> Service:
    """What a task definition says of the service; the rest is what a service has by default."""
    container: Mapping[str, Any] = (made.get("containerDefinitions") or [{}])[0]
    ports = container.get("portMappings") or [{}]
    environment = container.get("environment") or ()
    return Service(
        service,
        port=int(ports[0].get("containerPort", 80)),
        routes=(Route(),),
        cpu_units=int(made.get("cpu") or container.get("cpu") or 0),
        memory_mib=int(made.get("memory") or container.get("memory") or 0),
        count=TaskCount(),
        health=HealthCheck(),
        command=tuple(container.get("command") or ()),
        environment=tuple((one["name"], one["value"]) for one in environment),
    )


def _view(account: Account, seen: ServiceSeen, made: Mapping[str, Any], digest: str) -> ReleaseView:
    kept = evidence_of(account, seen.place, digest)
    request = kept.get("request") or {}
    return ReleaseView(
        int(made["revision"]),
        seen.place.service,
        _state(seen, int(made["revision"])),
        str(request.get("commit", "")),
        digest,
        str(request.get("execution", "")),
        str(kept.get("verdict", "unknown")),
        ms(made.get("registeredAt")),
    )


def _state(seen: ServiceSeen, number: int) -> str:
    stable, candidate = releases_in(seen)
    if number == stable:
        return "stable"
    if number == candidate:
        return "candidate"
    return "good" if number in good(seen) else "past"
