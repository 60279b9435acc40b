"""The comparison as a hook of ECS and of CodeDeploy, on metrics as CloudWatch gives them."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from tests.support.aws.fake import NOW, FakeAws
from tests.support.aws.services import time_of
from tests.support.aws.shop import BALANCER, CLUSTER, group, standing
from tests.support.web import Asked, running, serving
from tidegate.aws import deploy_function, holding
from tidegate.aws.hook_function import on_codedeploy, on_ecs
from tidegate.aws.names import Environment, Names
from tidegate.aws.pipeline_job import Done, Job, Wait
from tidegate.aws.pipeline_job import Refused as No
from tidegate.aws.settings import ServiceSettings
from tidegate.aws.traffic import dimension_of
from tidegate.core.errors import Busy
from tidegate.core.metrics import BUCKET_BOUNDS_US
from tidegate.core.model import AnalysisPolicy, OnUnknown, TrafficCheck

NAMES = Names("shop")
ENVIRON: dict[str, str] = {Environment.SERVICES_PATH: NAMES.services_path}
MINUTE = 60_000
BEGAN = NOW - 720_000  # when the deployment that `move` makes was started, about
FROM = BEGAN // MINUTE * MINUTE


def settings(**changed: Any) -> ServiceSettings:
    blue, green = (dimension_of(group("cats", c)) for c in ("blue", "green"))
    return ServiceSettings("cats", "ecs", CLUSTER, "cats", BALANCER, blue, green, **changed)


def told(fake: FakeAws, known: ServiceSettings) -> None:
    fake.parts["ssm"].values[NAMES.service_parameter("cats")] = known.to_json()


@pytest.fixture
def fake() -> FakeAws:
    made = standing()
    told(made, settings())
    made.parts["ecs"].move("cats", 4, "POST_PRODUCTION_TRAFFIC_SHIFT", 10.0)
    return made


def record(
    fake: FakeAws,
    colour: str,
    errors: float,
    slow_s: float = 0.1,
    *,
    requests: int = 600,
    began: int = BEGAN,
) -> None:
    """Minutes since a while before the deployment, as ALB publishes them."""
    name = dimension_of(group("cats", colour))
    series = fake.parts["cloudwatch"].series
    start = began // MINUTE * MINUTE
    first = start - 2 * MINUTE if colour == "blue" else start + MINUTE
    at = list(range(first, NOW - 3 * MINUTE, MINUTE))
    series["RequestCount", name, "Sum"] = dict.fromkeys(at, float(requests))
    series["HTTPCode_Target_5XX_Count", name, "Sum"] = dict.fromkeys(at, errors * requests)
    for share in ("p50", "p75", "p90", "p95", "p99", "Maximum"):
        series["TargetResponseTime", name, share] = dict.fromkeys(at, slow_s)


def event(fake: FakeAws, stage: str = "POST_PRODUCTION_TRAFFIC_SHIFT") -> dict[str, Any]:
    arn = fake.parts["ecs"].services["cats"].deployments[0]["serviceDeploymentArn"]
    return {"resourceArn": arn, "lifecycleStage": stage, "hookDetails": {"service": "cats"}}


def ask(fake: FakeAws, **more: Any) -> dict[str, Any]:
    return on_ecs(fake.account(), event(fake, **more), ENVIRON, NOW)


def test_a_candidate_like_stable_goes_on(fake: FakeAws) -> None:
    record(fake, "blue", 0.01)
    record(fake, "green", 0.01)
    answer = ask(fake)
    assert answer["hookStatus"] == "SUCCEEDED"
    assert answer["reason"].startswith("no difference seen: 5xx share 1.0 % on the candidate")


def test_a_candidate_with_more_errors_is_rolled_back_with_the_evidence(fake: FakeAws) -> None:
    record(fake, "blue", 0.01)
    record(fake, "green", 0.2)
    answer = ask(fake)
    assert answer["hookStatus"] == "FAILED"
    assert answer["reason"].startswith("the candidate is worse: 5xx share")
    assert "e-value" in answer["reason"]


def test_a_slower_candidate_is_rolled_back_after_some_ten_minutes(fake: FakeAws) -> None:
    """Each minute at most doubles the evidence: slow requests may cling together."""
    began = NOW - 1_800_000
    fake.parts["ecs"].services["cats"].deployments[0]["startedAt"] = time_of(began)
    record(fake, "blue", 0.0, began=began)
    record(fake, "green", 0.0, slow_s=0.9, began=began)
    answer = ask(fake)
    assert answer["hookStatus"] == "FAILED"
    assert "share slower than" in answer["reason"]


def test_too_little_traffic_is_said_and_waited_for(fake: FakeAws) -> None:
    record(fake, "blue", 0.0)
    record(fake, "green", 0.0, requests=2)
    answer = ask(fake)
    assert (answer["hookStatus"], answer["callBackDelay"]) == ("IN_PROGRESS", 60)
    assert answer["reason"].startswith("not enough data: ")


@pytest.mark.parametrize(
    ("rule", "status"), [(OnUnknown.HOLD, "FAILED"), (OnUnknown.PROCEED, "SUCCEEDED")]
)
def test_at_the_end_of_patience_the_policy_decides(
    fake: FakeAws, rule: OnUnknown, status: str
) -> None:
    told(fake, settings(on_unknown=rule, patience_ms=60_000))
    answer = ask(fake)
    assert answer["hookStatus"] == status
    assert f"after 1 min the app file says on_unknown: {rule.value}" in answer["reason"]


def test_metrics_that_cannot_be_read_are_no_evidence(fake: FakeAws) -> None:
    fake.refuse("cloudwatch:GetMetricData", "AccessDenied", "Access denied")
    answer = ask(fake)
    assert answer["hookStatus"] == "IN_PROGRESS"
    assert answer["reason"] == "these credentials may not cloudwatch:GetMetricData"


def test_a_candidate_whose_group_ecs_does_not_say_is_not_compared_with_itself(
    fake: FakeAws,
) -> None:
    arn = fake.parts["ecs"].services["cats"].deployments[0]["targetServiceRevision"]["arn"]
    fake.parts["ecs"].revisions[arn]["resolvedConfiguration"] = {}
    answer = ask(fake)
    assert answer["hookStatus"] == "IN_PROGRESS"
    assert answer["reason"] == "ECS does not say which target group the candidate is in"


def test_a_first_deployment_has_nothing_to_be_compared_with(fake: FakeAws) -> None:
    fake.parts["ecs"].services["cats"].deployments[0]["sourceServiceRevisions"] = []
    answer = ask(fake)
    assert answer["hookStatus"] == "SUCCEEDED"
    assert answer["reason"].startswith("a first deployment: ")


def test_analysis_that_is_off_says_so(fake: FakeAws) -> None:
    told(fake, settings(analysis=AnalysisPolicy(enabled=False)))
    assert "analysis: off" in ask(fake)["reason"]


def test_a_paused_deployment_is_held_and_let_go(fake: FakeAws) -> None:
    record(fake, "blue", 0.0)
    record(fake, "green", 0.0)
    name = event(fake)["resourceArn"].rpartition("/")[2]
    account = fake.account()
    holding.hold(account, NAMES.services_path, "cats", {"deployment": name, "by": "ann"})
    answer = ask(fake)
    assert answer["hookStatus"] == "IN_PROGRESS"
    assert answer["reason"].startswith("paused by ann; ")
    holding.let_go(account, NAMES.services_path, "cats")
    assert ask(fake)["hookStatus"] == "SUCCEEDED"


def test_a_pause_does_not_keep_a_worse_candidate(fake: FakeAws) -> None:
    record(fake, "blue", 0.0)
    record(fake, "green", 0.3)
    name = event(fake)["resourceArn"].rpartition("/")[2]
    note = {"deployment": name, "by": "ann"}
    holding.hold(fake.account(), NAMES.services_path, "cats", note)
    assert ask(fake)["hookStatus"] == "FAILED"


def test_a_note_of_an_earlier_deployment_holds_nothing(fake: FakeAws) -> None:
    record(fake, "blue", 0.0)
    record(fake, "green", 0.0)
    note = {"deployment": "dep0000", "by": "ann"}
    holding.hold(fake.account(), NAMES.services_path, "cats", note)
    assert ask(fake)["hookStatus"] == "SUCCEEDED"


def test_the_checks_go_to_the_test_listener_before_traffic_moves(fake: FakeAws) -> None:
    def answer(asked: Asked) -> tuple[int, bytes]:
        return (200, b"<h1>Cats</h1>") if asked.path == "/cats" else (404, b"")

    with serving(answer) as server:
        url = server.url
        check = TrafficCheck("/cats", contains="<h1>Cats</h1>", attempts=1)
        told(fake, settings(checks=(check,), test_url=url))
        assert ask(fake, stage="POST_TEST_TRAFFIC_SHIFT")["hookStatus"] == "SUCCEEDED"
        check = TrafficCheck("/cats", contains="Dogs", attempts=1)
        told(fake, settings(checks=(check,), test_url=url))
        said = ask(fake, stage="POST_TEST_TRAFFIC_SHIFT")["reason"]
        assert said == "GET /cats answered 200 without 'Dogs' in it"
        check = TrafficCheck("/none", attempts=1)
        told(fake, settings(checks=(check,), test_url=url))
        assert ask(fake, stage="POST_TEST_TRAFFIC_SHIFT")["reason"] == (
            "GET /none answered 404, not 200"
        )


def test_a_check_that_is_answered_with_no_http_is_tried_again_and_told(
    fake: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    answers = [b"garbage\r\n\r\n", b"garbage\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(answers.pop(0))

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with running(Handler) as port:
        url = f"http://127.0.0.1:{port}"
        told(fake, settings(checks=(TrafficCheck("/", attempts=1),), test_url=url))
        failed = ask(fake, stage="POST_TEST_TRAFFIC_SHIFT")
        assert failed["hookStatus"] == "FAILED"
        assert failed["reason"].startswith("GET / could not be asked: garbage")
        told(fake, settings(checks=(TrafficCheck("/", attempts=2),), test_url=url))
        assert ask(fake, stage="POST_TEST_TRAFFIC_SHIFT")["hookStatus"] == "SUCCEEDED"


def test_a_percentile_between_marks_counts_as_the_upper_one(fake: FakeAws) -> None:
    record(fake, "blue", 0.0, slow_s=0.25, requests=100)
    from tidegate.aws.traffic import Group, minutes

    groups = {"one": Group(BALANCER, dimension_of(group("cats", "blue")))}
    (first, *_) = minutes(fake.account(), groups, FROM, NOW)["one"]
    ((bucket, requests),) = first.latency
    assert requests == first.requests == 100
    assert BUCKET_BOUNDS_US[bucket] >= 250_000


# --- CodeDeploy ----------------------------------------------------------------------------


class Context:
    """A Lambda call with so many ms left; each question takes half a minute."""

    def __init__(self, left_ms: int) -> None:
        self.left_ms = left_ms

    def get_remaining_time_in_millis(self) -> int:
        self.left_ms -= 30_000
        return self.left_ms


@pytest.fixture
def moved(fake: FakeAws, monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    sets = [
        {"taskSetLabel": "Blue", "targetGroup": {"name": "cats-blue"}, "trafficWeight": 0.0},
        {"taskSetLabel": "Green", "targetGroup": {"name": "cats-green"}, "trafficWeight": 100.0},
    ]
    events = [{"lifecycleEventName": "AfterAllowTraffic", "status": "InProgress"}]
    target = {"taskSetsInfo": sets, "lifecycleEvents": events}
    fake.parts["codedeploy"].add("d-1", "cats", "InProgress", target)
    monkeypatch.setattr("time.time", lambda: NOW / 1_000)
    monkeypatch.setattr("time.sleep", lambda _: None)
    return fake


def ask_codedeploy(fake: FakeAws, left_ms: int = 900_000) -> dict[str, Any]:
    called = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "hook-1"}
    return on_codedeploy(fake.account(), called, Context(left_ms), ENVIRON)


@pytest.mark.parametrize(("errors", "status"), [(0.01, "Succeeded"), (0.3, "Failed")])
def test_codedeploy_is_told_by_its_own_call(moved: FakeAws, errors: float, status: str) -> None:
    record(moved, "blue", 0.01)
    record(moved, "green", errors)
    assert ask_codedeploy(moved)["status"] == status
    (said,) = moved.asked("codedeploy:PutLifecycleEventHookExecutionStatus")
    assert said == {
        "deploymentId": "d-1",
        "lifecycleEventHookExecutionId": "hook-1",
        "status": status,
    }


def test_codedeploy_s_service_is_found_among_many(moved: FakeAws) -> None:
    """Its parameters are on SSM's second page."""
    values = moved.parts["ssm"].values
    mine = values.pop(NAMES.service_parameter("cats"))
    for n in range(12):
        values[NAMES.task_parameter(f"s{n}")] = "{}"
    values[NAMES.service_parameter("cats")] = mine
    record(moved, "blue", 0.01)
    record(moved, "green", 0.01)
    assert ask_codedeploy(moved)["status"] == "Succeeded"


