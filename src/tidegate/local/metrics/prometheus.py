"""Everything the data plane knows of itself, in Prometheus' text format 0.0.4.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable, Iterator

from tidegate.core.model import ALL_BP
from tidegate.local.haproxy.routing import of_group, routing
from tidegate.local.haproxy.tables import Look
from tidegate.local.metrics.collector import Counted
from tidegate.local.metrics.totals import BOUNDS_S, GroupTotals
from tidegate.local.metrics.window import Group

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[str, str, float]
"""A suffix to the metric's name, the labels as text, the value."""


def render(counted: Counted, look: Look | None, lost: int) -> str:
    """The page to scrape. Without a `look` (HAProxy gives no answer) its gauges are left out."""
    groups = sorted(counted.groups.items())
    families = [
        _family("tidegate_requests_total", "counter", "Requests answered.", _requests(groups)),
        _family(
            "tidegate_request_duration_seconds",
            "histogram",
            "Time to the response's headers, at most 5 % too high.",
            _durations(groups),
        ),
        _family(
            "tidegate_request_errors_total",
            "counter",
            "Requests answered with 5xx or not at all.",
            (("", _labels(group), totals.errors) for group, totals in groups),
        ),
        _family(
            "tidegate_metrics_lost_lines_total",
            "counter",
            "Requests that the data plane answered but that were not counted, at the least.",
            [("", "", lost)],
        ),
        _family(
            "tidegate_metrics_late_lines_total",
            "counter",
            "Requests counted after their second was given out as complete.",
            [("", "", counted.late)],
        ),
    ]
    return "".join(families + ([] if look is None else _gauges(look)))


def _gauges(look: Look) -> list[str]:
    return [
        _family("tidegate_targets_healthy", "gauge", "Targets that get requests.", _healthy(look)),
        _family(
            "tidegate_weight_ratio",
            "gauge",
            "Share of production traffic, 0 to 1.",
            _weights(look),
        ),
        _family(
            "tidegate_requests_under_way",
            "gauge",
            "Requests and tunnels under way.",
            _under_way(look),
        ),
    ]


def _requests(groups: Iterable[tuple[Group, GroupTotals]]) -> Iterator[Sample]:
    for group, totals in groups:
        for code_class, count in sorted(totals.by_class.items()):
            yield "", _labels(group, code_class=f"{code_class}xx"), count


def _durations(groups: Iterable[tuple[Group, GroupTotals]]) -> Iterator[Sample]:
    for group, totals in groups:
        below = 0
        for bound, count in zip((*BOUNDS_S, "+Inf"), totals.buckets, strict=True):
            below += count
            yield "_bucket", _labels(group, le=str(bound)), below
        yield "_sum", _labels(group), round(totals.sum_s, 6)
        yield "_count", _labels(group), below


def _healthy(look: Look) -> Iterator[Sample]:
    for name, group in _groups(look):
        ready = [
            held
            for (of, _), held in look.serving.targets.items()
            if of == name and held.up and not held.draining and not held.retired
        ]
        yield "", _labels(group), len(ready)


def _weights(look: Look) -> Iterator[Sample]:
    for _, group in _groups(look):
        service, colour = group
        if service in look.services:
            split = routing(service, look.services[service])
            yield "", _labels(group), split.weight_bp(colour) / ALL_BP


def _under_way(look: Look) -> Iterator[Sample]:
    for name, group in _groups(look):
        loads = [worker.groups[name] for worker in look.workers if name in worker.groups]
        yield "", _labels(group), sum(load.under_way for load in loads)


def _groups(look: Look) -> Iterator[tuple[str, Group]]:
    for name in look.serving.groups:
        group = of_group(name)
        if group is not None:
            yield name, group


def _family(name: str, kind: str, text: str, samples: Iterable[Sample]) -> str:
    lines = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{suffix}{labels} {value}" for suffix, labels, value in samples]
    return "\n".join(lines) + "\n"


def _labels(group: Group, **more: str) -> str:
    """Labels in braces. Service names hold letters, digits and dashes only: nothing to escape."""
    labels = {"service": group[0], "colour": str(group[1]), **more}
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"
