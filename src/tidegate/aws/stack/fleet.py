"""The cluster and what its tasks run on: Fargate and Fargate Spot, or two groups of instances."""

from dataclasses import dataclass

from aws_cdk import CfnTag, Fn, Stack
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam

from tidegate.aws.names import TAG_APP, Names
from tidegate.aws.stack.network import Placed
from tidegate.aws.stack.roles import allow, arn, role
from tidegate.core.model import App, Architecture, Launch

INSTANCES = {
    Architecture.X86_64: ("m7i.large", "m6i.large", "m7a.large", "m6a.large"),
    Architecture.ARM64: ("m7g.large", "m6g.large", "c7g.xlarge", "r7g.large"),
}
"""Four types, so that spot finds one with capacity to spare."""
_IMAGE = {Architecture.X86_64: "", Architecture.ARM64: "/arm64"}
_DISK_GIB = 30


@dataclass(frozen=True, slots=True)
class Fleet:
    """The cluster, its two capacity providers, and with EC2 their Auto Scaling groups."""

    cluster: ecs.CfnCluster
    on_demand: str
    spot: str
    groups: tuple[str, ...] = ()


def fleet(stack: Stack, app: App, placed: Placed, tasks: ec2.CfnSecurityGroup) -> Fleet:
    """The fleet that the file asks for."""
    insights = [{"name": "containerInsights", "value": "enabled"}]
    cluster = ecs.CfnCluster(stack, "Cluster", cluster_settings=insights)
    if app.aws.fleet.launch is Launch.FARGATE:
        cluster.capacity_providers = ["FARGATE", "FARGATE_SPOT"]
        return Fleet(cluster, "FARGATE", "FARGATE_SPOT")
    template = _template(stack, app, cluster, placed.vpc_id)
    providers, groups = [], []
    for kind, above_base in (("OnDemand", 100), ("Spot", 0)):
        group = _group(stack, app, placed, template, (kind, above_base))
        providers.append(_provider(stack, kind, group))
        groups.append(group.ref)
    ecs.CfnClusterCapacityProviderAssociations(
        stack,
        "CapacityProviders",
        cluster=cluster.ref,
        capacity_providers=[one.ref for one in providers],
        default_capacity_provider_strategy=[
            {"capacityProvider": providers[0].ref, "base": app.aws.fleet.base, "weight": 1}
        ],
    )
    return Fleet(cluster, providers[0].ref, providers[1].ref, tuple(groups))


def _provider(
    stack: Stack, kind: str, group: autoscaling.CfnAutoScalingGroup
) -> ecs.CfnCapacityProvider:
    """ECS grows the group for tasks that wait, drains an instance first, keeps those with tasks."""
    return ecs.CfnCapacityProvider(
        stack,
        f"{kind}Capacity",
        auto_scaling_group_provider={
            "autoScalingGroupArn": group.ref,
            "managedScaling": {
                "status": "ENABLED",
                "targetCapacity": 100,
                "instanceWarmupPeriod": 60,
            },
            "managedDraining": "ENABLED",
            "managedTerminationProtection": "ENABLED",
        },
    )


def _group(
    stack: Stack,
    app: App,
    placed: Placed,
    template: ec2.CfnLaunchTemplate,
    kind: tuple[str, int],
) -> autoscaling.CfnAutoScalingGroup:
    """Instances of several types; `kind` is its name and how much of it is on-demand (percent)."""
    name, on_demand_percent = kind
    types = app.aws.fleet.instances or INSTANCES[app.aws.architecture]
    from_template = {
        "launchTemplateId": template.ref,
        "version": template.attr_latest_version_number,
    }
    tags = {TAG_APP: app.name, "Name": f"{stack.stack_name}/{name}", "AmazonECSManaged": "true"}
    group = autoscaling.CfnAutoScalingGroup(
        stack,
        f"{name}Group",
        min_size="0",
        max_size=str(app.aws.fleet.most_instances),
        vpc_zone_identifier=placed.private,
        new_instances_protected_from_scale_in=True,
        capacity_rebalance=on_demand_percent == 0,
        mixed_instances_policy={
            "launchTemplate": {
                "launchTemplateSpecification": from_template,
                "overrides": [{"instanceType": one} for one in types],
            },
            "instancesDistribution": {
                "onDemandPercentageAboveBaseCapacity": on_demand_percent,
                "spotAllocationStrategy": "price-capacity-optimized",
            },
        },
        tags=[{"key": k, "value": v, "propagateAtLaunch": True} for k, v in tags.items()],
    )
    return group


