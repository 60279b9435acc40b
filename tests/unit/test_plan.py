"""What a new app file would change: for whom, from when on, and what it no longer guards."""

import json
from dataclasses import asdict

import pytest

from tests.support.app_files import EVERYTHING
from tests.support.builders import T0, fold
from tidegate.core import decision as d
from tidegate.core.fold import advance_all
from tidegate.core.model import Colour, Release
from tidegate.core.progress import Progress
from tidegate.spec import Plan, lines, loads, plan
from tidegate.spec.app import AppKeys
from tidegate.spec.describe import find
from tidegate.spec.plan import Effect, Kind

FILE = """\
app: shop
deployment: {bake: 5m, checks: [/]}
alarms:
  errors: {metric: ErrorPercent, threshold: 1}
services:
  cats: {build: cats, route: /cats, memory: 128MiB}
  dogs: {image: "nginx:1", route: /dogs}
"""


def running(text: str = FILE, commit: str = "aaaa") -> Progress:
    """Every service of the file is served by its first release."""
    app = loads(text)
    events: list[d.Event] = [d.AppAccepted(app)]
    for number, service in enumerate(app.services, 1):
        release = Release(number, service, f"sha256:{number}", commit, "e1", "passed", T0)
        deployment = f"d{number}"
        events += [
            d.ReleaseMade(release),
            d.DeploymentQueued(service.name, number, "e1", "me"),
            d.DeploymentStarted(deployment, service.name, None, number, Colour.BLUE),
            d.StablePromoted(deployment, service.name, number),
            d.DeploymentFinished(deployment, d.Outcome.SUCCEEDED, "done"),
        ]
    return fold(*events)


def changed(old: str, new: str) -> Plan:
    """The plan of FILE with one text in place of another, at the commit that runs."""
    assert old in FILE
    return plan(running(), loads(FILE.replace(old, new)), "aaaa")


def rows(made: Plan) -> set[tuple[str, str | None, str | None, Effect]]:
    changes = [c for service in made.services for c in service.changes] + list(made.app)
    return {(c.path, c.old, c.new, c.effect) for c in changes}


def test_at_first_everything_is_new() -> None:
    made = plan(Progress(), loads(FILE), "aaaa")
    assert [(s.name, s.kind, s.makes_release) for s in made.services] == [
        ("cats", Kind.NEW, True),
        ("dogs", Kind.NEW, True),
    ]
    assert (made.app, made.warnings) == ((), ())


def test_the_same_file_at_the_same_commit_changes_nothing() -> None:
    made = plan(running(), loads(FILE), "aaaa")
    assert {s.kind for s in made.services} == {Kind.UNCHANGED}
    assert rows(made) == set()
    assert made.warnings == ()


def test_a_new_commit_is_built_again_but_a_ready_image_is_not() -> None:
    made = plan(running(), loads(FILE), "bbbb")
    assert rows(made) == {("services.cats.commit", "aaaa", "bbbb", Effect.BUILD)}
    assert not any(service.makes_release for service in made.services)


