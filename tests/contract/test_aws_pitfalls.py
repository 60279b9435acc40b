"""Each known incompatibility of CloudFormation, ECS, CodeDeploy, as something our stacks avoid.

The numbers are those of the research on AWS (its §3); its §8, the faults of the workshop's own
templates, is at the end.
"""

import json
import re
from typing import Any

import pytest

from tests.support.aws_stacks import (
    VARIANTS,
    app,
    everything,
    of_type,
    only,
    platform,
    service,
    stacks,
)
from tidegate.aws import fit
from tidegate.aws.names import PlatformParameter, ServiceParameter
from tidegate.aws.refusals import problems
from tidegate.aws.template import templates
from tidegate.spec import loads

CODEDEPLOY = ("codedeploy-ec2", "codedeploy-fargate")
NATIVE = ("native-fargate", "native-ec2")
each = pytest.mark.parametrize("variant", VARIANTS)
each_codedeploy = pytest.mark.parametrize("variant", CODEDEPLOY)
each_native = pytest.mark.parametrize("variant", NATIVE)
each_ec2 = pytest.mark.parametrize("variant", ["codedeploy-ec2", "native-ec2"])


def refused(rest: str) -> str:
    """What is said against an app with these lines."""
    return "\n".join(problems(loads(f"app: x\n{rest}\nservices: {{web: {{build: web}}}}\n")))


def settings(template: dict[str, Any], logical: str) -> dict[str, Any]:
    """The JSON of an SSM parameter; what only CloudFormation knows by the export's name, or `?`."""
    value = template["Resources"][logical]["Properties"]["Value"]
    parts = value["Fn::Join"][1] if isinstance(value, dict) else [value]
    told = (p if isinstance(p, str) else p.get("Fn::ImportValue", "?") for p in parts)
    found: dict[str, Any] = json.loads("".join(told))
    return found


# --- 3.1 CloudFormation against a moving deployment ----------------------------------------------


@each_native
def test_01_an_update_keeps_the_revision_that_is_live(variant: str) -> None:
    runs = only(service(variant), "ECS::Service")["TaskDefinition"]["Fn::If"]
    assert runs == ["HasRevision", {"Ref": "LiveTaskDefinition"}, {"Ref": "TaskDefinition"}]


@each
def test_01_an_update_writes_the_weights_that_are_live(variant: str) -> None:
    for rule in of_type(service(variant), "ElasticLoadBalancingV2::ListenerRule").values():
        (action,) = rule["Actions"]
        weights = {
            group["TargetGroupArn"]["Ref"]: group["Weight"]
            for group in action["ForwardConfig"]["TargetGroups"]
        }
        assert weights == {
            "BlueGroup": {"Fn::If": ["GreenIsLive", 0, 100]},
            "GreenGroup": {"Fn::If": ["GreenIsLive", 100, 0]},
        }


@each
def test_01_an_update_keeps_the_image_that_is_live(variant: str) -> None:
    template = service(variant)
    (container,) = only(template, "ECS::TaskDefinition")["ContainerDefinitions"]
    assert container["Image"]["Fn::If"][:2] == ["HasImage", {"Ref": "LiveImage"}]
    assert template["Parameters"]["LiveColour"]["AllowedValues"] == ["blue", "green"]


def test_01_a_new_service_leaves_the_rules_of_the_others_alone() -> None:
    both = loads("app: x\nservices: {a: {route: /a}, b: {route: /b}}")
    three = loads("app: x\nservices: {a: {route: /a}, aa: {route: /c}, b: {route: /b}}")
    from tidegate.aws.priority import priority

    before = {s.name: priority(both, s) for s in both.services}
    after = {s.name: priority(three, s) for s in three.services}
    assert before.items() <= after.items()


@each_codedeploy
def test_02_a_codedeploy_service_names_a_family_and_never_a_revision(variant: str) -> None:
    template = service(variant)
    found = only(template, "ECS::Service")
    assert found["TaskDefinition"] == only(template, "ECS::TaskDefinition")["Family"]
    assert found["DeploymentController"] == {"Type": "CODE_DEPLOY"}
    assert "DeploymentConfiguration" not in found


