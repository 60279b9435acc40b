"""What is kept: the key, the buckets, log groups. One customer-managed key encrypts all of it."""

from typing import Any

from aws_cdk import Aws, CfnDeletionPolicy, CfnResource, Fn, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

from tidegate.aws.names import Names
from tidegate.aws.stack.roles import arn, document
from tidegate.core.model import App

_KEPT_DAYS = 90
LOG_DAYS = 30


def keep(resource: CfnResource, protect: bool) -> None:
    """With `protect`, what the resource holds outlives its stack."""
    policy = CfnDeletionPolicy.RETAIN if protect else CfnDeletionPolicy.DELETE
    resource.cfn_options.deletion_policy = policy
    resource.cfn_options.update_replace_policy = policy


def key(stack: Stack, protect: bool) -> kms.CfnKey:
    """The key, and the services that may use it for this account's things."""
    publishers = ("cloudwatch", "events", "budgets")
    made = kms.CfnKey(
        stack,
        "Key",
        description=f"{stack.stack_name}: artifacts, logs, images, notices",
        enable_key_rotation=True,
        pending_window_in_days=7,
        key_policy=document(
            [
                {
                    "Effect": "Allow",
                    "Principal": {
                        "AWS": Fn.sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root")
                    },
                    "Action": "kms:*",
                    "Resource": "*",
                },
                {
                    "Effect": "Allow",
                    "Principal": {"Service": Fn.sub("logs.${AWS::Region}.amazonaws.com")},
                    "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:GenerateDataKey*"],
                    "Resource": "*",
                    "Condition": {
                        "ArnLike": {
                            "kms:EncryptionContext:aws:logs:arn": Fn.sub(
                                "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*"
                            )
                        }
                    },
                },
                {
                    "Effect": "Allow",
                    "Principal": {"Service": [f"{one}.amazonaws.com" for one in publishers]},
                    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                    "Resource": "*",
                },
            ]
        ),
    )
    keep(made, protect)
    return made


def log_group(stack: Stack, name: str, key_arn: str, protect: bool) -> logs.CfnLogGroup:
    """A log group that forgets after a month. Its name is CloudFormation's."""
    made = logs.CfnLogGroup(stack, name, kms_key_id=key_arn, retention_in_days=LOG_DAYS)
    keep(made, protect)
    return made


def log_bucket(stack: Stack, protect: bool) -> tuple[s3.CfnBucket, s3.CfnBucketPolicy]:
    """Access logs of the load balancer and of the artifacts. ALB cannot write under a KMS key."""
    bucket = _bucket(stack, "LogsBucket", (protect, ("",)), {"sseAlgorithm": "AES256"})
    balancers = arn("elasticloadbalancing", "loadbalancer/*")
    writers = {
        "logdelivery.elasticloadbalancing": (
            f"/balancer/AWSLogs/{Aws.ACCOUNT_ID}/",
            {"ArnLike": {"aws:SourceArn": balancers}},
        ),
        "logging.s3": (
            "/artifacts/",
            {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        ),
    }
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": Fn.join("", [bucket.attr_arn, prefix, "*"]),
            "Condition": condition,
        }
        for service, (prefix, condition) in writers.items()
    ]
    return bucket, _policy(stack, bucket, "LogsBucketPolicy", statements)


def artifacts_bucket(
    stack: Stack, app: App, key_arn: str, logs_bucket: s3.CfnBucket
) -> s3.CfnBucket:
    """Sources, what builds leave, SBOMs, and the gate's evidence; the last two are a record."""
    passing = ("source/", "load/", Names(app.name).artifacts_prefix)
    encryption = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key_arn}
    bucket = _bucket(stack, "ArtifactsBucket", (app.aws.protect, passing), encryption)
    bucket.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
        destination_bucket_name=logs_bucket.ref, log_file_prefix="artifacts/"
    )
    _policy(stack, bucket, "ArtifactsBucketPolicy", [])
    return bucket


def _bucket(
    stack: Stack, name: str, keeping: tuple[bool, tuple[str, ...]], encryption: dict[str, Any]
) -> s3.CfnBucket:
    """A private bucket; `keeping` is whether it outlives the stack, and which prefixes do not."""
    protect, forgotten = keeping
    rules = [
        {
            "id": f"forget-{number}",
            "status": "Enabled",
            "prefix": prefix,
            "expirationInDays": _KEPT_DAYS,
            "noncurrentVersionExpiration": {"noncurrentDays": 30},
            "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7},
        }
        for number, prefix in enumerate(forgotten, 1)
    ]
    default = {"serverSideEncryptionByDefault": encryption, "bucketKeyEnabled": True}
    made = s3.CfnBucket(
        stack,
        name,
        bucket_encryption={"serverSideEncryptionConfiguration": [default]},
        public_access_block_configuration={
            "blockPublicAcls": True,
            "blockPublicPolicy": True,
            "ignorePublicAcls": True,
            "restrictPublicBuckets": True,
        },
        versioning_configuration={"status": "Enabled"},
        ownership_controls={"rules": [{"objectOwnership": "BucketOwnerEnforced"}]},
        lifecycle_configuration={"rules": rules},
    )
    keep(made, protect)
    return made


def _policy(
    stack: Stack, bucket: s3.CfnBucket, name: str, statements: list[dict[str, Any]]
) -> s3.CfnBucketPolicy:
    """The statements, and that nothing goes over plain HTTP."""
    tls = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket.attr_arn, Fn.join("", [bucket.attr_arn, "/*"])],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return s3.CfnBucketPolicy(
        stack, name, bucket=bucket.ref, policy_document=document([*statements, tls])
    )
