"""The app's stacks out of the account: emptied first, in the order in which they can go.

Services before the platform; tasks before instances; scale-in protection off before the groups,
or their deletion hangs (aws/aws-cdk#18179). Run again, it goes on where it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.deploy import stacks
from tidegate.aws.deploy.following import Run, Say, follow
from tidegate.aws.names import Names
from tidegate.aws.pace import Pace, waited
from tidegate.core.errors import NotFound, StillRunning

_DRAIN_S = 900.0
_KEPT = {
    "AWS::S3::Bucket": "bucket",
    "AWS::ECR::Repository": "repository",
    "AWS::Logs::LogGroup": "log group",
    "AWS::KMS::Key": "key",
}
_KEY_DAYS = 7
"""The shortest time after which KMS deletes a key."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a stack by its logical name, its physical id and its type."""

    logical: str
    physical: str
    kind: str


@dataclass(frozen=True, slots=True)
class Down:
    """One run of `down` for an app. With `purge`, what a stack keeps is deleted as well."""

    account: Account
    names: Names
    services: tuple[str, ...]
    say: Say
    pace: Pace
    purge: bool = False

    def run(self) -> tuple[str, ...]:
        """Delete all; what is kept, as words. Raises `NotFound` when nothing is there.

        Raises `DeploymentError` with what holds a stack, `StillRunning` on Ctrl-C.
        """
        services = self._there([self.names.service_stack(name) for name in self.services])
        shared = self._there(list(reversed(self.names.shared_stacks)))
        if not services and not shared:
            raise NotFound(
                f"the app {self.names.app} is not in this account and region",
                where=f"{self.account.region}, stack {self.names.platform_stack}",
                remedy="look at the region: tidegate down --target aws --region NAME",
                code="TG745",
            )
        kept: list[str] = []
        for group in (services, *([one] for one in shared)):
            held = {stack.name: resources(self.account, stack.id) for stack in group}
            for stack in group:
                self._empty(stack, held[stack.name])
            self._delete(group)
            kept += [text for name in held for text in self._left(held[name])]
        return tuple(kept)

    def _there(self, names: Sequence[str]) -> list[stacks.StackSeen]:
        return [known for name in names if (known := stacks.seen(self.account, name))]

    def _delete(self, group: Sequence[stacks.StackSeen]) -> None:
        runs = []
        for stack in group:
            if stack.protected:
                off = {"EnableTerminationProtection": False, "StackName": stack.id}
                self.account.ask("cloudformation", "update_termination_protection", **off)
            token, now = f"tidegate-{self.pace.now()}", self.pace.now()
            ask = {"StackName": stack.id, "ClientRequestToken": token}
            self.account.ask("cloudformation", "delete_stack", **ask)
            runs.append(Run(stack.name, stack.id, token, now, deletes=True))
        follow(self.account, runs, self.say, self.pace)

    def _empty(self, stack: stacks.StackSeen, held: Sequence[Resource]) -> None:
        """Take out what would hold the stack's deletion."""
        cluster = self._cluster()
        for one in held:
            if one.kind == "AWS::ECS::Service":
                self._drain(one, cluster)
        for one in held:
            match one.kind:
                case "AWS::AutoScaling::AutoScalingGroup":
                    self._release(one)
                case "AWS::ElasticLoadBalancingV2::LoadBalancer":
                    unprotect(self.account, one.physical)
                case "AWS::ECR::Repository":
                    count = empty_repository(self.account, one.physical)
                    self.say(f"-----> {stack.name}  {count} images out of {one.physical}")
                case "AWS::S3::Bucket":
                    count = empty_bucket(self.account, one.physical)
                    self.say(f"-----> {stack.name}  {count} objects out of {one.physical}")
                case _:
                    pass

    def _cluster(self) -> str:
        known = stacks.seen(self.account, self.names.platform_stack)
        return known.outputs.get("ClusterName", "") if known else ""

    def _drain(self, service: Resource, cluster: str) -> None:
        """No tasks: a group of instances cannot go while they run on it."""
        ask = {"cluster": cluster, "services": [service.physical]}
        where = {"cluster": cluster, "service": service.physical}
        absent = ("ServiceNotFoundException", "ClusterNotFoundException")
        zero = {**where, "desiredCount": 0}
        if self.account.find("ecs", "update_service", absent, **zero) is None:
            return
        self.say(f"-----> {service.logical}  tasks are being drained")

        def gone() -> bool:
            found = self.account.ask("ecs", "describe_services", **ask)["services"]
            return not found or not found[0].get("runningCount", 0)

        if not waited(self.pace, gone, _DRAIN_S):
            raise StillRunning(
                f"tasks of {service.physical} still drain",
                cause=f"after {_DRAIN_S / 60:g} min",
                remedy="run the command again; it goes on where it was",
                code="TG611",
            )

    def _release(self, group: Resource) -> None:
        """Protection off, then none: managed termination protection stays on instances."""
        ask = {"AutoScalingGroupNames": [group.physical]}
        found = self.account.ask("autoscaling", "describe_auto_scaling_groups", **ask)
        for one in found["AutoScalingGroups"]:
            ids = [instance["InstanceId"] for instance in one.get("Instances", ())]
            name = {"AutoScalingGroupName": one["AutoScalingGroupName"]}
            off = {**name, "NewInstancesProtectedFromScaleIn": False}
            none = {"MinSize": 0, "MaxSize": 0, "DesiredCapacity": 0}
            self.account.ask("autoscaling", "update_auto_scaling_group", **off)
            for batch in _batches(ids, 50):
                ask_off = {**name, "InstanceIds": batch, "ProtectedFromScaleIn": False}
                self.account.ask("autoscaling", "set_instance_protection", **ask_off)
            self.account.ask("autoscaling", "update_auto_scaling_group", **name, **none)
            self.say(f"-----> {group.logical}  {len(ids)} instances are being ended")

    def _left(self, held: Sequence[Resource]) -> Iterator[str]:
        """What the stack's deletion policy kept; gone with `purge`."""
        for one in held:
            if one.kind not in _KEPT or not is_there(self.account, one):
                continue
            if self.purge:
                self.say(f"-----> {one.physical}  {remove(self.account, one)}")
            else:
                yield f"{_KEPT[one.kind]} {one.physical}"


