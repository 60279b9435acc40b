"""The gate's word on a release or an execution: verdict, policy, findings, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass

from tidegate.core import decision as d
from tidegate.core.errors import NotFound
from tidegate.core.grounds import Grounds, Treatment
from tidegate.core.model import GatePolicy
from tidegate.core.progress import Progress
from tidegate.engine.journal import Entry


@dataclass(frozen=True, slots=True)
class TodayView:
    """What the gate says of a running release by the data of `at` (ms)."""

    at: int
    verdict: str
    reason: str
    grounds: Grounds


@dataclass(frozen=True, slots=True)
class GateView:
    """One image's verdict, as it was reached at `at` (ms), and the policy in force then.

    `release` is the number that came of it, or None. `advice` are actions that end the most of the
    findings that counted. `today` is the word on the running release, when it was matched again.
    """

    execution: str
    service: str
    digest: str
    release: int | None
    at: int
    verdict: str
    reason: str
    allowed: bool
    policy: GatePolicy
    grounds: Grounds
    advice: tuple[str, ...] = ()
    today: TodayView | None = None


def explain(progress: Progress, subject: str, entries: Iterable[Entry]) -> tuple[GateView, ...]:
    """The verdicts of an execution, or the one of a release (`v42`), out of the whole journal.

    Raises `NotFound` when there is no such thing, or no verdict on it yet.
    """
    number = int(subject[1:]) if subject[:1] == "v" and subject[1:].isdecimal() else None
    release = progress.releases.get(number) if number is not None else None
    if number is not None and release is None:
        raise NotFound(f"no release {subject}", remedy="tidegate releases", code="TG721")
    execution = release.execution if release else subject
    policy: GatePolicy | None = None
    said: list[tuple[int, d.VerdictReached]] = []
    again: dict[int, TodayView] = {}
    for entry in entries:
        match entry.event:
            case d.ExecutionStarted() as started if started.execution == execution:
                policy = started.app.gate
            case d.VerdictReached() as one if one.execution == execution:
                said.append((entry.at, one))
            case d.ReleaseRejudged() as one:
                again[one.release] = TodayView(entry.at, one.verdict, one.reason, one.grounds)
    if policy is None:
        raise NotFound(f"no execution {subject}", remedy="tidegate executions", code="TG702")
    wanted = [pair for pair in said if not release or pair[1].service == release.service.name]
    if not wanted:
        raise NotFound(
            f"there is no verdict on {subject} yet",
            cause="its scan stage has not ended",
            remedy=f"tidegate logs {execution}/scan",
            code="TG731",
        )
    numbers = {
        r.service.name: r.number for r in progress.releases.values() if r.execution == execution
    }
    return tuple(_view(one, at, policy, numbers.get(one.service), again) for at, one in wanted)


def _view(
    said: d.VerdictReached,
    at: int,
    policy: GatePolicy,
    release: int | None,
    again: dict[int, TodayView],
) -> GateView:
    from tidegate.scan.advice import advise  # loads what those who read a view do not need

    weighed = said.grounds.weighed
    counted = [w.finding for w in weighed if w.treatment is Treatment.COUNTED]
    return GateView(
        said.execution,
        said.service,
        said.digest,
        release,
        at,
        said.verdict.value,
        said.reason,
        said.allowed,
        policy,
        said.grounds,
        tuple(action.sentence for action in advise(counted).actions),
        again.get(release) if release is not None else None,
    )
