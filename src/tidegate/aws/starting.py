"""What must be so before a service is deployed in the account: no alarm, and tasks to deploy.

ECS ignores a deployment's alarms for the whole of it when one of them is in ALARM at its start
(ECS developer guide, "Deployment failure detection"), so such a deployment is not started.
"""

from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.settings import ServiceSettings
from tidegate.core.errors import CloudFailed


def firing(account: Account, settings: ServiceSettings) -> tuple[str, ...]:
    """The alarms of the service that are in ALARM now."""
    if not settings.alarms:
        return ()
    ask = {"AlarmNames": list(settings.alarms)}
    found = account.ask("cloudwatch", "describe_alarms", **ask).get("MetricAlarms", ())
    return tuple(str(one["AlarmName"]) for one in found if one["StateValue"] == "ALARM")


def first_count(account: Account, settings: ServiceSettings) -> dict[str, Any]:
    """`desiredCount` of UpdateService for a service that has no tasks yet, or nothing.

    A stack makes its service with no tasks, since there is no image then, and with a least count
    of 0, or scaling would start them. The first deployment sets both.
    """
    ask = {"cluster": settings.cluster, "services": [settings.ecs_service]}
    found = account.ask("ecs", "describe_services", **ask)["services"]
    if not found:
        raise CloudFailed("ECS has no such service", where=settings.ecs_service, code="TG983")
    return {"desiredCount": settings.first_count} if found[0].get("desiredCount") == 0 else {}


def keep_least(account: Account, settings: ServiceSettings) -> None:
    """Scaling keeps the app file's least count from now on."""
    if settings.scalable_target:
        account.ask(
            "application-autoscaling",
            "register_scalable_target",
            ServiceNamespace="ecs",
            ResourceId=settings.scalable_target,
            ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=settings.least_count,
        )
