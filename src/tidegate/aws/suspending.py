"""Autoscaling waits while CodeDeploy moves a service, and goes on afterwards, whatever happened.

A scaling event in a shift leaves CodeDeploy five minutes for a steady state, or the deployment
fails; and counts are taken from the tasks of both colours (CodeDeploy user guide, "Amazon ECS
deployments and autoscaling"). Nothing remembers who suspended what: `settle` sees whether
a deployment moves and sets scaling by that, at every event of CodeDeploy and every few minutes, so
that a lost event or a crash in between holds nothing for long.
"""

from tidegate.aws import moving, scalable
from tidegate.aws.account import Account


def suspend(account: Account, scalable_target: str, *, held: bool) -> None:
    """Hold all scaling of that target (`service/CLUSTER/SERVICE`), or let it go on."""
    dynamic = {"DynamicScalingInSuspended": held, "DynamicScalingOutSuspended": held}
    state = {**dynamic, "ScheduledScalingSuspended": held}
    scalable.register(account, scalable_target, SuspendedState=state)


def settle(account: Account, scalable_target: str, application: str, group: str) -> bool:
    """Hold scaling while a deployment of the group moves, else let it go on; whether it is held."""
    held = bool(moving.of_codedeploy(account, application, group))
    suspend(account, scalable_target, held=held)
    return held
