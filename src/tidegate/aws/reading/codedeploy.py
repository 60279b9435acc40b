"""A deployment of CodeDeploy as view, story and report: the same as of any other deployment.

A rollback is a deployment of its own there (`creator: codeDeployRollback`). Here it is the end of
the one that set it off, as it is everywhere else. Source: CodeDeploy API reference,
`DeploymentInfo`, `ECSTarget`; user guide, "Redeploy and roll back a deployment with CodeDeploy".
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tidegate.aws.account import Account
from tidegate.aws.moving import CODEDEPLOY_MOVING as MOVING
from tidegate.aws.reading.groups import candidate_colour, releases_in
from tidegate.aws.reading.service import (
    ServiceSeen,
    codedeploy_deployment,
    codedeploy_ids,
    ms,
)
from tidegate.core import decision as d
from tidegate.core.model import Colour, LifecycleStage, RollbackEvent
from tidegate.engine.views.deployments import DeploymentView, ReportView
from tidegate.engine.views.events import Moment

_MOST = 5
"""So many deployments are told of."""
_BY_ROLLBACK = "codeDeployRollback"

STAGES: Mapping[str, LifecycleStage] = {
    "BeforeInstall": LifecycleStage.PRE_SCALE_UP,
    "Install": LifecycleStage.SCALE_UP,
    "AfterInstall": LifecycleStage.POST_SCALE_UP,
    "AllowTestTraffic": LifecycleStage.TEST_TRAFFIC_SHIFT,
    "AfterAllowTestTraffic": LifecycleStage.POST_TEST_TRAFFIC_SHIFT,
    "BeforeAllowTraffic": LifecycleStage.PRE_PRODUCTION_TRAFFIC_SHIFT,
    "AllowTraffic": LifecycleStage.PRODUCTION_TRAFFIC_SHIFT,
    "AfterAllowTraffic": LifecycleStage.POST_PRODUCTION_TRAFFIC_SHIFT,
    "Terminate": LifecycleStage.CLEAN_UP,
}
"""The AppSpec's events by ECS's names (docs/vocabulary.md)."""
_HOOKS = tuple(event for event in STAGES if event.startswith(("Before", "After")))

_EVENTS = {"ALARM_ACTIVE": RollbackEvent.ALARM, "MANUAL_STOP": RollbackEvent.REQUEST}
_REVISION = re.compile(r"task-definition/[A-Za-z0-9_-]+:([0-9]+)")


@dataclass(frozen=True, slots=True)
class Kept:
    """One deployment as CodeDeploy remembers it, and the one that rolled it back, if any."""

    info: Mapping[str, Any]
    back: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """`d-…`."""
        return str(self.info["deploymentId"])

    @property
    def moving(self) -> bool:
        """Whether it, or its rollback, is not over."""
        return self.info.get("status") in MOVING or self.back.get("status") in MOVING

    @property
    def outcome(self) -> d.Outcome | None:
        """How it ended; None while it moves."""
        if self.moving:
            return None
        if self.info.get("status") == "Succeeded":
            return d.Outcome.SUCCEEDED
        gone_back = self.back.get("status") == "Succeeded"
        return d.Outcome.ROLLED_BACK if gone_back else d.Outcome.FAILED

    @property
    def ended_at(self) -> int:
        """When (ms) it, or its rollback, was over; 0 while it moves."""
        return 0 if self.moving else ms((self.back or self.info).get("completeTime"))

    @property
    def releases(self) -> tuple[int | None, int]:
        """Stable and candidate, by the AppSpecs of the revisions before and of this one."""
        before, wanted = (
            _release(self.info.get(key) or {}) for key in ("previousRevision", "revision")
        )
        return before, wanted or 0

    @property
    def cause(self) -> tuple[RollbackEvent, str] | None:
        """Why it went back or failed, or None: what set it off, and a sentence with the hook's."""
        error = self.info.get("errorInformation") or {}
        if self.info.get("status") not in ("Failed", "Stopped"):
            return None
        failed = next((one for one in events_of(self.info) if one["status"] == "Failed"), None)
        said = str(error.get("message") or self.info.get("additionalDeploymentStatusInfo") or "")
        if failed:
            inner = (failed.get("diagnostics") or {}).get("message")
            said = f"{failed['lifecycleEventName']} failed: {inner or said}"
        stopped = self.info.get("status") == "Stopped"
        default = RollbackEvent.REQUEST if stopped else RollbackEvent.FAILURE
        return _EVENTS.get(str(error.get("code")), default), said or str(self.info["status"])


def recent(account: Account, seen: ServiceSeen) -> tuple[Kept, ...]:
    """The newest deployments of the service's group, the newest first."""
    found = []
    for name in codedeploy_ids(account, seen.place):
        info = codedeploy_deployment(account, name)
        if info.get("creator") == _BY_ROLLBACK:
            continue
        found.append(_kept(account, info))
        if len(found) == _MOST:
            break
    return tuple(found)


def find(account: Account, seen: ServiceSeen, name: str) -> Kept | None:
    """The deployment of that id, if it is one of this service; a rollback by the one it ended."""
    if name not in codedeploy_ids(account, seen.place):
        return None
    info = codedeploy_deployment(account, name)
    first = (info.get("rollbackInfo") or {}).get("rollbackTriggeringDeploymentId")
    if info.get("creator") == _BY_ROLLBACK and first:
        info = codedeploy_deployment(account, str(first))
    return _kept(account, info)


def _kept(account: Account, info: Mapping[str, Any]) -> Kept:
    back = (info.get("rollbackInfo") or {}).get("rollbackDeploymentId")
    return Kept(info, codedeploy_deployment(account, str(back)) if back else {})


