"""What a hook answers to the evidence so far: pure, by the same comparison as on one machine."""

from dataclasses import dataclass
from enum import StrEnum

from tidegate.aws.settings import ServiceSettings
from tidegate.core.analysis import ComparisonVerdict, compare
from tidegate.core.metrics import Second
from tidegate.core.model import OnUnknown


class HookStatus(StrEnum):
    """ECS's words for how a hook stands."""

    IN_PROGRESS = "IN_PROGRESS"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Minutes of both sides, complete up to `until_ms`; `note` says why there are none."""

    stable: tuple[Second, ...] = ()
    candidate: tuple[Second, ...] = ()
    until_ms: int = 0
    note: str = ""


def judge(
    settings: ServiceSettings, evidence: Evidence, since_ms: int, now: int, *, last: bool = False
) -> tuple[HookStatus, str]:
    """Whether the deployment that began at `since_ms` may go on, and why.

    Too little is known → IN_PROGRESS; for longer than `patience_ms`, or at the `last` look →
    FAILED with `hold`, SUCCEEDED with `proceed`.
    """
    if not settings.analysis.enabled:
        return HookStatus.SUCCEEDED, "the app file says analysis: off; nothing was compared"
    reason = evidence.note
    if not reason:
        found = compare(
            settings.analysis, evidence.stable, evidence.candidate, since_ms, evidence.until_ms
        )
        if found.verdict is ComparisonVerdict.WORSE:
            return HookStatus.FAILED, f"the candidate is worse: {found.reason}"
        if found.verdict is ComparisonVerdict.NO_DIFFERENCE_SEEN:
            return HookStatus.SUCCEEDED, f"no difference seen: {found.reason}"
        reason = f"not enough data: {found.reason}"
    impatient = now - since_ms >= settings.patience_ms
    if not impatient and not last:
        return HookStatus.IN_PROGRESS, reason
    waited_ms = settings.patience_ms if impatient else now - since_ms
    waited = f"after {waited_ms // 60_000} min"
    if settings.on_unknown is OnUnknown.PROCEED:
        return HookStatus.SUCCEEDED, f"{reason}; {waited} the app file says on_unknown: proceed"
    return HookStatus.FAILED, f"{reason}; {waited} the app file says on_unknown: hold"
