"""What botocore raises, as errors of ours: what to do about it first, the codes of AWS second."""

import re
from typing import Any

from tidegate.core.errors import AccountError, CloudFailed, TidegateError

_EXPIRED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "RequestExpired",
        "UnrecognizedClientException",
    }
)
_DENIED = frozenset(
    {
        "403",  # HEAD has no body to say more in
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "UnauthorizedAccess",
        "UnauthorizedOperation",
    }
)
_THROTTLED = frozenset(
    {
        "LimitExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_NO_CREDENTIALS = frozenset(
    {"CredentialRetrievalError", "NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"}
)
_SIGN_IN_AGAIN = frozenset(
    {"SSOTokenLoadError", "TokenRetrievalError", "UnauthorizedSSOTokenError"}
)
_ACTION = re.compile(r"perform:? ([a-z0-9-]+:\w+)")
_RESOURCE = re.compile(r"on resource:? (\S+)")
_LOG_IN = "sign in again (aws sso login, or new keys), then run the command again"


def code_of(error: BaseException | None) -> str:
    """The code that AWS gave, e.g. `ValidationError`; empty for an error of another origin."""
    if isinstance(error, TidegateError):
        error = error.__cause__
    response = getattr(error, "response", None)
    return str(response["Error"].get("Code", "")) if isinstance(response, dict) else ""


def message_of(error: BaseException | None) -> str:
    """What AWS said, in its own words."""
    if isinstance(error, TidegateError):
        error = error.__cause__
    response = getattr(error, "response", None)
    return str(response["Error"].get("Message", "")) if isinstance(response, dict) else str(error)


def translate(error: Exception, service: str, operation: str) -> TidegateError:
    """The error of ours for what `operation` (CamelCase) of `service` raised."""
    kind, code = type(error).__name__, code_of(error)
    where, said = f"{service}:{operation}", message_of(error)
    if kind in _NO_CREDENTIALS:
        return AccountError(
            "there are no AWS credentials",
            cause=said,
            where=where,
            remedy="set AWS_PROFILE, or run: aws configure sso",
            code="TG281",
        )
    if kind in _SIGN_IN_AGAIN or code in _EXPIRED:
        return AccountError(
            "the AWS credentials are not valid any more",
            cause=said,
            where=where,
            remedy=_LOG_IN,
            code="TG282",
        )
    if code in _DENIED:
        return _denied(said, where)
    if code in _THROTTLED:
        return CloudFailed(
            "AWS asks to call less often, and went on asking",
            cause=f"{code}: {said}",
            where=where,
            remedy="wait a minute and run the command again; it goes on where it was",
            code="TG971",
        )
    if not code:
        return _unreachable(kind, said, where)
    return CloudFailed("AWS refused a call", cause=f"{code}: {said}", where=where, code="TG970")


def _denied(said: str, where: str) -> AccountError:
    """IAM names the missing action in most services; elsewhere it is that of the call."""
    action = found[1] if (found := _ACTION.search(said)) else where
    resource = f" on {found[1]}" if (found := _RESOURCE.search(said)) else ""
    return AccountError(
        f"these credentials may not {action}",
        cause=said,
        where=where,
        remedy=f"have {action}{resource} allowed; docs/aws-operating.md lists what is needed",
        code="TG283",
    )


def _unreachable(kind: str, said: str, where: str) -> CloudFailed:
    return CloudFailed(
        "AWS does not answer",
        cause=f"{kind}: {said}",
        where=where,
        remedy="check the network and the region's name; nothing was changed by this call",
        code="TG972",
    )


def parsed(response: Any) -> dict[str, Any]:
    """An answer without botocore's own notes on it."""
    return {key: value for key, value in response.items() if key != "ResponseMetadata"}
