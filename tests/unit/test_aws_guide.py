"""Each command that the pages about AWS name is one that can be typed: ours, or AWS's."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer
from botocore import xform_name
from botocore.exceptions import UnknownServiceError

from tidegate.cli.main import app
from tidegate.cli.tree import Standing

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("aws.md", "aws-operating.md", "aws-unproven.md")
_SPANS = re.compile(r"`((?:aws|tidegate|python -m tidegate)\b[^`]*)`")
_GLOBAL = {"--region", "--output", "--query", "--profile"}
_HIGH_LEVEL = {("s3", "ls"), ("sso", "login"), ("configure", "sso")}
"""Commands of the AWS CLI that are no operation of an API."""


def commands(program: str) -> list[str]:
    """Every command line of that program on the pages, the parts of `a && b` each for itself."""
    found: dict[str, None] = {}
    for page in PAGES:
        for span in _SPANS.findall((DOCS / page).read_text()):
            for part in span.split(" && "):
                if part.startswith(f"{program} "):
                    found[part.strip()] = None
    return list(found)


@cache
def operations(service: str) -> dict[str, Any]:
    """The operations of an API by the AWS CLI's names."""
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    model = boto3.Session(**keys).client(service).meta.service_model
    return {xform_name(one, "-"): model.operation_model(one) for one in model.operation_names}


def wrong(words: list[str]) -> str:
    """What the AWS CLI would not take of these words, or nothing."""
    service, operation, *rest = words
    if (service, operation) in _HIGH_LEVEL:
        return ""
    try:
        known = operations("codedeploy" if service == "deploy" else service)
    except UnknownServiceError:
        return f"no service {service}"
    if operation not in known:
        return f"{service} has no operation {operation}"
    members = known[operation].input_shape.members if known[operation].input_shape else {}
    taken = {f"--{xform_name(one, '-')}" for one in members} | _GLOBAL
    flags = [word for word in rest if word.startswith("--")]
    return ", ".join(flag for flag in flags if flag not in taken)


@pytest.mark.parametrize("line", commands("aws"))
def test_an_aws_command_of_the_pages_is_in_botocore_s_models(line: str) -> None:
    assert wrong(shlex.split(line)[1:]) == ""


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ecs list-service-deployment --cluster x", "ecs has no operation list-service-deployment"),
        ("ecs list-service-deployments --cluter x", "--cluter"),
        ("esc list-services", "no service esc"),
    ],
)
def test_a_command_that_nobody_can_type_is_seen(line: str, why: str) -> None:
    assert wrong(line.split()) == why


@pytest.mark.parametrize("line", commands("tidegate"))
def test_a_command_of_ours_on_the_pages_parses(line: str) -> None:
    command: Any = typer.main.get_command(app)
    words = shlex.split(line)[1:]
    while hasattr(command, "get_command") and words:
        name, *words = words
        found = command.get_command(None, name)
        assert found is not None, name
        command = found.loaded() if isinstance(found, Standing) else found
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    assert {word for word in words if word.startswith("-")} <= known


def test_the_pages_name_commands_of_both() -> None:
    assert len(commands("aws")) > 20
    assert len(commands("tidegate")) > 20
