"""What SSM holds of a service, and how large it gets, before CloudFormation knows the names in it.

A parameter that is too large fails a stack half-way, so it is looked at beforehand. The names that
CloudFormation makes up are taken as long as they can be. Pure.
"""

import json
from dataclasses import replace
from typing import Any

from tidegate.aws import fit, task, watched
from tidegate.aws.names import PLACEHOLDER_IMAGE, Names
from tidegate.aws.settings import ServiceSettings
from tidegate.core.model import App, Service

_SUFFIX = "-XXXXXXXXXXXX"
"""What CloudFormation ends a name with."""
_REGION, _ACCOUNT, _PARTITION = "xx-xxxxxxxxx-x0", "0" * 12, "aws-us-gov"
_MOST_ROLE, _MOST_ALARM = 64, 255
"""Characters of a role's and of an alarm's name (IAM and CloudWatch quotas)."""


def settings(app: App, service: Service) -> ServiceSettings:
    """What the functions know of the service out of its file; what AWS names is empty yet."""
    policy = fit.policy_of(app, service)
    return ServiceSettings(
        service=service.name,
        controller=app.aws.controller.value,
        cluster="",
        ecs_service="",
        load_balancer="",
        analysis=policy.analysis,
        on_unknown=policy.on_unknown,
        checks=policy.checks,
        first_count=service.count.desired,
        least_count=service.count.minimum,
    )


def settings_bytes(app: App, service: Service) -> int:
    """The most that the parameter with the service's settings takes."""
    names = Names(app.name)
    stack = names.service_stack(service.name)
    cluster, own = f"{names.platform_stack}-Cluster{_SUFFIX}", f"{stack}-Service{_SUFFIX}"
    group = f"targetgroup/{'x' * 32}/{'0' * 16}"
    whole = replace(
        settings(app, service),
        cluster=cluster,
        ecs_service=own,
        load_balancer=f"app/{'x' * 32}/{'0' * 16}",
        blue_target_group=group,
        green_target_group=group,
        scalable_target=f"service/{cluster}/{own}",
        test_url=f"https://internal-{'x' * 32}-{'0' * 10}.{_REGION}.elb.amazonaws.com.cn:65535",
        alarms=tuple(_alarms(app, service, stack)),
    )
    return len(whole.to_json())


def _alarms(app: App, service: Service, stack: str) -> list[str]:
    """Names of the alarms that guard the service: each is made for both colours, or for one."""
    return [
        f"{stack}-Alarm{alarm.name}{colour}{_SUFFIX}"[:_MOST_ALARM]
        for alarm in watched.guards(app, service)
        for colour in (("",) if watched.is_shared(alarm) else ("Blue", "Green"))
    ]


def task_bytes(app: App, service: Service) -> int:
    """The most that the parameter with what the service's tasks are made of takes."""
    names = Names(app.name)
    role = f"arn:{_PARTITION}:iam::{_ACCOUNT}:role{names.role_path('tasks')}{'x' * _MOST_ROLE}"
    known = task.Known(
        role,
        role,
        f"{names.service_stack(service.name)}-TaskLog{_SUFFIX}",
        _REGION,
        f"arn:{_PARTITION}:ssm:{_REGION}:{_ACCOUNT}:parameter",
    )
    body: Any = task.definition(app, service, PLACEHOLDER_IMAGE, known)
    return len(json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())
