"""The Well-Architected review: every principle is asked about, and every check can fail."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.support.builders import T0, app_of, service
from tidegate.core.model import (
    Alarm,
    AnalysisPolicy,
    App,
    DeploymentPolicy,
    GateMode,
    GatePolicy,
    Listener,
    OnUnknown,
    PipelinePolicy,
    RollbackEvent,
    Security,
    Service,
    Shift,
    ShiftStep,
    TaskCount,
    TrafficCheck,
)
from tidegate.core.review import (
    CHECKS,
    Case,
    Past,
    Pillar,
    Principle,
    Running,
    RunningService,
    State,
    review,
)
from tidegate.spec import loads

DAY_MS = 86_400_000
CANARY = Shift("canary", (ShiftStep(0, 1_000), ShiftStep(300_000, 10_000)))
SERVICE = Service(
    "cats",
    memory_mib=256,
    count=TaskCount(2, 2, 10),
    security=Security(user="101:101"),
    deployment=DeploymentPolicy(CANARY, 300_000, (TrafficCheck("/"),)),
)
APP = App("shop", (SERVICE,), pipeline=PipelinePolicy(approval=True))
STABLE = RunningService("cats", 2, 2, 7, "c0ffee", "e7", "passed", 1, (("errors", "OK"),))
PAST = (
    Past("e8", T0 - DAY_MS, "push", "rolled back", "5 % errors"),
    Past("e7", T0 - 2 * DAY_MS, "push", "succeeded"),
)
RUNNING = Running((STABLE,), PAST)


def of(*resources: tuple[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A template of these resources, called r0, r1, …"""
    named = {
        f"r{n}": {"Type": f"AWS::{kind}", "Properties": properties}
        for n, (kind, properties) in enumerate(resources)
    }
    return {"shop": {"Resources": named}}


def answers(case: Case) -> dict[str, State]:
    return {one.name: one.answer.state for one in review(case).asked}


def good(**changes: Any) -> Case:
    return replace(Case(APP, T0, RUNNING), **changes)


def without(**changes: Any) -> App:
    """The good app with something of its service changed."""
    return replace(APP, services=(replace(SERVICE, **changes),))


def policy(**changes: Any) -> App:
    return without(deployment=replace(SERVICE.deployment, **changes))


def running(**changes: Any) -> Running:
    return replace(RUNNING, services=(replace(STABLE, **changes),))


# --- the whole ------------------------------------------------------------------------------------


def test_every_principle_of_every_pillar_is_asked_about() -> None:
    assert {check.principle for check in CHECKS} == set(Principle)
    assert {principle.pillar for principle in Principle} == set(Pillar)
    assert [len([p for p in Principle if p.pillar is one]) for one in Pillar] == [5, 7, 5, 5, 5]


def test_every_check_has_a_name_of_its_own() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_an_app_that_keeps_all_principles_passes_every_check_that_applies() -> None:
    states = answers(good())
    assert set(states.values()) == {State.PASSED, State.NOT_APPLICABLE}


def test_what_cannot_be_seen_is_unknown_and_never_a_pass() -> None:
    blind = review(good(running=None))
    assert {o.answer.state for o in blind.asked if o.of == "running"} == {State.UNKNOWN}


def test_every_failure_says_what_to_do() -> None:
    bare = App("shop", (Service("cats"),), Listener("0.0.0.0"), gate=GatePolicy(GateMode.OFF))
    done = review(Case(bare, T0, Running(()), of(("ECS::Service", {}), ("S3::Bucket", {}))))
    assert len(done.failed) > 12
    assert all(one.answer.remedy and one.answer.evidence for one in done.failed)


def test_the_answers_come_in_the_framework_s_order() -> None:
    order = [one.pillar for one in review(good()).asked]
    assert order == sorted(order, key=list(Pillar).index)


# --- each check can fail --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("check", "app"),
    [
        ("traffic shifts in steps", policy(shift=Shift("ECSAllAtOnce"), bake_ms=0)),
        ("releases are kept", replace(APP, retention=1)),
        ("failure rolls back", policy(rollback_on=frozenset({RollbackEvent.REQUEST}))),
        ("smoke checks come before traffic", policy(checks=())),
        ("changes are approved", replace(APP, pipeline=PipelinePolicy())),
        ("containers are hardened", without(security=Security(read_only=False))),
        ("containers are hardened", without(security=Security(user="root"))),
        ("containers are hardened", without(security=Security(capabilities=("NET_ADMIN",)))),
        ("the gate is closed", replace(APP, gate=GatePolicy(GateMode.OFF))),
        ("the gate is closed", replace(APP, gate=GatePolicy(limits=(("CRITICAL", 0),)))),
        ("traffic is encrypted", replace(APP, listener=Listener("0.0.0.0"))),
        ("secrets are referred to", without(environment=(("DB_PASSWORD", "hunter2"),))),
        ("candidates are watched", policy(analysis=AnalysisPolicy(enabled=False))),
        ("no service stands on one task", without(count=TaskCount(1, 2, 10))),
        ("missing data stops changes", policy(on_unknown=OnUnknown.PROCEED)),
        ("candidates are compared", policy(analysis=AnalysisPolicy(enabled=False))),
        ("changes are tried on few", policy(shift=Shift("ECSAllAtOnce"))),
        ("tasks are sized", without(memory_mib=128)),
        ("services may shrink", without(count=TaskCount(2, 2, 2))),
    ],
)
def test_a_check_of_the_file_fails_when_the_file_does_not_keep_it(check: str, app: App) -> None:
    assert answers(good())[check] is State.PASSED
    assert answers(good(app=app))[check] is State.FAILED


