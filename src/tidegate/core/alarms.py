"""CloudWatch's metric alarms: the state of an alarm, out of datapoints.

Source: CloudWatch user guide, "Configuring how CloudWatch alarms treat missing data": an alarm on
M of N datapoints looks at an evaluation range of more than N periods (here N + 2, as in AWS's
tables) and needs the setting for missing data only when fewer than N of them are there.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from tidegate.core.datapoints import GAUGES, METRICS, Point, datapoints, is_statistic
from tidegate.core.decision import AlarmState
from tidegate.core.metrics import Second
from tidegate.core.model import Alarm, Comparison, MissingData

_WORDS: Mapping[Comparison, str] = MappingProxyType(
    {
        Comparison.GREATER: "greater than",
        Comparison.GREATER_OR_EQUAL: "greater than or equal to",
        Comparison.LESS: "less than",
        Comparison.LESS_OR_EQUAL: "less than or equal to",
    }
)


def breaches(alarm: Alarm, value: float) -> bool:
    """Whether a datapoint is on the wrong side of the alarm's threshold."""
    match alarm.comparison:
        case Comparison.GREATER:
            return value > alarm.threshold
        case Comparison.GREATER_OR_EQUAL:
            return value >= alarm.threshold
        case Comparison.LESS:
            return value < alarm.threshold
        case Comparison.LESS_OR_EQUAL:
            return value <= alarm.threshold


def evaluate(
    points: Sequence[bool | None], m: int, n: int, treat: MissingData, state: AlarmState
) -> AlarmState:
    """The alarm's next state, by CloudWatch's rules for `m` of `n` datapoints.

    `points` is the evaluation range, oldest first: True breaches, None is missing.
    """
    real = [point for point in points if point is not None]
    if len(real) >= n:
        return AlarmState.ALARM if sum(real[-n:]) >= m else AlarmState.OK
    match treat:
        case MissingData.BREACHING:
            return AlarmState.ALARM if sum(real) + n - len(real) >= m else AlarmState.OK
        case MissingData.NOT_BREACHING:
            return AlarmState.ALARM if sum(real) >= m else AlarmState.OK
        case MissingData.MISSING | MissingData.IGNORE:
            return _without_filling(points, m, treat, state)


def _without_filling(
    points: Sequence[bool | None], m: int, treat: MissingData, state: AlarmState
) -> AlarmState:
    """`evaluate` with fewer than N datapoints, when holes count neither as good nor as bad."""
    real = [point for point in points if point is not None]
    if not real:
        return state if treat is MissingData.IGNORE else AlarmState.INSUFFICIENT_DATA
    if sum(real) >= m:
        return AlarmState.ALARM
    if not all(real):
        return AlarmState.OK
    # Only breaching points, but fewer than M. AWS waits for more ("premature alarm"), unless the
    # oldest of them has stood for M periods.
    age = len(points) - list(points).index(True)
    if treat is MissingData.MISSING and age >= m:
        return AlarmState.ALARM
    return state


def judge(
    alarm: Alarm, key: str, seconds: Sequence[Second] | None, until_ms: int, state: AlarmState
) -> tuple[AlarmState, str]:
    """The alarm's state on this traffic, and why, as a sentence for a person.

    `key` names the alarm in the reason. `seconds` None: the metrics cannot be read, so the alarm
    is INSUFFICIENT_DATA, whatever it was. Whether `until_ms` is too old is for the caller to say.
    """
    if seconds is None:
        return AlarmState.INSUFFICIENT_DATA, unreadable(key)
    if alarm.metric not in METRICS or not is_statistic(alarm.statistic):
        what = f"{alarm.statistic} of {alarm.metric}"
        return AlarmState.INSUFFICIENT_DATA, f"{key} asks for {what}, which no metric gives"
    if alarm.metric in GAUGES:
        why = f"{key} asks for {alarm.metric}, which traffic does not tell"
        return AlarmState.INSUFFICIENT_DATA, why
    return judge_points(alarm, datapoints(alarm, seconds, until_ms), state)


def unreadable(key: str) -> str:
    """The reason of an alarm whose metrics cannot be read."""
    return f"the metrics of {key} cannot be read"


@lru_cache(maxsize=512)  # between two periods every look asks the same
def judge_points(
    alarm: Alarm, points: tuple[Point, ...], state: AlarmState
) -> tuple[AlarmState, str]:
    """`judge` on datapoints that are already made."""
    breaching = [None if point is None else breaches(alarm, point) for point in points]
    after = evaluate(
        breaching, alarm.datapoints_to_alarm, alarm.evaluation_periods, alarm.treat_missing_data,
        state,
    )  # fmt: skip
    return after, _reason(alarm, points, after)


def _reason(alarm: Alarm, points: Sequence[Point], state: AlarmState) -> str:
    """Why the alarm is in this state: the datapoints that counted, and the holes among them."""
    n, m = alarm.evaluation_periods, alarm.datapoints_to_alarm
    real = [point for point in points if point is not None][-n:]
    holes = n - len(real)
    missing = {
        MissingData.MISSING: "",
        MissingData.IGNORE: ", which leaves the state as it is",
        MissingData.BREACHING: ", which counts as breaching",
        MissingData.NOT_BREACHING: ", which counts as not breaching",
    }[alarm.treat_missing_data]
    if not real:
        period = f"{alarm.period_ms / 1000:g} s"
        return f"no datapoint in the last {len(points)} periods of {period}{missing}"
    bad = sum(breaches(alarm, point) for point in real)
    values = ", ".join(f"{point:.4g}" for point in real)
    which = f"{bad} of the last {len(real)} datapoints ({values}) {'was' if bad == 1 else 'were'}"
    if len(real) == 1:
        which = f"the last datapoint ({values}) was{'' if bad else ' not'}"
    text = f"{which} {_WORDS[alarm.comparison]} the threshold {alarm.threshold:g}"
    if holes:
        text += f", {holes} of {n} missing{missing}"
    return text if state is AlarmState.ALARM else f"{text}; ALARM needs {m}"