@pytest.mark.parametrize(
    ("old", "new", "row"),
    [
        ("memory: 128MiB", "memory: 2GiB",
         ("memory", "128MiB", "2GiB", Effect.RELEASE)),
        ("memory: 128MiB", "environment: {A: b}",
         ("environment.A", None, "b", Effect.RELEASE)),
        ("memory: 128MiB", "secrets: {A: {from_env: B}}",
         ("secrets.A", None, "env:B", Effect.RELEASE)),
        ("memory: 128MiB", "security: {user: web}",
         ("security.user", None, "web", Effect.RELEASE)),
        ("memory: 128MiB", "health: /up",
         ("health.path", "/", "/up", Effect.RELEASE)),
        ("build: cats", "build: {context: cats, args: {V: 1}}",
         ("build.args.V", None, "1", Effect.BUILD)),
        ("route: /cats", "routes: [/cats, /kittens]",
         ("routes", "/cats", "/cats, /kittens", Effect.AT_ONCE)),
        ("memory: 128MiB", "tasks: {min: 2}",
         ("tasks.min", "1", "2", Effect.AT_ONCE)),
        ("memory: 128MiB", "tasks: 5",
         ("tasks.desired", "2", "5", Effect.FIRST)),
        ("memory: 128MiB", "sticky: on",
         ("sticky", "false", "true", Effect.AT_ONCE)),
        ("memory: 128MiB", "drain: 1m",
         ("drain", "30s", "1m", Effect.NEXT)),
        ("memory: 128MiB", "deployment: {strategy: LINEAR}",
         ("deployment.strategy", "ECSAllAtOnce", "LINEAR", Effect.NEXT)),
        ("memory: 128MiB", "deployment: {strategy: {steps: [{at: 0, percent: 5}, {at: 1s, "
         "percent: 100}]}}",
         ("deployment.strategy", "ECSAllAtOnce", "5 % at 0s, 100 % at 1s", Effect.NEXT)),
        ("memory: 128MiB", "deployment: {hooks: [{stage: POST_SCALE_UP, name: a, pause: on}]}",
         ("deployment.hooks.POST_SCALE_UP.a", None, "pause, 1m", Effect.NEXT)),
    ],
)  # fmt: skip
def test_each_change_says_from_when_on_it_counts(
    old: str, new: str, row: tuple[str, str | None, str | None, Effect]
) -> None:
    made = changed(old, new)
    assert rows(made) == {(f"services.cats.{row[0]}", *row[1:])}
    cats, dogs = made.services
    assert (cats.kind, dogs.kind) == (Kind.CHANGED, Kind.UNCHANGED)
    assert cats.makes_release is (row[3] is Effect.RELEASE)


def test_listener_gate_and_alarms_are_told_apart_from_the_services() -> None:
    made = changed("app: shop", "app: shop\nlistener: {port: 80}\ngate: off\nretention: 6")
    assert rows(made) == {
        ("listener.port", "8080", "80", Effect.AT_ONCE),
        ("gate.mode", "enforce", "off", Effect.AT_ONCE),
        ("retention", "5", "6", Effect.AT_ONCE),
    }
    made = changed("threshold: 1", "threshold: 2")
    assert rows(made) == {("alarms.errors.threshold", "1.0", "2.0", Effect.AT_ONCE)}


def test_a_service_that_comes_and_one_that_goes() -> None:
    made = changed("  dogs:", "  pigs:")
    assert {s.name: (s.kind, s.release) for s in made.services} == {
        "cats": (Kind.UNCHANGED, "v1"),
        "pigs": (Kind.NEW, None),
        "dogs": (Kind.REMOVED, "v2"),
    }
    assert made.warnings == ("dogs is no longer in the file: its tasks stop, its routes are gone",)


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ("app: shop", "app: shop\ngate: off", "nobody has scanned"),
        ("app: shop", "app: shop\ngate: {limits: {HIGH: 3}}", "more HIGH findings through: 0 → 3"),
        ("app: shop", "app: shop\ngate: {grace: {HIGH: 7d}}", "young HIGH findings do not count"),
        ("app: shop", "app: shop\ngate: {on_unknown: warn}", "nobody knows what is in them"),
        ("app: shop", "app: shop\ngate: {data_age: {fail: never}}", "data: 14d → never"),
        ("app: shop", "app: shop\ngate: {waivers: [{id: CVE-1, reason: x, owner: ann, "
         "expires: 2026-12-31}]}", "CVE-1 is waived until 2026-12-31 by ann"),
        ("app: shop", "app: shop\ngate: {limits: {HIGH: unlimited}}", "HIGH findings through: 0 → "
         "unlimited"),
        ("app: shop", "app: shop\nretention: 2", "fewer releases to go back to: 5 → 2"),
        ("  errors: {metric: ErrorPercent, threshold: 1}", "  other: {metric: ErrorPercent, "
         "threshold: 1}", "the alarm errors is removed"),
        ("bake: 5m", "bake: 1m", "cats: the bake is shorter: 5m → 1m"),
        ("bake: 5m, checks: [/]", "bake: 5m", "cats: no smoke check is left"),
        ("bake: 5m", "bake: 5m, rollback_on: [DEPLOYMENT_FAILURE]",
         "cats: DEPLOYMENT_STOP_ON_ALARM no longer rolls back"),
        ("bake: 5m", "bake: 5m, analysis: off", "no longer compared"),
        ("bake: 5m", "bake: 5m, on_unknown: proceed", "even while alarms and metrics have no data"),
        ("memory: 128MiB", "security: {read_only: false}", "can write to their image's files"),
        ("memory: 128MiB", "security: {capabilities: [CHOWN]}", "get capabilities: CHOWN"),
    ],
)  # fmt: skip
def test_a_protection_that_goes_is_a_warning(old: str, new: str, warning: str) -> None:
    assert any(warning in said for said in changed(old, new).warnings)


