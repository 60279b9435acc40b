"""What AWS takes of an app file: rounded to the careful side, or refused in words."""

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.aws import fit, stages, stored, task, watched
from tidegate.aws.buildspec import buildspec
from tidegate.aws.fit import FARGATE, Strategy, Timetable
from tidegate.aws.priority import priority
from tidegate.aws.refusals import check, problems
from tidegate.aws.settings import MOST_BYTES, gate_value
from tidegate.aws.watched import Sources
from tidegate.core import traffic
from tidegate.core.errors import ConfigurationError
from tidegate.core.model import (
    ALL_BP,
    Alarm,
    App,
    Build,
    GatePolicy,
    Route,
    Service,
    Shift,
    ShiftStep,
    Waiver,
)
from tidegate.spec import loads


def one(lines: str = "", rest: str = "") -> App:
    """An app with one service."""
    return loads(f"app: shop\n{rest}\nservices:\n  web:\n    build: web\n    {lines}\n")


@given(st.integers(16, 16_384), st.integers(6, 122_880))
def test_a_fargate_task_has_at_least_what_was_asked_for(cpu: int, memory: int) -> None:
    app = App("x", (Service("web", cpu_units=cpu, memory_mib=memory),))
    found = fit.size(app, app.services[0])
    assert found is not None
    least, most, step = FARGATE[found[0]]
    assert found[0] >= cpu
    assert found[1] >= memory
    assert least <= found[1] <= most
    assert found[1] % step == 0


@given(st.integers(1, 3_600_000))
def test_a_health_check_is_within_alb_s_bounds(interval_ms: int) -> None:
    service = one("health: {interval: 1s}").services[0]
    service = replace(service, health=replace(service.health, interval_ms=interval_ms))
    found = fit.health(service)
    assert 5 <= found.interval_s <= 300
    assert 2 <= found.timeout_s < found.interval_s


@pytest.mark.parametrize("name", traffic.PRESETS)
def test_every_preset_of_codedeploy_is_known_by_its_timetable(name: str) -> None:
    table = fit.timetable(traffic.PRESETS[name])
    assert table is not None
    assert table.preset == name


@given(st.integers(1, ALL_BP), st.integers(1, 7_200_000))
def test_a_shift_is_never_faster_on_aws(percent_bp: int, every_ms: int) -> None:
    for shift in (traffic.linear(percent_bp, every_ms), traffic.canary(percent_bp, every_ms)):
        table = fit.timetable(shift)
        assert table is not None
        assert table.length_min * 60_000 >= traffic.duration_ms(shift)


def test_steps_of_one_s_own_that_are_no_line_are_refused() -> None:
    steps = (ShiftStep(0, 500), ShiftStep(60_000, 2_000), ShiftStep(90_000, ALL_BP))
    assert fit.timetable(Shift("mine", steps)) is None
    line = (ShiftStep(0, 5_000), ShiftStep(60_000, ALL_BP))
    assert fit.timetable(Shift("half", line)) == Timetable(Strategy.LINEAR, 5_000, 1)


