"""The other services that the code asks, each with just the memory that it needs."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.support.aws.fake import NOW, NUMBER, REGION, Refused

MOVING = ("PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS")


def time_of(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1_000, UTC)


class Sts:
    def GetCallerIdentity(self) -> Any:
        return {"Account": NUMBER, "Arn": f"arn:aws:iam::{NUMBER}:user/ann", "UserId": "U"}


@dataclass
class Iam:
    roles: set[str] = field(default_factory=set)
    made: list[str] = field(default_factory=list)

    def GetRole(self, RoleName: str) -> Any:
        if RoleName not in self.roles:
            raise Refused("NoSuchEntity", "no such role", 404)
        return {"Role": {"RoleName": RoleName, **_ROLE}}

    def CreateServiceLinkedRole(self, AWSServiceName: str) -> Any:
        self.made.append(AWSServiceName)
        return {"Role": {"RoleName": AWSServiceName, **_ROLE}}


_ROLE = {
    "Path": "/",
    "RoleId": "AROAEXAMPLEEXAMPLE",
    "Arn": f"arn:aws:iam::{NUMBER}:role/aws-service-role/example",
    "CreateDate": time_of(NOW),
}


@dataclass
class Quotas:
    value: float = 5.0

    def GetServiceQuota(self, ServiceCode: str, QuotaCode: str) -> Any:
        return {"Quota": {"ServiceCode": ServiceCode, "QuotaCode": QuotaCode, "Value": self.value}}


@dataclass
class Ec2:
    vpcs: int = 1
    addresses: int = 0

    def DescribeVpcs(self) -> Any:
        return {"Vpcs": [{"VpcId": f"vpc-{n}"} for n in range(self.vpcs)]}

    def DescribeAddresses(self) -> Any:
        return {"Addresses": [{"AllocationId": f"eip-{n}"} for n in range(self.addresses)]}


@dataclass
class Connections:
    status: str = "AVAILABLE"

    def GetConnection(self, ConnectionArn: str) -> Any:
        return {"Connection": {"ConnectionArn": ConnectionArn, "ConnectionStatus": self.status}}


@dataclass
class Ssm:
    values: dict[str, str] = field(default_factory=dict)

    def GetParameter(self, Name: str) -> Any:
        if Name not in self.values:
            raise Refused("ParameterNotFound", Name)
        return {"Parameter": {"Name": Name, "Value": self.values[Name]}}

    def GetParametersByPath(self, Path: str, Recursive: bool, NextToken: str = "0") -> Any:
        """Ten at a time, as SSM does when nobody says how many."""
        found = [{"Name": n, "Value": v} for n, v in self.values.items() if n.startswith(Path)]
        upto = int(NextToken) + 10
        more = {"NextToken": str(upto)} if upto < len(found) else {}
        return {"Parameters": found[int(NextToken) : upto], **more}

    def PutParameter(self, Name: str, Value: str, **_: Any) -> Any:
        self.values[Name] = Value
        return {"Version": 1}

    def DeleteParameter(self, Name: str) -> Any:
        if self.values.pop(Name, None) is None:
            raise Refused("ParameterNotFound", Name)
        return {}


@dataclass
class S3:
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    buckets: set[str] = field(default_factory=set)

    def PutObject(self, Bucket: str, Key: str, Body: Any, **_: Any) -> Any:
        self.objects[Bucket, Key] = Body if isinstance(Body, bytes) else Body.read()
        return {}

    def GetObject(self, Bucket: str, Key: str) -> Any:
        if (Bucket, Key) not in self.objects:
            raise Refused("NoSuchKey", Key, 404)
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}

    def HeadObject(self, Bucket: str, Key: str, **_: Any) -> Any:
        if (Bucket, Key) not in self.objects:
            raise Refused("404", "Not Found", 404)
        return {}

    def HeadBucket(self, Bucket: str, **_: Any) -> Any:
        if Bucket not in self.buckets:
            raise Refused("404", "Not Found", 404)
        return {}

    def ListObjectVersions(self, Bucket: str, **_: Any) -> Any:
        keys = [key for bucket, key in self.objects if bucket == Bucket]
        return {"Versions": [{"Key": key, "VersionId": "v1"} for key in keys]}

    def DeleteObjects(self, Bucket: str, Delete: Any) -> Any:
        for one in Delete["Objects"]:
            self.objects.pop((Bucket, one["Key"]), None)
        return {}

    def DeleteBucket(self, Bucket: str) -> Any:
        self.buckets.discard(Bucket)
        return {}


@dataclass
class Kms:
    """Keys by id with their states."""

    keys: dict[str, str] = field(default_factory=dict)

    def DescribeKey(self, KeyId: str) -> Any:
        if KeyId not in self.keys:
            raise Refused("NotFoundException", "no key")
        return {"KeyMetadata": {"KeyId": KeyId, "KeyState": self.keys[KeyId]}}

    def ScheduleKeyDeletion(self, KeyId: str, PendingWindowInDays: int) -> Any:
        self.keys[KeyId] = "PendingDeletion"
        return {"KeyId": KeyId, "PendingWindowInDays": PendingWindowInDays}


@dataclass
class Ecr:
    """`answers` are what DescribeImageScanFindings says, one a call, the last again and again."""

    answers: list[Any] = field(default_factory=list)
    images: dict[str, list[str]] = field(default_factory=dict)
    scan_type: str = "BASIC"

    def DescribeImageScanFindings(self, **_: Any) -> Any:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Refused):
            raise answer
        return answer

    def GetRegistryScanningConfiguration(self) -> Any:
        return {"scanningConfiguration": {"scanType": self.scan_type, "rules": []}}

    def ListImages(self, repositoryName: str, maxResults: int) -> Any:
        found = self.images.get(repositoryName, [])[:maxResults]
        return {"imageIds": [{"imageDigest": digest} for digest in found]}

    def BatchDeleteImage(self, repositoryName: str, imageIds: Any) -> Any:
        gone = {one["imageDigest"] for one in imageIds}
        left = [digest for digest in self.images[repositoryName] if digest not in gone]
        self.images[repositoryName] = left
        return {"imageIds": imageIds}

    def DescribeRepositories(self, repositoryNames: list[str]) -> Any:
        if repositoryNames[0] not in self.images:
            raise Refused("RepositoryNotFoundException", "no repository")
        return {"repositories": [{"repositoryName": repositoryNames[0]}]}

    def DeleteRepository(self, repositoryName: str, force: bool) -> Any:
        del self.images[repositoryName]
        return {}


@dataclass
class Elb:
    """Rules by ARN with the weights of target groups; targets' health by target group."""

    rules: dict[str, dict[str, int]] = field(default_factory=dict)
    health: dict[str, dict[str, str]] = field(default_factory=dict)
    unprotected: list[str] = field(default_factory=list)

    def DescribeRules(self, RuleArns: list[str]) -> Any:
        return {"Rules": [{"RuleArn": arn, "Actions": [self._action(arn)]} for arn in RuleArns]}

    def _action(self, arn: str) -> Any:
        groups = [{"TargetGroupArn": g, "Weight": w} for g, w in self.rules[arn].items()]
        return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}

    def DescribeTargetHealth(self, TargetGroupArn: str) -> Any:
        found = self.health.get(TargetGroupArn, {})
        return {
            "TargetHealthDescriptions": [
                {"Target": {"Id": address}, "TargetHealth": {"State": state}}
                for address, state in found.items()
            ]
        }

    def ModifyLoadBalancerAttributes(self, LoadBalancerArn: str, Attributes: Any) -> Any:
        self.unprotected.append(LoadBalancerArn)
        return {}

    def DescribeLoadBalancers(self) -> Any:
        return {"LoadBalancers": []}


