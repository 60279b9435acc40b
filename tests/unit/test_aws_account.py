"""Whatever AWS refuses comes out as an error of ours that says what to do."""

import re
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

import tidegate.aws
from tests.support.aws.fake import FakeAws
from tests.support.aws.services import S3, Sts
from tidegate.aws.account import _TOKENS, Account, sign_in
from tidegate.aws.faults import code_of, translate
from tidegate.core.errors import AccountError, CloudFailed, TidegateError


@pytest.fixture
def fake() -> FakeAws:
    return FakeAws({"sts": Sts(), "s3": S3()})


def refused(fake: FakeAws, code: str, message: str = "") -> TidegateError:
    fake.refuse("sts:GetCallerIdentity", code, message)
    with pytest.raises(TidegateError) as caught:
        fake.account().identity()
    return caught.value


@pytest.mark.parametrize(
    "code", ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId"]
)
def test_an_expired_token_says_to_sign_in_again(fake: FakeAws, code: str) -> None:
    error = refused(fake, code, "The security token included in the request is expired")
    assert isinstance(error, AccountError)
    assert (error.number, error.exit_code) == ("TG282", 3)
    assert "sign in again" in error.remedy


def test_a_missing_right_is_named_with_its_action_and_resource(fake: FakeAws) -> None:
    words = (
        "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: "
        "ecs:UpdateService on resource: arn:aws:ecs:eu-west-1:123456789012:service/shop/cats "
        "because no identity-based policy allows the ecs:UpdateService action"
    )
    error = refused(fake, "AccessDeniedException", words)
    assert error.number == "TG283"
    assert error.what == "these credentials may not ecs:UpdateService"
    assert "service/shop/cats allowed" in error.remedy


def test_a_right_that_aws_does_not_name_is_that_of_the_call(fake: FakeAws) -> None:
    assert "sts:GetCallerIdentity" in refused(fake, "UnauthorizedOperation", "no").what


@pytest.mark.parametrize("code", ["Throttling", "ThrottlingException", "RequestLimitExceeded"])
def test_throttling_says_to_wait_and_that_nothing_is_lost(fake: FakeAws, code: str) -> None:
    error = refused(fake, code, "Rate exceeded")
    assert (error.number, error.exit_code) == ("TG971", 1)
    assert "goes on where it was" in error.remedy


def test_any_other_refusal_keeps_the_code_and_words_of_aws(fake: FakeAws) -> None:
    error = refused(fake, "ValidationError", "1 validation error detected")
    assert isinstance(error, CloudFailed)
    assert error.cause == "ValidationError: 1 validation error detected"
    assert code_of(error) == "ValidationError"


def test_no_answer_is_not_taken_for_a_refusal() -> None:
    error = translate(EndpointConnectionError(endpoint_url="https://x"), "sts", "GetCallerIdentity")
    assert error.number == "TG972"
    assert "nothing was changed" in error.remedy


def test_no_credentials_says_how_to_have_some() -> None:
    assert translate(NoCredentialsError(), "sts", "GetCallerIdentity").number == "TG281"


def test_what_is_absent_is_none_and_what_is_denied_is_not(fake: FakeAws) -> None:
    account = fake.account()
    ask = {"Bucket": "b", "Key": "k"}
    assert account.find("s3", "get_object", ("NoSuchKey",), **ask) is None
    fake.refuse("s3:GetObject", "AccessDenied", "Access Denied")
    with pytest.raises(AccountError):
        account.find("s3", "get_object", ("NoSuchKey",), **ask)


def test_a_fault_of_ours_is_not_blamed_on_aws(fake: FakeAws) -> None:
    with pytest.raises(AttributeError):
        fake.account().ask("sts", "no_such_operation")


def test_without_a_region_or_credentials_signing_in_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(AccountError) as caught:
        sign_in()
    assert caught.value.number == "TG284"
    with pytest.raises(AccountError) as caught:
        sign_in("eu-west-1")
    assert caught.value.number == "TG281"


_EACH = re.compile(r'\.each\(\s*"([\w-]+)",\s*"(\w+)",\s*"(\w+)"')


def pages() -> set[tuple[str, ...]]:
    """Each (service, operation, key) that the package reads page after page."""
    files = Path(tidegate.aws.__file__).parent.rglob("*.py")
    return {found for file in files for found in _EACH.findall(file.read_text())}


@pytest.mark.parametrize(("service", "operation", "key"), sorted(pages()))
def test_the_next_page_is_asked_for_by_the_api_s_own_name(
    service: str, operation: str, key: str
) -> None:
    """A wrong name would be seen only by whoever has more than one page."""
    model = Account(boto3.Session(region_name="eu-west-1"), "eu-west-1").client(service).meta
    wanted = model.service_model.operation_model(model.method_to_api_mapping[operation])
    assert key in wanted.output_shape.members
    sent = [_TOKENS[name] for name in wanted.output_shape.members if name in _TOKENS]
    assert len(sent) == 1
    assert sent[0] in wanted.input_shape.members


def test_every_client_is_made_once() -> None:
    account = Account(boto3.Session(region_name="eu-west-1"), "eu-west-1")
    assert account.client("sts") is account.client("sts")
