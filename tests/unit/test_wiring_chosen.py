"""The scanner of the revision that is looked at judges, not that of the one that runs."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.images_made import FakeEngine, Made, layer
from tidegate.core.decision import PipelineStage
from tidegate.core.errors import SetupError
from tidegate.core.findings import ScanReport
from tidegate.core.model import App, GatePolicy, ScannerName, Service
from tidegate.core.progress import Execution, Progress, StageRecord
from tidegate.scan.adapters.choose import Means
from tidegate.scan.packages import Inventory
from tidegate.wiring.chosen import Chosen, policy_in_scan

OWN, GRYPE = GatePolicy(), GatePolicy(scanner=ScannerName.GRYPE)
RUNS = App("x", (Service("web"),))


class Judge:
    def assess(self, inventory: Inventory, digest: str) -> ScanReport:
        return ScanReport(digest, (), note=inventory.digest)


def execution(*stages: StageRecord) -> Execution:
    return Execution("e1", "c", "s", "push", "ann", replace(RUNS, gate=GRYPE), 0, stages)


def test_the_policy_is_that_of_the_revision_whose_images_are_scanned() -> None:
    scanning, over = StageRecord(PipelineStage.SCAN, 5), StageRecord(PipelineStage.SCAN, 5, 9, True)
    runs = Progress(app=RUNS)
    assert policy_in_scan(Progress()) == policy_in_scan(runs) == OWN
    assert policy_in_scan(replace(runs, executions={"e1": execution(scanning)})) == GRYPE
    assert policy_in_scan(replace(runs, executions={"e1": execution(over)})) == OWN
    assert policy_in_scan(replace(runs, executions={"e1": execution()})) == OWN


def test_the_policy_is_asked_at_each_scan_and_a_scanner_that_is_missing_is_an_error(
    tmp_path: Path,
) -> None:
    policies = [GRYPE, OWN]
    means = Means(
        FakeEngine(Made([layer({"a": "b"})])),
        tmp_path,
        {"PATH": os.defpath.replace("/bin", "/none")},
        tmp_path,
    )
    chosen = Chosen(policies.pop, Judge(), means)
    assert chosen.assess(Inventory("sha256:i"), "sha256:1").note == "sha256:i"
    with pytest.raises(SetupError) as caught:
        chosen.assess(Inventory("sha256:i"), "sha256:1")
    assert caught.value.number == "TG239"
