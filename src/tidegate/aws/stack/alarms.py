"""The alarms that stop a deployment: each rule of the file for blue and for green.

Nobody can say in a template which colour is the candidate, so both are guarded. A count of hosts is
the exception: the colour that is idle has none, so it is counted over both.
"""

from aws_cdk import Fn
from aws_cdk import aws_cloudwatch as cloudwatch

from tidegate.aws import watched
from tidegate.aws.names import PlatformOutput
from tidegate.aws.stack.parts import Parts, Traffic
from tidegate.core.model import Alarm, MissingData


def guard(parts: Parts, traffic: Traffic) -> list[str]:
    """The metric alarms' names, as a deployment takes them; one composite tells people."""
    groups = {"Blue": traffic.blue, "Green": traffic.green}
    colours = {name: one.attr_target_group_full_name for name, one in groups.items()}
    made: list[str] = []
    for alarm in watched.alarms(parts.app, parts.service):
        split = [{name: value} for name, value in colours.items()]
        for read in [colours] if watched.is_shared(alarm) else split:
            made.append(_alarm(parts, alarm, read).ref)
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


def _alarm(parts: Parts, alarm: Alarm, colours: dict[str, str]) -> cloudwatch.CfnAlarm:
    """One alarm over these target groups."""
    which = "" if len(colours) > 1 else next(iter(colours))
    name = "".join(c for c in alarm.name.title() if c.isalnum())
    missing = alarm.treat_missing_data
    return cloudwatch.CfnAlarm(
        parts.stack,
        f"Alarm{name}{which}",
        alarm_description=f"{parts.service.name}/{alarm.name} {which.lower() or 'both colours'}",
        comparison_operator=alarm.comparison.value,
        threshold=alarm.threshold,
        evaluation_periods=alarm.evaluation_periods,
        datapoints_to_alarm=alarm.datapoints_to_alarm,
        # The idle colour never has data; breaching would keep its alarm on for ever.
        treat_missing_data=MissingData.MISSING if missing is MissingData.BREACHING else missing,
        metrics=watched.queries(
            alarm, parts.platform(PlatformOutput.LOAD_BALANCER_FULL_NAME), list(colours.values())
        ),
    )
