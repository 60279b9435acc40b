"""What the functions in the account know of the app: two SSM parameters, written by the stacks.

`Names.gate_parameter` holds `{"gate": …}`, packed when it is long, `Names.service_parameter` the
JSON of `ServiceSettings`.
"""

import base64
import gzip
import json
import zlib
from dataclasses import dataclass
from typing import Any

from tidegate.aws.account import Account
from tidegate.core.errors import CloudFailed
from tidegate.core.model import AnalysisPolicy, GatePolicy, OnUnknown, TrafficCheck
from tidegate.core.plain import build, plain

STANDARD_BYTES = 4_096
MOST_BYTES = 8_192
"""A parameter of the standard tier, which costs nothing, and one of the advanced tier.

Source: AWS Systems Manager endpoints and quotas, "Maximum size for parameter value".
"""
_ANALYSIS = AnalysisPolicy()


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What hook and deploy functions need of one service.

    `ecs_service` is its name or ARN in ECS, `load_balancer` and the target groups their dimensions
    in AWS/ApplicationELB (`app/NAME/ID`, `targetgroup/NAME/ID`), `scalable_target` is
    `service/CLUSTER/SERVICE` or empty. `patience_ms` is how long a hook waits for enough traffic.
    `alarms` are names of metric alarms. `first_count` and `least_count` are of tasks.
    `checks` go to `test_url`, the test listener, before production traffic moves.
    """

    service: str
    controller: str
    cluster: str
    ecs_service: str
    load_balancer: str
    blue_target_group: str = ""
    green_target_group: str = ""
    scalable_target: str = ""
    analysis: AnalysisPolicy = _ANALYSIS
    on_unknown: OnUnknown = OnUnknown.HOLD
    patience_ms: int = 1_800_000
    checks: tuple[TrafficCheck, ...] = ()
    test_url: str = ""
    alarms: tuple[str, ...] = ()
    first_count: int = 1
    least_count: int = 1

    def to_json(self) -> str:
        """The parameter's value."""
        return json.dumps(plain(self), separators=(",", ":"))


def service_settings(account: Account, path: str, service: str) -> ServiceSettings:
    """The settings of a service under `path`. Raises `AccountError`, `CloudFailed`."""
    text = parameter(account, f"{path.rstrip('/')}/{service}/settings")
    settings: ServiceSettings = _restored(ServiceSettings, text)
    return settings


@dataclass(frozen=True, slots=True)
class _Gate:
    gate: GatePolicy


def gate_json(policy: GatePolicy) -> str:
    """The gate's policy as JSON: what its parameter says, packed or not."""
    return json.dumps({"gate": plain(policy)}, separators=(",", ":"))


def gate_value(policy: GatePolicy) -> str:
    """The gate parameter's value: the JSON, packed when it is too large for the standard tier.

    Waivers are much alike, and so become a fifth of what they were or less: two hundred with their
    reasons fit. JSON begins with a brace, which is no letter of base64. All is ASCII, so
    characters count.
    """
    text = gate_json(policy)
    if len(text) <= STANDARD_BYTES:
        return text
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def gate_policy(account: Account, name: str) -> GatePolicy:
    """The gate's policy in that parameter, as the app file of the last `tidegate up` had it."""
    policy: GatePolicy = _restored(_Gate, parameter(account, name)).gate
    return policy


def _unpacked(value: str) -> str:
    """Raises `ValueError` for what is neither JSON nor packed JSON."""
    if value.startswith("{"):
        return value
    try:
        return gzip.decompress(base64.b64decode(value, validate=True)).decode()
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"the value is not packed JSON: {error}") from error


def parameter(account: Account, name: str) -> str:
    """The value of an SSM parameter that holds no secret. Raises `AccountError`, `CloudFailed`."""
    answer = account.ask("ssm", "get_parameter", Name=name)
    return str(answer["Parameter"]["Value"])


def _restored(kind: Any, text: str) -> Any:
    """Raises `CloudFailed` for a value of another version, or that a person has changed."""
    try:
        return build(kind, json.loads(_unpacked(text)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CloudFailed(
            "the settings in the account cannot be read",
            cause=f"{type(error).__name__}: {error}",
            remedy="write them again: tidegate up --target aws",
            code="TG979",
        ) from error