@dataclass
class CloudWatch:
    """`series` maps (metric, target group, statistic) to values by minute (ms)."""

    series: dict[tuple[str, str, str], dict[int, float]] = field(default_factory=dict)
    states: dict[str, tuple[str, str]] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)

    def GetMetricData(
        self, MetricDataQueries: Any, StartTime: datetime, EndTime: datetime, **_: Any
    ) -> Any:
        results = []
        for query in MetricDataQueries:
            stat = query.get("MetricStat")
            if stat is None:  # an expression: its points are told by its text
                points = self.series.get((query["Expression"], "", ""), {})
            else:
                names = {d["Name"]: d["Value"] for d in stat["Metric"]["Dimensions"]}
                of = names.get("TargetGroup") or names.get("ServiceName", "")
                points = self.series.get((stat["Metric"]["MetricName"], of, stat["Stat"]), {})
            inside = {
                at: value
                for at, value in sorted(points.items())
                if StartTime.timestamp() * 1e3 <= at < EndTime.timestamp() * 1e3
            }
            results.append(
                {
                    "Id": query["Id"],
                    "Timestamps": [time_of(at) for at in inside],
                    "Values": list(inside.values()),
                }
            )
        return {"MetricDataResults": results}

    def DescribeAlarms(self, AlarmNames: list[str], **_: Any) -> Any:
        found = [
            {
                "AlarmName": name,
                "StateValue": self.states[name][0],
                "StateReason": self.states[name][1],
                "StateUpdatedTimestamp": time_of(NOW),
                **self.rules.get(name, {}),
            }
            for name in AlarmNames
            if name in self.states
        ]
        return {"MetricAlarms": found}

    def DescribeAlarmHistory(self, AlarmName: str, **_: Any) -> Any:
        return {"AlarmHistoryItems": [h for h in self.history if h["AlarmName"] == AlarmName]}