def test_an_alarm_that_guards_no_deployment_watches_no_candidate() -> None:
    busy = Alarm("busy", "RequestCount", 1_000, guards=False)
    app = replace(policy(analysis=AnalysisPolicy(enabled=False)), alarms=(busy,))
    assert answers(good(app=app))["candidates are watched"] is State.FAILED
    guarding = replace(app, alarms=(replace(busy, guards=True),))
    assert answers(good(app=guarding))["candidates are watched"] is State.PASSED


@pytest.mark.parametrize(
    ("check", "seen"),
    [
        ("releases come from commits", running(commit="")),
        ("changes are frequent", replace(RUNNING, past=(replace(PAST[0], at=0),))),
        ("changes are reversible", running(ways_back=0)),
        ("no failure comes back again and again", replace(RUNNING, past=PAST[:1] * 3)),
        ("releases are traceable", running(execution="")),
        ("what runs was judged", running(verdict="off")),
        ("recovery was tried", replace(RUNNING, past=PAST[1:])),
        ("recovery was tried", replace(RUNNING, past=(replace(PAST[0], at=T0 - 91 * DAY_MS),))),
        ("tasks are healthy, two or more", running(healthy=1)),
        ("tasks are healthy, two or more", running(desired=1, healthy=1)),
        ("alarms have data", running(alarms=(("errors", "INSUFFICIENT_DATA"),))),
        ("alarms have data", running(alarms=())),
        (
            "changes come through the pipeline",
            replace(RUNNING, past=tuple(replace(one, trigger="deploy") for one in PAST)),
        ),
    ],
)
def test_a_check_of_what_runs_fails_when_it_is_not_so(check: str, seen: Running) -> None:
    assert answers(good())[check] is State.PASSED
    assert answers(good(running=seen))[check] is State.FAILED


def allow(action: object) -> Mapping[str, Any]:
    return {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": action}]}}


LOGGED = [{"Key": "access_logs.s3.enabled", "Value": "true"}]
CLOSED = {
    "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
    "BucketEncryption": {"ServerSideEncryptionConfiguration": []},
    "LifecycleConfiguration": {"Rules": []},
}
SCANNING = {
    "ImageScanningConfiguration": {"ScanOnPush": True},
    "ImageTagMutability": "IMMUTABLE",
    "LifecyclePolicy": {"LifecyclePolicyText": "{}"},
}
ALARMS = {"Enable": True, "AlarmNames": ["errors"]}
GUARDED = {
    "PropagateTags": "SERVICE",
    "Role": {"Ref": "AWS::Region"},
    "DeploymentConfiguration": {"Alarms": ALARMS},
}
GOOD_STACK: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("IAM::Policy", allow(["ecs:DescribeServices"])),
    ("Logs::LogGroup", {"RetentionInDays": 30}),
    ("EC2::VPC", {}),
    ("EC2::FlowLog", {}),
    *(("EC2::Subnet", {"AvailabilityZone": zone}) for zone in ("a", "b")),
    *(("EC2::SecurityGroup", {}),) * 2,
    ("ElasticLoadBalancingV2::LoadBalancer", {"LoadBalancerAttributes": LOGGED}),
    ("ElasticLoadBalancingV2::Listener", {"Protocol": "HTTPS"}),
    ("ECR::Repository", SCANNING),
    ("S3::Bucket", CLOSED),
    ("EC2::LaunchTemplate", {"LaunchTemplateData": {}}),
    ("ECS::Service", GUARDED),
    ("ApplicationAutoScaling::ScalableTarget", {}),
    ("CloudWatch::Alarm", {}),
    ("Budgets::Budget", {}),
)


def test_a_stack_that_keeps_all_principles_passes_every_check() -> None:
    done = review(good(stack=of(*GOOD_STACK)))
    assert {o.answer.state for o in done.asked if o.of == "stack"} == {State.PASSED}


