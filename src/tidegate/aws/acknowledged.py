"""Every finding of a reviewer on our stacks that stays, and why: the one place for it.

A test fails for a finding that is not here, and for an entry here that nothing finds any more.
`rule` is the reviewer's id, for cdk-nag's IAM5 with the resource that it names; both it and
`where` (the resource's logical id) are regular expressions that must match as a whole.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One kind of finding that is known and stays."""

    rule: str
    where: str
    reason: str


def _iam5(resource: str, where: str, reason: str) -> Acknowledged:
    return Acknowledged(rf"AwsSolutions-IAM5\[Resource::(?:{resource})\]", where, reason)


_ARN = r"arn:<AWS::Partition>:"
_HERE = r":<AWS::Region>:<AWS::AccountId>:"
_APP = r"tidegate-[a-z0-9-]+"

CDK_NAG: tuple[Acknowledged, ...] = (
    Acknowledged(
        "AwsSolutions-EC23",
        "LoadBalancerGroup",
        "the load balancer is the public's door: ports 80 and 443 are open, the test port is not",
    ),
    Acknowledged(
        "AwsSolutions-ECS2",
        "TaskDefinition",
        "`environment` of the app file is for settings, its `secrets` are read from SSM",
    ),
    Acknowledged(
        "AwsSolutions-SMG4",
        "WebhookSecret",
        "it signs GitHub's calls; a new one is made by replacing the webhook",
    ),
    Acknowledged(
        "AwsSolutions-EC26",
        "(OnDemand|Spot)Group",
        "the disks are encrypted in the launch template; the rule looks at the group only",
    ),
    Acknowledged(
        "AwsSolutions-AS3",
        "(OnDemand|Spot)Group",
        "ECS moves instances all day; what matters is told by the service's alarms",
    ),
    _iam5(
        r"\*",
        "InstanceRole",
        "ecs:DiscoverPollEndpoint takes no resource at all",
    ),
    _iam5(
        r"\*",
        "GateRole",
        "inspector2:List*, ecs:DescribeTaskDefinition, codepipeline:PutJob*Result take no resource",
    ),
    _iam5(
        r"\*",
        "DeployRole",
        "codepipeline:PutJob*Result takes no resource at all",
    ),
    _iam5(
        r"\*",
        "HookRole",
        "cloudwatch:GetMetric* and the network interfaces of a function know no resource",
    ),
    _iam5(
        r"\*",
        "ExecutionRole|BuildRole",
        "ecr:GetAuthorizationToken takes no resource at all",
    ),
    _iam5(
        r"\*",
        "InfrastructureRole|CodeDeployRole",
        "elasticloadbalancing:Describe* takes no resource at all",
    ),
    _iam5(
        rf"{_ARN}ecs{_HERE}(container-instance|task)/<Cluster>/\*",
        "InstanceRole",
        "instances and tasks of this cluster only; their ids are made later",
    ),
    _iam5(
        rf"{_ARN}ecr{_HERE}repository/{_APP}-svc-\*",
        "GateRole",
        "the repositories of this app's services; a service's stack makes its own",
    ),
    _iam5(
        rf"{_ARN}s3:::{_APP}-ArtifactsBucketName/(evidence/\*|{_APP}\*)|"
        r"<ArtifactsBucket\.Arn>/load/\*",
        "GateRole|DeployRole|LoadRole",
        "one prefix of one bucket; the keys in it are made later",
    ),
    _iam5(
        r"\[\"arn:\$\{AWS::Partition\}:s3:::\$\{Bucket\}"
        r"/(tidegate-[a-z0-9-]*|sbom/[a-z0-9-]+/)\*\".*",
        "BuildRole|PipelineRole|CodeDeployRole",
        "one prefix of one bucket; the keys in it are made later",
    ),
    _iam5(
        rf"{_ARN}ecs{_HERE}(service|service-deployment|service-revision|task-set)/{_APP}-\*(/\*)+",
        "GateRole|DeployRole|HookRole|CodeDeployRole",
        "the services of this app's cluster, whose name begins with the app's",
    ),
    _iam5(
        rf"{_ARN}ecs{_HERE}task-definition/{_APP}(-\*)?:\*",
        "DeployRole|PipelineRole",
        "the families of this app; a revision's number is made later",
    ),
    _iam5(
        rf"{_ARN}iam::<AWS::AccountId>:role/tidegate/[a-z0-9-]+/tasks/\*",
        "DeployRole|PipelineRole|CodeDeployRole",
        "the roles of this app's tasks, by their path, and to ECS's tasks only",
    ),
    _iam5(
        rf"{_ARN}ssm{_HERE}parameter/tidegate/[a-z0-9-]+/services/\*",
        "GateRole|DeployRole|HookRole",
        "the settings of this app's services; there is no secret among them",
    ),
    _iam5(
        rf"{_ARN}application-autoscaling{_HERE}scalable-target/\*",
        "DeployRole",
        "a scalable target's ARN holds an id that nobody can foresee",
    ),
    _iam5(
        rf"{_ARN}cloudwatch{_HERE}alarm:{_APP}-\*",
        "DeployRole|CodeDeployRole",
        "the alarms of this app's services; their names are CloudFormation's",
    ),
    _iam5(
        rf"{_ARN}codedeploy{_HERE}deploymentgroup:{_APP}-\*/\*",
        "DeployRole|HookRole",
        "the deployment groups of this app; their names are CloudFormation's",
    ),
    _iam5(
        rf"{_ARN}codedeploy{_HERE}deploymentconfig:\*",
        "PipelineRole",
        "reading a configuration; CodeDeploy's own presets have no other resource",
    ),
    _iam5(
        rf"{_ARN}elasticloadbalancing{_HERE}listener(-rule)?/app/\*",
        "CodeDeployRole",
        "the ARNs of listeners and rules hold ids; CodeDeploy finds the rules by itself",
    ),
)

CFN_LINT: tuple[Acknowledged, ...] = (
    Acknowledged(
        "W6001", ".*", "a service's stack repeats the cluster's name in an id that it tells"
    ),
)

CHECKOV: tuple[Acknowledged, ...] = (
    Acknowledged("CKV_AWS_115", ".*Function", "no reserved concurrency: a job waits, never fails"),
    Acknowledged(
        "CKV_AWS_116",
        ".*Function",
        "no dead letters: who calls them, CodePipeline, ECS or CodeDeploy, keeps the failure",
    ),
    Acknowledged(
        "CKV_AWS_117",
        "(Gate|Deploy)Function",
        "they call AWS's API only; a network would add nothing but cost",
    ),
    Acknowledged(
        "CKV_AWS_111",
        "HookRole",
        "the network interfaces of a function in a network know no resource",
    ),
    Acknowledged("CKV_AWS_18", "LogsBucket", "it is where the access logs of the others go"),
    Acknowledged(
        "CKV_AWS_2|CKV_AWS_103",
        "(Test)?Listener",
        "HTTP only while the app file has no certificate; with one it is TLS 1.2 or newer",
    ),
    Acknowledged(
        "CKV_AWS_260", "LoadBalancerGroup", "port 80 is the public's, or redirected to HTTPS"
    ),
)