@pytest.mark.parametrize(
    ("app", "said"),
    [
        (one("memory: 500GiB"), "memory: no Fargate task has 256 CPU units and so much memory"),
        (one("route: '/a*b'"), "routes: `*` is a wildcard in a listener rule"),
        (
            one("security: {capabilities: [CHOWN]}"),
            "security.capabilities: Fargate gives none but SYS_PTRACE, not CHOWN",
        ),
        (
            one("deployment: {strategy: {linear: {percent: 2, every: 1m}}}"),
            "deployment.strategy: a linear step on ECS is 3 % or more, not 2 %",
        ),
        (
            one("deployment: {strategy: {canary: {percent: 0.25, hold: 1m}}}"),
            "deployment.strategy: ECS shifts tenths of a percent, not 0.25 %",
        ),
        (
            one("", "aws: {controller: codedeploy, strategy: {canary: {percent: 2.5, hold: 1m}}}"),
            "deployment.strategy: CodeDeploy shifts whole percents, not 2.5 %",
        ),
        (
            one("", "aws: {strategy: {canary: {percent: 5, hold: 25h}}}"),
            "deployment.strategy: a step is held for at most a day",
        ),
        (
            one("", "aws: {bake: 25h}"),
            "deployment.bake: it is longer than AWS bakes",
        ),
        (
            one(
                "deployment: {hooks: [{stage: POST_SCALE_UP, name: a, pause: on}]}",
                "aws: {controller: codedeploy}",
            ),
            "deployment.hooks: CodeDeploy pauses at PRE_PRODUCTION_TRAFFIC_SHIFT only, "
            "not at POST_SCALE_UP",
        ),
        (
            one("", "alarms: {a: {metric: RequestCount, threshold: 1, period: 90s, "
                "evaluation_periods: 900}}"),
            "deployment: alarm a looks at more than a day in whole minutes",
        ),
        (
            one("deployment: {hooks: [{stage: POST_SCALE_UP, name: a, command: [x]}]}"),
            "deployment.hooks: a runs a command, and there is no machine of ours",
        ),
        (
            one("deployment: {hooks: [{stage: POST_SCALE_UP, name: a, url: 'http://127.0.0.1/'}]}"),
            "deployment.hooks: a calls an address; use `checks` or `pause: true`",
        ),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_said_in_words(app: App, said: str) -> None:
    assert f"services.web.{said}" in list(problems(app))


def test_checks_in_an_existing_network_need_a_way_to_the_test_listener() -> None:
    subnets = "[subnet-0a1b2c3d, subnet-1a2b3c4d]"
    vpc = f"{{id: vpc-0a1b2c3d, public_subnets: {subnets}, private_subnets: {subnets}}}"
    (said,) = problems(one("deployment: {checks: [/]}", f"aws: {{vpc: {vpc}}}"))
    assert said == (
        "aws.test_from: name the addresses that vpc-0a1b2c3d reaches the internet from, "
        "or the checks of web cannot reach the test listener"
    )
    given = f"aws: {{vpc: {vpc}, test_from: [203.0.113.7/32]}}"
    assert list(problems(one("deployment: {checks: [/]}", given))) == []


def test_one_load_balancer_takes_fifty_services() -> None:
    paths = [f"/{n}" for n in range(51)]
    assert list(problems(services(*paths[:50]))) == []
    (said,) = problems(services(*paths))
    assert said == "services: 51 are more than one load balancer takes: 50"


def test_the_test_listener_is_on_no_port_of_the_publics() -> None:
    (said,) = problems(one("", "listener: {test_port: 443}"))
    assert said == "listener.test_port: 80 and 443 are the public's on AWS"


def test_ten_alarms_are_the_most_that_codedeploy_takes() -> None:
    alarms = ", ".join(f"a{n}: {{metric: RequestCount, threshold: 1}}" for n in range(6))
    app = one("", f"alarms: {{{alarms}}}\naws: {{controller: codedeploy}}")
    assert list(problems(app)) == ["services.web.deployment: 6 alarms guard it; codedeploy takes 5"]


def with_waivers(count: int) -> App:
    """An app whose gate has so many waivers, no two of which are much alike."""
    made = (Waiver(f"CVE-{n}", hashlib.sha256(str(n).encode()).hexdigest()) for n in range(count))
    return replace(one(), gate=GatePolicy(waivers=tuple(made)))


def test_a_gate_policy_that_no_parameter_holds_is_refused_with_its_size() -> None:
    assert list(problems(with_waivers(100))) == []
    (said,) = problems(with_waivers(300))
    size = len(gate_value(with_waivers(300).gate))
    assert size > MOST_BYTES
    assert said.startswith(f"gate: its 300 waivers take {size:,} bytes even packed, and a ")
    assert said.endswith("holds 8,192; delete those that have ended, or shorten their reasons")


def with_checks(count: int) -> App:
    """An app with so many checks of one service."""
    return one(f"deployment: {{checks: [{', '.join(f'/page/{n}' for n in range(count))}]}}")


def test_checks_that_no_parameter_holds_are_refused_with_their_size() -> None:
    assert list(problems(with_checks(60))) == []
    app = with_checks(90)
    size = stored.settings_bytes(app, app.services[0])
    assert size > MOST_BYTES
    assert list(problems(app)) == [
        f"services.web.deployment: with its 90 checks the settings take {size:,} bytes, "
        "and a parameter of SSM holds 8,192; write fewer checks"
    ]


def test_an_environment_that_no_parameter_holds_is_refused_with_its_size() -> None:
    """In bytes: letters that are no ASCII take two or more."""
    assert list(problems(one(f"environment: {{A: {'x' * 5_000}}}"))) == []
    app = one(f"environment: {{A: {'ü' * 4_000}}}")
    size = stored.task_bytes(app, app.services[0])
    assert MOST_BYTES < size < 10_000
    assert list(problems(app)) == [
        f"services.web.environment: with it the task definition takes {size:,} bytes, and a "
        "parameter of SSM holds 8,192; put long values into a file of the image"
    ]


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(one("memory: 500GiB\n    routes: [/a, /b, /c]"))
    assert caught.value.number == "TG270"
    assert caught.value.cause.count("\n") == 2


# --- rules ---------------------------------------------------------------------------------------


def services(*paths: str) -> App:
    """An app with a service for each path."""
    named = (Service(f"s{n}", routes=(Route(path),)) for n, path in enumerate(paths))
    return App("x", tuple(named))


@given(st.lists(st.text("ab/", min_size=1, max_size=120), min_size=1, max_size=40, unique=True))
def test_priorities_are_distinct_valid_and_longer_paths_come_first(paths: list[str]) -> None:
    app = services(*(f"/{path}" for path in paths))
    found = {one.name: priority(app, one) for one in app.services}
    assert len(set(found.values())) == len(found)
    assert all(1 <= number <= 50_000 for number in found.values())
    for a in app.services:
        for b in app.services:
            lengths = [min(97, len(s.routes[0].path)) for s in (a, b)]
            if lengths[0] > lengths[1]:
                assert found[a.name] < found[b.name]


def test_a_rule_with_headers_comes_before_one_without() -> None:
    app = loads("app: x\nservices: {a: {route: {path: /c, headers: {x: y}}}, b: {route: /c}}")
    a, b = app.services
    assert priority(app, a) < priority(app, b)


def test_the_root_is_one_pattern_and_a_path_is_two() -> None:
    assert fit.patterns(Route("/")) == ("/*",)
    assert fit.patterns(Route("/cats")) == ("/cats", "/cats/*")


# --- alarms --------------------------------------------------------------------------------------


def test_a_service_without_alarms_has_three() -> None:
    app = one()
    assert [a.name for a in watched.guards(app, app.services[0])] == ["errors", "slow", "unhealthy"]


def test_the_share_of_errors_is_of_one_colour_s_requests() -> None:
    errors, requests, result = watched.queries(
        watched.DEFAULTS[0], Sources("app/x/1", ("targetgroup/b/2",))
    )
    assert errors["metricStat"]["metric"]["metricName"] == "HTTPCode_Target_5XX_Count"
    assert requests["metricStat"]["metric"]["metricName"] == "RequestCount"
    assert result["expression"] == "100 * (FILL(errors, 0)) / requests"
    assert [q["returnData"] for q in (errors, requests, result)] == [False, False, True]


def test_a_period_is_whole_minutes_since_the_balancer_speaks_once_a_minute() -> None:
    assert watched.period_s(watched.DEFAULTS[0]) == 60
    assert watched.period_s(replace(watched.DEFAULTS[0], period_ms=61_000)) == 120


@given(st.integers(1_000, 3_600_000), st.floats(0.1, 1e6), st.sampled_from(["Sum", "Average"]))
def test_a_count_s_threshold_is_the_same_rate_in_aws_s_period(
    period_ms: int, threshold: float, statistic: str
) -> None:
    alarm = Alarm("a", "RequestCount", threshold, statistic, period_ms=period_ms)
    found = watched.on_aws(alarm)
    assert found.period_ms >= period_ms
    assert found.period_ms % 60_000 == 0
    rate = threshold / period_ms if statistic == "Sum" else threshold / found.period_ms
    assert found.threshold / found.period_ms == pytest.approx(rate)


BOTH = Sources("app/x/1", ("blue", "green"), (("ClusterName", "c"), ("ServiceName", "s")))


@pytest.mark.parametrize(
    ("metric", "statistic", "expression"),
    [
        ("RequestCount", "Sum", "FILL(m0, 0) + FILL(m1, 0)"),
        ("TargetResponseTime", "p95", "MAX([m0, m1])"),
        ("HealthyHostCount", "Minimum", "FILL(m0, 0) + FILL(m1, 0)"),
        ("ErrorPercent", "Sum", "100 * (FILL(errors0, 0) + FILL(errors1, 0))"
         " / (FILL(requests0, 0) + FILL(requests1, 0))"),
        ("RequestCountPerTarget", "Sum", "(FILL(requests0, 0) + FILL(requests1, 0))"
         " / (FILL(hosts0, 0) + FILL(hosts1, 0))"),
    ],
)  # fmt: skip
def test_an_alarm_of_the_service_reads_both_colours(
    metric: str, statistic: str, expression: str
) -> None:
    found = watched.queries(Alarm("a", metric, 1, statistic), BOTH)
    assert found[-1]["expression"] == expression
    assert [one["id"] for one in found if one["returnData"]] == ["result"]


def test_an_alarm_on_the_tasks_reads_the_service_s_own_metric() -> None:
    (found,) = watched.queries(Alarm("a", "CPUUtilization", 1, "Average"), BOTH)
    metric = found["metricStat"]["metric"]
    assert (metric["namespace"], metric["dimensions"][1]["value"]) == ("AWS/ECS", "s")


def test_an_alarm_that_guards_nothing_stops_no_deployment_and_leaves_the_three() -> None:
    app = one("", "alarms: {up: {metric: RequestCount, threshold: 3, guards: off}}")
    assert watched.guards(app, app.services[0]) == watched.DEFAULTS
    assert [a.name for a in watched.others(app, app.services[0])] == ["up"]


# --- scaling and capacity ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("scaling: {target: {requests: 5, p95: 300ms}}", "not by concurrency or p95"),
        ("scaling: {target: 5, fallback: 3}", "raise `tasks.min`"),
        (
            "scaling: {policies: [{PolicyName: c, TargetTrackingScalingPolicyConfiguration: "
            "{TargetValue: 5, PredefinedMetricSpecification: "
            "{PredefinedMetricType: concurrency}}}]}",
            "c follows concurrency",
        ),
    ],
)
def test_scaling_that_aws_cannot_do_is_refused_in_words(lines: str, words: str) -> None:
    (problem,) = problems(one(lines))
    assert problem.startswith("services.web.scaling: ")
    assert words in problem