@pytest.mark.parametrize(
    ("check", "worse"),
    [
        ("roles are narrow", ("IAM::Policy", allow("s3:*"))),
        ("roles are narrow", ("IAM::Role", {"Policies": [allow(["*"])]})),
        ("logs are kept for a set time", ("Logs::LogGroup", {})),
        ("logs are kept for a set time", ("ElasticLoadBalancingV2::LoadBalancer", {})),
        ("repositories scan, tags stand", ("ECR::Repository", {"ImageTagMutability": "MUTABLE"})),
        ("buckets are closed", ("S3::Bucket", {"BucketEncryption": {}})),
        ("nobody has a shell", ("EC2::LaunchTemplate", {"LaunchTemplateData": {"KeyName": "k"}})),
        ("nobody has a shell", ("ECS::Service", {"EnableExecuteCommand": True})),
        ("services scale", ("ECS::Service", {})),
        ("alarms stop a deployment", ("ECS::Service", {})),
        ("alarms stop a deployment", ("CodeDeploy::DeploymentGroup", {})),
        ("listeners speak TLS", ("ElasticLoadBalancingV2::Listener", {"Protocol": "HTTP"})),
        ("templates name no region", ("SNS::Topic", {"Name": "eu-central-1"})),
        ("tasks need no machines", ("AutoScaling::AutoScalingGroup", {})),
        ("what is old expires", ("S3::Bucket", {})),
        ("managed services do the work", ("EC2::Instance", {})),
        ("costs have owners", ("ECS::Service", {})),
    ],
)
def test_a_check_of_the_stack_fails_by_one_resource(
    check: str, worse: tuple[str, Mapping[str, Any]]
) -> None:
    assert answers(good(stack=of(*GOOD_STACK, worse)))[check] is State.FAILED


@pytest.mark.parametrize(
    ("check", "kind"),
    [
        ("logs are kept for a set time", "EC2::FlowLog"),
        ("balancer and tasks are apart", "EC2::SecurityGroup"),
        ("listeners speak TLS", "ElasticLoadBalancingV2::Listener"),
        ("alarms stop a deployment", "CloudWatch::Alarm"),
        ("two zones", "EC2::Subnet"),
        ("services scale", "ApplicationAutoScaling::ScalableTarget"),
        ("a budget watches", "Budgets::Budget"),
    ],
)
def test_a_check_of_the_stack_fails_by_what_is_missing(check: str, kind: str) -> None:
    left = [one for one in GOOD_STACK if one[0] != kind]
    assert answers(good(stack=of(*left)))[check] is State.FAILED


def test_an_app_of_the_simplest_file_is_reviewed_without_a_fault() -> None:
    assert review(Case(app_of(service()), T0)).asked


WORST = App(
    "shop",
    (
        Service(
            "cats",
            environment=(("PASSWORD", "a"),),
            count=TaskCount(1, 1, 1),
            security=Security(read_only=False),
            deployment=DeploymentPolicy(
                rollback_on=frozenset(),
                analysis=AnalysisPolicy(enabled=False),
                on_unknown=OnUnknown.PROCEED,
            ),
        ),
    ),
    Listener("0.0.0.0"),
    gate=GatePolicy(limits=()),
    retention=1,
)
TOP, SERVICES, DEPLOYMENT = "", "    ", "    deployment:\n      "
WRITTEN = [
    (
        "traffic shifts in steps",
        SERVICES,
        "deployment: {strategy: ECSCanary10Percent5Minutes, bake: 5m}",
    ),
    ("releases are kept", TOP, "retention: 5"),
    ("smoke checks come before traffic", SERVICES, "deployment: {checks: [/]}"),
    ("changes are approved", TOP, "pipeline: {approval: on}"),
    ("the gate is closed", TOP, "gate: {limits: {CRITICAL: 0, HIGH: 0}}"),
    ("traffic is encrypted", TOP, "listener: {certificate: FILE.pem}"),
    ("secrets are referred to", SERVICES, "secrets: {NAME: {from_env: NAME}}"),
    ("no service stands on one task", SERVICES, "tasks: {min: 2, max: 10}"),
    ("candidates are compared", SERVICES, "deployment: {analysis: on}"),
    ("changes are tried on few", DEPLOYMENT, "strategy: ECSCanary10Percent5Minutes"),
    ("services may shrink", SERVICES, "tasks: {min: 2, max: 10}"),
]
"""What a check of the file says to write, and where that stands."""


def remedies() -> dict[str, str]:
    asked = [one for one in review(Case(WORST, T0)).asked if one.of == "file"]
    assert {one.answer.state for one in asked} == {State.FAILED}
    return {one.name: one.answer.remedy for one in asked}


@pytest.mark.parametrize(("check", "place", "line"), WRITTEN)
def test_what_a_review_says_to_write_is_taken_by_the_app_file(
    check: str, place: str, line: str
) -> None:
    assert line in remedies()[check]
    loads(f"app: shop\nservices:\n  cats:\n    build: .\n{place}{line}\n")


def test_every_line_that_a_review_says_to_write_is_tried() -> None:
    tried = {check for check, _, _ in WRITTEN}
    assert {check for check, remedy in remedies().items() if "{" in remedy} <= tried
