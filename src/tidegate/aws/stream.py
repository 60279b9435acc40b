"""Executions of pipelines told as they go: each stage's start and end, then one end for all."""

from collections.abc import Iterator, Sequence

from tidegate.aws.account import Account
from tidegate.aws.pace import Pace
from tidegate.aws.reading import executions, history
from tidegate.core import decision as d
from tidegate.engine.messages import End, Happened, Message, Until
from tidegate.engine.views.executions import ExecutionView

_AFTER_THE_GATE = ("approve", "prepare", "deploy")


def messages(
    account: Account, named: Sequence[executions.Named], until: Until, pace: Pace
) -> Iterator[Message | None]:
    """Until all have ended, or are past their gates with "gate". The worst of them is the end."""
    told: set[tuple[int, str]] = set()
    while True:
        views = [executions.execution(account, one) for one in named]
        for one in history.views(t for view in views for t in history.of_execution(view)):
            key = (one.at, one.text)
            if key in told or (until == "rest" and _is_before_the_gate(one.event)):
                continue
            told.add(key)
            yield Happened(kind="event", seq=one.seq, at=one.at, type=one.type, text=one.text)
        ends = [end for view in views if (end := _end(view, until))]
        if len(ends) == len(named):
            yield _worst(ends)
            return
        yield None
        pace.rest()


def _end(one: ExecutionView, until: Until) -> End | None:
    if one.outcome is not None:
        reason = f"{one.id}: {one.reason}" if one.reason else one.id
        return End(kind="end", outcome=one.outcome, exit_code=one.exit_code or 0, reason=reason)
    if until == "gate" and one.stages and one.stages[-1].stage in _AFTER_THE_GATE:
        return End(kind="end", outcome=None, exit_code=0, reason=f"{one.id} is past its gate")
    return None


def _worst(ends: Sequence[End]) -> End:
    worst = max(ends, key=lambda end: end["exit_code"])
    reason = "; ".join(end["reason"] for end in ends if end["exit_code"] == worst["exit_code"])
    return {**worst, "reason": reason}


def _is_before_the_gate(event: d.Event) -> bool:
    stage = getattr(event, "stage", None)
    return stage in (d.PipelineStage.SOURCE, d.PipelineStage.BUILD, d.PipelineStage.SCAN)
