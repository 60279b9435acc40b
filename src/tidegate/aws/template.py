"""`tidegate.yaml` as plain CloudFormation: one file for each stack, in their order."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tidegate.core.errors import ConfigurationError, SetupError
from tidegate.core.model import App

MOST_BODY_BYTES = 51_200
"""A template that is launched by its body, without a bucket (CloudFormation quotas)."""
MOST_BYTES = 1_000_000
"""A template in a bucket."""


def templates(app: App) -> dict[str, dict[str, Any]]:
    """Each stack's template by its name.

    Raises `ConfigurationError` for what AWS cannot do, `SetupError` without the extra `aws`.
    """
    from tidegate.aws.refusals import check
    from tidegate.aws.stack.node import use_node

    check(app)
    use_node()
    try:
        from tidegate.aws.stack.synth import templates as synthesised
    except ModuleNotFoundError as error:
        raise SetupError(
            "the packages for AWS are not installed",
            cause=f"there is no module {error.name}",
            remedy="pip install 'tidegate[aws]'",
            code="TG246",
        ) from error
    return synthesised(app)


def text(template: Mapping[str, Any]) -> str:
    """A template as the file that is launched: no byte more than it needs."""
    return json.dumps(template, separators=(",", ":"), ensure_ascii=False)


def write(app: App, folder: Path) -> list[Path]:
    """Write `NN-STACK.json` files into a folder, in the order in which they are launched."""
    found = templates(app)
    large = [name for name, one in found.items() if len(text(one).encode()) > MOST_BYTES]
    if large:
        raise ConfigurationError(
            f"the template of {large[0]} is larger than CloudFormation takes",
            remedy="give the service fewer routes, variables and alarms",
            code="TG271",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for number, (name, template) in enumerate(found.items(), 1):
            path = folder / f"{number:02}-{name}.json"
            path.write_text(text(template) + "\n")
            paths.append(path)
    except OSError as error:
        raise SetupError(
            "the templates cannot be written",
            cause=error.strerror or str(error),
            where=str(folder),
            remedy="name a folder that can be written: --out DIR",
            code="TG247",
        ) from error
    return paths
