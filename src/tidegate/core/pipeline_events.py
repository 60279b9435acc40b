"""What happens to an execution, in the past tense, and the words for its stages and its end."""

from dataclasses import dataclass
from enum import StrEnum

from tidegate.core.grounds import NO_GROUNDS, Grounds
from tidegate.core.model import App


class PipelineStage(StrEnum):
    """The stages of an execution, in their order."""

    SOURCE = "source"
    BUILD = "build"
    TEST = "test"
    SCAN = "scan"
    APPROVE = "approve"
    DEPLOY = "deploy"


class Outcome(StrEnum):
    """How an execution or a deployment ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUSED = "refused"
    ROLLED_BACK = "rolled back"
    SUPERSEDED = "superseded"


class VerdictKind(StrEnum):
    """The gate's word. UNKNOWN is a state of its own, never a silent pass."""

    PASSED = "passed"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class ExecutionStarted:
    """A revision entered the pipeline. `trigger` is push, deploy or webhook."""

    execution: str
    commit: str
    subject: str
    trigger: str
    by: str
    app: App


@dataclass(frozen=True, slots=True)
class StageStarted:
    """The execution entered a stage."""

    execution: str
    stage: PipelineStage


@dataclass(frozen=True, slots=True)
class StageSucceeded:
    """The stage is done; `summary` is for a person."""

    execution: str
    stage: PipelineStage
    summary: str


@dataclass(frozen=True, slots=True)
class StageFailed:
    """The stage ended the execution; `reason` is for a person."""

    execution: str
    stage: PipelineStage
    reason: str


@dataclass(frozen=True, slots=True)
class ImagesBuilt:
    """(service, digest) of each image that was built."""

    execution: str
    images: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class VerdictReached:
    """What the gate decided of one digest, why, and on what grounds.

    `allowed`: it is unknown, and the app file lets such an image run.
    """

    execution: str
    service: str
    digest: str
    verdict: VerdictKind
    reason: str
    allowed: bool = False
    grounds: Grounds = NO_GROUNDS


@dataclass(frozen=True, slots=True)
class Approved:
    """Somebody let the execution go on to its deployment."""

    execution: str
    by: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Somebody refused the execution."""

    execution: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ExecutionFinished:
    """It is over, and why."""

    execution: str
    outcome: Outcome
    reason: str
