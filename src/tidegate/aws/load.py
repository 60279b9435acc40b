"""The load generator as a task in the account: near the load balancer, far from this machine.

No image has to be built for it: the generator is packed from this package, lies in the artifacts
bucket by its hash, and runs as a task of CodeBuild (`PlatformOutput.LOAD_PROJECT_NAME`). The
arguments are those of `python -m tidegate.load`; its report comes back as JSON.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tidegate.aws import bundle
from tidegate.aws.account import Account
from tidegate.aws.names import Names, PlatformOutput
from tidegate.aws.pace import Pace
from tidegate.core.errors import CloudFailed, NotFound, UsageError
from tidegate.load.options import parser, plan_of
from tidegate.load.report import Report, from_json

_GONE = ("404", "NoSuchKey", "NotFound")
_REPORT = "report.json"
_UNSAFE = set(" \t\n\"'`$*?[]{}()<>|&;\\~#")
"""What the project's shell would take apart; no address and no number has any of it."""


@dataclass(frozen=True, slots=True)
class Started:
    """A load under way: the build that runs it, and where its report will be."""

    build: str
    bucket: str
    key: str


def arguments(words: Sequence[str], url: str) -> list[str]:
    """The task's words: as given, with the app's own address when they name none.

    The app's load balancer may be loaded; any other host must be named with --i-may-load, as ever.
    Raises `UsageError` here rather than in the task.
    """
    command = [*words]
    options = parser("tidegate load").parse_args(["run", *command])
    if not options.urls:
        command.append(url)
    host = urlsplit(url).netloc
    if host not in options.i_may_load:
        command += ["--i-may-load", host]
    for target in options.urls:
        asked = urlsplit(target).netloc
        if asked not in (host, *options.i_may_load):
            raise UsageError(
                f"{asked} is not the app's load balancer",
                cause=f"the app answers at {host}",
                remedy=f"if you may load it: --i-may-load {asked}",
                code="TG179",
            )
    for word in command:
        if _UNSAFE & set(word):
            raise UsageError(
                f"{word!r} cannot be handed to the task",
                cause="arguments go through a shell there; only plain words are safe",
                remedy="leave out spaces, quotes and the like",
                code="TG177",
            )
    plan_of(parser("tidegate load").parse_args(["run", *command]))
    return ["run", *command, "--out", _REPORT]


def start(account: Account, names: Names, outputs: dict[str, str], words: list[str]) -> Started:
    """Upload the generator unless it is there, and start the task. Raises `NotFound`."""
    project = outputs.get(PlatformOutput.LOAD_PROJECT_NAME)
    bucket = outputs.get(PlatformOutput.ARTIFACTS_BUCKET_NAME)
    if not project or not bucket:
        raise NotFound(
            f"the platform of {names.app} has no load generator",
            remedy="bring it up to date: tidegate up --target aws",
            code="TG748",
        )
    body = bundle.packed(["tidegate.load.__main__"])
    digest = hashlib.sha256(body).hexdigest()[:16]
    source = f"load/{digest}.zip"
    if account.find("s3", "head_object", _GONE, Bucket=bucket, Key=source) is None:
        account.ask("s3", "put_object", Bucket=bucket, Key=source, Body=body)
    run = hashlib.sha256(" ".join(words).encode() + body).hexdigest()[:8]
    report = f"load/reports/{run}.json"
    values = {
        "LOAD_SOURCE": f"s3://{bucket}/{source}",
        "LOAD_ARGUMENTS": " ".join(words),
        "LOAD_REPORT": f"s3://{bucket}/{report}",
    }
    override = [{"name": k, "value": v, "type": "PLAINTEXT"} for k, v in values.items()]
    ask = {"projectName": project, "environmentVariablesOverride": override}
    build = account.ask("codebuild", "start_build", **ask)["build"]
    return Started(build["id"], bucket, report)


def follow(account: Account, started: Started, pace: Pace) -> Iterator[str]:
    """Its phases, one a change, until it has ended. Raises `CloudFailed` when it failed."""
    phase = ""
    while True:
        build = account.ask("codebuild", "batch_get_builds", ids=[started.build])["builds"][0]
        if build.get("currentPhase", "") != phase:
            phase = build["currentPhase"]
            yield phase.lower().replace("_", " ")
        if build["buildStatus"] != "IN_PROGRESS":
            break
        pace.rest()
    if build["buildStatus"] != "SUCCEEDED":
        raise CloudFailed(
            f"the load has ended as {build['buildStatus']}",
            cause=_why(build),
            where=started.build,
            remedy="its log is in CodeBuild's console, under the project's name",
            code="TG981",
        )


def report_of(account: Account, started: Started) -> Report:
    """What the load measured."""
    ask = {"Bucket": started.bucket, "Key": started.key}
    answer = account.ask("s3", "get_object", **ask)
    return from_json(answer["Body"].read().decode())


def _why(build: dict[str, Any]) -> str:
    contexts = (c for phase in build.get("phases", ()) for c in phase.get("contexts", ()))
    return next((str(c["message"]) for c in contexts if c.get("message")), "")
