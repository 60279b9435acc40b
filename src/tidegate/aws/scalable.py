"""A service's scalable target, as Application Auto Scaling names it."""

from typing import Any

from tidegate.aws.account import Account


def register(account: Account, scalable_target: str, **changes: Any) -> None:
    """Change that target (`service/CLUSTER/SERVICE`); nothing for a service that has none."""
    if scalable_target:
        account.ask(
            "application-autoscaling",
            "register_scalable_target",
            ServiceNamespace="ecs",
            ResourceId=scalable_target,
            ScalableDimension="ecs:service:DesiredCount",
            **changes,
        )
