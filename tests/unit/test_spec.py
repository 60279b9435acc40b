"""tidegate.yaml in, an App out, or an error that says where, why, and what to do."""

from pathlib import Path

import pytest

from tests.support.app_files import BAD, EVERYTHING, SHARED_ROUTE, SMALLEST, Bad
from tidegate.core import model
from tidegate.core.errors import AppFileError
from tidegate.core.model import DAY_MS, App, Build, Route, Service
from tidegate.core.policy import Hook, LifecycleStage, RollbackEvent, ShiftStep, TrafficCheck
from tidegate.core.traffic import NATIVE, canary, linear
from tidegate.spec import load, loads


def refused(text: str | bytes) -> AppFileError:
    """The error of a text that must not load."""
    with pytest.raises(AppFileError) as caught:
        loads(text, "f.yaml")
    return caught.value


def one_service(lines: str) -> Service:
    return loads(f"app: x\nservices:\n  cats:\n    {lines}\n").services[0]


def test_a_service_needs_three_lines() -> None:
    cats = Service("cats", build=Build("cats"), routes=(Route("/cats"),))
    assert loads(SMALLEST) == App("catsndogs", (cats,))


def test_an_only_service_answers_everything() -> None:
    assert loads("app: x\nservices: {cats: {}}") == App("x", (Service("cats"),))


def test_the_example_loads() -> None:
    app = load(Path(__file__).parents[2] / "examples" / "catsndogs" / "tidegate.yaml")
    assert [s.name for s in app.services] == ["home", "cats", "dogs"]


def test_every_part_of_the_file_reaches_the_app() -> None:
    app = loads(EVERYTHING)
    cats = app.services[0]
    assert app.listener == model.Listener("0.0.0.0", 80, 8443, "x-canary", "/etc/tls.pem")
    assert app.gate == model.GatePolicy(
        limits=(("CRITICAL", 1), ("LOW", 100)),
        only_fixable=False,
        new_only=False,
        on_unknown=model.UnknownRule.WARN,
        grace_ms=(("CRITICAL", DAY_MS), ("MEDIUM", 30 * DAY_MS)),
        data_warn_ms=DAY_MS,
        data_unknown_ms=None,
        waivers=(
            model.Waiver(
                "CVE-2026-0001", "not reachable", "ann", 1_798_761_600_000, ("openssl*",), "cats"
            ),
        ),
        vex=("security/app.vex.json",),
        scanner=model.ScannerName.TRIVY,
    )
    assert app.pipeline == model.PipelinePolicy("production", True, 86_400_000, 600_000)
    assert app.retention == 10
    assert app.alarms[:1] == (
        model.Alarm(
            "slow", "TargetResponseTime", 0.5, "p95", model.Comparison.GREATER_OR_EQUAL, 60_000, 3,
            2, model.MissingData.NOT_BREACHING, model.AlarmScope.SERVICE, "cats",
        ),
    )  # fmt: skip
    assert cats.routes == (Route("/cats"), Route("/kittens", (model.Header("x-beta", "on"),)))
    assert cats.build == Build("cats", "Dockerfile.web", (("VERSION", "1.10"),))
    assert (cats.cpu_units, cats.memory_mib) == (512, 1_536)
    assert cats.count == model.TaskCount(2, 4, 20)
    assert cats.health == model.HealthCheck("/health", 5_000, 2_000, 3, 4, 60_000)
    assert cats.command == ("gunicorn", "-b", "unix:a b", "app:main")
    assert dict(cats.environment) == {"LOG_LEVEL": "info", "RATIO": "0.10", "DEBUG": "yes"}
    assert {s.name: s.source for s in cats.secrets} == {
        "DB_PASSWORD": "env:DB_PASSWORD",
        "API_KEY": "file:/etc/api-key",
    }
    assert cats.security == model.Security("101", False, ("/tmp",), ("CHOWN",), 512)
    assert cats.test == ("pytest", "-q", "5")
    assert (cats.drain_timeout_ms, cats.stop_grace_ms) == (120_000, 30_000)
    assert cats.sticky
    assert cats.retry_unsafe
    assert app.services[1].build == Build(image="nginx:1.27")


