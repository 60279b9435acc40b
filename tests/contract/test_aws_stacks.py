"""The templates: as they should be, small enough, without a finding that nobody has answered."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.aws_stacks import (
    VARIANTS,
    app,
    everything,
    goldens,
    nag,
    of_type,
    only,
    platform,
    service,
    stacks,
)
from tidegate.aws import stored
from tidegate.aws.acknowledged import CDK_NAG, CFN_LINT, CHECKOV, Acknowledged
from tidegate.aws.names import Names
from tidegate.aws.refusals import problems
from tidegate.aws.template import MOST_BODY_BYTES, templates, text, write
from tidegate.cli.main import call
from tidegate.core.errors import ConfigurationError, SetupError
from tidegate.spec import loads

ROOT = Path(__file__).parents[2]
each = pytest.mark.parametrize("variant", VARIANTS)


def unanswered(found: Iterable[tuple[str, str]], known: Iterable[Acknowledged]) -> set[Any]:
    """The findings (rule, where) that no entry answers."""
    return {
        (rule, where)
        for rule, where in found
        if not any(re.fullmatch(k.rule, rule) and re.fullmatch(k.where, where) for k in known)
    }


@cache
def linter() -> Any:
    """cfn-lint with its rules, which take longer to load than a small template to judge."""
    from cfnlint.config import ConfigMixIn  # type: ignore[import-untyped]
    from cfnlint.runner import Runner  # type: ignore[import-untyped]

    return Runner(ConfigMixIn(regions=["us-east-1"]))


def lint(template: dict[str, Any]) -> set[tuple[str, str]]:
    """What cfn-lint says of a template: rule, and where."""
    from cfnlint.decode.decode import decode_str  # type: ignore[import-untyped]

    decoded, errors = decode_str(json.dumps(template))
    found = [*errors, *(linter().validate_template(decoded) if decoded else ())]
    return {
        (match.rule.id, f"{'/'.join(map(str, match.path or ()))}: {match.message}")
        for match in found
    }


# --- the templates -------------------------------------------------------------------------------


def test_the_golden_templates_are_current() -> None:
    stale = [path.name for path, told in goldens() if path.read_text() != told]
    assert stale == [], "look at the difference, then: python -m tests.support.aws_stacks"


@each
def test_each_template_can_be_launched_without_a_bucket(variant: str) -> None:
    for name, template in stacks(variant).items():
        assert len(text(template).encode()) < MOST_BODY_BYTES, name
        assert len(template["Resources"]) < 500


def made_up(stack: str, value: Any) -> str:
    """A value with names such as AWS makes up, of a region with a long name."""
    if isinstance(value, str):
        return value
    ((how, of),) = value.items()
    match how:
        case "Fn::Join":
            return str(of[0]).join(made_up(stack, one) for one in of[1])
        case "Fn::Sub":
            known = {"Partition": "aws", "Region": "ap-southeast-1", "AccountId": "1" * 12}
            return re.sub(r"\$\{AWS::(\w+)\}", lambda found: known[found[1]], str(of))
        case "Fn::ImportValue" if of.endswith("ClusterName"):
            return f"{of.removesuffix('-ClusterName')}-platform-Cluster-0123456789ab"
        case "Fn::ImportValue" if of.endswith("LoadBalancerFullName"):
            return f"app/{stack[:6]}-LoadB-0123456789ab/0123456789abcdef"
        case "Fn::ImportValue" if of.endswith("LoadBalancerDnsName"):
            return f"{stack[:6]}-LoadB-0123456789ab-1234567890.ap-southeast-1.elb.amazonaws.com"
        case "Fn::GetAtt" if of[1] == "Arn":
            path = f"/{stack.split('-')[0]}/{stack.split('-')[1]}/tasks/"
            return f"arn:aws:iam::{'1' * 12}:role{path}{stack[:40]}-{of[0]}-0123456789ab"
        case "Fn::GetAtt" if of[1] == "TargetGroupFullName":
            return f"targetgroup/{stack[:6]}-{of[0]}-0123456789ab/0123456789abcdef"
        case "Ref" if of == "AWS::Region":
            return "ap-southeast-1"
        case _:
            return f"{stack}-{of if how == 'Ref' else of[0]}-0123456789ab"


@each
def test_what_ssm_holds_is_no_larger_than_was_reckoned_without_an_account(variant: str) -> None:
    known = app(variant)
    for one in known.services:
        stack = Names(known.name).service_stack(one.name)
        for logical, reckon in (
            ("Settings", stored.settings_bytes),
            ("TaskTemplate", stored.task_bytes),
        ):
            value = stacks(variant)[stack]["Resources"][logical]["Properties"]["Value"]
            size = len(made_up(stack, value).encode())
            assert size <= reckon(known, one) <= size + 250, (stack, logical)


@each
def test_a_template_is_for_every_account_and_region(variant: str) -> None:
    for name, template in stacks(variant).items():
        told = json.dumps(template)
        found = set(re.findall(r"\b[0-9]{12}\b", told)) - {"111122223333"}
        assert found == set(), name  # a hash of ours has letters in it
        assert not re.search(r"dummy1|us-east-1[a-f]|cdk-hnb659fds", told), name


@each
def test_what_a_stack_imports_an_earlier_one_exports(variant: str) -> None:
    known: set[str] = set()
    shared = Names(app(variant).name).shared_stacks
    for name, template in stacks(variant).items():
        wanted = set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(template)))
        assert wanted <= known, name
        exports = {o["Export"]["Name"] for o in template["Outputs"].values() if "Export" in o}
        assert (exports == set()) is (name not in shared)
        known |= exports


@each
def test_the_stacks_of_a_variant_come_in_the_order_of_their_making(variant: str) -> None:
    names = Names(app(variant).name)
    services = [names.service_stack(s.name) for s in app(variant).services]
    assert list(stacks(variant)) == [*names.shared_stacks, *services]


def test_a_service_s_template_does_not_depend_on_its_siblings() -> None:
    alone = VARIANTS["native-fargate"].replace("  home: {build: home, route: /}\n", "")
    name = Names("catsndogs").service_stack("cats")
    assert templates(loads(alone))[name] == service("native-fargate", "cats")


# --- the controllers -----------------------------------------------------------------------------


def test_native_linear_has_ecs_s_words_and_minutes() -> None:
    found = only(service("native-fargate"), "ECS::Service")["DeploymentConfiguration"]
    assert found["Strategy"] == "LINEAR"
    assert found["LinearConfiguration"] == {"StepPercent": 10, "StepBakeTimeInMinutes": 6}
    assert found["BakeTimeInMinutes"] == 5
    assert found["Alarms"]["Enable"] is found["Alarms"]["Rollback"] is True
    assert len(found["Alarms"]["AlarmNames"]) == 6
    assert "DeploymentCircuitBreaker" not in found  # for rolling updates only


def test_native_canary_rounds_up_to_minutes() -> None:
    found = only(service("native-ec2"), "ECS::Service")["DeploymentConfiguration"]
    assert found["CanaryConfiguration"] == {"CanaryPercent": 2.5, "CanaryBakeTimeInMinutes": 2}


def test_native_hooks_compare_at_each_step_and_check_on_test_traffic() -> None:
    found = only(service("native-fargate", "cats"), "ECS::Service")["DeploymentConfiguration"]
    (hook,) = found["LifecycleHooks"]
    assert hook["LifecycleStages"] == [
        "PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
        "POST_TEST_TRAFFIC_SHIFT",
    ]
    assert hook["HookDetails"] == {"service": "cats"}


def test_a_preset_of_codedeploy_is_used_by_its_name() -> None:
    group = only(service("codedeploy-ec2"), "CodeDeploy::DeploymentGroup")
    assert group["DeploymentConfigName"] == ("CodeDeployDefault.ECSLinear10PercentEvery1Minutes")
    assert not of_type(service("codedeploy-ec2"), "CodeDeploy::DeploymentConfig")


def test_another_timetable_becomes_a_configuration_of_its_own() -> None:
    made = of_type(service("codedeploy-fargate"), "CodeDeploy::DeploymentConfig")
    assert made == {
        "Linear20PercentEvery1Minutes": {
            "ComputePlatform": "ECS",
            "TrafficRoutingConfig": {
                "Type": "TimeBasedLinear",
                "TimeBasedLinear": {"LinearInterval": 1, "LinearPercentage": 20},
            },
        }
    }


def test_codedeploy_rolls_back_on_what_the_file_says_and_reads_alarms_or_stops() -> None:
    group = only(service("codedeploy-ec2"), "CodeDeploy::DeploymentGroup")
    assert group["AutoRollbackConfiguration"] == {
        "Enabled": True,
        "Events": [
            "DEPLOYMENT_FAILURE",
            "DEPLOYMENT_STOP_ON_ALARM",
            "DEPLOYMENT_STOP_ON_REQUEST",
        ],
    }
    assert group["AlarmConfiguration"]["IgnorePollAlarmFailure"] is False
    assert len(group["AlarmConfiguration"]["Alarms"]) == 3  # errors by colour, hosts together
    waits = group["BlueGreenDeploymentConfiguration"]
    assert waits["TerminateBlueInstancesOnDeploymentSuccess"] == {
        "Action": "TERMINATE",
        "TerminationWaitTimeInMinutes": 5,
    }
    own = only(service("codedeploy-fargate"), "CodeDeploy::DeploymentGroup")
    assert own["AutoRollbackConfiguration"]["Events"] == ["DEPLOYMENT_FAILURE"]
    assert own["AlarmConfiguration"] == {"Enabled": False}


@each
def test_the_pipeline_has_the_stages_of_the_file(variant: str) -> None:
    stages = [s["Name"] for s in only(service(variant), "CodePipeline::Pipeline")["Stages"]]
    approve = ["Approve"] if app(variant).pipeline.approval else []
    assert stages == ["Source", "Build", "Gate", *approve, "Deploy"]


def test_a_push_starts_the_pipelines_of_the_services_that_it_changes() -> None:
    trigger = only(service("native-fargate", "cats"), "CodePipeline::Pipeline")["Triggers"]
    assert trigger[0]["GitConfiguration"]["Push"] == [
        {
            "Branches": {"Includes": ["main"]},
            "FilePaths": {"Includes": ["cats/**", "tidegate.yaml"]},
        }
    ]


def test_without_a_repository_the_source_is_what_deploy_uploads() -> None:
    stages = only(service("native-ec2"), "CodePipeline::Pipeline")["Stages"]
    source = stages[0]["Actions"][0]
    assert source["ActionTypeId"]["Provider"] == "S3"
    assert source["Configuration"]["S3ObjectKey"] == "source/app.zip"


def test_an_existing_network_is_used_as_it_is() -> None:
    template = platform("native-ec2")
    assert not [k for k in template["Resources"] if "Subnet" in k or k == "Vpc"]
    balancer = only(template, "ElasticLoadBalancingV2::LoadBalancer")
    assert balancer["Subnets"] == ["subnet-0a1b2c3d", "subnet-1a2b3c4d"]


@pytest.mark.parametrize(("variant", "gateways"), [("native-fargate", 2), ("codedeploy-ec2", 3)])
def test_a_gateway_in_each_zone_unless_one_is_enough(variant: str, gateways: int) -> None:
    assert len(of_type(platform(variant), "EC2::NatGateway")) == gateways
    assert len(of_type(platform("codedeploy-fargate"), "EC2::NatGateway")) == 1


# --- reviewers -----------------------------------------------------------------------------------


@each
def test_cdk_nag_finds_nothing_that_is_not_answered(variant: str) -> None:
    assert unanswered(nag(variant), CDK_NAG) == set()


def test_no_answer_is_to_a_finding_that_is_gone() -> None:
    found = {one for variant in VARIANTS for one in nag(variant)}
    gone = [k.rule for k in CDK_NAG if len(unanswered(found, [k])) == len(found)]
    assert gone == []


def test_a_finding_that_is_not_answered_is_seen() -> None:
    found = {("AwsSolutions-IAM4[Policy::AdministratorAccess]", "PipelineRole")}
    assert unanswered(found, CDK_NAG) == found


@each
def test_cfn_lint_finds_nothing_that_is_not_answered(variant: str) -> None:
    found = {name: unanswered(lint(one), CFN_LINT) for name, one in stacks(variant).items()}
    assert {name for name, told in found.items() if told} == set(), found


def test_a_template_that_cloudformation_would_refuse_is_seen() -> None:
    bad = {"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"Nonsense": 1}}}}
    assert {rule for rule, _ in unanswered(lint(bad), CFN_LINT)} == {"E3002"}


def test_every_answer_says_why() -> None:
    for known in (*CDK_NAG, *CFN_LINT, *CHECKOV):
        assert len(known.reason.split()) > 4, known.rule


@pytest.mark.skipif(shutil.which("checkov") is None, reason="checkov is not installed")
@each
def test_checkov_finds_nothing_that_is_not_answered(variant: str, tmp_path: Path) -> None:
    """Checkov brings a hundred packages, so it is run where somebody has installed it.

    What it would download are links to explanations; its checks come with it.
    """
    write(app(variant), tmp_path)
    command = ["checkov", "-d", str(tmp_path), "--framework", "cloudformation", "-o", "json"]
    command += ["--soft-fail", "--compact", "--skip-download"]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    failed = said["results"]["failed_checks"]
    print(f"{variant}: {said['summary']['passed']} checks pass, {len(failed)} fail")
    found = {(one["check_id"], one["resource"].rpartition(".")[2]) for one in failed}
    assert unanswered(found, CHECKOV) == set()


# --- any app file --------------------------------------------------------------------------------


@st.composite
def app_files(draw: st.DrawFn) -> str:
    """App files with one or two services and everything about AWS that changes the stacks."""
    codedeploy = draw(st.booleans())
    percent = draw(st.sampled_from((3, 10, 33, 50)))
    every = draw(st.integers(1, 60))
    shape = draw(
        st.sampled_from(("linear: {percent: %d, every: %dm}", "canary: {percent: %d, hold: %dm}"))
    )
    strategy = draw(st.sampled_from((f"{{{shape % (percent, every)}}}", "ECSAllAtOnce", "CANARY")))
    lines = [
        "app: a-shop-with-a-name-of-40-characters-xx",
        "aws:",
        f"  controller: {'codedeploy' if codedeploy else 'ecs'}",
        f"  strategy: {strategy}",
        f"  bake: {draw(st.integers(0, 120))}m",
        f"  protect: {draw(st.booleans())}".lower(),
        f"  architecture: {draw(st.sampled_from(('x86_64', 'arm64')))}",
        f"  capacity: {{launch: {draw(st.sampled_from(('fargate', 'ec2')))}, "
        f"base: {draw(st.integers(0, 3))}, on_demand: {draw(st.integers(0, 3))}, spot: 1}}",
        f"  vpc: {{cidr: 10.0.0.0/{draw(st.integers(16, 24))}, zones: {draw(st.integers(2, 3))}}}",
        f"pipeline: {{approval: {draw(st.booleans())}}}".lower(),
        "services:",
    ]
    if draw(st.booleans()):
        token = draw(st.sampled_from(("on", "off")))
        lines.insert(2, f"  source: {{repository: ann/shop, token: {token}}}")
    words = st.text('aé"$#{} ', max_size=20)
    for name in draw(
        st.sampled_from((("web",), ("api", "a-service-with-a-name-of-forty-letters-x")))
    ):
        lines += [
            f"  {name}:",
            f"    route: /{name}",
            f"    cpu: {draw(st.integers(16, 16_384))}",
            f"    memory: {draw(st.integers(6, 30_720))}",
            f"    tasks: {{min: {draw(st.integers(1, 5))}, max: {draw(st.integers(5, 50))}}}",
            f"    health: {{interval: {draw(st.integers(1, 60))}s, timeout: 1s}}",
            f"    environment: {{TEXT: {json.dumps(draw(words))}}}",
            f"    deployment: {{analysis: {draw(st.booleans())}}}".lower(),
        ]
    return "\n".join(lines) + "\n"


@given(app_files())
@settings(max_examples=2, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_valid_file_becomes_templates_that_lint_and_fit(file: str) -> None:
    known = loads(file)
    if list(problems(known)):
        with pytest.raises(ConfigurationError, match="AWS cannot run this app"):
            templates(known)
        return
    found = templates(known)
    for name, template in found.items():
        assert len(text(template).encode()) < MOST_BODY_BYTES, name
    last = found[list(found)[-1]]
    for template in (found[Names(known.name).platform_stack], last):
        assert unanswered(lint(template), CFN_LINT) == set()


# --- the command ---------------------------------------------------------------------------------


def test_the_command_writes_the_templates_in_the_order_of_their_launch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tidegate.yaml").write_text(VARIANTS["native-ec2"])
    out = tmp_path / "out"
    assert call(["-C", str(tmp_path), "aws", "template", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["templates"]
    assert [Path(one["path"]).name for one in told] == [
        "01-tidegate-shop-platform.json",
        "02-tidegate-shop-gate.json",
        "03-tidegate-shop-deploy.json",
        "04-tidegate-shop-svc-web.json",
    ]
    assert [json.loads(p.read_text()) for p in sorted(out.iterdir())] == list(
        stacks("native-ec2").values()
    )


def test_what_aws_cannot_do_is_said_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = "app: x\nservices: {web: {memory: 500GiB, routes: [/a, /b, /c]}}\n"
    (tmp_path / "tidegate.yaml").write_text(file)
    assert call(["-C", str(tmp_path), "aws", "template", "--out", str(tmp_path / "out")]) == 3
    said = capsys.readouterr().err
    assert said.startswith("error TG270: AWS cannot run this app as its file has it")
    assert "services.web.memory: no Fargate task" in said
    assert "services.web.routes:" in said
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.aws.template.templates", lambda _: stacks("native-ec2"))
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="cannot be written") as caught:
        write(app("native-ec2"), tmp_path / "file")
    assert caught.value.number == "TG247"


def test_no_template_is_larger_than_its_resources_need() -> None:
    kinds = {r["Type"] for v in VARIANTS for _, _, r in everything(v)}
    assert "AWS::CDK::Metadata" not in kinds
