"""What happens to instances, as sentences; where ECS or EC2 has words for it, in those."""

from typing import assert_never

from tidegate.core import decision as d


def capacity(event: d.CapacityEvent) -> str:  # noqa: C901, PLR0911, PLR0912
    """What happened, in one line without a full stop."""
    match event:
        case d.InstanceLaunched(instance, provider, kind, zone, reason=reason):
            return f"instance {instance} ordered from {provider} ({kind}, zone {zone}): {reason}"
        case d.InstanceReady(instance):
            return f"instance {instance} is running"
        case d.InstanceLaunchFailed(instance, reason):
            return f"instance {instance} could not be had: {reason}"
        case d.InterruptionNoticed(instance, _, reason):
            return f"instance {instance} will be taken back: {reason}"
        case d.InstanceDraining(instance, reason):
            return f"instance {instance} takes no more tasks: {reason}"
        case d.InstanceTerminating(instance):
            return f"instance {instance} is empty and given back"
        case d.InstanceTerminated(instance, reason, lost):
            return f"instance {instance} {'is lost' if lost else 'terminated'}: {reason}"
        case d.ProviderClosed(provider, _, reason):
            return f"nothing is ordered from {provider} for a while: {reason}"
        case d.TaskPlaced(task, provider, instance):
            return f"{task} placed on instance {instance} of {provider}"
        case d.TaskRelocated(task, reason):
            return f"{task} is to be replaced by one elsewhere: {reason}"
        case d.PlacementWaits(service, ""):
            return f"(service {service}) has placed all of its tasks"
        case d.PlacementWaits(service, reason):
            unable = "was unable to place a task because no container instance met all of its"
            return f"(service {service}) {unable} requirements. {reason}".rstrip(".")
        case d.CapacityShort(deployment, reason):
            return f"{deployment} waits for capacity, its weights stay: {reason}"
        case d.CapacityBack(deployment):
            return f"{deployment} has its capacity again and goes on"
        case _:
            assert_never(event)
