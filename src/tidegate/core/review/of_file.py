"""Checks of the app file: what it promises before anything runs."""

import re
from collections.abc import Callable

from tidegate.core.model import App, GateMode, OnUnknown, RollbackEvent, Service
from tidegate.core.review.case import Answer, Case, Check, failed, passed, unless
from tidegate.core.review.words import Principle as P

_SECRET = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIAL)", re.I)
_ROOT = {"0", "root", "0:0", "root:root"}


def _services(app: App, bad: Callable[[Service], bool]) -> list[str]:
    return [service.name for service in app.services if bad(service)]


def _gradual(app: App) -> Answer:
    at_once = _services(
        app, lambda s: len(s.deployment.shift.steps) == 1 and not s.deployment.bake_ms
    )
    return unless(
        at_once,
        "every service shifts step by step, or bakes",
        "services that take all traffic at once and keep no way back",
        "deployment: {strategy: ECSCanary10Percent5Minutes, bake: 5m}",
    )


def _kept(app: App) -> Answer:
    if app.retention < 2:
        return failed(f"{app.retention} good release is kept", "retention: 5")
    return passed(f"{app.retention} good releases of each service are kept")


def _anticipates(app: App) -> Answer:
    blind = _services(
        app,
        lambda s: not {RollbackEvent.FAILURE, RollbackEvent.ALARM} <= s.deployment.rollback_on,
    )
    return unless(
        blind,
        "failures and alarms roll every service back",
        "services that a failure or an alarm does not roll back",
        "leave rollback_on at its default",
    )


def _smoke(app: App) -> Answer:
    unchecked = _services(app, lambda s: not (s.deployment.checks or s.deployment.hooks))
    return unless(
        unchecked,
        "every service is checked on the test listener before it gets traffic",
        "services that get traffic unchecked",
        "deployment: {checks: [/]}",
    )


def _reviewed(app: App) -> Answer:
    if app.pipeline.approval:
        return passed("a person approves each execution, and the journal names who")
    return failed(
        f"whoever may push to {app.pipeline.branch} deploys",
        "pipeline: {approval: on}, or keep the branch protected",
    )


def _hardened(app: App) -> Answer:
    soft = _services(
        app,
        lambda s: (
            not s.security.read_only
            or bool(s.security.capabilities)
            or (s.security.user or "").lower() in _ROOT
        ),
    )
    return unless(
        soft,
        "every container is read-only and without capabilities",
        "services whose containers may write to their image, hold capabilities or run as root",
        "take read_only: false and capabilities out of `security`; name a user",
    )


def _gated(app: App) -> Answer:
    if app.gate.mode is GateMode.OFF:
        return failed("gate: off: images run that nobody has scanned", "take gate: off out")
    open_to = [s for s in ("CRITICAL", "HIGH") if dict(app.gate.limits).get(s) != 0]
    return unless(
        open_to,
        "no image with a CRITICAL or HIGH finding runs",
        "severities that the gate lets through",
        "gate: {limits: {CRITICAL: 0, HIGH: 0}}; waive what must pass, with a date",
    )


def _in_transit(app: App) -> Answer:
    if app.listener.certificate:
        return passed("the listener speaks TLS 1.2 or newer")
    if app.listener.address.startswith("127."):
        return passed("the listener is reached from this machine alone")
    return failed("the listener speaks plain HTTP", "listener: {certificate: FILE.pem}")


def _secrets(app: App) -> Answer:
    plain = [
        f"{service.name}: {name}"
        for service in app.services
        for name, value in service.environment
        if value and _SECRET.search(name)
    ]
    return unless(
        plain,
        "no variable that is called like a secret has its value in the file",
        "secrets that anybody who reads the file knows",
        "secrets: {NAME: {from_env: NAME}}, or {from_file: PATH}",
    )


def _watched(app: App) -> Answer:
    bare = _services(
        app,
        lambda s: (
            not s.deployment.analysis.enabled
            and not any(a.guards and a.service in (None, s.name) for a in app.alarms)
        ),
    )
    return unless(
        bare,
        "every candidate is compared with stable, or has an alarm",
        "services whose candidates nobody watches",
        "leave the analysis on, or name alarms",
    )


def _redundant(app: App) -> Answer:
    alone = _services(app, lambda s: s.count.minimum < 2)
    return unless(
        alone,
        "every service keeps two tasks or more",
        "services that may be down to one task",
        "tasks: {min: 2, max: 10}",
    )


def _closed(app: App) -> Answer:
    hopeful = _services(app, lambda s: s.deployment.on_unknown is not OnUnknown.HOLD)
    return unless(
        hopeful,
        "without data nothing moves on by itself",
        "services that move on without data",
        "leave on_unknown at hold",
    )


def _compared(app: App) -> Answer:
    plain = _services(app, lambda s: not s.deployment.analysis.enabled)
    return unless(
        plain,
        "a sequential test compares every candidate with stable, second by second",
        "services without it",
        "deployment: {analysis: on}",
    )


def _experiments(app: App) -> Answer:
    share = _services(app, lambda s: s.deployment.shift.steps[0].weight_bp > 2_000)
    return unless(
        share,
        "every change is tried on a fifth of the traffic at most",
        "services that try a change on more than a fifth of the traffic",
        "strategy: ECSCanary10Percent5Minutes or ECSLinear10PercentEvery1Minutes",
    )


def _sized(app: App) -> Answer:
    usual = Service("")
    default = _services(
        app, lambda s: (s.cpu_units, s.memory_mib) == (usual.cpu_units, usual.memory_mib)
    )
    return unless(
        default,
        "every service has a size of its own",
        "services of the default size, which nobody has measured",
        "measure with tidegate load, then set cpu and memory",
    )


def _elastic(app: App) -> Answer:
    fixed = _services(app, lambda s: s.count.minimum == s.count.maximum)
    return unless(
        fixed,
        "every service may shrink and grow",
        "services with a fixed number of tasks",
        "tasks: {min: 2, max: 10}",
    )


def _check(name: str, principle: P, ask: Callable[[App], Answer]) -> Check:
    def of(case: Case) -> Answer:
        return ask(case.app)

    return Check(name, principle, "file", of)


CHECKS: tuple[Check, ...] = (
    _check("traffic shifts in steps", P.SMALL_CHANGES, _gradual),
    _check("releases are kept", P.SMALL_CHANGES, _kept),
    _check("failure rolls back", P.ANTICIPATE, _anticipates),
    _check("smoke checks come before traffic", P.ANTICIPATE, _smoke),
    _check("changes are approved", P.IDENTITY, _reviewed),
    _check("containers are hardened", P.LAYERS, _hardened),
    _check("the gate is closed", P.AUTOMATE_SECURITY, _gated),
    _check("traffic is encrypted", P.PROTECT_DATA, _in_transit),
    _check("secrets are referred to", P.PEOPLE_AWAY, _secrets),
    _check("candidates are watched", P.RECOVER, _watched),
    _check("no service stands on one task", P.SCALE_OUT, _redundant),
    _check("missing data stops changes", P.AUTOMATE_CHANGE, _closed),
    _check("candidates are compared", P.DEMOCRATIZE, _compared),
    _check("changes are tried on few", P.EXPERIMENT, _experiments),
    _check("tasks are sized", P.SYMPATHY, _sized),
    _check("services may shrink", P.CONSUMPTION, _elastic),
)
"""What is asked of the app file."""