def test_groups_that_codedeploy_does_not_label_are_no_evidence(moved: FakeAws) -> None:
    record(moved, "blue", 0.01)
    record(moved, "green", 0.01)
    moved.parts["codedeploy"].targets["d-1"]["taskSetsInfo"].pop()
    answer = ask_codedeploy(moved, 200_000)
    assert answer["status"] == "Failed"
    assert answer["reason"].startswith("CodeDeploy does not say which target groups it moves")


def test_codedeploy_s_call_ends_before_lambda_ends_it(moved: FakeAws) -> None:
    told(moved, settings(on_unknown=OnUnknown.HOLD))
    answer = ask_codedeploy(moved, 200_000)
    assert answer["status"] == "Failed"
    assert answer["reason"].endswith("; after 6 min the app file says on_unknown: hold")


def test_the_last_look_of_a_call_compares_no_minute_from_before_the_deployment(
    moved: FakeAws,
) -> None:
    """Green's target group may still have had an older release's traffic in it."""
    told(moved, settings(analysis=AnalysisPolicy(warm_up_ms=0)))
    record(moved, "blue", 0.0)
    record(moved, "green", 0.0, requests=1)
    name = dimension_of(group("cats", "green"))
    series = moved.parts["cloudwatch"].series
    info = moved.parts["codedeploy"].deployments["d-1"]
    began = round(info["createTime"].timestamp() * 1_000) // MINUTE * MINUTE
    for metric in ("RequestCount", "HTTPCode_Target_5XX_Count"):
        series[metric, name, "Sum"][began - MINUTE] = 600.0
    answer = ask_codedeploy(moved, 200_000)
    assert answer["reason"].startswith("not enough data: ")