def test_a_service_takes_the_deployment_of_the_app_key_by_key() -> None:
    app = loads(EVERYTHING)
    cats, dogs = (s.deployment for s in app.services)
    assert dogs.shift == canary(250, 10_000)
    assert dogs.analysis == model.AnalysisPolicy(True, 0.05, 0.01, 0.1, 10_000)
    assert cats.shift == NATIVE["LINEAR"]
    assert cats.analysis == model.AnalysisPolicy(False, 0.05, 0.01, 0.1, 10_000)
    assert cats.bake_ms == dogs.bake_ms == 300_000
    assert cats.rollback_on == {RollbackEvent.FAILURE}
    assert cats.breaker == model.Breaker(30, 1, 10)
    assert cats.scale_up_timeout_ms == 300_000
    assert cats.on_unknown is model.OnUnknown.PROCEED
    assert cats.checks == (TrafficCheck("/cats"), TrafficCheck("/", 204, "5", 5_000, 5))
    assert cats.hooks == (
        Hook(LifecycleStage.POST_SCALE_UP, "warm", ("./warm",)),
        Hook(
            LifecycleStage.PRE_PRODUCTION_TRAFFIC_SHIFT, "wait", pause=True, timeout_ms=86_400_000
        ),
        Hook(LifecycleStage.PRODUCTION_TRAFFIC_SHIFT, "call", url="http://127.0.0.1:9/x"),
    )


def test_custom_timetables() -> None:
    def shift(strategy: str) -> model.Shift:
        return one_service(f"deployment: {{strategy: {strategy}}}").deployment.shift

    assert shift("{linear: {percent: 10, every: 2s}}") == linear(1_000, 2_000)
    assert shift("{canary: {percent: 5, hold: 10s}}") == canary(500, 10_000)
    steps = shift("{steps: [{at: 0s, percent: 5}, {at: 1.5s, percent: 100}]}").steps
    assert steps == (ShiftStep(0, 500), ShiftStep(1_500, 10_000))


@pytest.mark.parametrize("written", ["off", "'off'", "false", "False", "{mode: off}"])
def test_the_gate_can_be_switched_off(written: str) -> None:
    assert loads(f"{SMALLEST}gate: {written}").gate == model.GatePolicy(model.GateMode.OFF)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("3", (1, 3, 10)), ("20", (1, 20, 20)), ("{min: 4}", (4, 4, 10)), ("{max: 1}", (1, 1, 1)),
     ("{min: 12}", (12, 12, 12))],
)  # fmt: skip
def test_task_counts_that_are_left_out_fit_the_ones_that_are_not(
    written: str, expected: tuple[int, int, int]
) -> None:
    assert one_service(f"tasks: {written}").count == model.TaskCount(*expected)


def test_the_order_of_variables_is_no_difference() -> None:
    one = one_service("environment: {A: 1, B: 2}")
    assert one == one_service("environment: {B: 2, A: 1}")


def test_a_service_may_be_named_like_a_key() -> None:
    app = loads("app: x\nservices: {test: {port: 81, route: /}, command: {port: 82, route: /c}}")
    assert [s.port for s in app.services] == [81, 82]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_a_wrong_value_is_named_with_its_place_and_a_remedy(bad: Bad) -> None:
    text = str(refused(bad.text))
    assert text.startswith("error TG201:")
    assert "f.yaml:" in text
    assert "remedy" in text
    for said in bad.says:
        assert said in text


def test_several_errors_are_told_together_in_the_order_of_the_file() -> None:
    error = refused("app: x\nservices:\n  cats: {prot: 80, cpu: 1}\nretention: 0\n")
    assert error.what == "f.yaml has 3 errors"
    text = str(error)
    assert text.index("f.yaml:3:10") < text.index("f.yaml:3:20") < text.index("f.yaml:4:1")


def test_a_single_error_stands_in_the_fields_of_the_error() -> None:
    error = refused("app: x\nservices:\n  cats:\n    port: eighty\n")
    assert error.what == "services.cats.port: expected a whole number from 1 to 65535"
    assert error.cause == 'found the text "eighty"'
    assert error.where == "f.yaml:4:5"
    assert error.remedy == "for example `port: 8000`"


def test_two_services_cannot_have_one_route_and_each_needs_one() -> None:
    text = str(refused(SHARED_ROUTE))
    assert "f.yaml:4:7  services.b.route: this route is already taken" in text
    assert "services.a.route has the same path and headers: /cats" in text
    assert "f.yaml:5:3  services.c.route is missing" in text
    assert "add `route: /c`" in text


def test_one_path_with_other_headers_is_another_route() -> None:
    loads("app: x\nservices: {a: {route: /}, b: {route: {path: /, headers: {x-beta: on}}}}")


def test_a_key_that_stands_twice_is_refused() -> None:
    error = refused("app: x\nservices:\n  cats: {}\n  dogs: {route: /}\n  cats: {route: /c}\n")
    assert "it stands here a second time, first in line 3" in str(error)
    assert "f.yaml:5:3" in str(error)


