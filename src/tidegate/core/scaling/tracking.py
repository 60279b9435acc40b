"""AWS's target tracking, as Application Auto Scaling does it.

Sources: Application Auto Scaling user guide, "Target tracking scaling policies" and "How target
tracking scaling works"; the alarms that AWS makes for a policy (3 of 3 minutes above the target, 15
of 15 below 90 % of it) from issues 1208, 638 and 1220 of aws/containers-roadmap. The formula
is not published: capacity in proportion to the metric, rounded up both ways, never removes too
much. One rule is stricter: a minute without data stops a scale-in.
"""

from collections.abc import Sequence
from math import ceil

from tidegate.core.alarms import evaluate
from tidegate.core.decision import AlarmState
from tidegate.core.model import MissingData
from tidegate.core.scaling.look import FRESH_MS, Look, Wish
from tidegate.core.scaling.policy import Metric, TargetTracking
from tidegate.core.scaling.sample import MINUTE_MS, Sample

HIGH = 3
LOW = 15
LOW_FACTOR = 0.9
_EXTRA = 2
"""CloudWatch looks at a few periods more than it needs."""


def wish(look: Look, policy: TargetTracking) -> Wish | None:
    """What the policy wants now; None when its metric is where it should be, or not known."""
    points = points_of(look, policy.metric)
    value = next((point for point in reversed(points) if point is not None), None)
    if value is None or _used(look, policy):
        return None
    high = [None if p is None else p > policy.target for p in points[-HIGH - _EXTRA :]]
    state = evaluate(high, HIGH, HIGH, MissingData.MISSING, AlarmState.OK)
    if state is AlarmState.ALARM:
        return _out(look, policy, value)
    if wants_in(points, policy):
        return _in(look, policy, value)
    return None


def _used(look: Look, policy: TargetTracking) -> bool:
    """Whether it has acted on the newest minute: an alarm invokes its policy once a minute."""
    known = (look.state.last_out.get(policy.name), look.state.last_in.get(policy.name))
    ended_at = look.series.minutes[-1].at_ms + MINUTE_MS
    return any(one is not None and one.at >= ended_at for one in known)


def wants_in(points: Sequence[float | None], policy: TargetTracking) -> bool:
    """Whether the metric was below 90 % of the target in all of the last 15 minutes."""
    last = points[-LOW:]
    low = policy.target * LOW_FACTOR
    return len(last) == LOW and all(p is not None and p < low for p in last)


def points_of(look: Look, metric: Metric) -> tuple[float | None, ...]:
    """The metric minute by minute, oldest first; empty when the newest minute is too old."""
    minutes = look.series.minutes
    if not minutes or look.now - minutes[-1].at_ms - MINUTE_MS >= MINUTE_MS + FRESH_MS:
        return ()
    return tuple(value_of(minute, metric) for minute in minutes[-LOW - _EXTRA :])


def value_of(minute: Sample, metric: Metric) -> float | None:
    """The metric of one minute, in AWS's units."""
    hosts = minute.hosts
    match metric:
        case Metric.CPU:
            return minute.cpu_percent
        case Metric.MEMORY:
            return minute.memory_percent
        case Metric.REQUESTS:
            return minute.requests / hosts if minute.requests is not None and hosts else None
        case Metric.CONCURRENCY:
            return minute.active / hosts if minute.active is not None and hosts else None
        case Metric.P95:
            return None if minute.p95_us is None else minute.p95_us / 1e6


def _out(look: Look, policy: TargetTracking, value: float) -> Wish | None:
    """During a cooldown what was just added counts: the request is reckoned from before it."""
    base = look.counts.running
    last = look.state.last_out.get(policy.name)
    if last is not None and look.now - last.at < policy.scale_out_cooldown_ms:
        base = last.base
    after = look.clamped(ceil(base * value / policy.target))
    if after <= look.desired:
        return None
    reason = f"{policy.metric} was over {policy.target:g} for {HIGH} minutes, last {value:.4g}"
    return Wish(policy.name, after, base, reason, policy.metric, value)


def _in(look: Look, policy: TargetTracking, value: float) -> Wish | None:
    """A cooldown of scaling in blocks, unless somebody has scaled out since."""
    if policy.disable_scale_in or blocked(look, policy.name, policy.scale_in_cooldown_ms):
        return None
    base = look.counts.running
    after = look.clamped(ceil(base * value / policy.target))
    if after >= look.desired:
        return None
    low = policy.target * LOW_FACTOR
    reason = f"{policy.metric} was under {low:g} for {LOW} minutes, last {value:.4g}"
    return Wish(policy.name, after, base, reason, policy.metric, value)


def blocked(look: Look, policy: str, cooldown_ms: int) -> bool:
    """Whether the policy's last scale-in still cools down."""
    last = look.state.last_in.get(policy)
    out_at, _ = look.state.last_change_at
    return last is not None and out_at <= last.at and look.now - last.at < cooldown_ms
