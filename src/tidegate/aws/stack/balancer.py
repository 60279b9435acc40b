"""The load balancer: production and test listeners, TLS when there is a certificate."""

from dataclasses import dataclass
from typing import Any

from aws_cdk import CfnResource, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb

from tidegate.aws.stack.network import Placed
from tidegate.core.model import App

_TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"


@dataclass(frozen=True, slots=True)
class Balancer:
    """The load balancer, its listeners, and the security group of what is behind it."""

    load_balancer: elb.CfnLoadBalancer
    production: elb.CfnListener
    test: elb.CfnListener
    tasks: ec2.CfnSecurityGroup


def balancer(
    stack: Stack, app: App, placed: Placed, logs_bucket: str, before: CfnResource
) -> Balancer:
    """The load balancer; `before` is what must allow its access logs."""
    group, tasks = _groups(stack, app, placed)
    made = elb.CfnLoadBalancer(
        stack,
        "LoadBalancer",
        scheme="internet-facing",
        type="application",
        subnets=placed.public,
        security_groups=[group.attr_group_id],
        load_balancer_attributes=[
            {"key": key, "value": value}
            for key, value in {
                "access_logs.s3.enabled": "true",
                "access_logs.s3.bucket": logs_bucket,
                "access_logs.s3.prefix": "balancer",
                "deletion_protection.enabled": str(app.aws.protect).lower(),
                "routing.http.drop_invalid_header_fields.enabled": "true",
            }.items()
        ],
    )
    made.add_resource_dependency(before)
    certificate = app.aws.certificate
    if certificate:
        _listener(stack, "RedirectListener", made, 80, None).default_actions = [
            {
                "type": "redirect",
                "redirectConfig": {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"},
            }
        ]
    production = _listener(stack, "Listener", made, 443 if certificate else 80, certificate)
    test = _listener(stack, "TestListener", made, app.listener.test_port, certificate)
    return Balancer(made, production, test, tasks)


def _listener(
    stack: Stack, name: str, balancer: elb.CfnLoadBalancer, port: int, certificate: str | None
) -> elb.CfnListener:
    """A listener that knows no service yet: each service's rule names its own paths."""
    secure: dict[str, Any] = {}
    if certificate:
        secure = {"certificates": [{"certificateArn": certificate}], "ssl_policy": _TLS_POLICY}
    nothing = {"statusCode": "404", "contentType": "text/plain", "messageBody": "no such service"}
    return elb.CfnListener(
        stack,
        name,
        load_balancer_arn=balancer.ref,
        port=port,
        protocol="HTTPS" if certificate else "HTTP",
        default_actions=[{"type": "fixed-response", "fixedResponseConfig": nothing}],
        **secure,
    )


def _groups(
    stack: Stack, app: App, placed: Placed
) -> tuple[ec2.CfnSecurityGroup, ec2.CfnSecurityGroup]:
    """One security group for the load balancer, one for tasks, which only it may reach."""
    target = app.aws
    ports = [80, 443] if target.certificate else [80]
    rules = [_from("0.0.0.0/0", port, "requests of the public") for port in ports]
    inside = [
        (Fn.join("", [address, "/32"]), "from the network itself") for address in placed.egress
    ]
    testers = [(cidr, "aws.test_from of the app file") for cidr in target.test_from]
    rules += [_from(cidr, app.listener.test_port, why) for cidr, why in (*inside, *testers)]
    front = ec2.CfnSecurityGroup(
        stack,
        "LoadBalancerGroup",
        group_description="Load balancer: requests come in, and go on to tasks only",
        vpc_id=placed.vpc_id,
        security_group_ingress=rules,
        security_group_egress=[_from("127.0.0.1/32", 9, "nothing but to tasks")],
    )
    tasks = ec2.CfnSecurityGroup(
        stack,
        "TaskGroup",
        group_description="Tasks: requests come from the load balancer only",
        vpc_id=placed.vpc_id,
        security_group_egress=[
            {
                "ipProtocol": "-1",
                "cidrIp": "0.0.0.0/0",
                "description": "images, logs and what the app itself calls",
            }
        ],
    )
    _between(stack, app, front, tasks)
    return front, tasks


def _between(
    stack: Stack, app: App, front: ec2.CfnSecurityGroup, tasks: ec2.CfnSecurityGroup
) -> None:
    """From the load balancer to tasks, on the services' ports and no other."""
    for port in sorted({service.port for service in app.services}):
        both = {"ip_protocol": "tcp", "from_port": port, "to_port": port}
        ec2.CfnSecurityGroupIngress(
            stack,
            f"FromLoadBalancer{port}",
            group_id=tasks.attr_group_id,
            source_security_group_id=front.attr_group_id,
            description="from the load balancer",
            **both,
        )
        ec2.CfnSecurityGroupEgress(
            stack,
            f"ToTasks{port}",
            group_id=front.attr_group_id,
            destination_security_group_id=tasks.attr_group_id,
            description="to tasks",
            **both,
        )


def _from(cidr: str, port: int, why: str) -> dict[str, Any]:
    return {
        "ipProtocol": "tcp",
        "fromPort": port,
        "toPort": port,
        "cidrIp": cidr,
        "description": why,
    }