@pytest.mark.parametrize(
    ("alarm", "words"),
    [
        ("{metric: Concurrency, threshold: 1}", "which CloudWatch does not have of a service"),
        ("{metric: CPUUtilization, statistic: Average, threshold: 1}", "write `guards: off`"),
    ],
)
def test_an_alarm_that_aws_cannot_have_is_refused_in_words(alarm: str, words: str) -> None:
    (problem,) = problems(one("", f"alarms: {{a: {alarm}}}"))
    assert words in problem


CAPACITY = """\
capacity:
  providers: {own: {max: 4}, spare: {max: 4}, cheap: {kind: spot, max: 4}}
  default_strategy:
    - {capacity_provider: own, base: 2, weight: 1}
    - {capacity_provider: spare, weight: 1}
    - {capacity_provider: cheap, weight: 6}
"""


def test_capacity_of_one_machine_is_the_strategy_on_aws_by_kinds() -> None:
    app = one("", CAPACITY)
    fleet = fit.fleet_of(app, app.services[0])
    assert (fleet.base, fleet.on_demand_weight, fleet.spot_weight) == (2, 2, 6)


def test_a_service_s_own_strategy_counts_on_aws_too_and_aws_capacity_goes_before_both() -> None:
    own = "capacity_provider_strategy: [{capacity_provider: cheap, weight: 1}]"
    app = one(own, CAPACITY)
    fleet = fit.fleet_of(app, app.services[0])
    assert (fleet.base, fleet.on_demand_weight, fleet.spot_weight) == (0, 0, 1)
    app = one(own, f"{CAPACITY}aws: {{capacity: {{base: 3}}}}")
    assert fit.fleet_of(app, app.services[0]).base == 3


