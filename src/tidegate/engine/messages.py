"""What a follower of an execution is told, message by message; each is one line of JSON."""

from typing import Literal, NotRequired, TypedDict

Until = Literal["gate", "end", "rest"]
"""How far an execution is followed: to the start of its approval or deployment, to its end, or
from that start to its end."""


class Line(TypedDict):
    """One line of a stage's log."""

    kind: Literal["line"]
    stage: str
    text: str


class Happened(TypedDict):
    """One entry of the journal; `at` in ms, `type` the event's name, `text` its sentence."""

    kind: Literal["event"]
    seq: int
    at: int
    type: str
    text: str


class End(TypedDict):
    """The last message. `outcome` is None when the follower only asked to come so far."""

    kind: Literal["end"]
    outcome: str | None
    exit_code: int
    reason: str


Message = Line | Happened | End


class Revision(TypedDict):
    """What goes into the pipeline: a commit, its subject, what triggered it, who, and its branch.

    `trigger` is push, deploy or webhook.
    """

    commit: str
    subject: NotRequired[str]
    trigger: NotRequired[str]
    by: NotRequired[str]
    branch: NotRequired[str]


def one_line(text: str) -> str:
    """`text` as one line of printable characters, at most 200: it is shown on terminals."""
    return "".join(c if c.isprintable() else " " for c in text)[:200].strip()


class LogLine(TypedDict):
    """One line of a log; `source` is the task or the stage that wrote it."""

    source: str
    text: str
