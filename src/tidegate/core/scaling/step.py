"""AWS's step scaling: how far the alarm's metric is over its threshold says how much to change.

Source: Application Auto Scaling user guide, "Step scaling policies" (bounds, adjustment types,
rounding, cooldown); CloudWatch user guide, "Alarm actions": an Auto Scaling action is invoked once
a minute while the alarm stays in ALARM.
"""

from collections.abc import Sequence

from tidegate.core.decision import AlarmState
from tidegate.core.model import Alarm, Comparison
from tidegate.core.progress import Alarmed
from tidegate.core.scaling.look import Look, Wish
from tidegate.core.scaling.policy import AdjustmentType, Aggregation, StepAdjustment, StepScaling
from tidegate.core.scaling.tracking import blocked
from tidegate.core.words import counted

INVOKED_EVERY_MS = 60_000


def due(look: Look, policy: StepScaling, alarmed: Alarmed | None) -> bool:
    """Whether the alarm is in ALARM and the policy has not acted in this minute of it."""
    if alarmed is None or alarmed.state is not AlarmState.ALARM:
        return False
    passed = (look.now - alarmed.since) // INVOKED_EVERY_MS
    since = alarmed.since + passed * INVOKED_EVERY_MS
    both = (look.state.last_out.get(policy.name), look.state.last_in.get(policy.name))
    return all(one is None or one.at < since for one in both)


def wish(
    look: Look, policy: StepScaling, alarm: Alarm, points: Sequence[float | None]
) -> Wish | None:
    """What the policy wants while its alarm is in ALARM; `points` are the alarm's datapoints."""
    real = [p for p in points if p is not None][-alarm.evaluation_periods :]
    if not real:
        return None
    value = _aggregate(policy.aggregation, real)
    step = step_for(policy.steps, value - alarm.threshold, alarm.comparison)
    if step is None:
        return None
    base = look.counts.running
    after = look.clamped(adjusted(policy, base, step.adjustment))
    if after > look.desired:
        base, after = _cooled(look, policy, step, base, after)
    elif after < look.desired and blocked(look, policy.name, policy.cooldown_ms):
        return None
    if after == look.desired or (after < look.desired and after >= base):
        return None  # what runs is not what is desired yet, and this asks for no fewer
    reason = f"alarm {alarm.name} is in ALARM with {value:.4g}: {_words(policy, step)}"
    return Wish(policy.name, after, base, reason, alarm.metric, value, tracks=False)


def _cooled(
    look: Look, policy: StepScaling, step: StepAdjustment, base: int, after: int
) -> tuple[int, int]:
    """During a cooldown the capacity just added counts: +2, then +3, adds 1."""
    last = look.state.last_out.get(policy.name)
    if last is None or look.now - last.at >= policy.cooldown_ms:
        return base, after
    wanted = look.clamped(adjusted(policy, last.base, step.adjustment))
    return (last.base, wanted) if wanted > look.desired else (base, look.desired)


def step_for(
    steps: Sequence[StepAdjustment], above: float, comparison: Comparison
) -> StepAdjustment | None:
    """The step whose interval holds `above`, the metric less the threshold.

    For a metric over the threshold the lower bound is inclusive and the upper exclusive; for one
    under it, the other way round.
    """
    high = comparison in (Comparison.GREATER, Comparison.GREATER_OR_EQUAL)
    for step in steps:
        lower = float("-inf") if step.lower is None else step.lower
        upper = float("inf") if step.upper is None else step.upper
        holds = lower <= above < upper if high else lower < above <= upper
        if holds:
            return step
    return None


def adjusted(policy: StepScaling, base: int, adjustment: int) -> int:
    """The count that a step asks for, before min and max.

    Percentages round toward zero, but never to nothing: between 0 and 1 is 1, between -1 and 0 is
    -1. `MinAdjustmentMagnitude` is the least change of a percentage.
    """
    match policy.adjustment_type:
        case AdjustmentType.EXACT:
            return adjustment
        case AdjustmentType.CHANGE:
            return base + adjustment
        case AdjustmentType.PERCENT:
            size = abs(base * adjustment) // 100
            size = max(size, 1 if base * adjustment else 0, policy.minimum_magnitude or 0)
            return base + (size if adjustment > 0 else -size)


def _aggregate(aggregation: Aggregation, values: Sequence[float]) -> float:
    match aggregation:
        case Aggregation.AVERAGE:
            return sum(values) / len(values)
        case Aggregation.MINIMUM:
            return min(values)
        case Aggregation.MAXIMUM:
            return max(values)


def _words(policy: StepScaling, step: StepAdjustment) -> str:
    match policy.adjustment_type:
        case AdjustmentType.EXACT:
            return f"exactly {counted(step.adjustment, 'task')}"
        case AdjustmentType.CHANGE:
            return f"{'+' * (step.adjustment >= 0)}{counted(step.adjustment, 'task')}"
        case AdjustmentType.PERCENT:
            return f"{step.adjustment:+d} %"