def test_a_base_on_spot_is_refused_since_on_aws_it_is_on_demand() -> None:
    strategy = "capacity_provider_strategy: [{capacity_provider: cheap, base: 1}]"
    (problem,) = problems(one(strategy, CAPACITY))
    assert "its base is on spot" in problem


# --- tasks, builds, pipelines --------------------------------------------------------------------

KNOWN = task.Known("arn:execution", "arn:task", "log", "eu-west-1", "arn:parameter")


def test_a_secret_is_read_where_the_task_starts() -> None:
    app = one("secrets: {DB: {from_env: DB}}")
    (container,) = task.definition(app, app.services[0], "image", KNOWN)["containerDefinitions"]
    assert container["secrets"] == [
        {"name": "DB", "valueFrom": "arn:parameter/tidegate/shop/secrets/web/DB"}
    ]
    assert "DB" not in {variable["name"] for variable in container["environment"]}


def test_a_read_only_image_has_its_folders_in_memory() -> None:
    app = one("security: {tmpfs: [/tmp, /run], user: '101:101'}")
    (container,) = task.definition(app, app.services[0], "image", KNOWN)["containerDefinitions"]
    assert [m["containerPath"] for m in container["linuxParameters"]["tmpfs"]] == ["/tmp", "/run"]
    assert container["user"] == "101:101"


