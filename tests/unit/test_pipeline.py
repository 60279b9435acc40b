"""An execution goes from source to deploy, and refuses, fails, waits and gives way as it should."""

from dataclasses import replace

import pytest

from tests.support.builders import app_of, service
from tests.support.small_world import World, moving, serving
from tidegate.core import decision as d
from tidegate.core import pipeline
from tidegate.core.decision import Outcome
from tidegate.core.decision import PipelineStage as P
from tidegate.core.findings import ScanReport
from tidegate.core.model import App, GateMode, GatePolicy, PipelinePolicy
from tidegate.core.model import LifecycleStage as Stage
from tidegate.core.requests import Approve, Reject
from tidegate.core.seen import JobSeen, JobState

APPROVAL = app_of(pipeline=PipelinePolicy(approval=True, approval_timeout_ms=60_000))
TESTED = app_of(replace(service(), test=("pytest",)))


def stages(world: World, execution: str) -> list[tuple[P, bool | None]]:
    """Which stages it went through, and how each ended."""
    return [(s.stage, s.ok) for s in world.progress.executions[execution].stages]


def until_stage(world: World, execution: str, stage: P) -> World:
    """Tick until the execution is in the stage."""
    return world.until(lambda w: (s := w.progress.executions[execution].stage) and s.stage is stage)


def outcome(world: World, execution: str) -> tuple[Outcome | None, str]:
    """How it ended, and why."""
    ended = world.progress.executions[execution]
    return ended.outcome, ended.reason


def test_a_push_goes_through_every_stage_and_deploys() -> None:
    world = World()
    world.push(TESTED)
    world.until_quiet()
    assert stages(world, "e1") == [(s, True) for s in (P.SOURCE, P.BUILD, P.TEST, P.SCAN, P.DEPLOY)]
    assert outcome(world, "e1") == (Outcome.SUCCEEDED, "cats v1 serves")
    (made,) = world.progress.releases.values()
    assert (made.number, made.digest, made.verdict) == (1, "sha256:cats-e1", "passed")


def test_a_stage_with_nothing_to_do_says_so() -> None:
    world = World()
    world.push(app_of(gate=GatePolicy(GateMode.OFF)))
    world.until_quiet()
    said = {s.stage: s.summary for s in world.progress.executions["e1"].stages}
    assert said[P.TEST] == "no service has a test"
    assert said[P.SCAN] == "gate: off"
    assert not any("scan" in job for job in world.jobs)
    assert world.progress.releases[1].verdict == "off"


@pytest.mark.parametrize("stage", [P.BUILD, P.TEST])
def test_a_failed_build_or_test_ends_the_execution_and_changes_nothing(stage: P) -> None:
    world = serving(TESTED)
    world.broken = {f"e2/{stage}"}
    world.push(TESTED)
    world.until_quiet()
    assert outcome(world, "e2") == (Outcome.FAILED, f"{stage}: it broke")
    assert world.progress.services["cats"].stable == 1
    assert world.progress.releases.keys() == {1}


def test_a_scanner_that_fails_ends_the_execution() -> None:
    world = World(broken={"/scan"})
    world.push(app_of())
    world.until_quiet()
    assert outcome(world, "e1") == (Outcome.FAILED, "scan: it broke")


def test_a_build_that_forgets_a_service_fails() -> None:
    world = World()
    world.push(app_of(service("cats"), service("dogs")))
    world.look()
    world.jobs["e1/build"] = JobSeen("e1/build", JobState.SUCCEEDED, "", (("cats", "sha256:c"),))
    world.until_quiet()
    assert outcome(world, "e1") == (Outcome.FAILED, "build: no image for dogs")


def test_an_image_that_nothing_is_known_of_is_refused() -> None:
    world = World()
    world.push(app_of())
    digest = "sha256:cats-e1"
    report = ScanReport(digest, None, "no scanner yet")
    world.jobs["e1/scan"] = JobSeen("e1/scan", JobState.SUCCEEDED, reports=(report,))
    world.until_quiet()
    why = "cats is unknown: nothing is known of this image: no scanner yet"
    assert outcome(world, "e1") == (Outcome.REFUSED, f"scan: {why}")
    (said,) = world.events(d.VerdictReached)
    assert (said.execution, said.service, said.digest) == ("e1", "cats", digest)
    assert (said.verdict, said.allowed) == (d.VerdictKind.UNKNOWN, False)
    assert said.reason == "nothing is known of this image: no scanner yet"
    assert world.progress.releases == {}
    assert world.tasks == {}


