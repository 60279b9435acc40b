"""The alarms: those that stop a deployment, for blue and for green, and those that do not.

Nobody can say in a template which colour is the candidate, so both are guarded. A count of hosts is
the exception: the colour that is idle has none, so it is counted over both.
"""

from aws_cdk import Fn
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs

from tidegate.aws import watched
from tidegate.aws.names import PlatformOutput
from tidegate.aws.stack.parts import Parts, Traffic
from tidegate.aws.watched import Sources
from tidegate.core.model import Alarm, MissingData


def guard(parts: Parts, traffic: Traffic) -> list[str]:
    """The metric alarms' names, as a deployment takes them; one composite tells people."""
    both = sources(parts, traffic)
    made: list[str] = []
    for alarm in watched.guards(parts.app, parts.service):
        if watched.is_shared(alarm):
            made.append(_alarm(parts, f"Alarm{_name(alarm)}", alarm, both, "both colours").ref)
            continue
        for colour, group in zip(("Blue", "Green"), both.groups, strict=True):
            one = Sources(both.balancer, (group,))
            logical = f"Alarm{_name(alarm)}{colour}"
            made.append(_alarm(parts, logical, alarm, one, colour.lower()).ref)
    rule = Fn.join(" OR ", [Fn.join("", ['ALARM("', name, '")']) for name in made])
    cloudwatch.CfnCompositeAlarm(
        parts.stack,
        "AnyAlarm",
        alarm_rule=rule,
        alarm_description=f"{parts.service.name}: any of the alarms that stop a deployment",
        alarm_actions=[parts.platform(PlatformOutput.TOPIC_ARN)],
        ok_actions=[parts.platform(PlatformOutput.TOPIC_ARN)],
    )
    return made


def watch(
    parts: Parts, traffic: Traffic, service: ecs.CfnService
) -> dict[str, cloudwatch.CfnAlarm]:
    """The alarms that no deployment hangs on, by their names in the file, over both colours."""
    cluster = parts.platform(PlatformOutput.CLUSTER_NAME)
    tasks = (("ClusterName", cluster), ("ServiceName", service.attr_name))
    both = sources(parts, traffic, tasks)
    return {
        alarm.name: _alarm(parts, f"Watch{_name(alarm)}", alarm, both, "both colours")
        for alarm in watched.others(parts.app, parts.service)
    }


def sources(parts: Parts, traffic: Traffic, tasks: tuple[tuple[str, str], ...] = ()) -> Sources:
    """Both target groups of the service, and its tasks."""
    balancer = parts.platform(PlatformOutput.LOAD_BALANCER_FULL_NAME)
    groups = (traffic.blue, traffic.green)
    return Sources(balancer, tuple(one.attr_target_group_full_name for one in groups), tasks)


def _name(alarm: Alarm) -> str:
    return "".join(c for c in f"{alarm.name[:1].upper()}{alarm.name[1:]}" if c.isalnum())


def _alarm(
    parts: Parts, logical: str, alarm: Alarm, read: Sources, which: str
) -> cloudwatch.CfnAlarm:
    """One alarm over these sources."""
    told, missing = watched.on_aws(alarm), alarm.treat_missing_data
    if missing is MissingData.BREACHING and logical.startswith("Alarm"):
        missing = MissingData.MISSING  # an idle colour never has data, and would alarm for ever
    return cloudwatch.CfnAlarm(
        parts.stack,
        logical,
        alarm_description=f"{parts.service.name}/{alarm.name} {which}",
        comparison_operator=told.comparison.value,
        threshold=told.threshold,
        evaluation_periods=told.evaluation_periods,
        datapoints_to_alarm=told.datapoints_to_alarm,
        treat_missing_data=missing,
        metrics=watched.queries(alarm, read),
    )