@each
def test_03_the_transform_and_hook_for_blue_green_are_not_used(variant: str) -> None:
    for template in stacks(variant).values():
        assert "Transform" not in template
        assert "Hooks" not in template


@each
def test_04_the_desired_count_is_left_to_scaling_once_there_is_an_image(variant: str) -> None:
    count = only(service(variant), "ECS::Service")["DesiredCount"]
    assert count == {"Fn::If": ["IsDeployed", {"Ref": "AWS::NoValue"}, 0]}


def test_05_a_shift_that_cloudformation_would_refuse_for_its_length_is_refused_here() -> None:
    said = refused("aws: {strategy: {linear: {percent: 3, every: 60m}}, bake: 2h}")
    assert "longer than the 33 hours" in said
    assert refused("aws: {strategy: {linear: {percent: 10, every: 60m}}, bake: 2h}") == ""


# --- 3.2 capacity and scaling --------------------------------------------------------------------


@each_codedeploy
def test_06_the_appspec_repeats_the_capacity_provider_strategy(variant: str) -> None:
    template = service(variant)
    properties = settings(template, "AppSpec")["Resources"][0]["TargetService"]["Properties"]
    own = only(template, "ECS::Service")["CapacityProviderStrategy"]
    assert properties["CapacityProviderStrategy"] == [
        {**one, "CapacityProvider": one["CapacityProvider"]["Fn::ImportValue"]} for one in own
    ]
    assert len(own) == 2


@each
def test_07_no_policy_reads_the_requests_of_one_target_group(variant: str) -> None:
    policies = of_type(service(variant), "ApplicationAutoScaling::ScalingPolicy")
    assert policies
    assert "ALBRequestCountPerTarget" not in json.dumps(policies)


@each_codedeploy
def test_07_scaling_is_held_during_a_codedeploy_deployment_and_always_let_go(variant: str) -> None:
    template = service(variant)
    deploy = only(template, "CodePipeline::Pipeline")["Stages"][-1]["Actions"]
    assert json.loads(ours_parameters(deploy[0]))["task"] == "prepare"
    moves = of_type(template, "Events::Rule")["DeploymentMoves"]
    states = moves["EventPattern"]["detail"]["state"]
    assert states == ["START", "SUCCESS", "FAILURE", "STOP"]
    assert moves["ScheduleExpression"] == "rate(10 minutes)"  # for an event that never comes
    joined = moves["Targets"][0]["Input"]["Fn::Join"][1]
    asked = json.loads("".join(part if isinstance(part, str) else "?" for part in joined))
    name = app(variant).services[-1].name
    assert asked == {"task": "settle", "service": name, "application": "?", "group": "?"}


@each
def test_07_the_alarms_cover_both_colours(variant: str) -> None:
    text = json.dumps(of_type(service(variant), "CloudWatch::Alarm"))
    assert text.count('"BlueGroup"') == text.count('"GreenGroup"') > 0


def test_07_an_idle_colour_without_hosts_raises_no_alarm() -> None:
    alarms = of_type(service("codedeploy-ec2", "cats"), "CloudWatch::Alarm")
    (total,) = [m for m in alarms["AlarmHosts"]["Metrics"] if m["Id"] == "result"]
    assert total["Expression"] == "FILL(m0, 0) + FILL(m1, 0)"


@each_ec2
def test_08_instances_drain_on_a_spot_notice_and_tasks_reach_no_metadata(variant: str) -> None:
    data = only(platform(variant), "EC2::LaunchTemplate")["LaunchTemplateData"]
    script = data["UserData"]["Fn::Base64"]["Fn::Sub"]
    assert "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true" in script
    assert "ECS_AWSVPC_BLOCK_IMDS=true" in script


