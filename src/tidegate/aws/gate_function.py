"""The scan gate as an action of CodePipeline: ECR's findings in, `core.gate`'s verdict out.

The rule is the one that runs on one machine; only where findings come from, and where the evidence
goes, differs. Waiting is a continuation token, never a loop: a call takes seconds and remembers
nothing. Whatever is missing at the end of patience is no evidence, and no evidence does not pass.
"""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tidegate.aws import running
from tidegate.aws.account import Account
from tidegate.aws.faults import code_of, message_of
from tidegate.aws.names import Environment, Names, Request
from tidegate.aws.pipeline_job import Answer, Done, Job, Refused, Wait, work
from tidegate.aws.settings import gate_policy, service_settings
from tidegate.core import gate
from tidegate.core.errors import AccountError, CloudFailed
from tidegate.core.findings import ScanReport
from tidegate.core.gate_record import grounds
from tidegate.core.model import GatePolicy
from tidegate.core.plain import plain
from tidegate.core.waivers import in_scope
from tidegate.scan.adapters import ecr

PATIENCE_S = 1_200
"""How long a scan may take from the action's first call. Enhanced scans of large images take
some ten minutes."""
_FRESH_S = 180  # so long a pushed image, or its scan, may not be known yet
_AGAIN_S = 60  # an empty answer must hold so long before it is believed


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says of one digest, and all that it was decided on."""

    judgement: gate.Judgement
    report: ScanReport
    policy: GatePolicy
    at: int

    def evidence(self, request: Mapping[str, str]) -> dict[str, Any]:
        """What is kept: plain JSON."""
        return {
            "verdict": self.judgement.kind.value,
            "allowed": self.judgement.allowed,
            "reason": self.judgement.reason,
            "at": self.at,
            "request": dict(request),
            "policy": plain(self.policy),
            "grounds": plain(grounds(self.policy, self.report, self.judgement)),
            "report": plain(self.report),
        }


def handler(event: Mapping[str, Any], _context: Any) -> None:
    """Lambda's entry point."""
    import boto3

    account = Account(boto3.Session(), os.environ["AWS_REGION"])
    now = round(time.time() * 1_000)
    work(account, event, lambda job: decide(account, job, os.environ, now))


def decide(account: Account, job: Job, environ: Mapping[str, str], now: int) -> Answer:
    """The answer to the job at `now` (ms): go on, wait, or refuse."""
    policy = gate_policy(account, environ[Environment.GATE_PARAMETER])
    digest = job.request[Request.DIGEST]
    since = int(job.token.get("since", now))
    report = look(account, job, digest, now - since)
    if isinstance(report, ecr.Wait):
        if now - since < PATIENCE_S * 1_000:
            empty_since = int(job.token.get("empty_since", now)) if report.empty else None
            token = {"since": since} | ({"empty_since": empty_since} if empty_since else {})
            return Wait(f"{report.reason}; waits since {(now - since) // 1_000} s", token)
        report = ecr.overdue(digest, report, PATIENCE_S)
    waivers = in_scope(policy.waivers, job.request[Request.SERVICE], digest)
    judgement = gate.judge(policy, report, _baseline(account, job, environ), waivers, now)
    _keep(account, job, environ, Verdict(judgement, report, policy, now))
    said = f"the gate says {judgement.kind.value}: {judgement.reason}"
    if not judgement.may_run:
        return Refused(said)
    return Done(said, {"Verdict": judgement.kind.value, "Digest": digest})


def _baseline(account: Account, job: Job, environ: Mapping[str, str]) -> ScanReport | None:
    """What ECR knows now of the image that runs, so that old findings are told from new ones.

    None when nothing runs or it cannot be told: then every finding is new, which is stricter.
    """
    path = environ[Environment.SERVICES_PATH]
    try:
        known = service_settings(account, path, job.request[Request.SERVICE])
        service = running.described(account, known.cluster, known.ecs_service)
        image = running.image(account, running.task_definition(service))
    except (AccountError, CloudFailed):
        return None
    digest = image.partition("@")[2]
    report = look(account, job, digest, _FRESH_S * 1_000) if digest else None
    return report if isinstance(report, ScanReport) and report.findings is not None else None


def look(account: Account, job: Job, digest: str, waited_ms: int) -> ScanReport | ecr.Wait:
    """What ECR knows of an image now. Raises `AccountError` when it may not be asked."""
    image = {"repositoryName": job.request[Request.REPOSITORY], "imageId": {"imageDigest": digest}}
    pages: list[Mapping[str, Any]] = []
    more: dict[str, str] = {}
    try:
        while True:
            answer = account.ask("ecr", "describe_image_scan_findings", **image, **more)
            pages.append(answer)
            if not answer.get("nextToken"):
                break
            more = {"nextToken": answer["nextToken"]}
    except CloudFailed as error:
        fresh = waited_ms < _FRESH_S * 1_000
        return ecr.refusal(digest, code_of(error) or "no answer", message_of(error), fresh=fresh)
    report = ecr.report(digest, pages, again=_held(job, waited_ms))
    return report if isinstance(report, ecr.Wait) else replace(report, data=_data(report, pages))


def _data(report: ScanReport, pages: list[Mapping[str, Any]]) -> str:
    """What names the vulnerability data: two images are compared only on the same.

    ACTIVE is enhanced scanning that keeps findings up, so those of all images are of today.
    """
    if pages[-1].get("imageScanStatus", {}).get("status") == "ACTIVE":
        return "ecr enhanced, kept up"
    return f"{report.scanner} of {report.data_at}" if report.data_at else ""


def _held(job: Job, waited_ms: int) -> bool:
    """Whether an empty answer has stood for long enough."""
    since, empty_since = job.token.get("since"), job.token.get("empty_since")
    if since is None or empty_since is None:
        return False
    return int(since) + waited_ms - int(empty_since) >= _AGAIN_S * 1_000


def _keep(account: Account, job: Job, environ: Mapping[str, str], verdict: Verdict) -> None:
    """Store the evidence. What cannot be shown later is not passed now."""
    key = Names.evidence_key(job.request[Request.SERVICE], job.request[Request.DIGEST])
    body = json.dumps(verdict.evidence(job.request), indent=1, sort_keys=True).encode()
    bucket = environ[Environment.EVIDENCE_BUCKET]
    try:
        ask = {"Bucket": bucket, "Key": key, "ContentType": "application/json"}
        account.ask("s3", "put_object", Body=body, **ask)
    except (AccountError, CloudFailed) as error:
        raise CloudFailed(
            "the gate's evidence cannot be stored, so nothing is passed",
            cause=error.what,
            where=f"s3://{bucket}/{key}",
            code="TG977",
        ) from error