def test_a_value_that_may_be_a_secret_is_not_repeated() -> None:
    for text in (
        "app: x\nservices: {a: {secrets: {DB: hunter2}}}",
        "app: x\nservices: {a: {secrets: {DB: {from_env: 'hunter2 !'}}}}",
        "app: x\nservices: {a: {environment: {DB: [hunter2]}}}",
        "app: x\nservices: {a: {environment: hunter2}}",
    ):
        assert "hunter2" not in str(refused(text))


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("", "TG206", "f.yaml is empty"),
        ("# nothing\n", "TG206", "f.yaml is empty"),
        ("- app\n", "TG206", "found a list at the top"),
        ("app", "TG206", 'found the text "app"'),
        ("app: [", "TG204", "f.yaml:1:7"),
        ("app: x\n\tservices: 1\n", "TG204", "indent with spaces"),
        ("app: x\n---\napp: y\n", "TG204", "second document"),
        ("app: \0", "TG204", "unacceptable character"),
        (b"app: \xff", "TG203", "byte 6 is not UTF-8"),
        ("#" * 1_000_001, "TG205", "larger than 1,000 kB"),
        ("[" * 500_000, "TG205", "nested deeper"),
        ("a: &a [*a]", "TG205", "anchors"),
        ("a: !!python/object:os.system x", "TG201", "the tag"),
        ("a: !!float x", "TG201", "`x` is no float"),
        ("? [a]\n: b", "TG201", "used as a key"),
        ('"\\0": 1', "TG201", "no text may hold"),
    ],
)
def test_what_is_no_app_file_is_refused(text: str | bytes, code: str, says: str) -> None:
    error = refused(text)
    assert error.number == code
    assert says in str(error)


def test_a_bomb_of_aliases_is_refused() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert refused("\n".join(rows)).number == "TG205"


def test_an_alias_within_bounds_is_read() -> None:
    app = loads("app: x\nservices: {a: &a {route: /a}, b: {health: &h /h, route: /b}}")
    assert app.services[1].health.path == "/h"
    both = loads("app: x\nservices: {a: {health: &h /h, route: /a}, b: {health: *h, route: /b}}")
    assert {s.health.path for s in both.services} == {"/h"}


def test_a_merge_key_is_refused_with_what_to_do_instead() -> None:
    assert "YAML 1.2 has no <<" in str(refused("app: x\nservices: {a: {<<: {port: 80}}}"))


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(AppFileError) as caught:
        load(tmp_path / "tidegate.yaml")
    assert caught.value.number == "TG202"
    assert "tidegate init" in caught.value.remedy


def test_what_is_not_a_file_is_said_to_be_unreadable(tmp_path: Path) -> None:
    with pytest.raises(AppFileError) as caught:
        load(tmp_path)
    assert caught.value.number == "TG203"


def test_the_gate_s_scanner_is_tidegate_unless_another_is_named() -> None:
    assert loads(SMALLEST).gate.scanner is model.ScannerName.TIDEGATE
    assert loads(f"{SMALLEST}gate: {{scanner: osv-scanner}}").gate == model.GatePolicy(
        scanner=model.ScannerName.OSV_SCANNER
    )
    error = refused(f"{SMALLEST}gate: {{scanner: clair}}")
    assert "`tidegate`" in str(error) and "clair" in str(error)


@pytest.mark.parametrize(
    ("metric", "statistic"),
    [
        ("HTTPCode_Target_5XX_Count", "Sum"),
        ("ErrorPercent", "Sum"),
        ("TargetResponseTime", "p95"),
        ("HealthyHostCount", "Minimum"),
        ("UnHealthyHostCount", "Maximum"),
        ("CPUUtilization", "Average"),
    ],
)
def test_an_alarm_without_a_statistic_takes_the_one_that_means_most(
    metric: str, statistic: str
) -> None:
    written = f"{SMALLEST}alarms: {{a: {{metric: {metric}, threshold: 1}}}}\n"
    assert loads(written).alarms[0].statistic == statistic


@pytest.mark.parametrize(
    "wrong",
    ["secrets: {NAME: env:NAME}", "environment: {NAME: [1]}", "security: {tmpfs: [/run, 5]}"],
)
def test_the_example_for_one_of_several_is_of_the_whole_and_is_taken(wrong: str) -> None:
    remedy = refused(f"{SMALLEST}    {wrong}\n").remedy
    key, line = wrong.partition(":")[0], remedy.removeprefix("for example `").removesuffix("`")
    loads(f"{SMALLEST}    {line if line.startswith(key) else f'{key}: {{{line}}}'}\n")
