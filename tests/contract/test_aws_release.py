"""What a release ships of AWS, and what the review says of those very templates."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.aws_stacks import app, only, stacks
from tidegate import __version__
from tidegate.aws import publish as publishing
from tidegate.aws.publish import main
from tidegate.aws.template import MOST_BODY_BYTES
from tidegate.core.review import Case, Review, State, review
from tidegate.spec import load

ROOT = Path(__file__).parents[2]
FILE = ROOT / "examples" / "catsndogs" / "tidegate.yaml"
STACKS = ("platform", "gate", "deploy", "svc-home", "svc-cats", "svc-dogs")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    assert main([str(FILE), "--out", str(out)]) == 0
    (folder,) = out.iterdir()
    return folder


def read(folder: Path) -> dict[str, Any]:
    return {path.stem[3:]: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def test_a_release_ships_every_example_by_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    published: list[tuple[Path, Path]] = []
    monkeypatch.setattr(publishing, "publish", lambda *asked: published.append(asked))
    assert main([]) == 0
    assert published == [
        (file.relative_to(ROOT), Path("dist/templates"))
        for file in sorted(ROOT.glob("examples/*/tidegate.yaml"))
    ]
    command = ["make", "-n", "--no-print-directory", "templates"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == ".venv/bin/python -m tidegate.aws.publish"
    assert "templates" in Path("Makefile").read_text().partition("\nrelease:")[2].splitlines()[0]


def test_a_release_ships_the_example_s_stacks_in_their_order_with_their_sums(
    shipped: Path,
) -> None:
    assert shipped.name == f"tidegate-{__version__}-catsndogs"
    names = [path.name for path in sorted(shipped.glob("*.json"))]
    assert names == [f"{n:02}-tidegate-catsndogs-{one}.json" for n, one in enumerate(STACKS, 1)]
    sums = (line.split() for line in (shipped / "SHA256SUMS").read_text().splitlines())
    found = {name: digest for digest, name in sums}
    assert set(found) == set(names)
    for name, digest in found.items():
        assert hashlib.sha256((shipped / name).read_bytes()).hexdigest() == digest


def test_what_is_shipped_can_be_launched_without_a_bucket(shipped: Path) -> None:
    for path in shipped.glob("*.json"):
        assert path.stat().st_size <= MOST_BODY_BYTES, path.name


def test_the_workshop_s_example_is_deployed_by_codedeploy_on_one_listener(shipped: Path) -> None:
    found = read(shipped)
    listeners = set()
    for name in ("home", "cats", "dogs"):
        template = found[f"tidegate-catsndogs-svc-{name}"]
        group = only(template, "CodeDeploy::DeploymentGroup")
        assert group["DeploymentConfigName"] == "CodeDeployDefault.ECSLinear10PercentEvery1Minutes"
        rule = template["Resources"]["ProductionRule"]["Properties"]
        listeners.add(rule["ListenerArn"]["Fn::ImportValue"])
        (paths,) = (c["PathPatternConfig"]["Values"] for c in rule["Conditions"])
        assert paths == (["/*"] if name == "home" else [f"/{name}", f"/{name}/*"])
    assert len(listeners) == 1


def test_a_file_that_aws_cannot_run_ships_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "tidegate.yaml"
    file.write_text("app: x\nservices: {web: {build: web, scaling: {target: {p95: 1s}}}}\n")
    assert main([str(file), "--out", str(tmp_path / "dist")]) == 3
    assert "error TG270" in capsys.readouterr().err
    assert not (tmp_path / "dist").exists()


def failures(found: Review) -> dict[str, str]:
    return {one.name: one.answer.evidence for one in found.failed if one.of == "stack"}


def test_what_fails_of_the_shipped_stacks_is_what_they_leave_out(shipped: Path) -> None:
    found = review(Case(load(FILE), 0, None, read(shipped)))
    told = failures(found)
    assert set(told) == {"listeners speak TLS", "a budget watches"}
    assert told["listeners speak TLS"].startswith("listeners that answer without TLS: ")
    assert all(one.answer.remedy for one in found.failed)


def test_with_certificate_and_budget_only_the_machines_are_left_to_weigh() -> None:
    variant = "codedeploy-ec2"
    found = review(Case(app(variant), 0, None, stacks(variant)))
    assert set(failures(found)) == {"tasks need no machines"}


def test_zones_of_a_network_that_was_there_before_are_unknown() -> None:
    found = review(Case(app("native-ec2"), 0, None, stacks("native-ec2")))
    (zones,) = (one.answer for one in found.asked if one.name == "two zones")
    assert zones.state is State.UNKNOWN


def test_a_deployment_that_no_alarm_stops_fails() -> None:
    variant = "codedeploy-fargate"
    templates = json.loads(json.dumps(stacks(variant)))
    for template in templates.values():
        for one in template["Resources"].values():
            if one["Type"] == "AWS::CodeDeploy::DeploymentGroup":
                one["Properties"].pop("AlarmConfiguration", None)
    told = failures(review(Case(app(variant), 0, None, templates)))
    assert told["alarms stop a deployment"].startswith("deployments that no alarm stops: ")
