"""A job that CodePipeline gives to a Lambda function, and the three answers to it.

Source: CodePipeline user guide, "Invoke an AWS Lambda function in a pipeline".
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

from tidegate.aws.account import Account
from tidegate.core.errors import TidegateError

_MOST_SUMMARY, _MOST_MESSAGE = 2_000, 4_900  # the API takes 2,048 and 5,000 characters


@dataclass(frozen=True, slots=True)
class Job:
    """`request` is the action's `UserParameters`.

    `token` is what the last answer `Wait` gave, empty at the first call. `output` is where the
    action's output artifact goes, as (bucket, key), or None.
    """

    id: str
    request: Mapping[str, str]
    token: Mapping[str, Any] = field(default_factory=dict)
    output: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The action has succeeded. `variables` are its output variables."""

    summary: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """CodePipeline is to call again in a while, with this token."""

    summary: str
    token: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """The action has failed, and why."""

    reason: str


Answer = Done | Wait | Refused


def job_of(event: Mapping[str, Any]) -> Job:
    """The job in a Lambda event. Raises KeyError or ValueError for another event."""
    job = event["CodePipeline.job"]
    data = job["data"]
    configuration = data["actionConfiguration"]["configuration"]
    outputs = data.get("outputArtifacts") or ()
    places = [artifact["location"]["s3Location"] for artifact in outputs]
    return Job(
        job["id"],
        json.loads(configuration.get("UserParameters") or "{}"),
        json.loads(data.get("continuationToken") or "{}"),
        (places[0]["bucketName"], places[0]["objectKey"]) if places else None,
    )


def answer(account: Account, job: Job, decided: Answer) -> None:
    """Tell CodePipeline."""
    match decided:
        case Done(summary, variables):
            details = {"summary": summary[:_MOST_SUMMARY]}
            more = {"outputVariables": dict(variables)} if variables else {}
            ask = {"jobId": job.id, "executionDetails": details, **more}
            account.ask("codepipeline", "put_job_success_result", **ask)
        case Wait(summary, token):
            text = json.dumps(dict(token), separators=(",", ":"))
            details = {"summary": summary[:_MOST_SUMMARY]}
            ask = {"jobId": job.id, "executionDetails": details, "continuationToken": text}
            account.ask("codepipeline", "put_job_success_result", **ask)
        case Refused(reason):
            failure = {"type": "JobFailed", "message": reason[:_MOST_MESSAGE]}
            account.ask(
                "codepipeline", "put_job_failure_result", jobId=job.id, failureDetails=failure
            )
        case _:
            assert_never(decided)


def work(account: Account, event: Mapping[str, Any], decide: Callable[[Job], Answer]) -> Answer:
    """Answer the job in `event` by what `decide` says; whatever goes wrong is a failed action.

    A job that nobody answers would hold its pipeline for an hour and then say nothing.
    """
    job = job_of(event)
    try:
        decided = decide(job)
    except TidegateError as error:
        decided = Refused(str(error))
    except Exception as fault:  # noqa: BLE001 — the outermost boundary; it is told
        decided = Refused(f"a fault of Tidegate: {type(fault).__name__}: {fault}")
    answer(account, job, decided)
    return decided
