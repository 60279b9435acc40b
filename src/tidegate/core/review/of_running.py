"""Checks of the running system: its releases, its tasks, its alarms and its past."""

from collections import Counter
from collections.abc import Callable

from tidegate.core.review.case import Answer, Case, Check, Past, Running, State, failed, passed
from tidegate.core.review.case import unless as _unless
from tidegate.core.review.words import Principle as P
from tidegate.core.words import counted

DAY_MS = 86_400_000
RECENT_DAYS = 30
RECOVERY_DAYS = 90
_WENT_WRONG = ("failed", "refused", "rolled back")


def _asking(ask: Callable[[Running, int], Answer]) -> Callable[[Case], Answer]:
    """The question, or UNKNOWN when nothing runs or cannot be seen."""

    def of(case: Case) -> Answer:
        if case.running is None:
            return Answer(State.UNKNOWN, "nothing runs, or it cannot be seen", "tidegate up")
        return ask(case.running, case.now)

    return of


def _since(past: tuple[Past, ...], now: int, days: int) -> tuple[Past, ...]:
    return tuple(one for one in past if now - one.at <= days * DAY_MS)


def _as_code(running: Running, _: int) -> Answer:
    by_hand = [s.name for s in running.services if s.stable is not None and not s.commit]
    return _unless(
        by_hand,
        "every stable release is of a commit",
        "stable releases without a commit",
        "push the revision: git push tidegate main",
    )


def _deploys(running: Running, now: int) -> Answer:
    recent = _since(running.past, now, RECENT_DAYS)
    if not recent:
        return failed(
            f"no execution in {RECENT_DAYS} days",
            "small changes need to be frequent: push one",
        )
    return passed(f"{counted(len(recent), 'execution')} in {RECENT_DAYS} days")


def _ways_back(running: Running, _: int) -> Answer:
    none = [s.name for s in running.services if s.stable is not None and not s.ways_back]
    return _unless(
        none,
        "every service has a good release to roll back to",
        "services without a release to go back to",
        "a second good release makes one; keep `retention` at 2 or more",
    )


def _learn(running: Running, now: int) -> Answer:
    recent = _since(running.past, now, RECENT_DAYS)
    wrong = [one for one in recent if one.outcome in _WENT_WRONG]
    often = [f"{n} times {why!r}" for why, n in Counter(o.reason for o in wrong).items() if n >= 3]
    return _unless(
        often,
        f"{len(wrong)} of {counted(len(recent), 'execution')} went wrong, "
        "none of them three times alike",
        "the same failure again and again",
        "tidegate report shows what was seen; make a smoke check, a test or an alarm of it",
    )


def _traceable(running: Running, _: int) -> Answer:
    dark = [
        s.name
        for s in running.services
        if s.stable is not None and not (s.commit and s.execution and s.verdict)
    ]
    return _unless(
        dark,
        "every stable release names its commit, its execution and the gate's verdict",
        "stable releases of unknown origin",
        "deploy through the pipeline",
    )


def _judged(running: Running, _: int) -> Answer:
    unjudged = [
        f"{s.name} ({s.verdict or 'nothing'})"
        for s in running.services
        if s.stable is not None and s.verdict != "passed"
    ]
    return _unless(
        unjudged,
        "every stable release has passed the gate",
        "stable releases that have not",
        "switch the gate on, then push",
    )


def _tested_recovery(running: Running, now: int) -> Answer:
    recent = _since(running.past, now, RECOVERY_DAYS)
    saved = [one for one in recent if one.outcome == "rolled back"]
    if saved:
        return passed(
            f"{counted(len(saved), 'rollback')} in {RECOVERY_DAYS} days, the last one {saved[0].id}"
        )
    return failed(
        f"no rollback in {RECOVERY_DAYS} days",
        "rehearse one: push a bad release on purpose, or tidegate rollback SERVICE",
    )


def _replicas(running: Running, _: int) -> Answer:
    short = [
        f"{s.name} ({s.healthy} of {s.desired})"
        for s in running.services
        if s.stable is not None and (s.healthy < s.desired or s.healthy < 2)
    ]
    return _unless(
        short,
        "every service has all its tasks healthy, two or more",
        "services with fewer healthy tasks than two, or than desired",
        "tidegate status shows why; tasks: 2 or more survives the loss of one",
    )


def _alarms_see(running: Running, _: int) -> Answer:
    if not any(s.alarms for s in running.services):
        return failed("no service has an alarm", "name some under `alarms`")
    blind = [
        f"{s.name}/{name}"
        for s in running.services
        for name, state in s.alarms
        if state == "INSUFFICIENT_DATA"
    ]
    return _unless(
        blind,
        "every alarm has data",
        "alarms without data",
        "send traffic, or set treat_missing_data to what silence means",
    )


def _automated(running: Running, now: int) -> Answer:
    recent = _since(running.past, now, RECENT_DAYS)
    pushed = [one for one in recent if one.trigger in ("push", "webhook")]
    if recent and not pushed:
        return failed(
            f"none of {counted(len(recent), 'execution')} came by a push or a webhook",
            "git push tidegate main, or set up the webhook",
        )
    return passed(
        f"{len(pushed)} of {counted(len(recent), 'execution')} came by a push or a webhook"
    )


def _check(name: str, principle: P, ask: Callable[[Running, int], Answer]) -> Check:
    return Check(name, principle, "running", _asking(ask))


CHECKS: tuple[Check, ...] = (
    _check("releases come from commits", P.AS_CODE, _as_code),
    _check("changes are frequent", P.REFINE, _deploys),
    _check("changes are reversible", P.SMALL_CHANGES, _ways_back),
    _check("no failure comes back again and again", P.LEARN, _learn),
    _check("releases are traceable", P.TRACEABILITY, _traceable),
    _check("what runs was judged", P.PREPARE, _judged),
    _check("recovery was tried", P.TEST_RECOVERY, _tested_recovery),
    _check("tasks are healthy, two or more", P.SCALE_OUT, _replicas),
    _check("alarms have data", P.RECOVER, _alarms_see),
    _check("changes come through the pipeline", P.AUTOMATE_CHANGE, _automated),
)
"""What is asked of the running system."""