@dataclass
class Groups:
    """Auto Scaling groups: instances that are protected from scale-in."""

    instances: dict[str, list[str]] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)
    protected: set[str] = field(default_factory=set)

    def DescribeAutoScalingGroups(self, AutoScalingGroupNames: list[str]) -> Any:
        found = [
            {
                "AutoScalingGroupName": name,
                "MinSize": 1,
                "MaxSize": 4,
                "DesiredCapacity": 2,
                "DefaultCooldown": 300,
                "AvailabilityZones": [f"{REGION}a"],
                "HealthCheckType": "EC2",
                "CreatedTime": time_of(NOW),
                "Instances": [
                    {
                        "InstanceId": one,
                        "AvailabilityZone": f"{REGION}a",
                        "LifecycleState": "InService",
                        "HealthStatus": "Healthy",
                        "ProtectedFromScaleIn": True,
                    }
                    for one in self.instances[name]
                ],
            }
            for name in AutoScalingGroupNames
            if name in self.instances
        ]
        return {"AutoScalingGroups": found}

    def UpdateAutoScalingGroup(self, **asked: Any) -> Any:
        name = asked["AutoScalingGroupName"]
        if asked.get("MaxSize") == 0 and self.protected & set(self.instances[name]):
            raise Refused("ScalingActivityInProgress", "instances are protected from scale-in")
        self.updates.append(asked)
        return {}

    def SetInstanceProtection(
        self, AutoScalingGroupName: str, InstanceIds: list[str], ProtectedFromScaleIn: bool
    ) -> Any:
        self.protected -= set(InstanceIds)
        return {}


@dataclass
class AppScaling:
    """`answers` are lists by their key: ScalingPolicies, ScheduledActions, ScalingActivities."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def DescribeScalableTargets(self, ServiceNamespace: str, ResourceIds: list[str]) -> Any:
        return {"ScalableTargets": [self.targets[r] for r in ResourceIds if r in self.targets]}

    def DescribeScalingPolicies(self, **asked: Any) -> Any:
        return self._answer("ScalingPolicies", asked)

    def DescribeScheduledActions(self, **asked: Any) -> Any:
        return self._answer("ScheduledActions", asked)

    def DescribeScalingActivities(self, **asked: Any) -> Any:
        return self._answer("ScalingActivities", asked)

    def _answer(self, key: str, asked: dict[str, Any]) -> Any:
        found = self.answers.get(key, [])
        return {key: [one for one in found if one["ResourceId"] == asked["ResourceId"]]}

    def RegisterScalableTarget(self, **asked: Any) -> Any:
        self.asked.append(asked)
        return {}


@dataclass
class Logs:
    groups: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def DescribeLogGroups(self, logGroupNamePrefix: str) -> Any:
        found = [g for g in self.groups if g.startswith(logGroupNamePrefix)]
        return {"logGroups": [{"logGroupName": g} for g in found]}

    def DeleteLogGroup(self, logGroupName: str) -> Any:
        self.groups.remove(logGroupName)
        return {}

    def FilterLogEvents(self, logGroupName: str, **asked: Any) -> Any:
        wanted = asked.get("logStreamNames")
        return {
            "events": [
                {k: v for k, v in e.items() if k != "group"}
                for e in self.events
                if e["group"] == logGroupName and (not wanted or e["logStreamName"] in wanted)
            ]
        }


@dataclass
class Pricing:
    """AWS's price list: usage types with what they cost an hour, by service and product family."""

    rows: list[tuple[str, str, str, float]] = field(
        default_factory=lambda: [
            ("AmazonECS", "Compute", "EU-Fargate-vCPU-Hours:perCPU", 0.04048),
            ("AmazonECS", "Compute", "EU-Fargate-Windows-vCPU-Hours:perCPU", 0.046552),
            ("AmazonECS", "Compute", "EU-Fargate-ARM-vCPU-Hours:perCPU", 0.03238),
            ("AmazonECS", "Compute", "EU-Fargate-GB-Hours", 0.004445),
            ("AmazonECS", "Compute", "EU-Fargate-EphemeralStorage-GB-Hours", 0.000111),
            ("AmazonEC2", "NAT Gateway", "EU-NatGateway-Hours", 0.045),
            ("AmazonEC2", "NAT Gateway", "EU-NatGateway-Bytes", 0.048),
            ("AWSELB", "Load Balancer-Application", "EU-LoadBalancerUsage", 0.0225),
            ("AWSELB", "Load Balancer-Application", "EU-LCUUsage", 0.008),
            ("AmazonVPC", "", "EU-PublicIPv4:InUseAddress", 0.005),
        ]
    )

    def GetProducts(self, ServiceCode: str, Filters: Any, NextToken: str = "") -> Any:
        wanted = {one["Field"]: one["Value"] for one in Filters}
        assert wanted["regionCode"] == REGION
        family = wanted.get("productFamily")
        found = [
            json.dumps(_product(usage, usd))
            for service, of, usage, usd in self.rows
            if service == ServiceCode and family in (None, of)
        ]
        start = int(NextToken or 0)
        more = {"NextToken": str(start + 2)} if start + 2 < len(found) else {}
        return {"FormatVersion": "aws_v1", "PriceList": found[start : start + 2], **more}


def _product(usage: str, usd: float) -> dict[str, Any]:
    prices = ("0.0000000000", f"{usd:.10f}")
    dimensions = {
        str(n): {"unit": "hours", "pricePerUnit": {"USD": p}} for n, p in enumerate(prices)
    }
    return {
        "product": {"attributes": {"usagetype": usage}},
        "terms": {"OnDemand": {"one": {"priceDimensions": dimensions}}},
    }
