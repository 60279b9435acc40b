"""The acts, in order, and the stream of requests that runs through all of them.

Each act says what must hold; whatever does not, is in its `detail` as `broken`.
"""

import time
from collections.abc import Callable, Iterator, Mapping

from tidegate.core import decision as d
from tidegate.demo import elastic
from tidegate.demo.advisories import KNOWN, OLD, PACKAGE
from tidegate.demo.report import Act
from tidegate.demo.walk import Check, Walk


def play(walk: Walk, begins: Callable[[str], None]) -> Iterator[Act]:
    """Play them one after the other; `begins` hears their names, each is given as it ends.

    All the others need the app that the first brings up: without it they are not played.
    """
    try:
        for name, act in _ACTS.items():
            begins(name)
            played = act(walk)
            yield played
            if act is deployed and not played.ok:
                break
    finally:
        walk.ledger.stop()


def deployed(walk: Walk) -> Act:
    """The app comes up; the listener answers for all three services."""
    check = Check()
    began = time.monotonic()
    walk.space.tidegate("up")
    walk.say(f"the controller is up; the listener will be http://127.0.0.1:{walk.space.port}")
    if walk.space.push() == 0:
        check.that(walk.until_deployed(3), "not every service was deployed")
    else:
        check.that(False, "the first push was refused")
    up_s = time.monotonic() - began
    walk.ledger.start("deployed")
    time.sleep(2)
    answers = walk.ledger.answers()
    check.that(set(answers) == {"/", "/cats", "/dogs"}, f"only {sorted(answers)} answered")
    if not check.broken:
        walk.say(f"home, cats and dogs answer, {up_s:.1f} s after `tidegate up`")
    return walk.act("deployed", check, detail={"up_s": round(up_s, 1)})


def blue_green(walk: Walk) -> Act:
    """Clients see both colours in the planned shares, then only the new one."""
    check = Check()
    walk.ledger.mark("blue-green")
    walk.space.change("colour", "Cats turn green")
    check.that(walk.space.push() == 0, "the push was refused")
    deployment = walk.story.last_deployment("cats")
    check.that(deployment.outcome is d.Outcome.SUCCEEDED, f"it {deployment.outcome}")
    time.sleep(2)
    shares = walk.ledger.shares("seagreen", walk.story.windows(deployment.id))
    worst = max((share.error_points for share in shares), default=None)
    for share in shares:
        walk.say(str(share))
        check.that(share.plausible, f"off the plan: {share}")
    check.that(len(shares) >= 4, "not every step of the shift was seen")
    check.that(walk.ledger.only("seagreen", last_s=1), "the old colour was still seen")
    planned = {"shares": [str(share) for share in shares]}
    return walk.act("blue-green", check, share_error_points=worst, detail=planned)


def gate(walk: Walk) -> Act:
    """A known-vulnerable package is refused, and a dated waiver lets it through."""
    check = Check()
    walk.ledger.mark("gate")
    walk.space.change("vulnerable", f"Cats use {PACKAGE} {OLD}")
    check.that(walk.space.push() != 0, "the push was not refused")
    refused = walk.story.last_execution()
    check.that(refused.outcome is d.Outcome.REFUSED, f"it {refused.outcome}")
    check.that(KNOWN in refused.reason, f"{KNOWN} is not among the reasons: {refused.reason}")
    check.that(walk.ledger.only("seagreen", last_s=1), "traffic was touched")
    waive = ("waive", KNOWN, "--until", "7d", "--reason", "the demo serves it to nobody")
    walk.space.tidegate(*waive, "--owner", "demo", "--service", "cats")
    walk.say(f"$ tidegate {' '.join(waive[:4])} --reason … --service cats")
    walk.space.commit(f"Waive {KNOWN} for a week")
    check.that(walk.space.push() == 0, "the push with the waiver was refused")
    passed = walk.story.last_execution()
    check.that(passed.outcome is d.Outcome.SUCCEEDED, f"with the waiver it {passed.outcome}")
    return walk.act("gate", check, detail={"refused": refused.reason})


def saved(walk: Walk) -> Act:
    """3 % of the candidate's answers are errors; it never reaches full traffic."""
    check = Check()
    walk.ledger.mark("saved")
    walk.space.change("failing", "Cats turn red, and fail now and then")
    walk.space.push()
    deployment = walk.story.last_deployment("cats")
    check.that(deployment.outcome is d.Outcome.ROLLED_BACK, f"it {deployment.outcome}")
    check.that(deployment.weight_most_bp < 10_000, "it reached full traffic")
    time.sleep(2)
    check.that(walk.ledger.only("seagreen", last_s=1), "traffic is not back on stable")
    walk.say(f"rolled back: {deployment.reason}")
    last_bad = walk.ledger.last_answer_ms("crimson")
    back_ms = max(0, last_bad - deployment.rollback_at) if last_bad else None
    touched = walk.ledger.answers_of("crimson")
    detail = {
        "reason": deployment.reason,
        "most_weight_percent": deployment.weight_most_bp / 100,
        "requests_on_candidate": touched,
    }
    times = {"detect_ms": deployment.rollback_at - deployment.shifted_at, "back_ms": back_ms}
    return walk.act("saved", check, **times, detail=detail)


def crash(walk: Walk) -> Act:
    """The controller is killed in the middle of a shift, and comes back."""
    check = Check()
    walk.ledger.mark("crash")
    walk.space.change("colour", "Cats turn purple", ("seagreen", "rebeccapurple"))
    push = walk.space.push_in_background()
    check.that(walk.until(lambda: walk.story.weight_bp("cats") >= 4_000), "no shift began")
    pid = walk.kill_controller()
    walk.say(f"the controller (pid {pid}) is killed with -9 in the middle of the shift")
    before = walk.ledger.requests()
    time.sleep(2)
    meanwhile = walk.ledger.requests() - before
    walk.say(f"nobody is in control; {meanwhile} requests meanwhile")
    walk.space.tidegate("up")
    push.join()
    check.that(walk.until(walk.story.quiet), "the deployment did not end")
    deployment = walk.story.last_deployment("cats")
    ends = (d.Outcome.SUCCEEDED, d.Outcome.ROLLED_BACK)
    check.that(deployment.outcome in ends, f"it {deployment.outcome}")
    walk.say(f"it is back, and the deployment {deployment.outcome}")
    time.sleep(2)
    colour = "rebeccapurple" if deployment.outcome is d.Outcome.SUCCEEDED else "seagreen"
    check.that(walk.ledger.only(colour, last_s=1), f"not all traffic is {colour}")
    detail = {"outcome": str(deployment.outcome), "requests_without_controller": meanwhile}
    return walk.act("crash", check, detail=detail)


_ACTS: Mapping[str, Callable[[Walk], Act]] = {
    "deployed": deployed,
    "blue-green": blue_green,
    "gate": gate,
    "saved": saved,
    "crash": crash,
    "scale": elastic.scale,
    "interruption": elastic.interruption,
}
"""In the order in which they are played."""
