"""What a person may ask, what it records, and how a refusal names the way out."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.builders import app_of, service
from tests.support.small_world import World, moving, serving
from tidegate.core import decision as d
from tidegate.core import requests as r
from tidegate.core.errors import Busy, NotFound, TidegateError, UsageError
from tidegate.core.model import App, PipelinePolicy
from tidegate.core.progress import Progress


def answer(world: World, request: r.Request) -> tuple[d.Event, ...]:
    """What the request records."""
    return r.answer(world.progress, request, world.now)


def refusal(world: World, request: r.Request) -> TidegateError:
    """Why it is not granted."""
    with pytest.raises(TidegateError) as raised:
        answer(world, request)
    return raised.value


VERBS: dict[str, Callable[[str, str], r.Request]] = {
    "pause": r.Pause,
    "resume": r.Resume,
    "promote": r.Promote,
    "abort": r.Abort,
}


def test_an_app_file_is_accepted_as_it_is() -> None:
    assert answer(World(), r.AcceptApp(app_of(), "me")) == (d.AppAccepted(app_of()),)


def test_an_execution_starts_once() -> None:
    world = World()
    request = r.StartExecution("e1", "c0ffee", "work", "push", "me", app_of())
    assert answer(world, request) == (
        d.ExecutionStarted("e1", "c0ffee", "work", "push", "me", app_of()),
    )
    world.ask(request)
    refused = refusal(world, request)
    assert (type(refused), refused.number) == (Busy, "TG801")


def test_each_verb_records_who_asked() -> None:
    world = moving(app_of()).until_weight(2_500)
    assert answer(world, r.Pause("cats", "ada")) == (d.DeploymentPaused("d2", "ada"),)
    assert answer(world, r.Promote("cats", "ada")) == (d.PromoteRequested("d2", "ada"),)
    assert answer(world, r.Abort("cats", "ada")) == (d.AbortRequested("d2", "ada"),)
    world.pause()
    assert answer(world, r.Resume("cats", "ada")) == (d.DeploymentResumed("d2", "ada"),)


def test_what_is_not_paused_cannot_be_resumed() -> None:
    refused = refusal(moving(app_of()), r.Resume("cats", "me"))
    assert (type(refused), refused.number) == (UsageError, "TG103")


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_needs_a_service_that_is_known(verb: str) -> None:
    refused = refusal(serving(app_of()), VERBS[verb]("birds", "me"))
    assert str(refused) == "error TG701: no service birds\n  remedy  services: cats"


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_needs_a_deployment(verb: str) -> None:
    refused = refusal(serving(app_of()), VERBS[verb]("cats", "me"))
    assert (type(refused), refused.number) == (NotFound, "TG703")
    assert "tidegate rollback cats" in refused.remedy


@pytest.mark.parametrize("verb", VERBS)
def test_a_deployment_that_rolls_back_takes_no_more_verbs(verb: str) -> None:
    world = moving(app_of()).until_weight(2_500)
    world.abort()
    world.tick()
    refused = refusal(world, VERBS[verb]("cats", "me"))
    assert (type(refused), refused.number) == (Busy, "TG802")
    assert refused.cause == "aborted by me"


@pytest.mark.parametrize("verb", VERBS)
def test_a_deployment_that_is_only_cleaned_up_is_over(verb: str) -> None:
    world = moving(app_of()).until(lambda w: w.last.promoted)
    refused = refusal(world, VERBS[verb]("cats", "me"))
    assert (type(refused), refused.number) == (NotFound, "TG704")
    assert refused.what == "deployment d2 of cats is over: v2 is stable"


# --- going back ----------------------------------------------------------------------------------


def grown(number: int, app: App | None = None) -> World:
    """A world in which v1 to v`number` have been stable, one after the other."""
    world = serving(app or app_of())
    for _ in range(number - 1):
        world.push(app or app_of())
        world.until_quiet()
    return world


def test_going_back_without_a_number_means_the_last_good_release() -> None:
    queued = d.DeploymentQueued("cats", 2, None, "me", known_good=True)
    assert answer(grown(3), r.RollBack("cats", None, "me")) == (queued,)


def test_going_back_twice_toggles_between_the_last_two() -> None:
    world = grown(3)
    for wanted in (2, 3, 2):
        world.ask(r.RollBack("cats", None, "me"))
        world.until_quiet()
        assert world.progress.services["cats"].stable == wanted


def test_going_back_may_name_any_good_release_that_is_kept() -> None:
    world = grown(4)
    for number in (1, 3, 2, 4):
        world.ask(r.RollBack("cats", number, "me"))
        world.until_quiet()
        assert world.progress.services["cats"].stable == number


def test_a_release_that_was_never_good_is_no_way_back() -> None:
    world = moving(app_of()).until_weight(2_500)
    world.abort()
    world.until_quiet()
    refused = refusal(world, r.RollBack("cats", 2, "me"))
    assert (type(refused), refused.number) == (NotFound, "TG705")
    assert refused.remedy == "good ones: v1"


def test_a_release_beyond_the_retention_is_no_way_back_since_its_image_is_gone() -> None:
    world = grown(3, app_of(retention=2))
    assert world.pruned[-1] == ("sha256:cats-e2", "sha256:cats-e3")
    refused = refusal(world, r.RollBack("cats", 1, "me"))
    assert refused.number == "TG705"
    assert refused.remedy == "good ones: v2, v3"


def test_the_stable_release_is_where_one_is() -> None:
    refused = refusal(grown(2), r.RollBack("cats", 2, "me"))
    assert (type(refused), refused.number) == (UsageError, "TG104")


def test_the_first_good_release_has_none_before_it() -> None:
    refused = refusal(serving(app_of()), r.RollBack("cats", None, "me"))
    assert (type(refused), refused.number) == (NotFound, "TG706")


def test_another_service_s_release_is_no_way_back() -> None:
    world = serving(app_of(service("cats"), service("dogs")))
    assert refusal(world, r.RollBack("cats", 2, "me")).number == "TG705"


@pytest.mark.parametrize("number", [None, 1])
def test_going_back_while_a_deployment_is_under_way_is_an_abort(number: int | None) -> None:
    world = moving(app_of()).until_weight(2_500)
    assert answer(world, r.RollBack("cats", number, "me")) == (d.AbortRequested("d2", "me"),)


def test_going_back_further_while_a_deployment_is_under_way_has_to_wait() -> None:
    world = grown(2)
    world.push(app_of())
    world.until_weight(2_500)
    refused = refusal(world, r.RollBack("cats", 1, "me"))
    assert (type(refused), refused.number) == (Busy, "TG803")


def test_going_back_supersedes_what_waits() -> None:
    world = grown(2)
    waiting = d.DeploymentQueued("cats", 9, "e9", "me")
    world.record((waiting,))
    assert answer(world, r.RollBack("cats", 1, "me")) == (
        d.DeploymentSuperseded("cats", 9, 1),
        d.DeploymentQueued("cats", 1, None, "me", known_good=True),
    )


def test_a_service_that_left_the_file_cannot_go_back() -> None:
    world = grown(2)
    world.record((d.AppAccepted(app_of(service("dogs"))),))
    assert refusal(world, r.RollBack("cats", 1, "me")).number == "TG707"


# --- scaling and approving -----------------------------------------------------------------------


@pytest.mark.parametrize("desired", [1, 5, 10])
def test_a_count_within_the_bounds_is_granted(desired: int) -> None:
    wanted = d.DesiredChanged("cats", desired, "me", f"me asked for {desired}")
    assert answer(serving(app_of()), r.Scale("cats", desired, "me")) == (wanted,)


@pytest.mark.parametrize("desired", [-1, 0, 11])
def test_a_count_beyond_the_bounds_is_not(desired: int) -> None:
    refused = refusal(serving(app_of()), r.Scale("cats", desired, "me"))
    assert (type(refused), refused.number) == (UsageError, "TG105")
    assert refused.cause == "the app file allows 1 to 10"


def test_a_service_that_left_the_file_is_not_scaled() -> None:
    world = serving(app_of(service("cats"), service("dogs")))
    world.record((d.AppAccepted(app_of(service("dogs"))),))
    assert refusal(world, r.Scale("cats", 2, "me")).number == "TG707"


APPROVAL = app_of(pipeline=PipelinePolicy(approval=True))


def test_an_execution_is_approved_or_rejected_where_it_waits_for_that() -> None:
    world = World()
    world.push(APPROVAL)
    early = refusal(world, r.Approve("e1", "me"))
    assert (type(early), early.number) == (UsageError, "TG102")
    world.until(lambda w: "waits for approval" in w.look().reason)
    assert answer(world, r.Approve("e1", "me")) == (d.Approved("e1", "me"),)
    assert answer(world, r.Reject("e1", "me", "no")) == (d.Rejected("e1", "me", "no"),)
    world.ask(r.Approve("e1", "me"))
    world.until_quiet()
    late = refusal(world, r.Reject("e1", "me", "no"))
    assert (late.number, late.cause) == ("TG102", "it has ended: succeeded")


def test_what_has_been_approved_cannot_be_rejected_any_more() -> None:
    world = World()
    world.push(APPROVAL)
    world.until(lambda w: "waits for approval" in w.look().reason)
    world.ask(r.Approve("e1", "me"))
    world.look()
    assert refusal(world, r.Reject("e1", "me", "no")).number == "TG102"


def test_an_execution_that_nobody_knows_is_not_found() -> None:
    refused = refusal(World(), r.Approve("e7", "me"))
    assert (type(refused), refused.number) == (NotFound, "TG702")


def test_a_refusal_records_nothing() -> None:
    world = serving(app_of())
    before = world.progress
    refusal(world, r.Abort("cats", "me"))
    assert world.progress is before
    assert replace(Progress()) == Progress()


def test_a_pause_is_recorded_once() -> None:
    world = moving(app_of()).until_weight(2_500)
    world.pause()
    assert answer(world, r.Pause("cats", "ada")) == ()


def test_a_refused_rollback_says_where_one_can_go_instead() -> None:
    assert refusal(grown(2), r.RollBack("cats", 2, "me")).remedy == "good ones beside it: v1"
    first = refusal(serving(app_of()), r.RollBack("cats", None, "me"))
    assert first.remedy == "push a second one; tidegate releases lists those that there are"