def test_a_protection_that_comes_is_none() -> None:
    text = FILE.replace("bake: 5m", "bake: 10m").replace("app: shop", "app: shop\nretention: 9")
    assert plan(running(), loads(text), "aaaa").warnings == ()


def test_approval_and_certificate_that_go_are_warnings() -> None:
    guarded = FILE + "pipeline: {approval: on}\nlistener: {certificate: /etc/tls.pem}\n"
    warnings = plan(running(guarded), loads(FILE), "aaaa").warnings
    assert "pushes are deployed without approval" in warnings
    assert "the listener speaks plain HTTP instead of HTTPS" in warnings


def test_the_gate_that_is_off_from_the_start_is_a_warning() -> None:
    assert plan(Progress(), loads(FILE + "gate: off\n"), "aaaa").warnings == (
        "gate: off lets images run that nobody has scanned",
    )


def test_an_alarm_that_cannot_fire_before_the_promotion_is_a_warning() -> None:
    short = "  dogs: {image: 'nginx:1', route: /dogs, deployment: {bake: 11s}}"
    late = loads(FILE.replace('  dogs: {image: "nginx:1", route: /dogs}', short))
    assert plan(Progress(), late, "aaaa").warnings == (
        "dogs: the alarm errors needs 12s of traffic, and a release is promoted after 11s: "
        "lengthen `bake`",
    )
    enough = loads(
        FILE.replace('  dogs: {image: "nginx:1", route: /dogs}', short.replace("11", "12"))
    )
    assert plan(Progress(), enough, "aaaa").warnings == ()


def test_a_release_on_its_way_is_what_a_new_file_is_compared_with() -> None:
    before = running()
    wanted = loads(FILE.replace("memory: 128MiB", "memory: 256MiB"))
    waiting = Release(3, wanted.services[0], "sha256:3", "aaaa", "e2", "passed", T0)
    events = (d.ReleaseMade(waiting), d.DeploymentQueued("cats", 3, "e2", "me"))
    made = plan(advance_all(before, events, T0), wanted, "aaaa")
    assert (made.services[0].kind, made.services[0].release) == (Kind.UNCHANGED, "v3")


def test_a_plan_is_plain_data_and_lines_of_text() -> None:
    made = changed("memory: 128MiB", "memory: 256MiB, deployment: {bake: 0}")
    assert json.loads(json.dumps(asdict(made)))["services"][0]["makes_release"] is True
    assert lines(made) == [
        "plan for aaaa",
        "~ cats  changed (runs v1)",
        "    services.cats.memory: 128MiB → 256MiB  [makes a new release]",
        "    services.cats.deployment.bake: 5m → 0s  [from the next release on]",
        "= dogs  unchanged (runs v2)",
        "! warning: cats: the alarm errors needs 12s of traffic, and a release is promoted after "
        "0s: lengthen `bake`",
        "! warning: cats: the bake is shorter: 5m → 0s",
    ]


def test_every_path_of_a_plan_is_one_of_the_file() -> None:
    """Two files with nothing in common give every path there is; each is a key of the file."""
    bare = loads("app: x\nservices: {cats: {image: x, route: /c}, dogs: {route: /d}}")
    made = plan(running(EVERYTHING), bare, "aaaa")
    paths = {path for path, *_ in rows(made)} - {"services.dogs.commit"}
    assert len(paths) > 50
    unknown = [p for p in paths if find(AppKeys, tuple(p.split("."))) is None and "hooks" not in p]
    assert unknown == []
