"""Changes of an app file that take away a protection, as sentences."""

from collections.abc import Iterator

from tidegate.core.model import (
    APP_FILE,
    AlarmScope,
    App,
    DeploymentPolicy,
    GateMode,
    GatePolicy,
    OnUnknown,
    Security,
    Service,
    UnknownRule,
)
from tidegate.core.waivers import last_day
from tidegate.spec.days import days_text
from tidegate.spec.units import time_text

METRICS_LAG_MS = 2_000
"""A second's metrics are complete about so long after it."""


def weaker(running: App | None, wanted: App) -> Iterator[str]:
    """Every way in which `wanted` guards less than `running`; None: nothing runs yet."""
    if wanted.gate.mode is GateMode.OFF and (not running or running.gate.mode is not GateMode.OFF):
        yield "gate: off lets images run that nobody has scanned"
    for service in wanted.services:
        yield from _too_late(wanted, service)
    if running is None:
        return
    yield from _app(running, wanted)
    for service in wanted.services:
        before = running.service(service.name)
        if before:
            yield from _service(before, service)
    for service in running.services:
        if wanted.service(service.name) is None:
            yield f"{service.name} is no longer in the file: its tasks stop, its routes are gone"


def _app(running: App, wanted: App) -> Iterator[str]:
    kept = {alarm.name for alarm in wanted.alarms}
    for alarm in running.alarms:
        if alarm.name not in kept:
            yield f"the alarm {alarm.name} is removed: it no longer rolls anything back"
    yield from _gate(running.gate, wanted.gate)
    if running.pipeline.approval and not wanted.pipeline.approval:
        yield "pushes are deployed without approval"
    if running.listener.certificate and not wanted.listener.certificate:
        yield "the listener speaks plain HTTP instead of HTTPS"
    if wanted.retention < running.retention:
        yield f"fewer releases to go back to: {running.retention} → {wanted.retention}"


def _too_late(app: App, service: Service) -> Iterator[str]:
    """Alarms on the candidate that cannot fire before it is promoted."""
    policy = service.deployment
    exposed_ms = policy.shift.steps[-1].at_ms + policy.bake_ms
    for alarm in app.alarms:
        applies = alarm.scope is AlarmScope.CANDIDATE and alarm.service in (None, service.name)
        needed_ms = alarm.period_ms * alarm.datapoints_to_alarm + METRICS_LAG_MS
        if applies and exposed_ms < needed_ms:
            yield (
                f"{service.name}: the alarm {alarm.name} needs {time_text(needed_ms)} of traffic, "
                f"and a release is promoted after {time_text(exposed_ms)}: lengthen `bake`"
            )


def _gate(before: GatePolicy, after: GatePolicy) -> Iterator[str]:
    yield from _limits(before, after)
    if after.only_fixable and not before.only_fixable:
        yield "findings that nobody can mend yet no longer count"
    if after.new_only and not before.new_only:
        yield "findings that the running release has too no longer count"
    if after.on_unknown is UnknownRule.WARN and before.on_unknown is not UnknownRule.WARN:
        yield "images run of which nobody knows what is in them"
    old = before.data_unknown_ms
    if old is not None and (after.data_unknown_ms is None or after.data_unknown_ms > old):
        ages = f"{days_text(old)} → {days_text(after.data_unknown_ms)}"
        yield f"the gate believes older vulnerability data: {ages}"
    for waiver in after.waivers:
        if waiver not in before.waivers and waiver.source == APP_FILE:
            yield f"{waiver.id} is waived until {last_day(waiver)} by {waiver.owner}"


def _limits(before: GatePolicy, after: GatePolicy) -> Iterator[str]:
    limits, grace_ms = dict(after.limits), dict(before.grace_ms)
    for severity, most in before.limits:
        now = limits.get(severity)
        if now is None or now > most:
            yield f"the gate lets more {severity} findings through: {most} → {_limit(now)}"
    for severity, ms in after.grace_ms:
        if ms > grace_ms.get(severity, 0):
            yield f"young {severity} findings do not count for {days_text(ms)}"


def _limit(most: int | None) -> str:
    return "unlimited" if most is None else str(most)


def _service(before: Service, after: Service) -> Iterator[str]:
    for sentence in (
        *_policy(before.deployment, after.deployment),
        *_security(before.security, after.security),
    ):
        yield f"{after.name}: {sentence}"


def _policy(before: DeploymentPolicy, after: DeploymentPolicy) -> Iterator[str]:
    if after.bake_ms < before.bake_ms:
        yield f"the bake is shorter: {time_text(before.bake_ms)} → {time_text(after.bake_ms)}"
    if before.checks and not after.checks:
        yield "no smoke check is left"
    for event in sorted(before.rollback_on - after.rollback_on):
        yield f"{event} no longer rolls back"
    if before.analysis.enabled and not after.analysis.enabled:
        yield "candidate and stable are no longer compared"
    if after.on_unknown is OnUnknown.PROCEED and before.on_unknown is not OnUnknown.PROCEED:
        yield "traffic shifts on even while alarms and metrics have no data"


def _security(before: Security, after: Security) -> Iterator[str]:
    if before.read_only and not after.read_only:
        yield "its containers can write to their image's files"
    added = sorted(set(after.capabilities) - set(before.capabilities))
    if added:
        yield f"its containers get capabilities: {', '.join(added)}"
