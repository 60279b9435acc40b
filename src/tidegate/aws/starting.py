"""What must be so before a service is deployed in the account: no alarm, and tasks to deploy.

ECS ignores a deployment's alarms for the whole of it when one of them is in ALARM at its start
(ECS developer guide, "Deployment failure detection"), so such a deployment is not started.
"""

from collections.abc import Mapping
from typing import Any

from tidegate.aws import scalable
from tidegate.aws.account import Account
from tidegate.aws.settings import ServiceSettings
from tidegate.core.errors import CloudFailed


def why_not(account: Account, settings: ServiceSettings) -> str:
    """Why nothing of the service may be deployed now, by its alarms; empty when it may."""
    if not settings.alarms:
        return ""
    ask = {"AlarmNames": list(settings.alarms)}
    found = account.ask("cloudwatch", "describe_alarms", **ask).get("MetricAlarms", ())
    firing = [str(one["AlarmName"]) for one in found if one["StateValue"] == "ALARM"]
    return f"nothing is deployed while an alarm is on: {', '.join(firing)}" if firing else ""


def update(account: Account, settings: ServiceSettings, **changes: Any) -> Mapping[str, Any]:
    """The service after UpdateService with these changes, or nothing if there is none.

    One that has no tasks yet gets its first ones with it, and its least count.
    """
    changes |= (count := _first_count(account, settings))
    if not changes:
        return {}
    where = {"cluster": settings.cluster, "service": settings.ecs_service}
    service: Mapping[str, Any] = account.ask("ecs", "update_service", **where, **changes)["service"]
    if count:
        # scaling keeps the app file's least count from now on
        scalable.register(account, settings.scalable_target, MinCapacity=settings.least_count)
    return service


def _first_count(account: Account, settings: ServiceSettings) -> dict[str, Any]:
    """`desiredCount` of UpdateService for a service that has no tasks yet, or nothing.

    A stack makes its service with no tasks, since there is no image then, and with a least count
    of 0, or scaling would start them. The first deployment sets both.
    """
    ask = {"cluster": settings.cluster, "services": [settings.ecs_service]}
    found = account.ask("ecs", "describe_services", **ask)["services"]
    if not found:
        raise CloudFailed("ECS has no such service", where=settings.ecs_service, code="TG983")
    return {"desiredCount": settings.first_count} if found[0].get("desiredCount") == 0 else {}
