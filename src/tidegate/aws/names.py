"""What is called what in the account: stacks, outputs, exports, parameters, tags, environment.

Everything else has a name that CloudFormation makes up, so that it can be replaced and a second
copy can stand beside it; its name is an output of its stack. Pure: nothing here asks AWS.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

TAG_APP: Final = "tidegate:app"
TAG_SERVICE: Final = "tidegate:service"
TAG_VERSION: Final = "tidegate:version"
"""On every resource that can be tagged; tasks get them from their service."""


class PlatformOutput(StrEnum):
    """Outputs of the shared stacks. Each is exported under `Names.export`."""

    LOAD_BALANCER_DNS_NAME = "LoadBalancerDnsName"
    LOAD_BALANCER_ARN = "LoadBalancerArn"
    LOAD_BALANCER_FULL_NAME = "LoadBalancerFullName"
    """`app/NAME/ID`, the dimension `LoadBalancer` of AWS/ApplicationELB."""
    URL = "Url"
    PRODUCTION_LISTENER_ARN = "ProductionListenerArn"
    TEST_LISTENER_ARN = "TestListenerArn"
    VPC_ID = "VpcId"
    PRIVATE_SUBNET_IDS = "PrivateSubnetIds"
    """Where tasks run, with commas between."""
    TASK_SECURITY_GROUP_ID = "TaskSecurityGroupId"
    CLUSTER_NAME = "ClusterName"
    CLUSTER_ARN = "ClusterArn"
    ON_DEMAND_PROVIDER = "OnDemandProvider"
    SPOT_PROVIDER = "SpotProvider"
    """Names of capacity providers: FARGATE and FARGATE_SPOT, or those of the two groups."""
    ON_DEMAND_GROUP_NAME = "OnDemandGroupName"
    SPOT_GROUP_NAME = "SpotGroupName"
    """Auto Scaling groups; only with `capacity.launch: ec2`."""
    TOPIC_ARN = "TopicArn"
    ARTIFACTS_BUCKET_NAME = "ArtifactsBucketName"
    ARTIFACTS_KEY_ARN = "ArtifactsKeyArn"
    CONNECTION_ARN = "ConnectionArn"
    """Only when the source comes by CodeConnections. PENDING until a person authorises it."""
    GATE_FUNCTION_ARN = "GateFunctionArn"
    HOOK_FUNCTION_ARN = "HookFunctionArn"
    DEPLOY_FUNCTION_ARN = "DeployFunctionArn"
    DASHBOARD_NAME = "DashboardName"
    LOAD_PROJECT_NAME = "LoadProjectName"
    """CodeBuild's project that runs the load generator in the account."""


class ServiceOutput(StrEnum):
    """Outputs of a service's stack."""

    SERVICE_NAME = "ServiceName"
    SERVICE_ARN = "ServiceArn"
    CONTROLLER = "Controller"
    """`ecs` or `codedeploy`."""
    TASK_FAMILY = "TaskFamily"
    TASK_DEFINITION_ARN = "TaskDefinitionArn"
    """The revision that CloudFormation made; the one that runs is in the service."""
    REPOSITORY_NAME = "RepositoryName"
    REPOSITORY_URI = "RepositoryUri"
    BLUE_TARGET_GROUP_ARN = "BlueTargetGroupArn"
    GREEN_TARGET_GROUP_ARN = "GreenTargetGroupArn"
    PRODUCTION_RULE_ARNS = "ProductionRuleArns"
    TEST_RULE_ARNS = "TestRuleArns"
    """One for each route, with commas between."""
    ALARM_NAMES = "AlarmNames"
    """The metric alarms that stop a deployment, with commas between."""
    OTHER_ALARM_NAMES = "OtherAlarmNames"
    """Those that no deployment is stopped by: they scale the service, or tell a person."""
    LOG_GROUP_NAME = "LogGroupName"
    PIPELINE_NAME = "PipelineName"
    BUILD_PROJECT_NAME = "BuildProjectName"
    SCALABLE_TARGET_ID = "ScalableTargetId"
    """`service/CLUSTER/SERVICE`, as Application Auto Scaling names it."""
    DEPLOYMENT_APPLICATION_NAME = "DeploymentApplicationName"
    DEPLOYMENT_GROUP_NAME = "DeploymentGroupName"
    DEPLOYMENT_CONFIG_NAME = "DeploymentConfigName"
    """CodeDeploy's; only with `controller: codedeploy`."""


class ServiceParameter(StrEnum):
    """Parameters of a service's template: what is live, so that an update leaves it alone.

    Read from the account before every update (aws/aws-cdk#36649): CloudFormation writes the
    listener rules' weights and the service's task definition again as the template has them.
    """

    LIVE_IMAGE = "LiveImage"
    """The image that runs, `REPOSITORY_URI@sha256:…`; empty before the first deployment."""
    LIVE_COLOUR = "LiveColour"
    """`blue` or `green`: the target group that has all production traffic."""
    LIVE_TASK_DEFINITION = "LiveTaskDefinition"
    """The revision that runs, by ARN, while an update is to leave it as it is; else empty."""


TASK_TEMPLATE: Final = "TaskTemplate"
"""Logical id of what every task of the service is made of: it changes when its settings do."""
TASK_PARTS: Final = frozenset({"ExecutionRole", "TaskRole", "TaskLog"})
"""Logical ids of what a task definition names: a revision outlives none of them."""


