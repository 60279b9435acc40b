"""What a target group answered, from CloudWatch, in the shape that `core.analysis` compares.

CloudWatch keeps no single requests. A minute becomes one `Second` whose latencies lie at the
percentiles that CloudWatch gives: the share of requests between two of them counts as slow as the
upper one. So a p95 is never too low, and what `core.eprocess` bets on are minutes instead of
seconds: the bound on false rollbacks holds, and a finding takes minutes to come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tidegate.aws import cloudwatch
from tidegate.aws.account import Account
from tidegate.core.metrics import Second, bucket_of

PERIOD_S = 60
"""ALB publishes once a minute."""

_SHARES = (50.0, 75.0, 90.0, 95.0, 99.0, 100.0)
_NAMESPACE = "AWS/ApplicationELB"


@dataclass(frozen=True, slots=True)
class Group:
    """A target group behind a load balancer, by their CloudWatch dimensions."""

    load_balancer: str
    target_group: str

    @property
    def dimensions(self) -> list[dict[str, str]]:
        """As the API wants them."""
        return [
            {"Name": "LoadBalancer", "Value": self.load_balancer},
            {"Name": "TargetGroup", "Value": self.target_group},
        ]


def dimension_of(arn: str) -> str:
    """`targetgroup/NAME/ID` or `app/NAME/ID` out of an ARN of ELBv2."""
    resource = arn.split(":", 5)[-1]
    return resource.removeprefix("loadbalancer/")


def queries(groups: Mapping[str, Group]) -> list[dict[str, Any]]:
    """The metric queries of all groups; ids are `NAME_requests`, `NAME_errors`, `NAME_p0` ….

    `errors` are 5xx answers of targets; connections that got no answer count in them as well.
    """
    shares = ("Maximum" if share == 100 else f"p{share:g}" for share in _SHARES)
    wanted = [
        ("requests", "RequestCount", "Sum"),
        ("errors", "HTTPCode_Target_5XX_Count", "Sum"),
        ("broken", "TargetConnectionErrorCount", "Sum"),
        *((f"p{index}", "TargetResponseTime", one) for index, one in enumerate(shares)),
    ]
    return [
        cloudwatch.query(f"{name}_{what}", (_NAMESPACE, metric, group.dimensions), PERIOD_S, one)
        for name, group in groups.items()
        for what, metric, one in wanted
    ]


def minutes(
    account: Account, groups: Mapping[str, Group], since_ms: int, until_ms: int
) -> dict[str, tuple[Second, ...]]:
    """The minutes of each group in [since_ms, until_ms), oldest first, without those of no request.

    Raises `AccountError` or `CloudFailed`.
    """
    series = cloudwatch.read(account, queries(groups), since_ms, until_ms)
    return {name: read(series, name) for name in groups}


def read(series: cloudwatch.Series, name: str) -> tuple[Second, ...]:
    """A group's minutes out of the series of `queries`."""
    found = []
    for at_ms, requests in sorted(series.get(f"{name}_requests", {}).items()):
        if requests < 1:
            continue
        errors = sum(
            series.get(f"{name}_{kind}", {}).get(at_ms, 0) for kind in ("errors", "broken")
        )
        marks = [series.get(f"{name}_p{i}", {}).get(at_ms) for i in range(len(_SHARES))]
        latency = _latency(int(requests), marks)
        found.append(Second(at_ms, int(requests), min(int(errors), int(requests)), latency))
    return tuple(found)


def _latency(requests: int, marks: Sequence[float | None]) -> tuple[tuple[int, int], ...]:
    """Whole requests between the percentiles, each as slow as the upper one."""
    counts: dict[int, int] = {}
    before = 0
    for share, seconds in zip(_SHARES, marks, strict=True):
        if seconds is None:
            continue
        upto = round(requests * share / 100)
        bucket = bucket_of(round(seconds * 1_000_000))
        if upto > before:
            counts[bucket] = counts.get(bucket, 0) + upto - before
        before = upto
    return tuple(sorted(counts.items()))