def resources(account: Account, stack_id: str) -> tuple[Resource, ...]:
    """What the stack has now."""
    ask = {"StackName": stack_id}
    key = "StackResourceSummaries"
    return tuple(
        Resource(one["LogicalResourceId"], one.get("PhysicalResourceId", ""), one["ResourceType"])
        for one in account.each("cloudformation", "list_stack_resources", key, **ask)
        if one["ResourceStatus"] != "DELETE_COMPLETE" and one.get("PhysicalResourceId")
    )


def empty_repository(account: Account, name: str) -> int:
    """Delete every image; how many went."""
    absent = ("RepositoryNotFoundException",)
    count = 0
    while True:
        found = account.find("ecr", "list_images", absent, repositoryName=name, maxResults=100)
        ids = found["imageIds"] if found else []
        if not ids:
            return count
        answer = account.ask("ecr", "batch_delete_image", repositoryName=name, imageIds=ids)
        count += len(answer.get("imageIds", ()))
        if not answer.get("imageIds"):
            return count  # what is left cannot go; the repository's deletion will say why


def empty_bucket(account: Account, name: str) -> int:
    """Delete every object with all its versions and delete markers; how many went."""
    count = 0
    while True:
        ask = {"Bucket": name, "MaxKeys": 1_000}
        found = account.find("s3", "list_object_versions", ("NoSuchBucket",), **ask)
        listed = [*(found or {}).get("Versions", ()), *(found or {}).get("DeleteMarkers", ())]
        if not listed:
            return count
        objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in listed]
        gone: Mapping[str, Any] = {"Objects": objects, "Quiet": True}
        answer = account.ask("s3", "delete_objects", Bucket=name, Delete=gone)
        failed = len(answer.get("Errors", ()))
        count += len(objects) - failed
        if failed == len(objects):
            return count


def unprotect(account: Account, balancer: str) -> None:
    """Let the load balancer be deleted."""
    account.find(
        "elbv2",
        "modify_load_balancer_attributes",
        ("LoadBalancerNotFound",),
        LoadBalancerArn=balancer,
        Attributes=[{"Key": "deletion_protection.enabled", "Value": "false"}],
    )


def is_there(account: Account, one: Resource) -> bool:
    """Whether what may be kept is still there."""
    name = one.physical
    match one.kind:
        case "AWS::S3::Bucket":
            gone = ("404", "NoSuchBucket", "NotFound")
            return account.find("s3", "head_bucket", gone, Bucket=name) is not None
        case "AWS::ECR::Repository":
            missing = ("RepositoryNotFoundException",)
            ask = {"repositoryNames": [name]}
            return account.find("ecr", "describe_repositories", missing, **ask) is not None
        case "AWS::KMS::Key":
            found = account.find("kms", "describe_key", ("NotFoundException",), KeyId=name)
            return found is not None and found["KeyMetadata"]["KeyState"] != "PendingDeletion"
        case _:
            found = account.ask("logs", "describe_log_groups", logGroupNamePrefix=name)
            return any(group["logGroupName"] == name for group in found["logGroups"])


def remove(account: Account, one: Resource) -> str:
    """Delete what a stack kept; what became of it."""
    match one.kind:
        case "AWS::S3::Bucket":
            empty_bucket(account, one.physical)
            account.ask("s3", "delete_bucket", Bucket=one.physical)
        case "AWS::ECR::Repository":
            account.ask("ecr", "delete_repository", repositoryName=one.physical, force=True)
        case "AWS::KMS::Key":
            ask = {"KeyId": one.physical, "PendingWindowInDays": _KEY_DAYS}
            account.ask("kms", "schedule_key_deletion", **ask)
            return f"is deleted in {_KEY_DAYS} days"
        case _:
            account.ask("logs", "delete_log_group", logGroupName=one.physical)
    return "deleted"


def _batches(items: Sequence[str], size: int) -> Iterator[list[str]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
