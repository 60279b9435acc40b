"""Which scanner judges an image: that of the app file of the revision that is looked at."""

from collections.abc import Callable
from dataclasses import dataclass

from tidegate.core.decision import PipelineStage
from tidegate.core.findings import ScanReport
from tidegate.core.model import GatePolicy
from tidegate.core.progress import Progress
from tidegate.local.scanning.scanner import Judge
from tidegate.scan.adapters.choose import Means, scanner_for
from tidegate.scan.packages import Inventory


def policy_in_scan(progress: Progress) -> GatePolicy:
    """The policy of the execution whose images are scanned now; else that of the app as it runs."""
    for execution in progress.executions.values():
        stage = execution.stage
        if stage and stage.stage is PipelineStage.SCAN and stage.ended_at is None:
            return execution.app.gate
    return progress.app.gate if progress.app else GatePolicy()


@dataclass(frozen=True, slots=True)
class Chosen:
    """The judge that the policy names: our own, or another tool (`scan.adapters.choose`)."""

    policy: Callable[[], GatePolicy]
    own: Judge
    means: Means

    def assess(self, inventory: Inventory, digest: str) -> ScanReport:
        """What the chosen one says. Raises `SetupError` TG239 when it is not installed."""
        built_in = _Own(self.own, inventory)
        return scanner_for(self.policy(), lambda: built_in, self.means).scan(digest)


@dataclass(frozen=True, slots=True)
class _Own:
    """Our own judge, with the inventory that is there already, as a scanner."""

    judge: Judge
    inventory: Inventory

    def scan(self, digest: str) -> ScanReport:
        return self.judge.assess(self.inventory, digest)
