"""Deployments of CodeDeploy in the same words as those of ECS and of one machine."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.aws.fake import NOW, FakeAws
from tests.support.aws.services import time_of
from tests.support.aws.shop import APP, standing
from tidegate.aws.operations import AwsOperations
from tidegate.core import decision as d
from tidegate.core.errors import NotFound
from tidegate.core.model import LifecycleStage, RollbackEvent
from tidegate.engine.views.events import EventView

START = NOW - 390_000
_EVENTS = (
    ("BeforeInstall", "Skipped"),
    ("Install", "Succeeded"),
    ("AfterInstall", "Skipped"),
    ("AllowTestTraffic", "Succeeded"),
    ("AfterAllowTestTraffic", "Succeeded"),
    ("BeforeAllowTraffic", "Skipped"),
    ("AllowTraffic", "Succeeded"),
    ("AfterAllowTraffic", "Succeeded"),
    ("Terminate", "Succeeded"),
)


def of(fake: FakeAws) -> AwsOperations:
    return AwsOperations(fake.account(), APP, fake.pace)


def lifecycle(last: str = "", status: str = "Succeeded", message: str = "") -> list[dict[str, Any]]:
    """Ten seconds for each event up to `last`, which has that status; the others are to come."""
    found: list[dict[str, Any]] = []
    pending = False
    for number, (name, usual) in enumerate(_EVENTS):
        state = "Pending" if pending else status if name == last else usual
        event: dict[str, Any] = {"lifecycleEventName": name, "status": state}
        if state not in ("Pending", "Skipped"):
            event["startTime"] = time_of(START + number * 10_000)
        if state in ("Succeeded", "Failed"):
            event["endTime"] = time_of(START + number * 10_000 + 9_000)
        if name == last and message:
            event["diagnostics"] = {"errorCode": "ScriptFailed", "message": message}
        found.append(event)
        pending = pending or name == last
    return found


def revision(number: int) -> dict[str, Any]:
    arn = f"arn:aws:ecs:eu-west-1:123456789012:task-definition/tidegate-shop-cats:{number}"
    content = {"content": f'{{"TaskDefinition": "{arn}"}}', "sha256": "0" * 64}
    return {"revisionType": "AppSpecContent", "appSpecContent": content}


def deployed(fake: FakeAws, name: str, status: str, target: Any = None, **info: Any) -> None:
    part = fake.parts["codedeploy"]
    part.add(name, "cats", status, target or {"lifecycleEvents": lifecycle()})
    moved = {"previousRevision": revision(2), "revision": revision(3)}
    part.deployments[name].update(moved | info)


def gone_back(code: str, message: str, status: str = "Failed", **target: Any) -> FakeAws:
    """`d-2` to v4 failed, and `d-3` brought v3 back within twelve seconds."""
    fake = standing("codedeploy")
    deployed(
        fake,
        "d-3",
        "Succeeded",
        creator="codeDeployRollback",
        createTime=time_of(NOW - 200_000),
        completeTime=time_of(NOW - 188_000),
        rollbackInfo={"rollbackTriggeringDeploymentId": "d-2"},
    )
    deployed(
        fake,
        "d-2",
        status,
        target or {"lifecycleEvents": lifecycle("AllowTraffic", "Failed")},
        previousRevision=revision(3),
        revision=revision(4),
        completeTime=time_of(NOW - 201_000),
        errorInformation={"code": code, "message": message},
        rollbackInfo={"rollbackDeploymentId": "d-3"},
    )
    return fake


def events(fake: FakeAws) -> list[EventView]:
    return [view for view in of(fake).events() if view]


def test_every_lifecycle_event_hook_and_shift_is_told_in_order() -> None:
    fake = standing("codedeploy")
    deployed(fake, "d-1", "Succeeded", completeTime=time_of(NOW - 300_000))
    told = [(one.event, one.at - START) for one in events(fake)]
    assert [(type(one).__name__, at) for one, at in told] == [
        ("DeploymentStarted", 0),
        ("StageEntered", 10_000),
        ("StageEntered", 30_000),
        ("StageEntered", 40_000),
        ("StepPassed", 49_000),
        ("StageEntered", 60_000),
        ("TrafficObserved", 69_000),
        ("StageEntered", 70_000),
        ("StepPassed", 79_000),
        ("StageEntered", 80_000),
        ("DeploymentFinished", 90_000),
    ]
    stages = [one.stage for one, _ in told if isinstance(one, d.StageEntered)]
    assert stages == [
        LifecycleStage.SCALE_UP,
        LifecycleStage.TEST_TRAFFIC_SHIFT,
        LifecycleStage.POST_TEST_TRAFFIC_SHIFT,
        LifecycleStage.PRODUCTION_TRAFFIC_SHIFT,
        LifecycleStage.POST_PRODUCTION_TRAFFIC_SHIFT,
        LifecycleStage.CLEAN_UP,
    ]
    assert [v.seq for v in events(fake)] == sorted({v.seq for v in events(fake)})


def test_a_shift_under_way_is_told_with_the_weight_that_green_has() -> None:
    fake = standing("codedeploy")
    sets = [
        {"taskSetLabel": "Blue", "targetGroup": {"name": "cats-blue"}, "trafficWeight": 70.0},
        {"taskSetLabel": "Green", "targetGroup": {"name": "cats-green"}, "trafficWeight": 30.0},
    ]
    target = {"taskSetsInfo": sets, "lifecycleEvents": lifecycle("AllowTraffic", "InProgress")}
    deployed(fake, "d-1", "InProgress", target)
    weights = [e.event.weight_bp for e in events(fake) if isinstance(e.event, d.TrafficObserved)]
    assert weights == [3_000]
    assert not any(isinstance(e.event, d.DeploymentFinished) for e in events(fake))
    assert of(fake).report("d-1").outcome is None


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ALARM_ACTIVE", "Stopped", RollbackEvent.ALARM),
        ("MANUAL_STOP", "Stopped", RollbackEvent.REQUEST),
        ("HEALTH_CONSTRAINTS", "Failed", RollbackEvent.FAILURE),
    ],
)
def test_a_report_tells_what_set_a_rollback_off_and_how_fast_it_was(
    code: str, status: str, kind: RollbackEvent
) -> None:
    shifting = lifecycle("AllowTraffic", "InProgress")
    fake = gone_back(code, "one or more alarms are on", status, lifecycleEvents=shifting)
    report = of(fake).report("d-2")
    assert (report.stable, report.candidate, report.outcome) == (3, 4, "rolled back")
    assert report.rolled_back_because == "one or more alarms are on"
    assert report.detected_ms == (NOW - 200_000) - (START + 60_000)
    assert report.back_ms == 12_000
    (began,) = (e.event for e in events(fake) if isinstance(e.event, d.RollbackStarted))
    assert began.event is kind
    assert any(f"({kind})" in moment.text for moment in report.timeline)


def test_a_hook_that_failed_is_the_cause_with_its_words() -> None:
    failed = lifecycle("AfterAllowTestTraffic", "Failed", "GET /cats answered 500, not 200")
    fake = gone_back("HOOK_EXECUTION_FAILURE", "a hook failed", lifecycleEvents=failed)
    report = of(fake).report("d-2")
    assert report.rolled_back_because == (
        "AfterAllowTestTraffic failed: GET /cats answered 500, not 200"
    )
    assert report.detected_ms is None  # production traffic never moved


def test_a_rollback_is_the_end_of_its_deployment_and_none_of_its_own() -> None:
    fake = gone_back("ALARM_ACTIVE", "alarm", "Stopped")
    started = [e.event for e in events(fake) if isinstance(e.event, d.DeploymentStarted)]
    assert [one.deployment for one in started] == ["d-2"]
    assert of(fake).report("d-3") == of(fake).report("d-2")


def test_one_that_failed_and_was_not_rolled_back_has_failed() -> None:
    fake = standing("codedeploy")
    error = {"code": "ECS_UPDATE_ERROR", "message": "the service is gone"}
    end = time_of(NOW - 300_000)
    deployed(fake, "d-1", "Failed", errorInformation=error, completeTime=end)
    report = of(fake).report("d-1")
    assert (report.outcome, report.reason) == ("failed", "the service is gone")
    assert (report.rolled_back_because, report.back_ms) == ("", None)


def test_a_deployment_that_is_not_there_names_the_latest() -> None:
    fake = standing("codedeploy")
    deployed(fake, "d-1", "Succeeded", completeTime=time_of(NOW))
    with pytest.raises(NotFound) as caught:
        of(fake).report("d-9")
    assert caught.value.remedy == "the latest: d-1"


def test_the_history_of_a_release_has_the_deployments_that_moved_it() -> None:
    fake = gone_back("ALARM_ACTIVE", "alarm", "Stopped")
    fake.parts["ecs"].definitions.pop("tidegate-shop-dogs")
    history = of(fake).show(3).history
    assert any("d-2 moves cats from v3 to v4" in moment.text for moment in history)