def events_of(info: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The lifecycle events of the deployment's target, in their order."""
    found: list[Mapping[str, Any]] = (info.get("target") or {}).get("lifecycleEvents") or []
    return found


def _release(revision: Mapping[str, Any]) -> int | None:
    """The revision of the task definition that an AppSpec names."""
    parts = [revision.get(key) or {} for key in ("appSpecContent", "string")]
    found = _REVISION.search(" ".join(str(part.get("content", "")) for part in parts))
    return int(found[1]) if found else None


# --- the story -----------------------------------------------------------------------------------


def told(seen: ServiceSeen, kept: Kept) -> Iterator[tuple[int, d.Event]]:
    """What happened: stages, hooks, traffic, why it went back, and the end."""
    info, name = kept.info, kept.id
    stable, candidate = _releases(seen, kept)
    colour = (candidate_colour(seen) if kept.moving else None) or Colour.GREEN
    started = ms(info.get("startTime") or info["createTime"])
    yield started, d.DeploymentStarted(name, seen.place.service, stable, candidate, colour)
    for one in events_of(info):
        yield from _event(name, one, _weight_bp(info))
    if (cause := kept.cause) and kept.back:
        at = ms(kept.back.get("createTime")) or ms(info.get("completeTime"))
        yield at, d.RollbackStarted(name, *cause)
    if kept.outcome is not None:
        said = cause[1] if cause else str(info.get("additionalDeploymentStatusInfo") or "")
        yield kept.ended_at, d.DeploymentFinished(name, kept.outcome, said)


def _event(name: str, one: Mapping[str, Any], weight_bp: int) -> Iterator[tuple[int, d.Event]]:
    event, status = str(one["lifecycleEventName"]), str(one.get("status"))
    stage = STAGES.get(event)
    began, ended = ms(one.get("startTime")), ms(one.get("endTime"))
    if stage is None or not began or status in ("Pending", "Skipped"):
        return
    yield began, d.StageEntered(name, stage, f"CodeDeploy's {event}")
    if event in _HOOKS and status == "Succeeded" and ended:
        said = str((one.get("diagnostics") or {}).get("message") or "succeeded")
        yield ended, d.StepPassed(name, event, said)
    if event == "AllowTraffic":
        if status == "Succeeded" and ended:
            yield ended, d.TrafficObserved(name, 10_000)
        elif status == "InProgress" and weight_bp:
            yield began, d.TrafficObserved(name, weight_bp)


def _releases(seen: ServiceSeen, kept: Kept) -> tuple[int | None, int]:
    """By the AppSpecs, and where those do not say, by the task sets of one that moves."""
    stable, candidate = kept.releases
    now = releases_in(seen) if kept.moving else (None, None)
    return stable or now[0], candidate or now[1] or 0


def _weight_bp(info: Mapping[str, Any]) -> int:
    sets: Iterable[Mapping[str, Any]] = (info.get("target") or {}).get("taskSetsInfo") or ()
    green = next((one for one in sets if one.get("taskSetLabel") == "Green"), {})
    return round(float(green.get("trafficWeight", 0)) * 100)


# --- the views -----------------------------------------------------------------------------------


def view(seen: ServiceSeen) -> DeploymentView | None:
    """The deployment under way, or None."""
    one = seen.codedeploy
    if one.get("status") not in MOVING:
        return None
    stable, candidate = releases_in(seen)
    weight = _weight_bp(one)
    running = [event for event in events_of(one) if event.get("status") == "InProgress"]
    event = str(running[-1]["lifecycleEventName"]) if running else ""
    started = ms(one.get("startTime") or one["createTime"])
    ready = one["status"] == "Ready"
    reason = str(one.get("additionalDeploymentStatusInfo") or f"CodeDeploy says {one['status']}")
    return DeploymentView(
        str(one["deploymentId"]),
        seen.place.service,
        stable,
        candidate or 0,
        (candidate_colour(seen) or Colour.GREEN).value,
        started,
        STAGES[event].value if event in STAGES else event or str(one["status"]),
        ms(running[-1].get("startTime")) if running else started,
        int(weight > 0),
        1,
        weight,
        None,
        f"waits for: tidegate promote {seen.place.service} --target aws" if ready else reason,
        "the deployment group" if ready else None,
        _rolling_back(one),
        event == "Terminate",
    )


def _rolling_back(one: Mapping[str, Any]) -> str:
    said = (one.get("rollbackInfo") or {}).get("rollbackMessage")
    if said or one.get("creator") != _BY_ROLLBACK:
        return str(said or "")
    return "CodeDeploy takes all traffic back"


def report(seen: ServiceSeen, kept: Kept, story: tuple[Moment, ...]) -> ReportView:
    """What it went through; requests and errors are in `tidegate metrics`."""
    info, cause = kept.info, kept.cause
    stable, candidate = _releases(seen, kept)
    started = ms(info.get("startTime") or info["createTime"])
    began_back = ms(kept.back.get("createTime")) if kept.back else 0
    shifted = next((e for e in events_of(info) if e["lifecycleEventName"] == "AllowTraffic"), {})
    first_traffic = ms(shifted.get("startTime"))
    outcome = kept.outcome
    return ReportView(
        kept.id,
        seen.place.service,
        stable,
        candidate,
        started,
        kept.ended_at or None,
        outcome.value if outcome else None,
        cause[1] if cause else str(info.get("additionalDeploymentStatusInfo") or ""),
        cause[1] if cause and kept.back else "",
        0,
        0,
        began_back - first_traffic if began_back and first_traffic else None,
        kept.ended_at - began_back if began_back and kept.ended_at else None,
        story,
    )