class PlatformParameter(StrEnum):
    """Parameters of the platform's template."""

    NOTIFY = "NotifyEmail"
    """Who is told of alarms, approvals and a budget that runs out; empty is nobody."""


class Environment(StrEnum):
    """Variables that the stacks set for the functions in the account."""

    APP = "TIDEGATE_APP"
    GATE_PARAMETER = "TIDEGATE_GATE_PARAMETER"
    """Name of the SSM parameter with the gate's policy (`Names.gate_parameter`)."""
    EVIDENCE_BUCKET = "TIDEGATE_EVIDENCE_BUCKET"
    SERVICES_PATH = "TIDEGATE_SERVICES_PATH"
    """Path of the SSM parameters of services (`Names.service_parameter` without the name)."""
    CLUSTER = "TIDEGATE_CLUSTER"
    TOPIC = "TIDEGATE_TOPIC_ARN"


class Request(StrEnum):
    """Keys of the JSON that a pipeline's Lambda actions get as `UserParameters`."""

    TASK = "task"
    """What a function with more than one task is to do; of the deploy function: `deploy` or
    `prepare`."""
    SERVICE = "service"
    APPLICATION = "application"
    GROUP = "group"
    """CodeDeploy's, of a service whose deployments hold its scaling."""
    REPOSITORY = "repository"
    """The repository's name in ECR."""
    IMAGE = "image"
    """`REPOSITORY_URI@sha256:…`."""
    DIGEST = "digest"
    COMMIT = "commit"
    EXECUTION = "execution"
    """The pipeline execution's id."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of one app in one account and region."""

    app: str

    @property
    def prefix(self) -> str:
        """What every name of this app begins with."""
        return f"tidegate-{self.app}"

    @property
    def platform_stack(self) -> str:
        """The stack with what the services share."""
        return f"{self.prefix}-platform"

    @property
    def gate_stack(self) -> str:
        """The stack with the gate's function."""
        return f"{self.prefix}-gate"

    @property
    def deploy_stack(self) -> str:
        """The stack with the functions that deploy and that watch a deployment."""
        return f"{self.prefix}-deploy"

    @property
    def shared_stacks(self) -> tuple[str, ...]:
        """The stacks that every service needs, in the order in which they are made.

        Functions have stacks of their own because their code is in the template, and a template
        that is launched without a bucket has 51,200 bytes.
        """
        return (self.platform_stack, self.gate_stack, self.deploy_stack)

    def service_stack(self, service: str) -> str:
        """The stack of one service."""
        return f"{self.prefix}-svc-{service}"

    def export(self, output: PlatformOutput) -> str:
        """The name under which services' stacks import an output of the platform."""
        return f"{self.prefix}-{output.value}"

    def task_family(self, service: str) -> str:
        """The family of a service's task definitions."""
        return f"{self.prefix}-{service}"

    @property
    def gate_parameter(self) -> str:
        """SSM parameter: the gate's policy, as `aws.settings.gate_value` writes it."""
        return f"/tidegate/{self.app}/gate"

    @property
    def services_path(self) -> str:
        """What the services' SSM parameters stand under."""
        return f"/tidegate/{self.app}/services"

    def service_parameter(self, service: str) -> str:
        """SSM parameter: what the hook and deploy functions know of a service, as JSON."""
        return f"{self.services_path}/{service}/settings"

    def task_parameter(self, service: str) -> str:
        """SSM parameter: input of RegisterTaskDefinition, with `<IMAGE1_NAME>` for the image."""
        return f"{self.services_path}/{service}/task-definition"

    def appspec_parameter(self, service: str) -> str:
        """SSM parameter: CodeDeploy's AppSpec, with `<TASK_DEFINITION>`."""
        return f"{self.services_path}/{service}/appspec"

    def secret_parameter(self, service: str, name: str) -> str:
        """SSM parameter (SecureString, made by a person) with a secret of the app file."""
        return f"/tidegate/{self.app}/secrets/{service}/{name}"

    @property
    def token_secret(self) -> str:
        """Secrets Manager: the GitHub token, when the source does not come by CodeConnections."""
        return f"tidegate/{self.app}/github-token"

    def role_path(self, kind: str) -> str:
        """IAM path of roles: `tasks` may be passed to tasks, `service` to everything else."""
        return f"/tidegate/{self.app}/{kind}/"

    @property
    def artifacts_prefix(self) -> str:
        """What the keys of the pipelines' artifacts begin with.

        CodePipeline takes the first twenty characters of the pipeline's name, and CloudFormation
        begins that name with the stack's.
        """
        return f"{self.prefix}-svc-"[:20]

    @staticmethod
    def evidence_key(service: str, digest: str) -> str:
        """Where the gate's evidence on an image lies in the artifacts bucket."""
        return f"evidence/{service}/{digest.replace(':', '-')}.json"


SOURCE_KEY: Final = "source/app.zip"
"""Where an uploaded revision lies in the artifacts bucket, when there is no `source`."""

PLACEHOLDER_IMAGE: Final = "<IMAGE1_NAME>"
"""What CodePipeline replaces by the image's address (CodeDeployToECS, `Image1ContainerName`)."""

NO_IMAGE: Final = ":none"
"""The tag of a stack's own task definition before there is any image."""

PLACEHOLDER_TASK: Final = "<TASK_DEFINITION>"
"""What CodePipeline replaces in an AppSpec by the task definition that it registered."""