@each_ec2
def test_09_protected_instances_are_known_to_down_by_their_groups(variant: str) -> None:
    template = platform(variant)
    assert {"OnDemandGroupName", "SpotGroupName"} <= template["Outputs"].keys()
    for group in of_type(template, "AutoScaling::AutoScalingGroup").values():
        assert group["NewInstancesProtectedFromScaleIn"] is True
    for provider in of_type(template, "ECS::CapacityProvider").values():
        own = provider["AutoScalingGroupProvider"]
        assert own["ManagedTerminationProtection"] == "ENABLED"
        assert own["ManagedDraining"] == "ENABLED"
        assert own["ManagedScaling"]["Status"] == "ENABLED"


@each
def test_10_the_base_is_on_demand_and_only_one_provider_has_one(variant: str) -> None:
    first, *rest = only(service(variant), "ECS::Service")["CapacityProviderStrategy"]
    known = app(variant)
    assert first["Base"] == fit.fleet_of(known, known.services[-1]).base >= 1
    assert all(one["Base"] == 0 for one in rest)
    providers = [one["CapacityProvider"]["Fn::ImportValue"] for one in (first, *rest)]
    assert providers[0].endswith("OnDemandProvider")
    assert all(one.endswith("SpotProvider") for one in providers[1:])


@each_ec2
def test_10_one_group_of_instances_is_on_demand_and_the_other_spot(variant: str) -> None:
    groups = of_type(platform(variant), "AutoScaling::AutoScalingGroup")
    shares = {}
    for name, group in groups.items():
        policy = group["MixedInstancesPolicy"]
        spread = policy["InstancesDistribution"]
        assert "OnDemandBaseCapacity" not in spread
        assert spread["SpotAllocationStrategy"] == "price-capacity-optimized"
        assert len(policy["LaunchTemplate"]["Overrides"]) >= 4
        shares[name] = spread["OnDemandPercentageAboveBaseCapacity"]
    assert shares == {"OnDemandGroup": 100, "SpotGroup": 0}


@each
def test_11_what_a_delete_leaves_is_chosen_by_protect(variant: str) -> None:
    kept = {
        resource.get("DeletionPolicy")
        for _, _, resource in everything(variant)
        if resource["Type"] in ("AWS::S3::Bucket", "AWS::ECR::Repository", "AWS::Logs::LogGroup")
    }
    assert kept == {"Retain" if app(variant).aws.protect else "Delete"}


# --- 3.3 traffic, hooks, roles -------------------------------------------------------------------


@each_native
def test_12_a_native_service_has_a_rule_on_each_listener_a_pair_and_a_role(variant: str) -> None:
    (balancer,) = only(service(variant), "ECS::Service")["LoadBalancers"]
    assert balancer["TargetGroupArn"] == {"Ref": "BlueGroup"}
    assert balancer["AdvancedConfiguration"] == {
        "AlternateTargetGroupArn": {"Ref": "GreenGroup"},
        "ProductionListenerRule": {"Ref": "ProductionRule"},
        "TestListenerRule": {"Ref": "TestRule"},
        "RoleArn": {"Fn::GetAtt": ["InfrastructureRole", "Arn"]},
    }


def test_12_routes_that_do_not_fit_one_rule_are_refused() -> None:
    text = "app: x\nservices: {web: {routes: [/a, /b, /c]}}"
    (said,) = problems(loads(text))
    assert said == (
        "services.web.routes: they do not fit one listener rule: the same headers, "
        "five values in all"
    )


@each_codedeploy
def test_13_both_target_groups_are_behind_both_listeners_for_codedeploy(variant: str) -> None:
    template = service(variant)
    group = only(template, "CodeDeploy::DeploymentGroup")
    (pair,) = group["LoadBalancerInfo"]["TargetGroupPairInfoList"]
    assert len(pair["ProdTrafficRoute"]["ListenerArns"]) == 1  # CodeDeploy takes one
    assert pair["TestTrafficRoute"]["ListenerArns"] != pair["ProdTrafficRoute"]["ListenerArns"]
    assert len(pair["TargetGroups"]) == 2
    assert {"ProductionRule", "TestRule"} <= set(template["Resources"]["Service"]["DependsOn"])


