"""An inventory and what this machine knows today: a report."""

from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version

from tidegate.core.errors import GateError
from tidegate.core.findings import ScanReport
from tidegate.local.scanning.advisories import LocalAdvisories
from tidegate.local.scanning.apt import SecuritySuites
from tidegate.scan.advisories.index import Index
from tidegate.scan.assess import NO_DATA, Data, assess, ecosystems_of
from tidegate.scan.packages import Inventory, Kind
from tidegate.scan.pending import SecurityIndex

SCANNER = f"tidegate {version('tidegate')}"
"""What the evidence names as the scanner."""


def nothing(ecosystems: Collection[str]) -> None:
    """Bring nothing in."""


class Assessor:
    """Judges inventories by the user's advisories, and by the distribution where there are none.

    `bring` is given the ecosystems of each inventory before the index is asked.
    """

    def __init__(
        self,
        advisories: LocalAdvisories,
        suites: SecuritySuites,
        bring: Callable[[Collection[str]], None] = nothing,
    ) -> None:
        self._advisories = advisories
        self._suites = suites
        self._bring = bring

    def assess(self, inventory: Inventory, digest: str) -> ScanReport:
        """The report on an image. Findings None, with a note, when nothing is known here."""
        ecosystems = ecosystems_of(inventory)
        try:
            doubts = self._remember(ecosystems)
            self._bring(ecosystems)
            with ExitStack() as stack:
                report = assess(inventory, digest, self._data(inventory, stack))
            return replace(report, warnings=(*report.warnings, *doubts))
        except GateError as error:
            return ScanReport(digest, None, _said(error), packages=len(inventory.packages))

    def _remember(self, ecosystems: Collection[str]) -> tuple[str, ...]:
        """Note what to refresh from now on. That it cannot be noted is a warning only."""
        try:
            self._advisories.remember(ecosystems)
        except GateError as error:
            return (f"what to refresh cannot be noted: {_said(error)}",)
        return ()

    def _data(self, inventory: Inventory, stack: ExitStack) -> Data:
        index, why = self._index(stack)
        security, no_security = self._security(inventory, index)
        failures = self._advisories.failures()
        return Data(
            index=index,
            why=why,
            states=self._advisories.store.states(),
            failures={name: failure.text for name, failure in failures.items()},
            security=security,
            no_security=no_security,
        )

    def _index(self, stack: ExitStack) -> tuple[Index | None, str]:
        try:
            return stack.enter_context(self._advisories.opened()), ""
        except GateError as error:
            return None, NO_DATA if error.number == "TG425" else _said(error)

    def _security(
        self, inventory: Inventory, index: Index | None
    ) -> tuple[SecurityIndex | None, str]:
        """The distribution's own index, where the advisories have nothing of its release."""
        os = inventory.os
        if os is None or (index and index.has(os.ecosystem)):
            return None, ""
        try:
            return self._suites.index(os, _architecture(inventory)), ""
        except GateError as error:
            return None, _said(error)


def _architecture(inventory: Inventory) -> str:
    """Debian's name of the image's architecture: what its packages say."""
    found = (package.architecture for package in inventory.packages if package.kind is Kind.DEB)
    return next((name for name in found if name not in ("", "all")), "")


def _said(error: GateError) -> str:
    return f"{error.what}: {error.cause}" if error.cause else error.what