# --- the deploy action ---------------------------------------------------------------------


def job(token: Any = None, **request: str) -> Job:
    asked = {"service": "cats", "image": f"repository@sha256:{'9' * 64}", **request}
    return Job("job", asked, token or {}, ("shop-artifacts", "out.zip"))


def deploy(fake: FakeAws, one: Job) -> Any:
    return deploy_function.decide(fake.account(), one, ENVIRON)


@pytest.fixture
def resting() -> FakeAws:
    made = standing()
    told(made, settings(scalable_target="service/shop-cluster/cats"))
    wanted = {
        "family": "tidegate-shop-cats",
        "containerDefinitions": [{"name": "web", "image": "<IMAGE1_NAME>"}],
    }
    made.parts["ssm"].values[NAMES.task_parameter("cats")] = json.dumps(wanted)
    made.parts["ssm"].values[NAMES.appspec_parameter("cats")] = json.dumps(
        {"TaskDefinition": "<TASK_DEFINITION>", "CapacityProviderStrategy": [{"Base": 1}]}
    )
    return made


def test_the_judged_digest_is_deployed_and_followed_by_token(resting: FakeAws) -> None:
    answer = deploy(resting, job())
    assert isinstance(answer, Wait)
    (asked,) = resting.asked("ecs:RegisterTaskDefinition")
    assert asked["containerDefinitions"][0]["image"].endswith("@sha256:" + "9" * 64)
    (updated,) = resting.asked("ecs:UpdateService")
    assert updated["taskDefinition"].endswith("tidegate-shop-cats:4")
    deployment = resting.parts["ecs"].services["cats"].deployments[0]
    deployment["lifecycleStage"] = "BAKE_TIME"
    deployment["targetServiceRevision"]["requestedProductionTrafficWeight"] = 100.0
    assert deploy(resting, job(answer.token)).summary == "BAKE_TIME, 100 % on the candidate"
    deployment["status"] = "SUCCESSFUL"
    assert isinstance(deploy(resting, job(answer.token)), Done)