def test_14_a_deployment_without_a_pause_never_waits_to_be_stopped() -> None:
    times = only(service("codedeploy-fargate"), "CodeDeploy::DeploymentGroup")
    ready = times["BlueGreenDeploymentConfiguration"]["DeploymentReadyOption"]
    assert ready == {"ActionOnTimeout": "CONTINUE_DEPLOYMENT"}


def test_14_a_pause_becomes_codedeploys_ready_wait() -> None:
    times = only(service("codedeploy-ec2", "cats"), "CodeDeploy::DeploymentGroup")
    ready = times["BlueGreenDeploymentConfiguration"]["DeploymentReadyOption"]
    assert ready == {"ActionOnTimeout": "STOP_DEPLOYMENT", "WaitTimeInMinutes": 60}


@each
def test_15_the_load_balancer_is_an_application_one_and_a_service_has_one_group(
    variant: str,
) -> None:
    assert only(platform(variant), "ElasticLoadBalancingV2::LoadBalancer")["Type"] == "application"
    found = only(service(variant), "ECS::Service")
    assert len(found["LoadBalancers"]) == 1
    assert "ServiceConnectConfiguration" not in found


def test_16_a_pause_becomes_a_pause_hook_of_ecs() -> None:
    found = only(service("native-ec2"), "ECS::Service")["DeploymentConfiguration"]
    assert found["LifecycleHooks"][-1] == {
        "TargetType": "PAUSE",
        "LifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
        "TimeoutConfiguration": {"Action": "ROLLBACK", "TimeoutInMinutes": 120},
    }


def test_16_a_hook_that_nothing_could_run_is_refused() -> None:
    hooks = "[{stage: POST_SCALE_UP, name: warm, command: ./warm}]"
    assert "there is no machine of ours" in refused(f"deployment: {{hooks: {hooks}}}")


@each
def test_17_what_rollback_needs_is_told(variant: str) -> None:
    outputs = service(variant)["Outputs"].keys()
    assert {"ServiceArn", "TaskFamily", "Controller", "PipelineName"} <= outputs
    if variant in CODEDEPLOY:
        assert {"DeploymentApplicationName", "DeploymentGroupName"} <= outputs


@each
def test_18_every_deploy_names_the_image_by_digest(variant: str) -> None:
    stages = only(service(variant), "CodePipeline::Pipeline")["Stages"]
    ours = [a for s in stages for a in s["Actions"] if a["ActionTypeId"]["Provider"] == "Lambda"]
    for action in ours:
        asked = json.loads(ours_parameters(action))
        assert asked["digest"] == "#{Build.IMAGE_DIGEST}"
        assert asked["image"] == "#{Build.IMAGE}"
    assert "EcsDeploy" not in json.dumps(stages)
    commands = "\n".join(spec_of(variant)["phases"]["build"]["commands"])
    assert 'IMAGE="$REPOSITORY@$IMAGE_DIGEST"' in commands
    assert "--sbom=true" in commands
    assert f'"s3://$EVIDENCE/sbom/{app(variant).services[-1].name}/' in commands


def ours_parameters(action: dict[str, Any]) -> str:
    """The `UserParameters` of an action, with `?` for what only CloudFormation knows."""
    value = action["Configuration"]["UserParameters"]
    parts = value["Fn::Join"][1] if isinstance(value, dict) else [value]
    return "".join(p if isinstance(p, str) else "?" for p in parts)


def spec_of(variant: str) -> dict[str, Any]:
    """The build's specification."""
    found: dict[str, Any] = json.loads(
        only(service(variant), "CodeBuild::Project")["Source"]["BuildSpec"]
    )
    return found


@each
def test_19_the_gate_is_an_action_that_waits_and_no_loop_in_a_build(variant: str) -> None:
    stages = [s["Name"] for s in only(service(variant), "CodePipeline::Pipeline")["Stages"]]
    assert stages.index("Build") < stages.index("Gate") < stages.index("Deploy")
    commands = "\n".join(spec_of(variant)["phases"]["build"]["commands"])
    assert not re.search(r"\b(while|until|sleep|describe-image-scan)\b", commands)


