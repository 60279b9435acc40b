"""The published schema and reference say what the loader does, and every key is explained."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_origin

import pytest
from jsonschema import Draft202012Validator

from tests.support.app_files import BAD, EVERYTHING, OTHERWISE, SMALLEST, Bad
from tidegate.core import model
from tidegate.core.errors import AppFileError
from tidegate.spec import json_schema, loads
from tidegate.spec.app import AppKeys
from tidegate.spec.describe import is_keys, plain, written
from tidegate.spec.keys import Keys
from tidegate.spec.reference import REFERENCE, SCHEMA, markdown, schema_text
from tidegate.spec.source import parse

VALIDATOR = Draft202012Validator(json_schema())


def every_model(root: type[Keys] = AppKeys) -> Iterator[type[Keys]]:
    """All mappings of the file, some more than once."""
    yield root
    for field in root.model_fields.values():
        inner = plain(field.annotation)
        while get_origin(inner.type) in (list, dict):
            inner = plain(get_args(inner.type)[-1])
        if is_keys(inner.type):
            yield from every_model(inner.type)


MODELS = sorted(set(every_model()), key=lambda m: m.__name__)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("text", [SMALLEST, EVERYTHING, SMALLEST + "gate: off"])
def test_the_schema_takes_what_the_loader_takes(text: str) -> None:
    loads(text)
    assert [e.message for e in VALIDATOR.iter_errors(parse(text, "f").data)] == []


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_the_schema_refuses_what_the_loader_refuses(bad: Bad) -> None:
    """But for what must hold between keys, and bounds on what is written with a unit."""
    with pytest.raises(AppFileError):
        loads(bad.text)
    assert VALIDATOR.is_valid(parse(bad.text, "f").data) is not bad.in_schema


@pytest.mark.parametrize("keys", MODELS, ids=lambda m: m.__name__)
def test_every_key_is_explained_and_has_an_example(keys: type[Keys]) -> None:
    assert keys.__doc__
    for name, field in keys.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        assert field.examples, name


def whole_file(keys: type[Keys], name: str, example: Any) -> dict[str, Any]:
    """A file with this example in it, and what must stand beside it."""
    beside: dict[str, dict[str, Any]] = {
        "LinearKeys": {"percent": 10, "every": "1s"},
        "FleetKeys": {"launch": "ec2", "on_demand": 1},
        "RepositoryKeys": {"repository": "ann/shop"},
        "NetworkKeys": {
            "id": "vpc-0a1b2c3d",
            "public_subnets": ["subnet-0a1b2c3d", "subnet-1a2b3c4d"],
            "private_subnets": ["subnet-2a3b4c5d", "subnet-3a4b5c6d"],
        },
        "CanaryKeys": {"percent": 10, "hold": "1s"},
        "CheckKeys": {"path": "/"},
        "HookKeys": {"stage": "PRE_SCALE_UP", "name": "a", "pause": name not in ("command", "url")},
        "AlarmKeys": {
            "metric": "ErrorPercent", "threshold": 1, "evaluation_periods": 3,
        },
        "HealthKeys": {"interval": "5s"},
        "WaiverKeys": {"id": "CVE-1", "reason": "x", "owner": "a", "expires": "2026-12-31"},
        "TrackingKeys": TRACKING,
        "StepScalingKeys": STEPPING,
        "AdjustmentKeys": {"ScalingAdjustment": 1},
        "ScheduledKeys": SCHEDULED,
        "AppKeys": {"app": "x", "services": {"cats": {}}},
        "StrategyItemKeys": {"capacity_provider": "spot"},
        "PlacementKeys": {"type": "spread", "field": "zone"},
    }  # fmt: skip
    mapping = {**beside.get(keys.__name__, {}), name: example}
    if keys.__name__ == "PolicyKeys":
        mapping = policy(name, example)
    if keys.__name__ == "StepKeys":
        mapping = {"at": "1s", "percent": 20} | {name: example}
        steps = [{"at": 0, "percent": 5}, mapping, {"at": "1h", "percent": 100}]
        return inside("StrategyKeys", {"steps": steps})
    return inside(keys.__name__, mapping)


def policy(name: str, example: Any) -> dict[str, Any]:
    """A policy of the kind that the key belongs to."""
    tracks = name in ("PolicyName", "PolicyType", "TargetTrackingScalingPolicyConfiguration")
    kind = "TargetTrackingScaling" if tracks else "StepScaling"
    given = TRACKING if tracks else STEPPING
    beside: dict[str, Any] = {"PolicyName": "p", f"{kind}PolicyConfiguration": given}
    return beside | ({} if tracks else {"Alarm": "CatsScaleUpAlarm"}) | {name: example}


TRACKING = {
    "TargetValue": 5, "PredefinedMetricSpecification": {"PredefinedMetricType": "concurrency"},
}  # fmt: skip
STEPPING = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": 1}]}
SCHEDULED = {
    "ScheduledActionName": "a", "Schedule": "rate(1 day)",
    "ScalableTargetAction": {"MaxCapacity": 9},
}  # fmt: skip

_SERVICE = ("services", "cats")
_SCALING = (*_SERVICE, "scaling")
_TRACKING = (*_SCALING, "policies", "[]", "TargetTrackingScalingPolicyConfiguration")
_STEPPING = (*_SCALING, "policies", "[]", "StepScalingPolicyConfiguration")
_POLICY = (*_SERVICE, "deployment")
PLACES: dict[str, tuple[str, ...]] = {
    "AppKeys": (),
    "ListenerKeys": ("listener",),
    "PipelineKeys": ("pipeline",),
    "GateKeys": ("gate",),
    "LimitKeys": ("gate", "limits"),
    "GraceKeys": ("gate", "grace"),
    "DataAgeKeys": ("gate", "data_age"),
    "WaiverKeys": ("gate", "waivers", "[]"),
    "AlarmKeys": ("alarms", "a"),
    "ServiceKeys": _SERVICE,
    "TaskKeys": (*_SERVICE, "tasks"),
    "BuildKeys": (*_SERVICE, "build"),
    "RouteKeys": (*_SERVICE, "route"),
    "HealthKeys": (*_SERVICE, "health"),
    "SecurityKeys": (*_SERVICE, "security"),
    "SecretKeys": (*_SERVICE, "secrets", "A"),
    "DeploymentKeys": _POLICY,
    "CheckKeys": (*_POLICY, "checks", "[]"),
    "HookKeys": (*_POLICY, "hooks", "[]"),
    "StrategyKeys": (*_POLICY, "strategy"),
    "LinearKeys": (*_POLICY, "strategy", "linear"),
    "CanaryKeys": (*_POLICY, "strategy", "canary"),
    "AnalysisKeys": (*_POLICY, "analysis"),
    "BreakerKeys": (*_POLICY, "breaker"),
    "AwsKeys": ("aws",),
    "FleetKeys": ("aws", "capacity"),
    "NetworkKeys": ("aws", "vpc"),
    "RepositoryKeys": ("aws", "source"),
    "CapacityKeys": ("capacity",),
    "ProviderKeys": ("capacity", "providers", "spot"),
    "StrategyItemKeys": ("capacity", "default_strategy", "[]"),
    "PlacementKeys": ("capacity", "placement", "[]"),
    "MarketKeys": ("capacity", "market"),
    "ScalingKeys": _SCALING,
    "TargetKeys": (*_SCALING, "target"),
    "PolicyKeys": (*_SCALING, "policies", "[]"),
    "TrackingKeys": _TRACKING,
    "MetricKeys": (*_TRACKING, "PredefinedMetricSpecification"),
    "StepScalingKeys": _STEPPING,
    "AdjustmentKeys": (*_STEPPING, "StepAdjustments", "[]"),
    "ScheduledKeys": (*_SCALING, "scheduled", "[]"),
    "BoundsKeys": (*_SCALING, "scheduled", "[]", "ScalableTargetAction"),
}


NEEDED: dict[str, dict[str, Any]] = {
    "TargetTrackingScalingPolicyConfiguration": {"PolicyName": "p"},
    "StepScalingPolicyConfiguration": {"PolicyName": "p", "Alarm": "CatsScaleUpAlarm"},
    "PredefinedMetricSpecification": {"TargetValue": 5},
    "StepAdjustments": {"AdjustmentType": "ChangeInCapacity"},
    "ScalableTargetAction": {"ScheduledActionName": "a", "Schedule": "rate(1 day)"},
}
"""What must stand beside a part on the way."""


def inside(name: str, mapping: Any) -> dict[str, Any]:
    """A file with a mapping of this kind in its place."""
    for part in reversed(PLACES[name]):
        mapping = [mapping] if part == "[]" else {part: mapping} | NEEDED.get(part, {})
    file: dict[str, Any] = {"app": "x", "services": {"cats": {}}} | mapping
    if name != "AppKeys":
        known = {"on-demand": {}, "spot": {"kind": "spot"}}
        file["capacity"] = {"providers": known, **file.get("capacity", {})}
    if "CatsScaleUpAlarm" in str(file):
        file |= {"alarms": {"CatsScaleUpAlarm": {"metric": "RequestCount", "threshold": 1}}}
    return file


@pytest.mark.parametrize("keys", MODELS, ids=lambda m: m.__name__)
def test_every_example_loads(keys: type[Keys]) -> None:
    for name, field in keys.model_fields.items():
        for example in field.examples or []:
            text = written(whole_file(keys, name, example))
            loads(text)
            assert VALIDATOR.is_valid(parse(text, "f").data), text


def test_the_defaults_are_those_of_the_core() -> None:
    """A default is written once, in `core.model`."""
    app = loads("app: x\nservices: {cats: {}}")
    assert app == model.App("x", (model.Service("cats"),))


def test_the_reference_is_current() -> None:
    assert REFERENCE.read_text() == markdown(), "run: python -m tidegate.spec.reference"


def test_the_published_schema_is_current() -> None:
    assert SCHEMA.read_text() == schema_text(), "run: python -m tidegate.spec.reference"


def test_every_key_stands_in_the_reference() -> None:
    text = markdown()
    for keys in MODELS:
        for name, field in keys.model_fields.items():
            assert any(
                line.startswith(f"| `{name}` |") and str(field.description) in line
                for line in text.splitlines()
            ), f"{keys.__name__}.{name}"


def values(tree: Any) -> Iterator[tuple[str, str]]:
    """Every field in a tree of dataclasses, as `Class.field`, with its value."""
    if isinstance(tree, tuple):
        for item in tree:
            yield from values(item)
    if is_dataclass(tree):
        for field in fields(tree):
            value = getattr(tree, field.name)
            yield f"{type(tree).__name__}.{field.name}", repr(value)
            yield from values(value)


def test_the_whole_of_the_model_can_be_reached_from_the_file() -> None:
    """Each field of the model has one value from one file and another from another."""
    seen: dict[str, set[str]] = defaultdict(set)
    for text in (EVERYTHING, OTHERWISE):
        for name, value in values(loads(text)):
            seen[name].add(value)
    of_other_files = {"Waiver.digest", "Waiver.aliases", "Waiver.source"}
    assert {name for name, found in seen.items() if len(found) < 2} == of_other_files
    assert {name.partition(".")[0] for name in seen} >= {"Alarm", "Hook", "Secret", "TrafficCheck"}
