"""An app with two services, its templates by hand, and an account that has or will have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.aws import services as parts
from tests.support.aws.ecs import BASE, Ecs
from tests.support.aws.fake import NUMBER, REGION, Clock, FakeAws
from tests.support.aws.formation import Formation
from tests.support.aws.pipelines import CodeBuild, CodeDeploy, CodePipeline
from tidegate.aws.names import Names
from tidegate.core.model import App, Route, Service, TaskCount

SERVICES = ("cats", "dogs")
APP = App(
    "shop",
    tuple(Service(n, routes=(Route(f"/{n}"),), count=TaskCount(1, 2, 4)) for n in SERVICES),
)
NAMES = Names("shop")
CLUSTER = "shop-cluster"
ELB = f"arn:aws:elasticloadbalancing:{REGION}:{NUMBER}"
BALANCER = "app/shop/50dc6c495c0c9188"


def group(service: str, colour: str) -> str:
    return f"{ELB}:targetgroup/{service}-{colour}/{'b' if colour == 'blue' else 'e'}{'0' * 15}"


def rule(service: str) -> str:
    return f"{ELB}:listener-rule/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2/{service}"


def service_arn(service: str) -> str:
    return f"arn:aws:ecs:{REGION}:{NUMBER}:service/{CLUSTER}/{service}"


def platform_outputs() -> dict[str, str]:
    return {
        "LoadBalancerDnsName": "shop-1.elb.amazonaws.com",
        "LoadBalancerFullName": BALANCER,
        "Url": "http://shop-1.elb.amazonaws.com",
        "ClusterName": CLUSTER,
        "ArtifactsBucketName": "shop-artifacts",
        "PrivateSubnetIds": "subnet-1,subnet-2",
        "TaskSecurityGroupId": "sg-1",
        "OnDemandProvider": "FARGATE",
        "SpotProvider": "FARGATE_SPOT",
    }


def service_outputs(service: str, controller: str = "ecs") -> dict[str, str]:
    return {
        "ServiceName": service,
        "ServiceArn": service_arn(service),
        "Controller": controller,
        "TaskFamily": f"tidegate-shop-{service}",
        "TaskDefinitionArn": f"{BASE}:task-definition/tidegate-shop-{service}:1",
        "RepositoryName": f"shop/{service}",
        "BlueTargetGroupArn": group(service, "blue"),
        "GreenTargetGroupArn": group(service, "green"),
        "ProductionRuleArns": rule(service),
        "AlarmNames": f"shop-{service}-5xx",
        "LogGroupName": f"/shop/{service}",
        "ScalableTargetId": f"service/{CLUSTER}/{service}",
        "PipelineName": f"shop-{service}",
        "DeploymentApplicationName": "shop",
        "DeploymentGroupName": service,
    }


def templates(app: App) -> dict[str, Mapping[str, Any]]:
    """Small ones, with what the code looks at: parameters, tasks, NAT, a load balancer."""
    balancer = {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer"}
    platform: dict[str, Any] = {
        "Parameters": {"NotifyEmail": {"Type": "String", "Default": ""}},
        "Resources": {
            "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {}},
            "Nat": {"Type": "AWS::EC2::NatGateway"},
            "Alb": {**balancer, "Properties": {"Subnets": ["a", "b"]}},
            "Artifacts": {"Type": "AWS::S3::Bucket"},
            "Fleet": {"Type": "AWS::AutoScaling::AutoScalingGroup"},
        },
    }
    found: dict[str, Mapping[str, Any]] = {NAMES.platform_stack: platform}
    for service in app.services:
        task = {"Cpu": "256", "Memory": "512", "RequiresCompatibilities": ["FARGATE"]}
        live = {"Type": "String", "Default": ""}
        found[NAMES.service_stack(service.name)] = {
            "Parameters": {
                "LiveImage": live,
                "LiveColour": {**live, "Default": "blue"},
                "LiveTaskDefinition": live,
            },
            "Resources": {
                "Repository": {"Type": "AWS::ECR::Repository"},
                "Role": {"Type": "AWS::IAM::Role", "Properties": {"Policies": []}},
                "Rule": {"Type": "AWS::ElasticLoadBalancingV2::ListenerRule"},
                "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": task},
                "TaskTemplate": {"Type": "AWS::SSM::Parameter", "Properties": {"Value": "{}"}},
                "Service": {"Type": "AWS::ECS::Service", "Properties": {}},
                "Log": {"Type": "AWS::Logs::LogGroup"},
            },
        }
    return found


def empty() -> FakeAws:
    """An account without the app."""
    clock = Clock()
    formation = Formation(clock)
    formation.outputs = {NAMES.platform_stack: platform_outputs()}
    for service in SERVICES:
        formation.outputs[NAMES.service_stack(service)] = service_outputs(service)
    made = {
        "sts": parts.Sts(),
        "iam": parts.Iam(),
        "service-quotas": parts.Quotas(),
        "ec2": parts.Ec2(),
        "codeconnections": parts.Connections(),
        "ssm": parts.Ssm(),
        "s3": parts.S3(),
        "kms": parts.Kms(),
        "ecr": parts.Ecr(),
        "elbv2": parts.Elb(),
        "cloudwatch": parts.CloudWatch(),
        "autoscaling": parts.Groups(),
        "application-autoscaling": parts.AppScaling(),
        "logs": parts.Logs(),
        "pricing": parts.Pricing(),
        "cloudformation": formation,
        "ecs": Ecs(clock, CLUSTER),
        "codepipeline": CodePipeline(),
        "codedeploy": CodeDeploy(),
        "codebuild": CodeBuild(),
    }
    return FakeAws(made, clock)


def standing(controller: str = "ecs") -> FakeAws:
    """An account with the app at rest: release 3 of each service in blue, two tasks."""
    fake = empty()
    formation = fake.parts["cloudformation"]
    for name, template in templates(APP).items():
        formation.make(name, dict(template))
    for service in SERVICES:
        formation.outputs[NAMES.service_stack(service)] = service_outputs(service, controller)
        blue, green = group(service, "blue"), group(service, "green")
        fake.parts["elbv2"].rules[rule(service)] = {blue: 100, green: 0}
        fake.parts["cloudwatch"].states[f"shop-{service}-5xx"] = ("OK", "no datapoints breach")
        ecs = fake.parts["ecs"]
        ecs.make(service, service_arn(service), (blue, green), rule(service), controller)
        for revision in (1, 2, 3):
            ecs.define(f"tidegate-shop-{service}", digest(revision))
        ecs.settle(service, 1, 2, 3)
        for number in (1, 2):
            address = f"10.0.0.{number}{len(service)}"
            ecs.run(service, 3, address)
            fake.parts["elbv2"].health.setdefault(blue, {})[address] = "healthy"
    return fake


def digest(number: int) -> str:
    return "sha256:" + f"{number:x}" * 64