def test_a_report_on_another_image_is_no_report_on_this_one() -> None:
    world = World()
    world.push(app_of())
    report = ScanReport("sha256:dogs", ())
    world.jobs["e1/scan"] = JobSeen("e1/scan", JobState.SUCCEEDED, reports=(report,))
    world.until_quiet()
    assert outcome(world, "e1")[0] is Outcome.REFUSED


def test_a_job_that_a_restart_forgot_is_started_again() -> None:
    world = World(hung={"/build"})
    world.push(app_of())
    until_stage(world, "e1", P.BUILD).tick()
    assert world.tick().actions == ()
    world.jobs, world.hung = {}, set()
    world.until_quiet()
    assert outcome(world, "e1")[0] is Outcome.SUCCEEDED


def test_a_stage_that_takes_too_long_fails() -> None:
    slow = app_of(pipeline=PipelinePolicy(stage_timeout_ms=60_000))
    world = World(hung={"/build"})
    world.push(slow)
    until_stage(world, "e1", P.BUILD)
    decision = pipeline.decide(world.progress, world.seen(), world.now)
    assert decision.reason == "e1: build"
    assert decision.look_again_at == world.now + 60_000
    world.until_quiet()
    assert outcome(world, "e1") == (Outcome.FAILED, "build: not done after 1 minutes")


# --- approval ------------------------------------------------------------------------------------


def waiting_for_approval() -> World:
    """A world that serves v1, and whose second execution waits for a person."""
    world = serving(app_of())
    world.push(APPROVAL)
    return until_stage(world, "e2", P.APPROVE)


def test_an_execution_waits_for_approval_and_goes_on_with_it() -> None:
    world = waiting_for_approval()
    decision = pipeline.decide(world.progress, world.seen(), world.now)
    assert decision.reason == "e2 waits for approval: tidegate approve e2"
    assert decision.look_again_at == world.now + 60_000
    world.ask(Approve("e2", "ada"))
    world.until_quiet()
    assert world.progress.services["cats"].stable == 2
    approve = next(s for s in world.progress.executions["e2"].stages if s.stage is P.APPROVE)
    assert approve.summary == "approved by ada"


def test_a_rejected_execution_is_refused() -> None:
    world = waiting_for_approval()
    world.ask(Reject("e2", "ada", "not today"))
    world.until_quiet()
    wanted = (Outcome.REFUSED, "approve: rejected by ada: not today")
    assert outcome(world, "e2") == wanted
    assert world.progress.services["cats"].stable == 1


def test_an_approval_that_does_not_come_in_time_is_a_refusal() -> None:
    world = waiting_for_approval()
    began = world.now
    world.until_quiet()
    assert outcome(world, "e2") == (Outcome.REFUSED, "approve: nobody approved it in time")
    assert world.now - began >= 60_000


# --- who gives way -------------------------------------------------------------------------------


def test_a_newer_execution_supersedes_one_that_waits_for_approval() -> None:
    world = waiting_for_approval()
    world.push(APPROVAL, "abcdef0123456789")
    until_stage(world, "e3", P.APPROVE)
    assert outcome(world, "e2") == (Outcome.SUPERSEDED, "e3 (abcdef012345) is newer")


def test_an_execution_that_builds_is_not_superseded_but_one_that_waits_for_its_turn_is() -> None:
    world = serving(app_of(), hung={"e2/build"})
    for _ in range(3):
        world.push(app_of())
        world.tick()
        world.tick()
    world.tick()
    assert outcome(world, "e3")[0] is Outcome.SUPERSEDED
    assert world.progress.executions["e2"].live
    assert pipeline.decide(world.progress, world.seen(), world.now).reason == (
        "e2: build; e4 waits for its turn to build"
    )
    world.hung, world.jobs = set(), {}
    world.until_quiet()
    assert outcome(world, "e4")[0] is Outcome.SUCCEEDED


def test_one_that_waits_builds_when_the_one_before_it_fails() -> None:
    world = serving(app_of(), hung={"e2/build"})
    world.push(app_of())
    until_stage(world, "e2", P.BUILD)
    world.push(app_of())
    world.tick()
    world.hung, world.jobs, world.broken = set(), {}, {"e2/build"}
    world.until_quiet()
    assert outcome(world, "e2")[0] is Outcome.FAILED
    assert outcome(world, "e3")[0] is Outcome.SUCCEEDED


