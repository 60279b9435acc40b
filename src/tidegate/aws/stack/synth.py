"""From an app to its templates: one CDK app, one stack for each template."""

from importlib.metadata import version
from typing import Any

from aws_cdk import App as CdkApp
from aws_cdk import DefaultStackSynthesizer, Stack, Tags

from tidegate.aws.names import TAG_APP, TAG_SERVICE, TAG_VERSION, Names
from tidegate.aws.refusals import check
from tidegate.aws.stack import functions
from tidegate.aws.stack.platform import platform
from tidegate.aws.stack.service import service_stack
from tidegate.core.model import App

_CONTEXT = {
    "@aws-cdk/core:failSynthOnValidationErrors": False,
    "@aws-cdk/core:disableAssetMetadata": True,
}


def build(app: App) -> CdkApp:
    """The CDK app. Raises `ConfigurationError` for what AWS cannot do."""
    check(app)
    cdk = CdkApp(
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
        context=_CONTEXT,
        tree_metadata=False,
    )
    names = Names(app.name)
    platform(_stack(cdk, names.platform_stack, app, f"{app.name}: what its services share"), app)
    functions.gate(_stack(cdk, names.gate_stack, app, f"{app.name}: the gate"), app)
    functions.deploy(_stack(cdk, names.deploy_stack, app, f"{app.name}: who deploys"), app)
    for service in app.services:
        said = f"{app.name}: the service {service.name}"
        stack = _stack(cdk, names.service_stack(service.name), app, said)
        service_stack(stack, app, service)
        Tags.of(stack).add(TAG_SERVICE, service.name)
    Tags.of(cdk).add(TAG_APP, app.name)
    Tags.of(cdk).add(TAG_VERSION, version("tidegate"))
    return cdk


def templates(app: App) -> dict[str, dict[str, Any]]:
    """Each stack's template by the stack's name, in the order in which they are made."""
    assembly = build(app).synth()
    names = Names(app.name)
    wanted = [*names.shared_stacks, *(names.service_stack(s.name) for s in app.services)]
    return {name: assembly.get_stack_by_name(name).template for name in wanted}


def _stack(cdk: CdkApp, name: str, app: App, description: str) -> Stack:
    return Stack(
        cdk,
        name,
        stack_name=name,
        description=description,
        synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        termination_protection=app.aws.protect,
    )
