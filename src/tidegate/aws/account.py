"""One AWS account in one region: every call goes through here, every error comes out as ours."""

import os
import threading
from collections.abc import Iterator
from typing import Any

from tidegate.aws.faults import code_of, parsed, translate
from tidegate.core.errors import AccountError, TidegateError

_GLOBAL = {"iam": "us-east-1", "service-quotas": None, "pricing": "us-east-1"}


class Account:
    """Calls by boto3's names: `account.ask("ecs", "describe_services", cluster=…)`."""

    def __init__(self, session: Any, region: str) -> None:
        self.region = region
        self._session = session
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()

    def client(self, service: str) -> Any:
        """boto3's client of a service, made once. A session is no friend of two threads."""
        with self._making:
            if service not in self._clients:
                self._clients[service] = self._session.client(
                    service, region_name=_GLOBAL.get(service) or self.region, config=_config()
                )
            return self._clients[service]

    def ask(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """The answer to one call. Raises `AccountError` or `CloudFailed`."""
        client = self.client(service)
        try:
            return parsed(getattr(client, operation)(**parameters))
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in ("boto3", "botocore"):
                raise
            raise translate(error, service, _camel(operation)) from error

    def find(
        self, service: str, operation: str, absent: tuple[str, ...], /, **parameters: Any
    ) -> dict[str, Any] | None:
        """The answer, or None when AWS says with one of the codes `absent` that it is not there."""
        try:
            return self.ask(service, operation, **parameters)
        except TidegateError as error:
            if code_of(error) in absent:
                return None
            raise

    def each(self, service: str, operation: str, key: str, /, **parameters: Any) -> Iterator[Any]:
        """Every item under `key`, page after page."""
        more: dict[str, str] = {}
        while True:
            answer = self.ask(service, operation, **parameters, **more)
            yield from answer.get(key, ())
            more = {sent: answer[got] for got, sent in _TOKENS.items() if answer.get(got)}
            if not more:
                return

    def identity(self) -> tuple[str, str]:
        """The account's number and the ARN of who asks."""
        answer = self.ask("sts", "get_caller_identity")
        return answer["Account"], answer["Arn"]


_TOKENS = {"nextToken": "nextToken", "NextToken": "NextToken", "NextMarker": "Marker"}
"""What names the next page in an answer, and as what it is sent back."""


def _camel(operation: str) -> str:
    return "".join(word.title() for word in operation.split("_"))


def _config() -> Any:
    from botocore.config import Config

    retries = {"mode": "standard", "total_max_attempts": 8}
    return Config(retries=retries, connect_timeout=5, read_timeout=60)


def sign_in(region: str | None = None) -> Account:
    """The account that the environment's credentials open. Raises `AccountError`."""
    try:
        import boto3
    except ImportError as error:
        raise AccountError(
            "boto3 is not installed",
            cause="AWS is an extra, so that one machine needs nothing of it",
            remedy="pip install 'tidegate[aws]'",
            code="TG280",
        ) from error
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session(region_name=region or os.environ.get("AWS_REGION"))
        credentials = session.get_credentials()
    except BotoCoreError as error:
        raise translate(error, "sts", "GetCallerIdentity") from error
    if session.region_name is None:
        raise AccountError(
            "no AWS region is set",
            remedy="set AWS_REGION, or pass --region: tidegate up --target aws --region eu-west-1",
            code="TG284",
        )
    if credentials is None:
        raise AccountError(
            "there are no AWS credentials",
            remedy="set AWS_PROFILE, or run: aws configure sso",
            code="TG281",
        )
    return Account(session, session.region_name)
