"""The commands with `--target aws`: the same words, text and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.aws.fake import FakeAws
from tests.support.aws.shop import NAMES, empty, platform_outputs, standing, templates
from tidegate.aws import load as loading
from tidegate.cli.load_words import spoken
from tidegate.cli.main import call
from tidegate.cli.tree import ALSO_ON_AWS
from tidegate.core.errors import NotFound, UsageError
from tidegate.wiring import aws as wired

FILE = """\
app: shop
gate: off
services:
  cats: {build: cats, route: /cats, tasks: {min: 1, desired: 2, max: 4}}
  dogs: {build: dogs, route: /dogs, tasks: {min: 1, desired: 2, max: 4}}
"""
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def fake() -> FakeAws:
    return standing()


@pytest.fixture
def run(
    fake: FakeAws,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    (tmp_path / "tidegate.yaml").write_text(FILE)
    monkeypatch.setenv("LOGNAME", "ann")
    asked: list[str | None] = []

    def sign_in(region: str | None) -> Any:
        asked.append(region)
        return fake.account()

    def made(app: Any) -> Mapping[str, Any]:
        return templates(app)

    monkeypatch.setattr(wired, "sign_in", sign_in)
    monkeypatch.setattr(wired, "templates", made)
    monkeypatch.setattr(wired, "pace", lambda: fake.pace)

    def line(*words: str) -> tuple[int, str, str]:
        code = call(["-C", str(tmp_path), *words, "--target", "aws"])
        said = capsys.readouterr()
        return code, said.out, said.err

    return line


def test_status_of_an_account_is_the_same_tree(run: Run) -> None:
    code, out, err = run("status")
    assert (code, err) == (0, "")
    assert "shop  http://shop-1.elb.amazonaws.com" in out
    assert "blue  v3    ✓ stable      100 %  2/2/2" in out


def test_status_as_json_has_the_same_shape(run: Run) -> None:
    _, out, _ = run("status", "--json")
    view = json.loads(out)
    assert view["services"][0]["groups"][0]["weight_bp"] == 10_000


def ruled(fake: FakeAws) -> None:
    for service in ("cats", "dogs"):
        fake.parts["cloudwatch"].rules[f"shop-{service}-5xx"] = {
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 5.0,
            "EvaluationPeriods": 2,
        }


def test_numbers_are_told_from_the_same_views(run: Run, fake: FakeAws) -> None:
    ruled(fake)
    assert "cats/shop-cats-5xx  ✓ OK" in run("alarms")[1]
    assert "cats  every 1m" in run("metrics")[1]
    assert "nothing scales" not in run("scaling")[1]
    assert "FARGATE_SPOT" in run("capacity")[1]


def test_a_review_of_an_account_reads_its_stacks_and_what_runs_there(run: Run) -> None:
    code, out, err = run("review", "--json")
    assert (code, err) == (0, "")
    asked = {one["name"]: one["answer"]["state"] for one in json.loads(out)["asked"]}
    assert asked["services scale"] == "failed"  # the small templates of these tests have no scaling
    assert (asked["two zones"], asked["nobody has a shell"]) == ("unknown", "passed")


def test_a_refusal_says_why_and_exits_as_on_one_machine(run: Run) -> None:
    code, out, err = run("abort", "cats")
    assert (code, out) == (8, "")
    assert err.startswith("error TG703: no deployment of cats is under way")


def test_scale_and_rollback_reach_the_account(run: Run, fake: FakeAws) -> None:
    assert run("scale", "cats", "3")[0] == 0
    assert run("rollback", "cats", "v2")[0] == 0
    asked = fake.asked("ecs:UpdateService")
    assert [("desiredCount" in one, "taskDefinition" in one) for one in asked] == [
        (True, False),
        (False, True),
    ]


def test_a_dry_run_of_up_shows_and_changes_nothing(run: Run, fake: FakeAws) -> None:
    code, out, err = run("up", "--dry-run")
    assert (code, out) == (0, "")
    assert "dry run: nothing was changed" in err
    assert fake.asked("cloudformation:ExecuteChangeSet") == []


def test_down_asks_first_and_deletes_after_a_yes(run: Run, fake: FakeAws) -> None:
    code, _, err = run("down")
    assert (code, "error TG178" in err) == (2, True)
    assert fake.asked("cloudformation:DeleteStack") == []
    code, _, err = run("down", "--yes")
    assert code == 0
    assert "shop is down" in err
    assert fake.parts["cloudformation"].stacks == {}


def test_what_down_keeps_is_told_with_what_can_still_be_done_about_it(
    run: Run, fake: FakeAws
) -> None:
    """Without its stack a second `down` finds nothing to delete."""
    fake.parts["cloudformation"].kept = {"Log"}
    fake.parts["cloudformation"].physical = {"Log": "/shop/log"}
    fake.parts["logs"].groups = ["/shop/log"]
    _, _, err = run("down", "--yes")
    told = "kept: log group /shop/log; no stack has it any more: delete it by AWS's own means"
    assert told in " ".join(err.split())
    code, _, err = run("down", "--yes", "--everything")
    assert (code, "error TG745" in err) == (8, True)


def test_an_account_without_the_app_says_how_to_bring_it_there(run: Run, fake: FakeAws) -> None:
    fake.parts = empty().parts
    code, _, err = run("abort", "cats")
    assert code == 8
    assert "tidegate up --target aws" in err


def test_a_load_runs_in_the_account_on_the_app_s_own_address(fake: FakeAws) -> None:
    outputs = {**platform_outputs(), "LoadProjectName": "shop-load"}
    given = spoken(["/cats"], {"rate": 20.0, "method": "GET", "resend": True}, outputs["Url"])
    assert given == ["--rate=20.0", "--resend", f"{outputs['Url']}/cats"]
    words = loading.arguments(["--rate", "50"], outputs["Url"])
    host = "shop-1.elb.amazonaws.com"
    assert words[:4] == ["run", "--rate", "50", outputs["Url"]]
    assert words[4:] == ["--i-may-load", host, "--out", "report.json"]
    started = loading.start(fake.account(), NAMES, outputs, words)
    (asked,) = fake.asked("codebuild:StartBuild")
    values = {one["name"]: one["value"] for one in asked["environmentVariablesOverride"]}
    assert values["LOAD_ARGUMENTS"] == " ".join(words)
    assert values["LOAD_SOURCE"].startswith("s3://shop-artifacts/load/")
    assert list(loading.follow(fake.account(), started, fake.pace)) == ["build", "completed"]


def test_a_platform_without_a_load_generator_says_how_to_get_it(fake: FakeAws) -> None:
    with pytest.raises(NotFound) as caught:
        loading.start(fake.account(), NAMES, platform_outputs(), ["run"])
    assert caught.value.number == "TG748"
    assert fake.asked("s3:PutObject") == []


def test_a_load_on_a_stranger_or_with_words_for_a_shell_is_refused() -> None:
    refused = {"TG179": ["http://example.com/"], "TG177": ["--title", "$(id)"]}
    for code, words in refused.items():
        with pytest.raises(UsageError) as caught:
            loading.arguments(words, "http://shop-1.elb.amazonaws.com")
        assert caught.value.number == code


def test_the_gate_is_explained_from_the_account(run: Run) -> None:
    code, _, err = run("gate", "explain", "v9")
    assert (code, "error TG721: no release v9" in err) == (8, True)


def test_a_load_in_the_account_is_not_given_files_of_this_machine(run: Run) -> None:
    code, _, err = run("load", "--replay", "trace.csv")
    assert (code, "error TG186: --replay names a file of this machine" in err) == (2, True)


def test_options_that_do_not_fit_are_refused_before_the_account_is_asked(
    run: Run, fake: FakeAws
) -> None:
    code, _, err = run("load", "--speed", "60")
    assert code == 2 and "error TG159: --speed does not go with a steady rate" in err
    assert not fake.asked("codebuild:StartBuild")


def test_load_sends_its_options_to_the_account(run: Run, fake: FakeAws) -> None:
    formation = fake.parts["cloudformation"]
    formation.outputs[NAMES.platform_stack]["LoadProjectName"] = "shop-load"
    code, _, err = run("load", "/cats", "--profile", "10-20:1m", "--weight", "3")
    assert (code, "-----> completed" in err) == (1, True)  # this build writes no report
    (asked,) = fake.asked("codebuild:StartBuild")
    values = {one["name"]: one["value"] for one in asked["environmentVariablesOverride"]}
    said = values["LOAD_ARGUMENTS"]
    assert said.startswith("run --weight=3 --profile=10-20:1m http://shop-1.elb.amazonaws.com/cats")


def test_every_command_that_observes_or_steers_takes_the_target() -> None:
    names = {place.partition(".")[2] for place in ALSO_ON_AWS}
    assert {
        "status",
        "events",
        "metrics",
        "alarms",
        "scaling",
        "capacity",
        "logs",
        "review",
    } <= names
    assert {
        "pause",
        "resume",
        "abort",
        "rollback",
        "scale",
        "up",
        "down",
        "deploy",
        "load",
    } <= names


def test_one_machine_never_imports_boto3_nor_the_cdk() -> None:
    code = (
        "import sys, tidegate.cli.main, tidegate.cli.commands.start, tidegate.wiring.daemon\n"
        "import tidegate.simulator.run\n"
        "found = {name.partition('.')[0] for name in sys.modules}\n"
        "sys.exit(bool(found & {'boto3', 'botocore', 'aws_cdk', 'jsii'}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_status_of_an_account_without_the_app_says_what_brings_it_there(
    run: Run, fake: FakeAws
) -> None:
    fake.parts["cloudformation"].stacks.clear()
    code, _, err = run("status")
    assert code == 8
    assert err.startswith("error TG747: no service of shop is in this account and region")
    assert "tidegate up --target aws" in err
