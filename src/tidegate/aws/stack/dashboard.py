"""The dashboard: what the public meets, both colours of every service, the tasks of each."""

from typing import Any

from aws_cdk import Aws, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

_WIDTH, _HEIGHT = 8, 6


def dashboard(stack: Stack, balancer: str, cluster: str) -> cloudwatch.CfnDashboard:
    """Two rows. Services' metrics are found by search, so the platform need not know them."""
    rows = (_front(balancer), _services(balancer, cluster))
    widgets = [
        {
            "type": "metric",
            "x": column * _WIDTH,
            "y": row * _HEIGHT,
            "width": _WIDTH,
            "height": _HEIGHT,
            "properties": {"region": Aws.REGION, "view": "timeSeries", "period": 60, **properties},
        }
        for row, line in enumerate(rows)
        for column, properties in enumerate(line)
    ]
    body = stack.to_json_string({"widgets": widgets})
    return cloudwatch.CfnDashboard(stack, "Dashboard", dashboard_body=body)


def _front(balancer: str) -> list[dict[str, Any]]:
    def lines(*names: str) -> list[list[str]]:
        return [["AWS/ApplicationELB", name, "LoadBalancer", balancer] for name in names]

    failed = ("HTTPCode_Target_5XX_Count", "HTTPCode_ELB_5XX_Count")
    return [
        {"title": "requests a minute", "stat": "Sum", "metrics": lines("RequestCount")},
        {"title": "5xx a minute", "stat": "Sum", "metrics": lines(*failed)},
        {"title": "answer time, p99", "stat": "p99", "metrics": lines("TargetResponseTime")},
    ]


def _services(balancer: str, cluster: str) -> list[dict[str, Any]]:
    colours = "{AWS/ApplicationELB,LoadBalancer,TargetGroup} LoadBalancer=" + f'"{balancer}"'
    tasks = "{ECS/ContainerInsights,ClusterName,ServiceName} ClusterName=" + f'"{cluster}"'
    return [
        _search("requests by colour", f'{colours} MetricName="RequestCount"', "Sum"),
        _search("p99 by colour", f'{colours} MetricName="TargetResponseTime"', "p99"),
        _search("tasks running", f'{tasks} MetricName="RunningTaskCount"', "Average"),
    ]


def _search(title: str, what: str, statistic: str) -> dict[str, Any]:
    expression = f"SEARCH('{what}', '{statistic}', 60)"
    return {"title": title, "metrics": [[{"expression": expression, "id": "found"}]]}