def test_a_rollback_by_ecs_fails_the_action_with_its_reason(resting: FakeAws) -> None:
    answer = deploy(resting, job())
    deployment = resting.parts["ecs"].services["cats"].deployments[0]
    deployment.update(status="ROLLBACK_SUCCESSFUL", rollback={"reason": "alarm shop-cats-5xx"})
    failed = deploy(resting, job(answer.token))
    assert isinstance(failed, No)
    assert failed.reason == "the deployment is rollback successful: alarm shop-cats-5xx"


@pytest.mark.parametrize("task", ["deploy", "prepare"])
def test_a_first_deployment_starts_tasks_and_from_then_on_scaling_keeps_the_least(
    resting: FakeAws, task: str
) -> None:
    known = settings(scalable_target="service/shop-cluster/cats", first_count=3, least_count=2)
    told(resting, known)
    resting.parts["ecs"].services["cats"].desired = 0
    assert not isinstance(deploy(resting, job(task=task)), No)
    (updated,) = resting.asked("ecs:UpdateService")
    assert updated["desiredCount"] == 3
    asked = resting.parts["application-autoscaling"].asked
    assert [one["MinCapacity"] for one in asked if "MinCapacity" in one] == [2]


def test_a_later_deployment_leaves_the_count_to_scaling(resting: FakeAws) -> None:
    assert isinstance(deploy(resting, job()), Wait)
    assert "desiredCount" not in resting.asked("ecs:UpdateService")[0]
    assert isinstance(deploy(resting, job(task="prepare")), Done)
    assert len(resting.asked("ecs:UpdateService")) == 1


