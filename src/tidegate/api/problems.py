"""Errors as JSON with a fitting HTTP status, and back to the same class on the other side."""

from collections.abc import Mapping
from typing import Any

from tidegate.core import errors as e

_BY_CODE: tuple[tuple[str, type[e.TidegateError]], ...] = (
    ("TG116", e.BadSignature),
    ("TG1", e.UsageError),
    ("TG200", e.ConfigurationError),
    ("TG20", e.AppFileError),
    ("TG28", e.AccountError),
    ("TG26", e.AccountError),
    ("TG2", e.SetupError),
    ("TG3", e.BuildError),
    ("TG4", e.GateError),
    ("TG5", e.DeploymentError),
    ("TG6", e.StillRunning),
    ("TG7", e.NotFound),
    ("TG8", e.Busy),
    ("TG919", e.Unreachable),
    ("TG91", e.EffectFailed),
    ("TG92", e.JournalError),
    ("TG95", e.EffectFailed),
    ("TG96", e.GitFailed),
    ("TG97", e.CloudFailed),
    ("TG98", e.CloudFailed),
    ("TG9", e.InternalError),
)
"""The error tree by the ranges of its codes; the first that fits."""

_STATUS: Mapping[int, int] = {2: 400, 3: 422, 4: 422, 5: 422, 6: 409, 7: 504, 8: 404, 9: 409}
_STATUS_BY_CODE: Mapping[str, int] = {
    "TG116": 401,  # a webhook with a wrong signature
    "TG117": 413,  # a webhook that is too large
    "TG120": 401,
    "TG121": 403,
    "TG122": 403,
    "TG123": 413,
    "TG124": 405,
}


def status_of(error: e.TidegateError) -> int:
    """The HTTP status of an error: by its code where that says more, else by its class."""
    return _STATUS_BY_CODE.get(error.number, _STATUS.get(error.exit_code, 500))


def to_json(error: e.TidegateError) -> dict[str, Any]:
    """`{"error": {"code", "what", "cause", "where", "remedy", "exit_code"}}`."""
    return {
        "error": {
            "code": error.number,
            "what": error.what,
            "cause": error.cause,
            "where": error.where,
            "remedy": error.remedy,
            "exit_code": error.exit_code,
        }
    }


def from_json(value: Any) -> e.TidegateError:
    """The error that `to_json` wrote; what is none of ours becomes an `InternalError`."""
    told = value.get("error") if isinstance(value, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get("code"), str):
        return e.InternalError("the daemon's answer is not one of Tidegate's", code="TG941")
    words = {name: str(told.get(name, "")) for name in ("cause", "where", "remedy", "code")}
    return class_of(told["code"])(str(told.get("what", "")), **words)


def class_of(code: str) -> type[e.TidegateError]:
    """The class in whose range a code lies; `InternalError` for one in no range."""
    return next((kind for prefix, kind in _BY_CODE if code.startswith(prefix)), e.InternalError)
