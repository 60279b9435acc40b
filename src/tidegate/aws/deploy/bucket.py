"""A bucket for templates that are too large to send: private, encrypted, versioned, TLS only."""

import hashlib
import json
from typing import Any

from tidegate.aws.account import Account

_GONE = ("404", "NoSuchBucket", "NotFound")


def put_template(account: Account, name: str, body: str) -> str:
    """The URL of the template in the bucket, which is made if it is not there.

    The key is the content's hash, so that the same template is sent once. The bucket must belong
    to this account: a stranger's of the same name is refused by AWS.
    """
    owner, _ = account.identity()
    mine = {"Bucket": name, "ExpectedBucketOwner": owner}
    if account.find("s3", "head_bucket", _GONE, **mine) is None:
        _make(account, name, owner)
    key = f"templates/{hashlib.sha256(body.encode()).hexdigest()}.json"
    if account.find("s3", "head_object", (*_GONE, "NoSuchKey"), **mine, Key=key) is None:
        account.ask("s3", "put_object", **mine, Key=key, Body=body.encode())
    return f"https://{name}.s3.{account.region}.amazonaws.com/{key}"


def _make(account: Account, name: str, owner: str) -> None:
    where: dict[str, Any] = {}
    if account.region != "us-east-1":
        where = {"CreateBucketConfiguration": {"LocationConstraint": account.region}}
    account.ask("s3", "create_bucket", Bucket=name, **where)
    mine = {"Bucket": name, "ExpectedBucketOwner": owner}
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    block = dict.fromkeys(names, True)
    account.ask("s3", "put_public_access_block", **mine, PublicAccessBlockConfiguration=block)
    account.ask("s3", "put_bucket_versioning", **mine, VersioningConfiguration=_VERSIONED)
    account.ask("s3", "put_bucket_encryption", **mine, ServerSideEncryptionConfiguration=_ENCRYPTED)
    account.ask("s3", "put_bucket_lifecycle_configuration", **mine, LifecycleConfiguration=_SHORT)
    account.ask("s3", "put_bucket_policy", **mine, Policy=tls_only(name))


_VERSIONED = {"Status": "Enabled"}
_ENCRYPTED = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
_SHORT = {
    "Rules": [
        {
            "ID": "old-templates",
            "Status": "Enabled",
            "Filter": {"Prefix": "templates/"},
            "Expiration": {"Days": 90},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
        }
    ]
}


def tls_only(name: str) -> str:
    """The policy that refuses every call without TLS."""
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
