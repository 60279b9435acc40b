"""The scan stage judges each image by digest, beside what runs, and its word may lapse."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.builders import T0, app_of, fold, service
from tests.support.findings import finding, waiver
from tests.support.small_world import World, serving
from tidegate.core import decision as d
from tidegate.core.decision import Outcome
from tidegate.core.findings import ScanReport
from tidegate.core.model import App, GatePolicy, PipelinePolicy, UnknownRule
from tidegate.core.releases import make_releases
from tidegate.core.requests import Approve
from tidegate.core.seen import JobSeen, JobState


def gated(**policy: Any) -> App:
    return app_of(gate=GatePolicy(**policy))


def ended(world: World, execution: str) -> tuple[Outcome | None, str]:
    one = world.progress.executions[execution]
    return one.outcome, one.reason


def summary(world: World, execution: str) -> str:
    """What its scan stage said."""
    stages = world.progress.executions[execution].stages
    return next(s.summary for s in stages if s.stage is d.PipelineStage.SCAN)


def test_what_runs_is_scanned_beside_what_is_new() -> None:
    world = serving(app_of())
    world.findings = {"sha256:cats-e1": (finding(),), "sha256:cats-e2": (finding(),)}
    world.push(app_of())
    world.until_quiet()
    assert ended(world, "e2")[0] is Outcome.SUCCEEDED
    said = world.events(d.VerdictReached)[-1]
    assert said.reason == "within the limits: nothing that counts (1 let through)"
    assert said.grounds.compared == "only what the running image sha256:cats-e1 lacks is new"


def test_what_is_new_is_refused_and_nothing_changes() -> None:
    world = serving(app_of())
    world.findings = {"sha256:cats-e1": (finding(),), "sha256:cats-e2": (finding("CVE-2"),)}
    world.push(app_of())
    world.until_quiet()
    outcome, reason = ended(world, "e2")
    assert outcome is Outcome.REFUSED
    assert reason.startswith("scan: cats is refused: too many findings: 1 HIGH (limit 0)")
    assert world.progress.releases.keys() == {1}


def test_without_new_only_nothing_that_runs_is_scanned() -> None:
    strict = gated(new_only=False)
    world = serving(strict)
    world.findings = {"sha256:cats-e1": (finding(),), "sha256:cats-e2": (finding(),)}
    world.push(strict)
    world.until_quiet()
    assert ended(world, "e2")[0] is Outcome.REFUSED


def test_a_running_image_that_was_not_scanned_excuses_nothing() -> None:
    world = serving(app_of())
    world.push(app_of())
    report = ScanReport("sha256:cats-e2", (finding(),), data="sha256:data", data_at=world.now)
    world.jobs["e2/scan"] = JobSeen("e2/scan", JobState.SUCCEEDED, reports=(report,))
    world.until_quiet()
    assert ended(world, "e2")[0] is Outcome.REFUSED
    (warning,) = world.events(d.VerdictReached)[-1].grounds.warnings
    assert warning == (
        "nothing is known of the running image (it was not scanned with the new one): "
        "every finding is new"
    )


def test_the_release_is_made_of_the_digest_that_was_judged() -> None:
    world = World()
    world.push(app_of())
    world.until_quiet()
    (said,) = world.events(d.VerdictReached)
    assert world.progress.releases[1].digest == said.digest
    assert {task.digest for task in world.tasks.values()} == {said.digest}


def test_a_verdict_on_another_digest_makes_no_release() -> None:
    known = fold(
        d.ExecutionStarted("e1", "c0ffee", "work", "push", "me", app_of()),
        d.ImagesBuilt("e1", (("cats", "sha256:moved"),)),
        d.VerdictReached("e1", "cats", "sha256:judged", d.VerdictKind.PASSED, "fine"),
    )
    events = make_releases(known, known.executions["e1"], T0)
    assert [type(event) for event in events] == [d.AppAccepted]


def test_an_unknown_image_runs_where_the_file_says_so_and_stays_unknown() -> None:
    world = World()
    world.push(gated(on_unknown=UnknownRule.WARN))
    report = ScanReport("sha256:cats-e1", None, "no scanner yet")
    world.jobs["e1/scan"] = JobSeen("e1/scan", JobState.SUCCEEDED, reports=(report,))
    world.until_quiet()
    made = world.progress.releases[1]
    assert (made.verdict, made.allowed) == ("unknown", True)
    assert world.running(1)
    assert summary(world, "e1") == (
        "cats is unknown: nothing is known of this image: no scanner yet; "
        "the app file lets it run (on_unknown: warn)"
    )


def test_warnings_and_idle_waivers_are_told_with_the_stage() -> None:
    world = World(findings={"sha256:cats-e1": (finding(),)})
    cats, dogs = service("cats"), service("dogs")
    waivers = (waiver(days=5), waiver("CVE-8", service="dogs"), waiver("CVE-9"))
    world.push(app_of(cats, dogs, gate=GatePolicy(waivers=waivers)))
    world.until_quiet()
    assert summary(world, "e1") == (
        "passed; warning: the waiver of CVE-1 counts until 2023-11-19 only; "
        "warning: no finding needs the waiver of CVE-9, CVE-8"
    )


def test_a_waiver_of_one_service_is_none_of_another() -> None:
    cats, dogs = service("cats"), service("dogs")
    world = World(findings={"sha256:cats-e1": (finding(),), "sha256:dogs-e1": (finding(),)})
    world.push(app_of(cats, dogs, gate=GatePolicy(waivers=(waiver(service="dogs"),))))
    world.until_quiet()
    verdicts = {v.service: v.verdict for v in world.events(d.VerdictReached)}
    assert verdicts == {"cats": d.VerdictKind.REFUSED, "dogs": d.VerdictKind.PASSED}


def test_a_verdict_that_lapses_while_it_waits_for_approval_is_refused() -> None:
    policy = GatePolicy(waivers=(replace(waiver(), until=T0 + 30_000),))
    approval = PipelinePolicy(approval=True, approval_timeout_ms=600_000)
    world = World(findings={"sha256:cats-e1": (finding(),)})
    world.push(app_of(gate=policy, pipeline=approval))
    world.until(lambda w: (s := w.progress.executions["e1"].stage) and s.stage == "approve")
    assert world.tick().look_again_at == T0 + 30_000
    world.until_quiet()
    outcome, reason = ended(world, "e1")
    assert outcome is Outcome.REFUSED
    assert reason.startswith("approve: the verdict on cats held until 2023-11-14: too many")
    assert reason.endswith("the waiver of CVE-1 counted until 2023-11-14")
    assert world.now < T0 + 60_000


def test_an_approval_in_time_deploys_on_the_word_of_the_waiver() -> None:
    policy = GatePolicy(waivers=(replace(waiver(), until=T0 + 30_000),))
    world = World(findings={"sha256:cats-e1": (finding(),)})
    world.push(app_of(gate=policy, pipeline=PipelinePolicy(approval=True)))
    world.until(lambda w: (s := w.progress.executions["e1"].stage) and s.stage == "approve")
    world.ask(Approve("e1", "me"))
    world.until_quiet()
    assert ended(world, "e1")[0] is Outcome.SUCCEEDED


@pytest.mark.parametrize("late", [True, False])
def test_the_journal_explains_the_verdict(late: bool) -> None:
    world = World(findings={"sha256:cats-e1": (finding(), finding("CVE-2", "LOW"))})
    world.push(gated(waivers=(waiver(days=-1 if late else 1),)))
    world.until_quiet()
    (said,) = world.events(d.VerdictReached)
    kept = said.grounds
    assert kept.found == (("HIGH", 1), ("LOW", 1))
    assert [w.finding.id for w in kept.weighed][-1] == ("CVE-2" if late else "CVE-1")
    assert (kept.waived, kept.expired) == (((), ("CVE-1",)) if late else (("CVE-1",), ()))
    assert kept.data == "sha256:data"
    assert kept.data_at is not None
    assert kept.policy.startswith("sha256:")
