"""What the modules of a service's stack hand to each other."""

from dataclasses import dataclass

from aws_cdk import Fn, Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_logs as logs

from tidegate.aws import fit
from tidegate.aws.names import Names, PlatformOutput
from tidegate.aws.stack.out import imported
from tidegate.core.model import App, DeploymentPolicy, Service


@dataclass(frozen=True, slots=True)
class Parts:
    """The service, its stack, and what most of the stack refers to."""

    stack: Stack
    app: App
    service: Service
    repository: ecr.CfnRepository
    log: logs.CfnLogGroup

    @property
    def names(self) -> Names:
        """The names of the app."""
        return Names(self.app.name)

    @property
    def policy(self) -> DeploymentPolicy:
        """How the service is deployed on AWS."""
        return fit.policy_of(self.app, self.service)

    @property
    def key_arn(self) -> str:
        """The platform's key."""
        return self.platform(PlatformOutput.ARTIFACTS_KEY_ARN)

    def objects(self, which: str) -> str:
        """The ARN of objects of the artifacts bucket, `which` being a key or a prefix and `*`."""
        bucket = {"Bucket": self.platform(PlatformOutput.ARTIFACTS_BUCKET_NAME)}
        return Fn.sub(f"arn:${{AWS::Partition}}:s3:::${{Bucket}}/{which}", bucket)

    def platform(self, output: PlatformOutput) -> str:
        """An output of the platform."""
        return imported(self.names, output)


@dataclass(frozen=True, slots=True)
class Traffic:
    """The two target groups, and the rule of each listener."""

    blue: elb.CfnTargetGroup
    green: elb.CfnTargetGroup
    production: elb.CfnListenerRule
    test: elb.CfnListenerRule