def test_a_release_that_waits_is_superseded_but_one_that_shifts_is_not() -> None:
    world = moving(app_of()).until_weight(2_500)
    for _ in range(2):
        world.push(app_of())
        world.until(lambda w: not w.moves() or all(_deploys(w, e) for e in ("e3", "e4")))
    until_stage(world, "e4", P.DEPLOY)
    assert world.progress.services["cats"].waiting is not None
    assert world.progress.services["cats"].waiting.release == 4
    assert world.events(d.DeploymentSuperseded) == [d.DeploymentSuperseded("cats", 3, 4)]
    assert world.progress.deployments["d2"].rollback is None
    world.until_quiet()
    assert outcome(world, "e3") == (Outcome.SUPERSEDED, "cats v3 superseded")
    assert world.progress.deployments["d2"].outcome is Outcome.SUCCEEDED
    assert world.progress.services["cats"].stable == 4


def _deploys(world: World, execution: str) -> bool:
    known = world.progress.executions.get(execution)
    return known is None or (known.stage is not None and known.stage.stage is P.DEPLOY)


def test_a_release_that_waits_says_so() -> None:
    world = moving(app_of()).until_weight(2_500)
    world.push(app_of())
    until_stage(world, "e3", P.DEPLOY)
    world.tick()
    assert "v3 waits for cats to be free" in world.tick().reason


# --- what is released ----------------------------------------------------------------------------


def same_image(app: App) -> World:
    """A world whose builds always give the same image."""
    return serving(app, images={"cats": "sha256:cats", "dogs": "sha256:dogs"})


def test_what_runs_already_is_not_deployed_again() -> None:
    world = same_image(app_of())
    world.push(app_of())
    world.until_quiet()
    wanted = (Outcome.SUCCEEDED, "nothing to deploy: every service already runs this")
    assert outcome(world, "e2") == wanted
    assert world.progress.deployments.keys() == {"d1"}


def test_what_is_on_its_way_already_is_not_deployed_again() -> None:
    world = moving(app_of()).until_weight(2_500)
    world.images = {"cats": "sha256:cats-e2"}
    world.push(app_of())
    world.until_quiet()
    assert world.progress.releases.keys() == {1, 2}


def test_what_was_rolled_back_is_deployed_anew() -> None:
    world = moving(app_of()).until_weight(2_500)
    world.abort()
    world.until_quiet()
    world.images = {"cats": "sha256:cats-e2"}
    world.push(app_of())
    world.until_quiet()
    assert world.progress.services["cats"].stable == 3


@pytest.mark.parametrize("changed", ["environment", "port", "memory_mib", "command"])
def test_the_same_image_with_other_settings_is_another_release(changed: str) -> None:
    values = {"environment": (("A", "1"),), "port": 81, "memory_mib": 64, "command": ("x",)}
    world = same_image(app_of())
    world.push(app_of(replace(service(), **{changed: values[changed]})))  # type: ignore[arg-type]
    world.until_quiet()
    assert world.progress.services["cats"].stable == 2


def test_settings_that_no_task_has_in_it_count_without_a_deployment() -> None:
    world = same_image(app_of())
    world.push(app_of(service(count=7, bake_ms=1)))
    world.until_quiet()
    assert world.progress.deployments.keys() == {"d1"}
    assert world.progress.app is not None
    assert world.progress.app.services[0].deployment.bake_ms == 1


def test_only_the_services_that_differ_are_deployed() -> None:
    both = app_of(service("cats"), service("dogs"))
    world = same_image(both)
    world.images["dogs"] = "sha256:other"
    world.push(both)
    world.until_quiet()
    assert [m.service for m in world.progress.deployments.values()] == ["cats", "dogs", "dogs"]


def test_the_deploy_stage_takes_the_outcome_of_the_worst_of_its_deployments() -> None:
    world = moving(app_of(service("cats"), service("dogs")))
    world.until_stage(Stage.BAKE_TIME)
    world.abort("dogs")
    world.until_quiet()
    assert outcome(world, "e2") == (
        Outcome.ROLLED_BACK,
        "cats v3 serves; dogs v4 rolled back: aborted by me",
    )


def test_the_file_counts_only_once_its_revision_is_deployed() -> None:
    world = serving(app_of())
    world.broken = {"e2/build"}
    world.push(app_of(service(), service("dogs")))
    world.until_quiet()
    assert world.progress.app == app_of()
