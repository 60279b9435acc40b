"""Blue and green, and the rules that say which of them a request goes to.

The weights follow the parameter `LiveColour`. ECS and CodeDeploy change them and CloudFormation
does not know: a template with fixed weights would send all traffic to the colour that is empty as
soon as CloudFormation touches the rule (aws/aws-cdk 36649).
"""

from typing import Any

from aws_cdk import Fn, Token
from aws_cdk import aws_elasticloadbalancingv2 as elb

from tidegate.aws import fit
from tidegate.aws.names import PlatformOutput
from tidegate.aws.priority import priority
from tidegate.aws.stack.parts import Parts, Traffic

_STICKY_S = 3_600


def traffic(parts: Parts) -> Traffic:
    """Both target groups and both rules."""
    blue, green = (_group(parts, name) for name in ("BlueGroup", "GreenGroup"))
    production = _rule(parts, "ProductionRule", PlatformOutput.PRODUCTION_LISTENER_ARN)
    test = _rule(parts, "TestRule", PlatformOutput.TEST_LISTENER_ARN)
    return Traffic(blue, green, production, test)


def _group(parts: Parts, name: str) -> elb.CfnTargetGroup:
    service, check = parts.service, fit.health(parts.service)
    attributes = {
        "deregistration_delay.timeout_seconds": fit.seconds(service.drain_timeout_ms, 0, 3_600),
        "load_balancing.algorithm.type": "least_outstanding_requests",
    }
    return elb.CfnTargetGroup(
        parts.stack,
        name,
        vpc_id=parts.platform(PlatformOutput.VPC_ID),
        target_type="ip",
        protocol="HTTP",
        port=service.port,
        health_check_path=service.health.path,
        health_check_interval_seconds=check.interval_s,
        health_check_timeout_seconds=check.timeout_s,
        healthy_threshold_count=check.healthy,
        unhealthy_threshold_count=check.unhealthy,
        matcher={"httpCode": "200-399"},
        target_group_attributes=[
            {"key": key, "value": str(value)} for key, value in attributes.items()
        ],
    )


def _rule(parts: Parts, name: str, listener: PlatformOutput) -> elb.CfnListenerRule:
    """One rule with the service's routes, on one listener."""
    paths, headers = fit.conditions(parts.service) or ((), ())
    conditions: list[dict[str, Any]] = [
        {"field": "path-pattern", "pathPatternConfig": {"values": list(paths)}}
    ]
    conditions += [
        {
            "field": "http-header",
            "httpHeaderConfig": {"httpHeaderName": header, "values": [_literal(value)]},
        }
        for header, value in headers
    ]
    groups = [
        {"targetGroupArn": Fn.ref(group), "weight": _weight(group)}
        for group in ("BlueGroup", "GreenGroup")
    ]
    forward: dict[str, Any] = {"targetGroups": groups}
    if parts.service.sticky:
        sticky = {"enabled": True, "durationSeconds": _STICKY_S}
        forward["targetGroupStickinessConfig"] = sticky
    return elb.CfnListenerRule(
        parts.stack,
        name,
        listener_arn=parts.platform(listener),
        priority=priority(parts.app, parts.service),
        conditions=conditions,
        actions=[{"type": "forward", "forwardConfig": forward}],
    )


def _weight(group: str) -> float:
    """100 for the colour that is live, 0 for the other."""
    live = (0, 100) if group == "BlueGroup" else (100, 0)
    return Token.as_number(Fn.condition_if("GreenIsLive", *live))


def _literal(text: str) -> str:
    """A header's value with ALB's wildcards escaped."""
    return "".join(f"\\{c}" if c in "*?\\" else c for c in text)