@each
def test_20_a_first_stack_needs_no_image(variant: str) -> None:
    template = service(variant)
    assert template["Parameters"]["LiveImage"]["Default"] == ""
    least = only(template, "ApplicationAutoScaling::ScalableTarget")["MinCapacity"]
    assert least == {"Fn::If": ["IsDeployed", app(variant).services[0].count.minimum, 0]}


def test_20_the_connection_and_the_token_are_told_apart() -> None:
    assert "ConnectionArn" in platform("native-fargate")["Outputs"]
    assert "ConnectionArn" not in platform("codedeploy-ec2")["Outputs"]
    source = only(service("codedeploy-ec2"), "CodePipeline::Pipeline")["Stages"][0]["Actions"][0]
    token = source["Configuration"]["OAuthToken"]
    assert token == "{{resolve:secretsmanager:tidegate/catsndogs/github-token}}"


def test_21_more_services_than_a_load_balancer_takes_are_refused() -> None:
    many = "".join(f"  s{n}: {{route: /s{n}}}\n" for n in range(51))
    (said,) = problems(loads(f"app: x\nservices:\n{many}"))
    assert said == "services: 51 are more than one load balancer takes: 50"


# --- 8. what the workshop's templates do badly ----------------------------------------------------


@each
def test_no_policy_gives_every_action_of_a_service(variant: str) -> None:
    for stack, logical, resource in everything(variant):
        if resource["Type"] != "AWS::IAM::Role":
            continue
        assert "ManagedPolicyArns" not in resource["Properties"], (stack, logical)
        for policy in resource["Properties"].get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                for action in [actions] if isinstance(actions, str) else actions:
                    assert "*" not in action, (stack, logical, action)


@each
def test_a_dashboard_has_the_public_s_answers_both_colours_and_the_tasks(variant: str) -> None:
    parts = only(platform(variant), "CloudWatch::Dashboard")["DashboardBody"]["Fn::Join"][1]
    widgets = json.loads("".join(p if isinstance(p, str) else "?" for p in parts))["widgets"]
    assert [one["properties"]["title"] for one in widgets] == [
        "requests a minute",
        "5xx a minute",
        "answer time, p99",
        "requests by colour",
        "p99 by colour",
        "tasks running",
    ]


@each
def test_a_role_is_passed_by_its_path_and_to_tasks_only(variant: str) -> None:
    for stack, logical, resource in everything(variant):
        for policy in resource.get("Properties", {}).get("Policies") or ():
            for statement in policy["PolicyDocument"]["Statement"]:
                if "iam:PassRole" not in json.dumps(statement["Action"]):
                    continue
                assert "/tasks/*" in json.dumps(statement["Resource"]), (stack, logical)
                passed = statement["Condition"]["StringEquals"]["iam:PassedToService"]
                assert passed == "ecs-tasks.amazonaws.com"


@each
def test_no_secret_is_a_parameter_or_a_value(variant: str) -> None:
    for template in stacks(variant).values():
        known = template.get("Parameters", {}).keys()
        assert known <= {*ServiceParameter, *PlatformParameter}
        for token in re.findall(r'"OAuthToken": "([^"]+)"', json.dumps(template)):
            assert token.startswith("{{resolve:")


