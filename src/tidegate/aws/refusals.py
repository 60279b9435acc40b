"""Everything of an app file that AWS has no counterpart for, said at once and beforehand."""

from collections.abc import Iterator

from tidegate.aws import fit, stored, watched
from tidegate.aws.fit import Strategy, Timetable
from tidegate.aws.settings import MOST_BYTES, gate_value
from tidegate.core.errors import ConfigurationError
from tidegate.core.model import Alarm, App, Controller, Launch, LifecycleStage, Service
from tidegate.core.scaling.policy import Metric, Scaling
from tidegate.core.words import counted

MOST_SERVICES = 50
"""A service takes two rules and two target groups; a load balancer has a hundred of each."""
MOST_ALARMS = {Controller.ECS: 20, Controller.CODEDEPLOY: 5}
"""Each is made for both colours; CodeDeploy takes ten alarms in a deployment group."""
_LONGEST_MIN = 33 * 60
"""CloudFormation refuses an ECS deployment that would take longer (ECS developer guide)."""
_READY = LifecycleStage.PRE_PRODUCTION_TRAFFIC_SHIFT


def check(app: App) -> None:
    """Raise `ConfigurationError` with every problem, or return."""
    found = list(problems(app))
    if found:
        raise ConfigurationError(
            "AWS cannot run this app as its file has it",
            cause="".join(f"\n    {one}" for one in found),
            where="tidegate.yaml",
            remedy="change these keys; what `aws:` says goes before what the services say",
            code="TG270",
        )


def problems(app: App) -> Iterator[str]:
    """Each problem as a sentence that begins with the key."""
    if (count := len(app.services)) > MOST_SERVICES:
        yield f"services: {count} are more than one load balancer takes: {MOST_SERVICES}"
    if app.listener.test_port in (80, 443):
        yield "listener.test_port: 80 and 443 are the public's on AWS"
    checked = [s.name for s in app.services if fit.policy_of(app, s).checks]
    if checked and app.aws.network.vpc_id and not app.aws.test_from:
        yield (
            f"aws.test_from: name the addresses that {app.aws.network.vpc_id} reaches the internet "
            f"from, or the checks of {checked[0]} cannot reach the test listener"
        )
    policy_bytes = len(gate_value(app.gate))
    if policy_bytes > MOST_BYTES:
        yield (
            f"gate: its {len(app.gate.waivers):,} waivers take {policy_bytes:,} bytes even packed, "
            f"and a parameter of SSM holds {MOST_BYTES:,}; delete those that have ended, "
            "or shorten their reasons"
        )
    for service in app.services:
        at = f"services.{service.name}"
        yield from (f"{at}.{problem}" for problem in _service(app, service))


def _service(app: App, service: Service) -> Iterator[str]:
    if fit.size(app, service) is None:
        yield f"memory: no Fargate task has {service.cpu_units} CPU units and so much memory"
    if fit.conditions(service) is None:
        yield "routes: they do not fit one listener rule: the same headers, five values in all"
    if any(set("*?") & set(route.path) for route in service.routes):
        yield "routes: `*` is a wildcard in a listener rule"
    if app.aws.fleet.launch is Launch.FARGATE:
        more = sorted(set(service.security.capabilities) - {"SYS_PTRACE"})
        if more:
            yield f"security.capabilities: Fargate gives none but SYS_PTRACE, not {more[0]}"
    yield from _stored(app, service)
    yield from _deployment(app, service)
    guards = watched.guards(app, service)
    if len(guards) > MOST_ALARMS[app.aws.controller]:
        most = MOST_ALARMS[app.aws.controller]
        yield f"deployment: {len(guards)} alarms guard it; {app.aws.controller} takes {most}"
    for alarm in watched.of_service(app, service):
        yield from (f"deployment: alarm {alarm.name} {why}" for why in _alarm(alarm))
    yield from (f"scaling: {why}" for why in _scaling(service.scaling))
    if any(item.base for item in fit.strategy_of(app, service) if fit.is_spot(app, item)):
        yield "capacity_provider_strategy: its base is on spot; on AWS the base is on-demand"


def _stored(app: App, service: Service) -> Iterator[str]:
    """What does not fit into the service's parameters; the names that AWS makes up are in it."""
    holds = f"bytes, and a parameter of SSM holds {MOST_BYTES:,}"
    size = stored.settings_bytes(app, service)
    if size > MOST_BYTES:
        count = counted(len(fit.policy_of(app, service).checks), "check")
        yield f"deployment: with its {count} the settings take {size:,} {holds}; write fewer checks"
    size = stored.task_bytes(app, service)
    if size > MOST_BYTES:
        yield (
            f"environment: with it the task definition takes {size:,} {holds}; "
            "put long values into a file of the image"
        )


def _alarm(alarm: Alarm) -> Iterator[str]:
    if watched.period_s(alarm) * alarm.evaluation_periods > 86_400:
        yield "looks at more than a day in whole minutes"
    if alarm.metric in watched.UNKNOWN:
        yield f"reads {alarm.metric}, which CloudWatch does not have of a service"
    elif alarm.metric in watched.OF_TASKS and alarm.guards:
        yield f"guards by {alarm.metric}; AWS needs the service first: write `guards: off`"


def _scaling(said: Scaling) -> Iterator[str]:
    totals = said.totals
    if totals and (totals.concurrency or totals.p95_ms):
        yield "AWS scales a target by requests, cpu or memory, not by concurrency or p95"
    if totals and totals.fallback:
        yield "AWS keeps the count while nothing can be measured; raise `tasks.min`, not `fallback`"
    for policy in said.tracking:
        if policy.metric in (Metric.CONCURRENCY, Metric.P95):
            yield f"{policy.name} follows {policy.metric}, which AWS does not publish or track"


def _deployment(app: App, service: Service) -> Iterator[str]:
    policy = fit.policy_of(app, service)
    table = fit.timetable(policy.shift)
    if table is None:
        yield "deployment.strategy: AWS knows linear and canary shifts only; set aws.strategy"
    else:
        yield from _timetable(app.aws.controller, table)
        if table.length_min + fit.minutes(policy.bake_ms) > _LONGEST_MIN:
            yield "deployment: shift and bake take longer than the 33 hours of CloudFormation"
    if fit.minutes(policy.bake_ms) > (24 if app.aws.controller is Controller.ECS else 48) * 60:
        yield "deployment.bake: it is longer than AWS bakes"
    for hook in policy.hooks:
        if hook.command:
            yield f"deployment.hooks: {hook.name} runs a command, and there is no machine of ours"
        elif hook.url:
            yield f"deployment.hooks: {hook.name} calls an address; use `checks` or `pause: true`"
        elif app.aws.controller is Controller.CODEDEPLOY and hook.stage is not _READY:
            yield f"deployment.hooks: CodeDeploy pauses at {_READY} only, not at {hook.stage}"


def _timetable(controller: Controller, table: Timetable) -> Iterator[str]:
    if table.strategy is Strategy.BLUE_GREEN:
        return
    share = f"{table.percent_bp / 100:g} %"
    if controller is Controller.CODEDEPLOY and table.percent_bp % 100:
        yield f"deployment.strategy: CodeDeploy shifts whole percents, not {share}"
    if controller is Controller.ECS and table.percent_bp % 10:
        yield f"deployment.strategy: ECS shifts tenths of a percent, not {share}"
    small = table.strategy is Strategy.LINEAR and table.percent_bp < 300
    if controller is Controller.ECS and small:
        yield f"deployment.strategy: a linear step on ECS is 3 % or more, not {share}"
    if table.minutes > 1_440:
        yield "deployment.strategy: a step is held for at most a day"