def test_a_task_definition_s_parameter_is_what_the_deploy_function_registers() -> None:
    import botocore.session
    from botocore.validate import validate_parameters

    app = one("secrets: {DB: {from_env: DB}}\n    command: serve\n    cpu: 512")
    body = task.definition(app, app.services[0], "<IMAGE1_NAME>", KNOWN)
    model = botocore.session.get_session().get_service_model("ecs")
    shape = model.operation_model("RegisterTaskDefinition").input_shape
    validate_parameters(json.loads(json.dumps(body)), shape)


def providers(app: App) -> list[str]:
    return [s["capacityProvider"] for s in task.strategy(app, app.services[0], "D", "S")]


def test_a_provider_without_base_and_weight_is_left_out() -> None:
    assert providers(one("", "aws: {capacity: {base: 0, on_demand: 0, spot: 1}}")) == ["S"]
    assert providers(one("", "aws: {capacity: {spot: 0}}")) == ["D"]


def test_tests_run_in_the_image_before_it_is_pushed_and_without_a_network() -> None:
    app = one("test: pytest -q")
    commands = buildspec(app, app.services[0])["phases"]["build"]["commands"]
    tested = next(n for n, c in enumerate(commands) if c.startswith("docker run"))
    pushed = next(n for n, c in enumerate(commands) if "--push" in c)
    assert tested < pushed
    assert commands[tested] == "docker run --rm --network none tested pytest -q"


def test_words_of_the_file_cannot_leave_their_place_in_the_build() -> None:
    service = Service("web", build=Build("a b", args=(("X", "1; rm -rf /"), ("Y", "$(id)"))))
    commands = buildspec(App("x", (service,)), service)["phases"]["build"]["commands"]
    assert "--build-arg 'X=1; rm -rf /' --build-arg 'Y=$(id)' 'a b'" in commands[0]


def test_a_ready_image_goes_through_the_repository_too() -> None:
    app = loads("app: x\nservices: {web: {image: 'nginx:1.27'}}")
    commands = buildspec(app, app.services[0])["phases"]["build"]["commands"]
    assert commands[0].startswith("mkdir -p from-image && printf 'FROM %s\\n' nginx:1.27")
    assert commands[1].endswith("--metadata-file pushed.json")


@pytest.mark.parametrize("controller", ["ecs", "codedeploy"])
def test_what_a_function_is_asked_fits_into_user_parameters(controller: str) -> None:
    app = one("", f"aws: {{controller: {controller}}}")
    places = stages.Places("p", "r" * 200, "g", "d", "t", "b")
    for stage in stages.stages(app, app.services[0], places):
        for action in stage["actions"]:
            assert len(action["configuration"].get("UserParameters", "")) <= 1_000