@pytest.mark.parametrize("task", ["deploy", "prepare"])
def test_nothing_is_deployed_while_an_alarm_is_on(resting: FakeAws, task: str) -> None:
    """ECS would ignore the alarms of a deployment that begins so."""
    told(resting, settings(alarms=("cats-errors-blue",)))
    resting.parts["cloudwatch"].states["cats-errors-blue"] = ("ALARM", "too many")
    answer = deploy(resting, job(task=task))
    assert answer == No("nothing is deployed while an alarm is on: cats-errors-blue")
    assert resting.asked("ecs:RegisterTaskDefinition") == []


def test_nothing_is_registered_while_a_deployment_is_under_way(resting: FakeAws) -> None:
    resting.parts["ecs"].move("cats", 4, "BAKE_TIME", 100.0)
    with pytest.raises(Busy):
        deploy(resting, job())
    assert resting.asked("ecs:RegisterTaskDefinition") == []


def test_codedeploy_gets_its_capacity_providers_and_scaling_waits(resting: FakeAws) -> None:
    """Pitfalls 6 and 7: CodeDeploy drops the strategy, and fails when scaling moves the count."""
    assert isinstance(deploy(resting, job(task="prepare")), Done)
    import io
    import zipfile

    body = resting.parts["s3"].objects["shop-artifacts", "out.zip"]
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert set(archive.namelist()) == {"taskdef.json", "appspec.json", "imageDetail.json"}
        assert "CapacityProviderStrategy" in json.loads(archive.read("appspec.json"))
    (asked,) = resting.parts["application-autoscaling"].asked
    assert asked["SuspendedState"]["DynamicScalingInSuspended"] is True


def held(fake: FakeAws, *statuses: str) -> dict[str, Any]:
    """Whether scaling is held once EventBridge has called, with deployments in these states."""
    for number, status in enumerate(statuses):
        fake.parts["codedeploy"].add(f"d-{number}", "cats", status, {})
    event = {"task": "settle", "service": "cats", "application": "shop", "group": "cats"}
    deploy_function.on_event(fake.account(), event, ENVIRON)
    state: dict[str, Any] = fake.parts["application-autoscaling"].asked[-1]["SuspendedState"]
    return state


ALL = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")


@pytest.mark.parametrize("status", ["Created", "Queued", "InProgress", "Baking", "Ready"])
def test_all_scaling_is_held_while_a_deployment_moves(resting: FakeAws, status: str) -> None:
    assert held(resting, status) == dict.fromkeys(ALL, True)


@pytest.mark.parametrize("status", ["Succeeded", "Failed", "Stopped"])
def test_scaling_goes_on_however_a_deployment_ended(resting: FakeAws, status: str) -> None:
    assert held(resting, status) == dict.fromkeys(ALL, False)


def test_the_end_of_a_deployment_lets_nothing_go_while_its_rollback_moves(
    resting: FakeAws,
) -> None:
    """Events come in any order: what moves decides, never the event."""
    assert held(resting, "Stopped", "InProgress") == dict.fromkeys(ALL, True)


def test_scaling_that_a_crash_left_held_goes_on_at_the_next_look(resting: FakeAws) -> None:
    assert held(resting) == dict.fromkeys(ALL, False)