def _template(
    stack: Stack, app: App, cluster: ecs.CfnCluster, vpc_id: str
) -> ec2.CfnLaunchTemplate:
    """ECS's newest image, IMDSv2 only, an encrypted disk, nothing that listens."""
    group = ec2.CfnSecurityGroup(
        stack,
        "InstanceGroup",
        group_description="Container instances: nothing comes in",
        vpc_id=vpc_id,
        security_group_egress=[
            {"ipProtocol": "-1", "cidrIp": "0.0.0.0/0", "description": "images and the ECS API"}
        ],
    )
    profile = iam.CfnInstanceProfile(
        stack, "InstanceProfile", roles=[_instance_role(stack, app).ref]
    )
    image = f"/aws/service/ecs/optimized-ami/amazon-linux-2023{_IMAGE[app.aws.architecture]}"
    name = f"{stack.stack_name}/instance"
    return ec2.CfnLaunchTemplate(
        stack,
        "LaunchTemplate",
        launch_template_data={
            "imageId": f"resolve:ssm:{image}/recommended/image_id",
            "iamInstanceProfile": {"arn": profile.attr_arn},
            "securityGroupIds": [group.attr_group_id],
            "userData": Fn.base64(Fn.sub(_user_data())),
            "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
            "monitoring": {"enabled": True},
            "blockDeviceMappings": [
                {
                    "deviceName": "/dev/xvda",
                    "ebs": {"volumeSize": _DISK_GIB, "volumeType": "gp3", "encrypted": True},
                }
            ],
            "tagSpecifications": [
                {"resourceType": kind, "tags": [CfnTag(key="Name", value=name)]}
                for kind in ("instance", "volume")
            ],
        },
    )


def _user_data() -> str:
    """ECS's agent. With a launch template the CDK would leave spot draining out."""
    return "\n".join(
        (
            "#!/bin/bash",
            "cat >> /etc/ecs/ecs.config <<'END'",
            "ECS_CLUSTER=${Cluster}",
            "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true",
            "ECS_AWSVPC_BLOCK_IMDS=true",
            "ECS_ENABLE_CONTAINER_METADATA=true",
            "END",
            "",
        )
    )


def _instance_role(stack: Stack, app: App) -> iam.CfnRole:
    """What ECS's agent calls, and no more: the managed policy gives every cluster."""
    cluster = arn("ecs", "cluster/${Cluster}")
    instances = arn("ecs", "container-instance/${Cluster}/*")
    tasks = arn("ecs", "task/${Cluster}/*")
    return role(
        stack,
        "InstanceRole",
        "ec2.amazonaws.com",
        Names(app.name).role_path("service"),
        [
            allow(["ecs:RegisterContainerInstance", "ecs:DeregisterContainerInstance"], [cluster]),
            allow(
                [
                    "ecs:Poll",
                    "ecs:StartTelemetrySession",
                    "ecs:SubmitAttachmentStateChanges",
                    "ecs:SubmitContainerStateChange",
                    "ecs:SubmitTaskStateChange",
                    "ecs:UpdateContainerInstancesState",
                ],
                [cluster, instances, tasks],
            ),
            allow(["ecs:DiscoverPollEndpoint"], ["*"]),
            allow(
                ["ecs:TagResource"],
                [instances],
                StringEquals={"ecs:CreateAction": "RegisterContainerInstance"},
            ),
        ],
    )
