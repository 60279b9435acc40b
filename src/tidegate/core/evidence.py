"""What is known against a candidate, and what is not known. No data is never a pass."""

from tidegate.core.analysis import Against, against
from tidegate.core.decision import AlarmState
from tidegate.core.model import AlarmScope
from tidegate.core.progress import Deployment, Progress
from tidegate.core.seen import Seen
from tidegate.core.watch import alarm_key, guards_of, seconds_for

STALE_MS = 5_000
"""Metrics older than this are UNKNOWN."""


def firing(progress: Progress, service: str) -> str | None:
    """The alarms of the service that are in ALARM, as a reason, or None."""
    reasons = []
    for alarm in guards_of(progress, service):
        known = progress.alarms.get(alarm_key(service, alarm))
        if known and known.state is AlarmState.ALARM:
            reasons.append(f"alarm {alarm.name}: {known.reason}")
    return "; ".join(reasons) or None


def unknown(progress: Progress, deployment: Deployment, seen: Seen, now: int) -> str | None:
    """Why the evidence is UNKNOWN, so that no weight may rise on it; None when it is known."""
    if seen.metrics is None:
        return "the data plane's metrics cannot be read"
    if now - seen.metrics_until > STALE_MS:
        return f"the newest metrics are {(now - seen.metrics_until) // 1000} s old"
    for alarm in guards_of(progress, deployment.service):
        known = progress.alarms.get(alarm_key(deployment.service, alarm))
        if known is None or known.state is not AlarmState.OK:
            state = known.state if known else AlarmState.INSUFFICIENT_DATA
            return f"alarm {alarm.name} is {state}" + (f": {known.reason}" if known else "")
    return None


def worse(progress: Progress, deployment: Deployment, seen: Seen) -> str | None:
    """What the comparison with stable holds against the candidate, or None."""
    return _against(progress, deployment, seen).finding


def suspicion(progress: Progress, deployment: Deployment, seen: Seen) -> str | None:
    """What the comparison may hold against the candidate in some seconds, or None."""
    found = _against(progress, deployment, seen).suspicion
    return f"the candidate may be worse: {found}" if found else None


def _against(progress: Progress, deployment: Deployment, seen: Seen) -> Against:
    policy = progress.releases[deployment.candidate].service.deployment.analysis
    if deployment.stable is None or deployment.shifted_at is None or not policy.enabled:
        return Against()
    candidate = seconds_for(progress, seen, deployment.service, AlarmScope.CANDIDATE)
    stable = seconds_for(progress, seen, deployment.service, AlarmScope.STABLE)
    if candidate is None or stable is None:
        return Against()
    since_ms = deployment.shifted_at
    return against(policy, stable, candidate, since_ms, seen.metrics_until)
