"""What AWS refuses of an app file, or goes without, is told before anything is asked of AWS."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tidegate.aws.left_out import left_out, told
from tidegate.aws.settings import gate_json
from tidegate.cli.main import call
from tidegate.spec import loads

PANIC = (
    "services.web.scaling.panic: AWS looks at whole minutes and cannot act at once on slow "
    "requests; keep more room: a lower target, or a higher tasks.min"
)


def service(keys: str, rest: str = "") -> str:
    return f"app: x\n{rest}\nservices: {{web: {{build: web, {keys}}}}}\n"


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (service("scaling: {target: {requests: 5}, panic: 500ms}"), PANIC),
        (
            service("retry_unsafe: on"),
            "services.web.retry_unsafe: AWS's load balancer never sends a request a second time",
        ),
        (
            service("security: {pids_limit: 50}"),
            "services.web.security.pids_limit: ECS has no limit of processes",
        ),
        (
            service("port: 80", "listener: {test_header: x-new}"),
            "listener.test_header: on AWS the candidate is reached by the test listener only",
        ),
        (
            service("port: 80", "gate: {scanner: trivy}"),
            "gate.scanner: on AWS the findings are ECR's, not those of trivy",
        ),
    ],
    ids=["panic", "retry_unsafe", "pids_limit", "test_header", "scanner"],
)
def test_what_aws_goes_without_is_told_by_its_key(file: str, sentence: str) -> None:
    assert list(left_out(loads(file))) == [sentence]


def test_nothing_is_told_of_what_the_file_leaves_at_its_default() -> None:
    assert told(loads(service("scaling: {target: {requests: 5}}", "aws: {protect: off}"))) == ()


def line(folder: Path, file: str, *words: str) -> int:
    (folder / "tidegate.yaml").write_text(file)
    return call(["-C", str(folder), *words])


BOTH = "scaling: {target: {p95: 1s, requests: 5}, panic: 500ms}"


def test_plan_warns_of_aws_when_the_file_has_an_aws_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert line(tmp_path, service(BOTH, "aws: {protect: off}"), "plan", "--json") == 0
    warnings = json.loads(capsys.readouterr().out)["warnings"]
    assert f"AWS goes without {PANIC}" in warnings
    assert any(one.startswith("AWS refuses services.web.scaling: AWS scales") for one in warnings)
    assert line(tmp_path, service(BOTH), "plan", "--json") == 0
    assert "AWS" not in capsys.readouterr().out


@pytest.mark.parametrize("command", ["plan", "review"])
def test_what_aws_refuses_is_refused_before_an_account_is_asked(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert line(tmp_path, service(BOTH), command, "--target", "aws") == 3
    said = capsys.readouterr().err
    assert said.startswith("error TG270: AWS cannot run this app as its file has it")
    assert "services.web.scaling: AWS scales a target by requests, cpu or memory" in said


def test_the_plan_for_aws_names_the_stacks_without_an_account_or_node(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    file = service("scaling: {target: {requests: 5}, panic: 500ms}")
    assert line(tmp_path, file, "plan", "--target", "aws", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["stacks"] == [f"tidegate-x-{one}" for one in ("platform", "gate", "deploy")] + [
        "tidegate-x-svc-web"
    ]
    assert found["left_out"] == [PANIC]


def test_waivers_of_the_files_beside_count_on_aws_too(tmp_path: Path) -> None:
    """One policy in both places: the gate's parameter has what the local gate reads."""
    from tidegate.cli.here import Here

    (tmp_path / "tidegate.yaml").write_text(service("port: 80"))
    (tmp_path / ".trivyignore").write_text("CVE-2026-0001\n")
    policy = json.loads(gate_json(Here(tmp_path).app.gate))["gate"]
    assert [one["id"] for one in policy["waivers"]] == ["CVE-2026-0001"]
    assert Here(tmp_path).on_aws.app.gate == Here(tmp_path).app.gate