def test_a_secret_of_this_machine_is_in_no_template_and_told_to_tasks_by_reference(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2-of-this-machine")
    found = templates(loads(VARIANTS["codedeploy-ec2"]))
    assert "hunter2" not in json.dumps(found)
    (container,) = only(found["tidegate-catsndogs-svc-cats"], "ECS::TaskDefinition")[
        "ContainerDefinitions"
    ]
    (secret,) = container["Secrets"]
    assert secret["Name"] == "DB_PASSWORD"
    assert "/tidegate/catsndogs/secrets/cats/DB_PASSWORD" in json.dumps(secret["ValueFrom"])
    assert "DB_PASSWORD" not in json.dumps(container.get("Environment", []))


@each
def test_no_credential_reaches_the_log_of_a_build(variant: str) -> None:
    spec = spec_of(variant)
    commands = [c for phase in spec["phases"].values() for c in phase["commands"]]
    (login,) = (line for line in commands if "get-login-password" in line)
    assert login.startswith("aws ecr get-login-password | docker login ")
    assert "--password-stdin" in login
    assert not re.search(r"set -\w*x|\b(env|printenv)\b", "\n".join(commands))
    project = only(service(variant), "CodeBuild::Project")
    kinds = {one.get("Type", "PLAINTEXT") for one in project["Environment"]["EnvironmentVariables"]}
    names = {one["Name"] for one in project["Environment"]["EnvironmentVariables"]}
    assert (kinds, names) == ({"PLAINTEXT"}, {"REPOSITORY", "EVIDENCE"})


def test_the_webhook_is_signed_with_a_secret_of_its_own() -> None:
    template = service("codedeploy-ec2")
    hook = only(template, "CodePipeline::Webhook")
    assert "WebhookSecret" in json.dumps(hook["AuthenticationConfiguration"])
    assert hook["Filters"] == [{"JsonPath": "$.ref", "MatchEquals": "refs/heads/main"}]


@each
def test_the_build_is_given_no_credentials_and_may_push_to_one_repository(variant: str) -> None:
    template = service(variant)
    assert "AWS_CONTAINER_CREDENTIALS" not in json.dumps(template)
    (policy,) = template["Resources"]["BuildRole"]["Properties"]["Policies"]
    for statement in policy["PolicyDocument"]["Statement"]:
        if "ecr:PutImage" in statement["Action"]:
            assert statement["Resource"] == [{"Fn::GetAtt": ["Repository", "Arn"]}]


@each
def test_what_a_push_goes_through_is_not_in_the_repository(variant: str) -> None:
    assert "buildspec.yml" not in json.dumps(service(variant))
    assert spec_of(variant)["phases"]["build"]["commands"]


@each
def test_every_bucket_is_private_encrypted_versioned_and_tls_only(variant: str) -> None:
    template = platform(variant)
    for name, bucket in of_type(template, "S3::Bucket").items():
        assert all(bucket["PublicAccessBlockConfiguration"].values())
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["LifecycleConfiguration"]["Rules"]
        assert "BucketName" not in bucket
        policy = template["Resources"][f"{name}Policy"]["Properties"]["PolicyDocument"]
        denied = [s for s in policy["Statement"] if s["Effect"] == "Deny"]
        assert denied[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


@each
def test_images_are_scanned_on_push_and_their_tags_never_move(variant: str) -> None:
    found = only(service(variant), "ECR::Repository")
    assert found["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert found["ImageTagMutability"] == "IMMUTABLE"
    assert found["LifecyclePolicy"]


def test_with_a_certificate_http_is_only_redirected() -> None:
    listeners = of_type(platform("codedeploy-ec2"), "ElasticLoadBalancingV2::Listener")
    assert {n: o["Protocol"] for n, o in listeners.items()} == {
        "RedirectListener": "HTTP",
        "Listener": "HTTPS",
        "TestListener": "HTTPS",
    }
    assert listeners["RedirectListener"]["DefaultActions"][0]["Type"] == "redirect"
    assert listeners["Listener"]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2")


@each
def test_tasks_and_load_balancer_have_security_groups_of_their_own(variant: str) -> None:
    template = platform(variant)
    tasks = template["Resources"]["TaskGroup"]["Properties"]
    assert "SecurityGroupIngress" not in tasks
    for rule in of_type(template, "EC2::SecurityGroupIngress").values():
        assert rule["GroupId"] == {"Fn::GetAtt": ["TaskGroup", "GroupId"]}
        assert rule["SourceSecurityGroupId"] == {"Fn::GetAtt": ["LoadBalancerGroup", "GroupId"]}
        assert rule["FromPort"] == rule["ToPort"]


@each
def test_the_test_listener_is_not_the_publics(variant: str) -> None:
    rules = platform(variant)["Resources"]["LoadBalancerGroup"]["Properties"]
    public = [r["FromPort"] for r in rules["SecurityGroupIngress"] if r["CidrIp"] == "0.0.0.0/0"]
    assert set(public) <= {80, 443}


@each
def test_task_and_execution_have_roles_of_their_own_for_tasks_only(variant: str) -> None:
    template = service(variant)
    definition = only(template, "ECS::TaskDefinition")
    assert definition["ExecutionRoleArn"] != definition["TaskRoleArn"]
    for name in ("TaskRole", "ExecutionRole"):
        trust = template["Resources"][name]["Properties"]["AssumeRolePolicyDocument"]
        assert trust["Statement"][0]["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert "Policies" not in template["Resources"]["TaskRole"]["Properties"]


@each
def test_containers_have_what_the_file_says_and_no_more(variant: str) -> None:
    (container,) = only(service(variant), "ECS::TaskDefinition")["ContainerDefinitions"]
    assert container["ReadonlyRootFilesystem"] is True
    assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    assert container.get("Privileged") is None


@each
def test_the_container_that_takes_traffic_is_the_one_in_the_task_definition(variant: str) -> None:
    template = service(variant)
    (container,) = only(template, "ECS::TaskDefinition")["ContainerDefinitions"]
    (balancer,) = only(template, "ECS::Service")["LoadBalancers"]
    assert balancer["ContainerName"] == container["Name"]
    registered = settings(template, "TaskTemplate")["containerDefinitions"][0]
    assert registered["name"] == container["Name"]
    assert registered["image"] == "<IMAGE1_NAME>"


@each
def test_there_is_no_custom_resource_and_no_function_of_somebody_else(variant: str) -> None:
    for _, logical, resource in everything(variant):
        assert not resource["Type"].startswith(("Custom::", "AWS::CloudFormation::")), logical


@each
def test_nothing_has_a_name_that_blocks_its_replacement(variant: str) -> None:
    named = {"Name", "ClusterName", "ServiceName", "RoleName", "TopicName", "FunctionName"}
    free = ("AWS::SSM::Parameter", "AWS::Lambda::Permission", "AWS::EC2::VPCEndpoint")
    for stack, logical, resource in everything(variant):
        if resource["Type"] not in free:
            assert not named & resource.get("Properties", {}).keys(), (stack, logical)


@each
def test_every_log_is_forgotten_one_day_and_encrypted(variant: str) -> None:
    groups = [r for _, _, r in everything(variant) if r["Type"] == "AWS::Logs::LogGroup"]
    assert len(groups) > 4
    assert all(g["Properties"]["RetentionInDays"] == 30 for g in groups)
    assert all(g["Properties"]["KmsKeyId"] for g in groups)


@each
def test_everything_that_can_be_tagged_says_whose_it_is(variant: str) -> None:
    for _, logical, resource in everything(variant):
        tags = resource.get("Properties", {}).get("Tags")
        if isinstance(tags, list):
            assert "tidegate:app" in {tag["Key"] for tag in tags}, logical


def test_a_budget_speaks_before_the_money_is_gone() -> None:
    found = only(platform("codedeploy-ec2"), "Budgets::Budget")
    assert found["Budget"]["BudgetLimit"] == {"Amount": 150, "Unit": "USD"}
    assert found["Budget"]["CostFilters"] == {"TagKeyValue": ["user:tidegate:app$catsndogs"]}
    told = found["NotificationsWithSubscribers"]
    rules = [(one["Notification"]["NotificationType"], one["Notification"]) for one in told]
    assert [(kind, rule["Threshold"]) for kind, rule in rules] == [
        ("ACTUAL", 80),
        ("FORECASTED", 100),
    ]
    assert all(one["Subscribers"][0]["Address"] == {"Ref": "Topic"} for one in told)
    assert not of_type(platform("native-fargate"), "Budgets::Budget")


@each_ec2
def test_instances_speak_imdsv2_only_and_have_encrypted_disks(variant: str) -> None:
    data = only(platform(variant), "EC2::LaunchTemplate")["LaunchTemplateData"]
    assert data["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    assert data["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    assert "KeyName" not in data
