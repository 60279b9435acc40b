"""The vulnerability data of a run, in virtual time, and what the gate must make of it.

The truth here is worked out apart from `core.gate`, so that a checker can hold one to the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tidegate.core.decision import VerdictKind
from tidegate.core.findings import Finding, ScanReport, Severity
from tidegate.core.model import GatePolicy, UnknownRule
from tidegate.core.seen import AdvisoriesSeen
from tidegate.simulator.clock import VirtualClock
from tidegate.simulator.options import Content, Published, Scan

OWN = "CVE-2024-0001"
"""What is found in vulnerable content, whatever is published."""


@dataclass(frozen=True, slots=True)
class SimAdvisories:
    """Implements `core.ports.Advisories`: the data changes whenever something is published."""

    clock: VirtualClock
    policy: GatePolicy
    published: tuple[Published, ...]

    # --- the port, and what a scanner reports -----------------------------------------------

    def observe(self) -> AdvisoriesSeen:
        """The data of now."""
        return AdvisoriesSeen(f"sha256:data{len(self._out())}", self.clock.now())

    def report(self, digest: str, content: Content) -> ScanReport:
        """What a scan of this content finds now."""
        seen = self.observe()
        if content.scan is Scan.UNKNOWN:
            return ScanReport(digest, None, "its packages cannot be read", data=seen.digest)
        found = tuple(
            Finding(id, "openssl", "3.0.1", Severity.CRITICAL, "3.0.2", exploited=exploited)
            for id, exploited in self._ids(content).items()
        )
        return ScanReport(digest, found, data=seen.digest, data_at=seen.at)

    # --- the truth --------------------------------------------------------------------------

    def truth(self, content: Content, running: Content | None) -> VerdictKind:
        """What the gate must say of it now, beside what runs; all that is found is critical."""
        if content.scan is Scan.UNKNOWN:
            return VerdictKind.UNKNOWN
        waived = {w.id for w in self.policy.waivers if (w.until or 0) > self.clock.now()}
        bad = {id: kev for id, kev in self._ids(content).items() if id not in waived}
        comparable = running and self.policy.new_only and running.scan is not Scan.UNKNOWN
        known = self._ids(running) if running and comparable else {}
        left = [id for id, exploited in bad.items() if exploited or id not in known]
        return VerdictKind.REFUSED if left else VerdictKind.PASSED

    def lets_run(self, content: Content, running: Content | None) -> bool:
        """Whether such an image may start."""
        verdict = self.truth(content, running)
        warned = self.policy.on_unknown is UnknownRule.WARN
        return verdict is VerdictKind.PASSED or (verdict is VerdictKind.UNKNOWN and warned)

    def _out(self) -> list[Published]:
        return [one for one in self.published if one.at_ms <= self.clock.elapsed]

    def _ids(self, content: Content) -> Mapping[str, bool]:
        """The vulnerabilities that are known in it now, and whether each is exploited."""
        found = {OWN: False} if content.scan is Scan.VULNERABLE else {}
        return found | {p.id: p.exploited for p in self._out() if content.id in p.contents}
