"""Running releases are matched again when the vulnerability data or the policy changes.

It never stops or rolls anything back: it judges, and raises an alarm, `SERVICE/NewVulnerabilities`,
while the running release would not pass as a first release would today. That is also how a rollback
to a release that once passed is reported, and never blocked.
"""

import hashlib
from dataclasses import replace

from tidegate.core import gate
from tidegate.core.decision import (
    Action,
    AlarmChanged,
    AlarmState,
    Decision,
    Event,
    ReleaseRejudged,
    ScanImages,
    StartJob,
    VerdictKind,
)
from tidegate.core.findings import ScanReport
from tidegate.core.gate_record import grounds, policy_digest
from tidegate.core.model import App, GateMode, Release
from tidegate.core.progress import Progress
from tidegate.core.seen import AdvisoriesSeen, JobSeen, JobState, Seen
from tidegate.core.waivers import in_scope

ALARM = "NewVulnerabilities"
RETRY_MS = 3_600_000
"""A match that failed is tried again after this time."""


def alarm_of(service: str) -> str:
    """The name under which the alarm of a service is kept."""
    return f"{service}/{ALARM}"


def decide(progress: Progress, seen: Seen, now: int) -> Decision:
    """Start the scan of the releases that are due, or judge them by its result."""
    app, data = progress.app, seen.advisories
    if app is None:
        return Decision()
    if app.gate.mode is GateMode.OFF:
        return Decision(events=tuple(_quiet(progress)))
    if data is None:
        return Decision()
    running = _running(progress, app)
    due = [r for r in running if _due(progress, app, r, data, now)]
    if not due:
        return Decision(look_again_at=_next(progress, running))
    job = _job(progress, app, due, data)
    result = seen.jobs.get(job.id)
    labels = ", ".join(f"{r.service.name} {r.label}" for r in due)
    reason = f"{labels} matched again with the vulnerability data of now"
    if result is None or result.state is JobState.RUNNING:
        actions: tuple[Action, ...] = (StartJob(job),) if result is None else ()
        return Decision(actions, reason=reason)
    events = [e for r in due for e in _rejudge(progress, app, r, (data, result), now)]
    return Decision(events=tuple(events), reason=reason)


def _running(progress: Progress, app: App) -> list[Release]:
    """The stable release of each service of the app."""
    known = (progress.services.get(service.name) for service in app.services)
    return [progress.releases[s.stable] for s in known if s and s.stable is not None]


def _due(progress: Progress, app: App, release: Release, data: AdvisoriesSeen, now: int) -> bool:
    """Whether the last word is on another release, data or policy, or has run out."""
    last = progress.rejudged.get(release.service.name)
    if last is None or (last.release, last.data) != (release.number, data.digest):
        return True
    if last.policy != policy_digest(app.gate):
        return True
    return last.again_at is not None and now >= last.again_at


def _next(progress: Progress, running: list[Release]) -> int | None:
    last = [progress.rejudged[r.service.name].again_at for r in running]
    return min((at for at in last if at is not None), default=None)


def _job(progress: Progress, app: App, due: list[Release], data: AdvisoriesSeen) -> ScanImages:
    """One scan of all that are due. What makes them due is in its id, so each need is met once."""
    last = [progress.rejudged.get(r.service.name) for r in due]
    before = [(one.data, one.again_at) if one else None for one in last]
    need = (data.digest, policy_digest(app.gate), [r.number for r in due], before)
    name = hashlib.sha256(repr(need).encode()).hexdigest()[:12]
    images = tuple((r.service.name, r.digest) for r in due)
    return ScanImages(f"rematch/{name}", "", images)


def _rejudge(
    progress: Progress, app: App, release: Release, with_: tuple[AdvisoriesSeen, JobSeen], now: int
) -> list[Event]:
    """The verdict of today, and the alarm when it changes."""
    data, result = with_
    service = release.service.name
    report = next((r for r in result.reports if r.digest == release.digest), None)
    if result.state is JobState.FAILED:
        report = ScanReport(release.digest, None, result.summary)
    waivers = in_scope(app.gate.waivers, service, release.digest)
    policy = replace(app.gate, new_only=False)
    judgement = gate.judge(policy, report, None, waivers, now)
    again_at = judgement.holds_until
    if report is None or report.findings is None:
        again_at = now + RETRY_MS
    said = ReleaseRejudged(
        service,
        release.number,
        release.digest,
        judgement.kind,
        judgement.reason,
        data.digest,
        policy_digest(app.gate),
        again_at,
        grounds(app.gate, report, judgement),
    )
    return [said, *_alarm(progress, said)]


def _alarm(progress: Progress, said: ReleaseRejudged) -> list[Event]:
    name = alarm_of(said.service)
    known = progress.alarms.get(name)
    reason = f"the running v{said.release} is {said.verdict}: {said.reason}"
    if said.verdict is not VerdictKind.PASSED:
        same = known and (known.state, known.reason) == (AlarmState.ALARM, reason)
        return [] if same else [AlarmChanged(name, AlarmState.ALARM, reason)]
    if known and known.state is AlarmState.ALARM:
        return [AlarmChanged(name, AlarmState.OK, reason)]
    return []


def _quiet(progress: Progress) -> list[Event]:
    """No alarm stands while the gate is off: nobody judges."""
    return [
        AlarmChanged(alarm_of(name), AlarmState.OK, "the app file says gate: off")
        for name in progress.services
        if (known := progress.alarms.get(alarm_of(name))) and known.state is AlarmState.ALARM
    ]
