"""What a row of health checks says of a task: decided here, asked in `local.probing`.

As in ALB, one pass makes a new task healthy; `healthy_threshold` is for one that was unhealthy.
As in ECS, failures within the grace period of a task that was never healthy do not count.
"""

from dataclasses import dataclass

from tidegate.core.model import HealthCheck
from tidegate.core.seen import Health

FIRST_PROBES_MS = 50


@dataclass(frozen=True, slots=True)
class Checked:
    """A task's health so far. `row` counts the latest results in a row that speak against it."""

    health: Health = Health.UNKNOWN
    row: int = 0
    ever_healthy: bool = False


def after(checked: Checked, check: HealthCheck, passed: bool, age_ms: int) -> Checked:
    """The health after one more check, `age_ms` after the task's start."""
    if checked.health is Health.UNHEALTHY:
        return _recovering(checked, check, passed)
    if passed:
        return Checked(Health.HEALTHY, 0, True)
    if not checked.ever_healthy and age_ms < check.grace_period_ms:
        return Checked()
    row = checked.row + 1
    if row >= check.unhealthy_threshold:
        return Checked(Health.UNHEALTHY, 0, checked.ever_healthy)
    return Checked(checked.health, row, checked.ever_healthy)


def _recovering(checked: Checked, check: HealthCheck, passed: bool) -> Checked:
    row = checked.row + 1 if passed else 0
    if row >= check.healthy_threshold:
        return Checked(Health.HEALTHY, 0, True)
    return Checked(Health.UNHEALTHY, row, checked.ever_healthy)


def pause_ms(checked: Checked, check: HealthCheck, age_ms: int) -> int:
    """How long to wait before the next check.

    A task that was never healthy is asked every 50 ms, and ever more seldom as it grows older.
    """
    if checked.ever_healthy:
        return check.interval_ms
    return min(check.interval_ms, max(FIRST_PROBES_MS, age_ms // 20))
