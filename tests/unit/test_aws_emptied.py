"""What holds data is emptied to its last version; held to moto, which keeps versions like AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from tidegate.aws.account import Account
from tidegate.aws.deploy import bucket
from tidegate.aws.deploy.down import empty_bucket, empty_repository

REGION = "eu-west-1"
KIND = {"imageManifestMediaType": "application/vnd.oci.image.manifest.v1+json"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        yield Account(boto3.Session(region_name=REGION), REGION)


def test_a_bucket_loses_every_version_and_delete_marker(account: Account) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"1", b"2", b"3"):
        s3.put_object(Bucket="bucket", Key="k", Body=body)
    s3.delete_object(Bucket="bucket", Key="k")
    assert empty_bucket(account, "bucket") == 4
    s3.delete_bucket(Bucket="bucket")
    assert empty_bucket(account, "bucket") == 0


def test_a_repository_loses_every_image(account: Account) -> None:
    ecr = account.client("ecr")
    ecr.create_repository(repositoryName="repo")
    for tag in "abc":
        manifest = '{"schemaVersion": 2, "config": {"digest": "sha256:%s"}}' % (tag * 64)
        ecr.put_image(repositoryName="repo", imageManifest=manifest, imageTag=tag, **KIND)
    assert empty_repository(account, "repo") == 3
    assert ecr.list_images(repositoryName="repo")["imageIds"] == []
    assert empty_repository(account, "none") == 0


def test_a_template_is_sent_once_to_a_bucket_that_is_private(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """moto reads no conditions, so that "no call without TLS" would deny every call there."""
    told = json.loads(bucket.tls_only("templates-1"))["Statement"][0]
    assert (told["Effect"], told["Action"]) == ("Deny", "s3:*")
    assert told["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    harmless = json.dumps({"Version": "2012-10-17", "Statement": []})
    monkeypatch.setattr(bucket, "tls_only", lambda _: harmless)
    url = bucket.put_template(account, "templates-1", "{}")
    assert url.startswith("https://templates-1.s3.eu-west-1.amazonaws.com/templates/")
    assert bucket.put_template(account, "templates-1", "{}") == url
    s3 = account.client("s3")
    assert s3.get_bucket_versioning(Bucket="templates-1")["Status"] == "Enabled"
    block = s3.get_public_access_block(Bucket="templates-1")["PublicAccessBlockConfiguration"]
    assert all(block.values())
    assert len(s3.list_object_versions(Bucket="templates-1")["Versions"]) == 1
