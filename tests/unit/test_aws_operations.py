"""The same questions and views as on one machine, out of an account."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest

from tests.support.aws.fake import NOW, FakeAws
from tests.support.aws.services import time_of
from tests.support.aws.shop import APP, NAMES, digest, group, rule, standing
from tidegate.aws import holding
from tidegate.aws.moving import CODEDEPLOY_MOVING
from tidegate.aws.operations import AwsOperations
from tidegate.core.errors import BuildError, Busy, CloudFailed, NotFound, TidegateError, UsageError
from tidegate.engine.drills import Drill

CATS_GREEN = group("cats", "green")


@pytest.fixture
def fake() -> FakeAws:
    return standing()


def of(fake: FakeAws) -> AwsOperations:
    return AwsOperations(fake.account(), APP, fake.pace)


def shifting(fake: FakeAws, weight: int = 10, **facts: Any) -> Any:
    """Release 4 of cats gets so much traffic in green."""
    ecs = fake.parts["ecs"]
    ecs.define("tidegate-shop-cats", digest(4))
    moved = ecs.move("cats", 4, "PRODUCTION_TRAFFIC_SHIFT", float(weight), **facts)
    blue = group("cats", "blue")
    fake.parts["elbv2"].rules[rule("cats")] = {blue: 100 - weight, CATS_GREEN: weight}
    for number in (7, 8):
        ecs.run("cats", 4, f"10.0.9.{number}")
        fake.parts["elbv2"].health.setdefault(CATS_GREEN, {})[f"10.0.9.{number}"] = "healthy"
    return moved


# --- status --------------------------------------------------------------------------------


def test_at_rest_stable_has_all_traffic_and_healthy_tasks(fake: FakeAws) -> None:
    status = of(fake).status()
    assert (status.app, status.trouble, status.reason) == ("shop", "", "nothing moves")
    cats = status.services[0]
    assert (cats.name, cats.stable, cats.desired) == ("cats", 3, 2)
    assert cats.url == "http://shop-1.elb.amazonaws.com/cats"
    (blue,) = cats.groups
    assert (blue.colour, blue.role, blue.release, blue.weight_bp) == ("blue", "stable", 3, 10_000)
    assert (blue.desired, blue.running, blue.healthy) == (2, 2, 2)
    assert [alarm.state for alarm in cats.alarms] == ["OK"]
    assert cats.deployment is None


def test_during_a_shift_both_groups_and_the_step_are_shown(fake: FakeAws) -> None:
    shifting(fake)
    cats = of(fake).status().services[0]
    blue, green = cats.groups
    assert (blue.role, blue.weight_bp, green.role, green.weight_bp) == (
        ("stable", 9_000, "candidate", 1_000)
    )
    assert (green.release, green.healthy, cats.stable) == (4, 2, 3)
    moving = cats.deployment
    assert moving
    assert (moving.id, moving.stage) == ("dep0003", "PRODUCTION_TRAFFIC_SHIFT")
    assert (moving.step, moving.steps, moving.weight_bp) == (1, 10, 1_000)
    assert (moving.candidate, moving.colour, moving.rolling_back) == (4, "green", "")


def test_weights_are_the_listener_s_and_what_ecs_asks_for_stands_beside_them(
    fake: FakeAws,
) -> None:
    moved = shifting(fake, 10)
    moved["targetServiceRevision"]["requestedProductionTrafficWeight"] = 20.0
    green = of(fake).status().services[0].groups[1]
    assert (green.weight_bp, green.wanted_bp) == (1_000, 2_000)


def test_a_rollback_is_told_with_its_reason(fake: FakeAws) -> None:
    shifting(fake, status="ROLLBACK_IN_PROGRESS", rollback={"reason": "alarm fired"})
    moving = of(fake).status().services[0].deployment
    assert moving
    assert moving.rolling_back == "alarm fired"


def test_a_service_that_cannot_be_read_is_trouble_and_the_others_are_shown(
    fake: FakeAws,
) -> None:
    fake.refuse("ecs:DescribeServices", "ThrottlingException", "Rate exceeded")
    status = of(fake).status()
    assert [one.name for one in status.services] == ["dogs"]
    assert status.trouble.startswith("cats: AWS asks to call less often")


def test_traffic_that_cannot_be_read_is_unknown_not_zero(fake: FakeAws) -> None:
    for _ in range(2):
        fake.refuse("cloudwatch:GetMetricData", "AccessDenied", "no")
    assert all(g.traffic is None for s in of(fake).status().services for g in s.groups)


def test_an_alarm_that_cloudwatch_has_not_is_insufficient_data(fake: FakeAws) -> None:
    del fake.parts["cloudwatch"].states["shop-cats-5xx"]
    (alarm,) = of(fake).status().services[0].alarms
    assert (alarm.state, alarm.reason) == ("INSUFFICIENT_DATA", "CloudWatch has no such alarm")


@pytest.mark.parametrize("status", CODEDEPLOY_MOVING)
def test_codedeploy_s_task_sets_give_the_same_view(status: str) -> None:
    fake = standing("codedeploy")
    kept = fake.parts["ecs"].services["cats"]
    kept.task_sets.append(fake.parts["ecs"]._task_set(kept, 2, "ACTIVE"))
    sets = [
        {"taskSetLabel": "Blue", "targetGroup": {"name": "cats-blue"}, "trafficWeight": 90.0},
        {"taskSetLabel": "Green", "targetGroup": {"name": "cats-green"}, "trafficWeight": 10.0},
    ]
    events = [{"lifecycleEventName": "AllowTraffic", "status": "InProgress"}]
    target = {"taskSetsInfo": sets, "lifecycleEvents": events}
    fake.parts["codedeploy"].add("d-1", "cats", status, target)
    one = of(fake).status().services[0]
    moving = one.deployment
    assert moving
    assert (moving.stage, moving.weight_bp, moving.candidate) == (
        ("PRODUCTION_TRAFFIC_SHIFT", 1_000, 2)
    )
    assert [group.role for group in one.groups] == ["stable", "candidate"]


# --- releases, events, logs ----------------------------------------------------------------


def test_releases_are_revisions_with_the_gate_s_evidence(fake: FakeAws) -> None:
    evidence = {"verdict": "passed", "request": {"commit": "c" * 40, "execution": "u"}}
    key = ("shop-artifacts", NAMES.evidence_key("cats", digest(3)))
    fake.parts["s3"].objects[key] = json.dumps(evidence).encode()
    cats = [one for one in of(fake).releases() if one.service == "cats"]
    assert [(one.number, one.state, one.verdict) for one in cats] == [
        (3, "stable", "passed"),
        (2, "good", "unknown"),
        (1, "good", "unknown"),
    ]
    assert (cats[0].digest, cats[0].commit) == (digest(3), "c" * 40)


def test_a_number_that_several_services_have_must_be_told_apart(fake: FakeAws) -> None:
    with pytest.raises(UsageError) as caught:
        of(fake).show(3)
    assert caught.value.number == "TG184"
    shifting(fake)
    detail = of(fake).show(4)
    assert (detail.release.service, detail.settings.cpu_units) == ("cats", 256)
    assert detail.history[0].text.startswith("dep0003 moves cats from v3 to v4 in green")


def test_events_are_in_order_and_go_on_after_a_number(fake: FakeAws) -> None:
    fake.parts["cloudwatch"].history = [
        {
            "AlarmName": "shop-cats-5xx",
            "Timestamp": time_of(NOW - 5_000),
            "HistoryItemType": "StateUpdate",
            "HistorySummary": "Alarm updated from OK to ALARM",
        }
    ]
    views = [view for view in of(fake).events() if view]
    assert [v.seq for v in views] == sorted({v.seq for v in views})
    assert views[-1].text.startswith("alarm cats/shop-cats-5xx is ALARM")
    assert "dep0002 succeeded" in {view.text for view in views}
    assert [v for v in of(fake).events(after=views[-2].seq) if v] == views[-1:]


def test_who_follows_events_hears_of_new_ones_and_asks_for_the_status_no_more_often(
    fake: FakeAws,
) -> None:
    operations = of(fake)
    followed = operations.events(follow=True)
    known = []
    while (view := next(followed)) is not None:
        known.append(view)
    first = operations.status()
    assert operations.status() is first
    shifting(fake)
    beats = 0
    while (view := next(followed)) is None:
        beats += 1
    assert beats == 1  # with the one above two, of a second each: the pace of these tests
    assert view.seq > known[-1].seq
    assert view.text.startswith("dep0003 moves cats from v3 to v4")
    assert operations.status() is not first
    assert operations.status().services[0].deployment is not None


def test_a_report_tells_why_it_went_back_and_how_fast(fake: FakeAws) -> None:
    moved = shifting(fake)
    moved.update(
        status="ROLLBACK_SUCCESSFUL",
        statusReason="rolled back",
        alarms={"status": "TRIGGERED"},
        rollback={"reason": "alarm shop-cats-5xx", "startedAt": time_of(NOW - 60_000)},
        finishedAt=time_of(NOW - 20_000),
    )
    report = of(fake).report("dep0003")
    assert (report.outcome, report.rolled_back_because) == ("rolled back", "alarm shop-cats-5xx")
    assert (report.back_ms, report.stable, report.candidate) == (40_000, 3, 4)
    assert any("(DEPLOYMENT_STOP_ON_ALARM)" in moment.text for moment in report.timeline)
    with pytest.raises(NotFound):
        of(fake).report("dep9999")


def test_logs_of_a_service_of_a_task_and_of_a_build(fake: FakeAws) -> None:
    (task, *_) = fake.parts["ecs"].tasks
    fake.parts["logs"].events = [
        {
            "group": "/shop/cats",
            "logStreamName": f"web/web/{task}",
            "eventId": "1",
            "timestamp": NOW,
            "message": "hello\n",
        },
        {
            "group": "/build",
            "logStreamName": "one",
            "eventId": "2",
            "timestamp": NOW,
            "message": "step 1",
        },
    ]
    fake.parts["codepipeline"].add("shop-cats", "u1", "Failed", ("Build", "Failed", ""))
    operations = of(fake)
    for subject in ("cats", task):
        assert [line["text"] for line in operations.logs(subject) if line] == ["hello"]
    assert [line["text"] for line in operations.logs("cats-u1/build") if line] == ["step 1"]
    with pytest.raises(NotFound):
        list(operations.logs("nobody"))


# --- executions ----------------------------------------------------------------------------


def gated(fake: FakeAws, status: str = "Failed") -> None:
    said = "the gate says refused: too many findings: 1 CRITICAL (limit 0)"
    steps = [("Source", "Succeeded", ""), ("Build", "Succeeded", ""), ("Gate", status, said)]
    fake.parts["codepipeline"].add("shop-cats", "u1", status, *steps)


def test_an_execution_that_the_gate_refused_exits_as_on_one_machine(fake: FakeAws) -> None:
    gated(fake)
    one = of(fake).execution("cats-u1")
    assert (one.outcome, one.exit_code, one.trigger, one.by) == ("refused", 5, "push", "ann")
    assert [(stage.stage, stage.state) for stage in one.stages][-1] == ("gate", "failed")
    assert (one.verdicts[0].verdict, one.commit) == ("refused", "c" * 40)


def test_a_stream_ends_with_the_worst_of_all_executions(fake: FakeAws) -> None:
    gated(fake)
    fake.parts["codepipeline"].add("shop-dogs", "u2", "Succeeded", ("Deploy", "Succeeded", ""))
    told = [one for one in of(fake).stream("cats-u1+dogs-u2") if one]
    assert told[-1]["kind"] == "end"
    assert told[-1]["exit_code"] == 5
    assert told[-1]["reason"].startswith("cats-u1: the gate says refused")
    assert "dogs-u2: deploy succeeded" in {m["text"] for m in told if m["kind"] == "event"}


def test_a_stream_until_the_gate_ends_where_the_next_stage_begins(fake: FakeAws) -> None:
    steps = [("Gate", "Succeeded", "the gate says passed"), ("Deploy", "InProgress", "")]
    fake.parts["codepipeline"].add("shop-cats", "u1", "InProgress", *steps)
    told = [one for one in of(fake).stream("cats-u1", until="gate") if one]
    assert told[-1] == {
        "kind": "end", "outcome": None, "exit_code": 0, "reason": "cats-u1 is past its gate",
    }  # fmt: skip


def test_an_unknown_execution_says_how_they_are_called(fake: FakeAws) -> None:
    with pytest.raises(NotFound) as caught:
        of(fake).execution("e7")
    assert "SERVICE-UUID" in caught.value.cause


def test_without_a_git_host_the_revision_is_uploaded_and_all_pipelines_start(
    fake: FakeAws,
) -> None:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as files:
        info = tarfile.TarInfo("cats/run.sh")
        info.size, info.mode = 2, 0o755
        files.addfile(info, io.BytesIO(b"hi"))
    tar.seek(0)
    execution = of(fake).start_execution(tar, commit="c" * 40)
    assert execution == "cats-11111111-0000+dogs-11111111-0000"
    import zipfile

    with zipfile.ZipFile(
        io.BytesIO(fake.parts["s3"].objects["shop-artifacts", "source/app.zip"])
    ) as z:
        assert z.read("cats/run.sh") == b"hi"
        assert z.getinfo("cats/run.sh").external_attr >> 16 & 0o777 == 0o755


def test_what_is_no_tar_is_not_uploaded(fake: FakeAws) -> None:
    with pytest.raises(BuildError) as caught:
        of(fake).start_execution(io.BytesIO(b"no tar"), commit="c" * 40)
    assert caught.value.number == "TG321"
    assert fake.asked("s3:PutObject") == []


def waiting(fake: FakeAws) -> None:
    fake.parts["codepipeline"].states["shop-cats"] = [
        {
            "stageName": "Approve",
            "latestExecution": {"pipelineExecutionId": "u1", "status": "InProgress"},
            "actionStates": [
                {
                    "actionName": "Approve",
                    "latestExecution": {"status": "InProgress", "token": "token-1"},
                }
            ],
        }
    ]


def test_an_approval_is_answered_with_its_token_and_the_person_s_name(fake: FakeAws) -> None:
    waiting(fake)
    of(fake).approve("cats-u1", "ann")
    (asked,) = fake.parts["codepipeline"].approvals
    assert (asked["token"], asked["result"]["status"]) == ("token-1", "Approved")
    assert asked["result"]["summary"] == "approved by ann"
    of(fake).reject("cats-u1", "ann", "not on a Friday")
    assert fake.parts["codepipeline"].approvals[1]["result"]["status"] == "Rejected"
    with pytest.raises(UsageError):
        of(fake).approve("cats-u2", "ann")


# --- steering ------------------------------------------------------------------------------


def test_abort_takes_the_traffic_back_by_ecs_s_own_rollback(fake: FakeAws) -> None:
    moved = shifting(fake)
    of(fake).abort("cats", "ann")
    (asked,) = fake.asked("ecs:StopServiceDeployment")
    assert asked == {
        "serviceDeploymentArn": moved["serviceDeploymentArn"],
        "stopType": "ROLLBACK",
    }
    moved["status"] = "ROLLBACK_IN_PROGRESS"
    with pytest.raises(Busy):
        of(fake).abort("cats", "ann")


def test_abort_with_codedeploy_stops_and_rolls_back() -> None:
    fake = standing("codedeploy")
    fake.parts["codedeploy"].add("d-1", "cats", "InProgress", {})
    of(fake).abort("cats", "ann")
    assert fake.asked("codedeploy:StopDeployment") == [
        {"deploymentId": "d-1", "autoRollbackEnabled": True}
    ]


@pytest.mark.parametrize("verb", ["abort", "pause", "resume", "promote"])
def test_without_a_deployment_there_is_nothing_to_steer(fake: FakeAws, verb: str) -> None:
    with pytest.raises(NotFound) as caught:
        getattr(of(fake), verb)("cats", "ann")
    assert caught.value.number == "TG703"


def test_pause_is_a_note_for_the_hook_and_resume_takes_it_away(fake: FakeAws) -> None:
    shifting(fake)
    of(fake).pause("cats", "ann")
    account, path = fake.account(), NAMES.services_path
    assert holding.held_by(account, path, "cats", "dep0003") == "ann"
    moving = of(fake).status().services[0].deployment
    assert moving
    assert moving.paused_by == "ann"
    of(fake).resume("cats", "ann")
    assert holding.held_by(account, path, "cats", "dep0003") is None
    with pytest.raises(UsageError):
        of(fake).resume("cats", "ann")


def test_codedeploy_cannot_pause_and_says_what_can(fake: FakeAws) -> None:
    fake = standing("codedeploy")
    with pytest.raises(UsageError) as caught:
        of(fake).pause("cats", "ann")
    assert caught.value.number == "TG182"
    assert "controller: ecs" in caught.value.remedy


def test_promote_goes_on_from_a_pause_hook_of_ecs(fake: FakeAws) -> None:
    """Pitfall 16: a person sees green on the test listener, and says go."""
    hook = {"hookId": "h1", "targetType": "PAUSE", "status": "AWAITING_ACTION"}
    shifting(fake, 0, lifecycleHookDetails=[hook])
    moving = of(fake).status().services[0].deployment
    assert moving
    assert "waits at a pause hook for: tidegate promote cats" in moving.reason
    of(fake).promote("cats", "ann")
    (asked,) = fake.asked("ecs:ContinueServiceDeployment")
    assert (asked["hookId"], asked["action"]) == ("h1", "CONTINUE")


def test_promote_past_ecs_s_timetable_is_refused_with_the_reason(fake: FakeAws) -> None:
    shifting(fake)
    with pytest.raises(UsageError) as caught:
        of(fake).promote("cats", "ann")
    assert "keeps to its timetable" in caught.value.cause


def test_a_promotion_that_is_refused_leaves_a_pause_as_it_is(fake: FakeAws) -> None:
    shifting(fake)
    of(fake).pause("cats", "ann")
    with pytest.raises(UsageError):
        of(fake).promote("cats", "ann")
    assert holding.held_by(fake.account(), NAMES.services_path, "cats", "dep0003") == "ann"


def test_promote_with_codedeploy_ends_its_wait() -> None:
    fake = standing("codedeploy")
    for status, wait in (("Ready", "READY_WAIT"), ("InProgress", "TERMINATION_WAIT")):
        fake.parts["codedeploy"].deployments.clear()
        fake.parts["codedeploy"].add("d-1", "cats", status, {})
        of(fake).promote("cats", "ann")
        assert fake.parts["codedeploy"].told[-1] == {"id": "d-1", "wait": wait}


def test_rollback_goes_to_the_good_release_before_or_to_a_named_one(fake: FakeAws) -> None:
    of(fake).rollback("cats", None, "ann")
    (asked,) = fake.asked("ecs:UpdateService")
    assert asked["taskDefinition"].endswith("tidegate-shop-cats:2")
    other = standing()
    of(other).rollback("cats", 1, "ann")
    (asked,) = other.asked("ecs:UpdateService")
    assert asked["taskDefinition"].endswith("tidegate-shop-cats:1")


@pytest.mark.parametrize(("release", "code"), [(3, "TG104"), (9, "TG705")])
def test_rollback_to_what_is_no_way_back_is_refused(fake: FakeAws, release: int, code: str) -> None:
    with pytest.raises(TidegateError) as caught:
        of(fake).rollback("cats", release, "ann")
    assert caught.value.number == code
    assert fake.asked("ecs:UpdateService") == []


def test_rollback_while_a_deployment_moves_is_an_abort(fake: FakeAws) -> None:
    shifting(fake)
    of(fake).rollback("cats", None, "ann")
    assert len(fake.asked("ecs:StopServiceDeployment")) == 1
    with pytest.raises(Busy):
        of(fake).rollback("cats", 1, "ann")


def test_rollback_with_codedeploy_deploys_by_appspec_never_by_updating_the_service() -> None:
    """Pitfall 2: a CODE_DEPLOY service refuses a new task definition."""
    fake = standing("codedeploy")
    evidence = json.dumps({"verdict": "passed"}).encode()
    fake.parts["s3"].objects["shop-artifacts", NAMES.evidence_key("cats", digest(2))] = evidence
    name = NAMES.appspec_parameter("cats")
    fake.parts["ssm"].values[name] = '{"TaskDefinition": "<TASK_DEFINITION>"}'
    of(fake).rollback("cats", 2, "ann")
    (asked,) = fake.parts["codedeploy"].created
    content = json.loads(asked["revision"]["appSpecContent"]["content"])
    assert content["TaskDefinition"].endswith("tidegate-shop-cats:2")
    assert fake.asked("ecs:UpdateService") == []
    assert held(fake) == [True]


def test_scaling_goes_on_when_a_rollback_with_codedeploy_could_not_begin() -> None:
    fake = standing("codedeploy")
    evidence = json.dumps({"verdict": "passed"}).encode()
    fake.parts["s3"].objects["shop-artifacts", NAMES.evidence_key("cats", digest(2))] = evidence
    fake.parts["ssm"].values[NAMES.appspec_parameter("cats")] = "{}"
    fake.refuse("codedeploy:CreateDeployment", "DeploymentLimitExceededException", "one at a time")
    with pytest.raises(CloudFailed):
        of(fake).rollback("cats", 2, "ann")
    assert held(fake) == [True, False]


def held(fake: FakeAws) -> list[bool]:
    """Whether scaling was held, each time that it was said."""
    asked = fake.parts["application-autoscaling"].asked
    return [one["SuspendedState"]["DynamicScalingInSuspended"] for one in asked]


def test_scale_stays_within_the_file_s_bounds(fake: FakeAws) -> None:
    of(fake).scale("cats", 3, "ann")
    assert fake.parts["ecs"].services["cats"].desired == 3
    with pytest.raises(UsageError) as caught:
        of(fake).scale("cats", 9, "ann")
    assert caught.value.cause == "the app file allows 1 to 4"
    assert caught.value.where == "services.cats.tasks"


def test_a_service_that_is_not_there_names_those_that_are(fake: FakeAws) -> None:
    with pytest.raises(NotFound) as caught:
        of(fake).abort("birds", "ann")
    assert caught.value.remedy == "services: cats, dogs"


def test_a_drill_on_spot_is_left_to_aws(fake: FakeAws) -> None:
    with pytest.raises(UsageError) as caught:
        of(fake).interrupt(Drill(), "ann")
    assert caught.value.remedy.startswith("aws fis start-experiment")


def test_the_plan_on_aws_is_a_change_set(fake: FakeAws) -> None:
    with pytest.raises(UsageError) as caught:
        of(fake).plan("", "c")
    assert "--dry-run" in caught.value.remedy
