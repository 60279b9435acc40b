"""Promises 2 and 7: nothing unscanned runs, and a way back is kept."""

from tidegate.core.decision import ReleaseMade, StablePromoted
from tidegate.core.model import GateMode, Release
from tidegate.simulator.advisories import OWN
from tidegate.simulator.checkers.case import GRACE_MS, Case


class NothingUnscannedRuns:
    """Only a digest that a finished scan let run starts, and it is its release's digest.

    A release is not made on the word of a waiver that has ended meanwhile.
    """

    def check(self, case: Case) -> str | None:
        """A task that should never have been started, or a release never made."""
        gate_off = case.options.app.gate.mode is GateMode.OFF
        workshop = case.world.workshop
        for task in case.world.fleet.tasks.values():
            if not gate_off and task.digest not in workshop.passed:
                return f"{task.id} runs an image that no scan has passed"
            release = case.progress.releases.get(task.release)
            if release is None or release.digest != task.digest:
                return f"{task.id} runs another image than its release v{task.release}"
        made = (event.release for event in case.fresh if isinstance(event, ReleaseMade))
        return None if gate_off else next(filter(None, (_lapsed(case, one) for one in made)), None)


def _lapsed(case: Case, release: Release) -> str | None:
    """Whether only a waiver that ended a while ago lets this release's image run."""
    gate, now = case.options.app.gate, case.world.clock.now()
    report = case.world.advisories.report(release.digest, case.world.workshop.made[release.digest])
    found = {finding.id for finding in report.findings or ()}
    for waiver in gate.waivers:
        ended = waiver.until is not None and waiver.until < now - GRACE_MS
        if ended and waiver.id in found and waiver.id == OWN:
            return f"{release.label} was made although the waiver of {waiver.id} had ended"
    return None


class WayBackIsKept:
    """The images of a service's last N good releases are there, N being its retention."""

    def __init__(self) -> None:
        self._good: dict[str, list[int]] = {}

    def check(self, case: Case) -> str | None:
        """A good release whose image was removed."""
        for event in case.fresh:
            if isinstance(event, StablePromoted):
                good = self._good.setdefault(event.service, [])
                self._good[event.service] = [n for n in good if n != event.release]
                self._good[event.service].append(event.release)
        for service, good in self._good.items():
            for number in good[-case.options.app.retention :]:
                digest = case.progress.releases[number].digest
                if digest not in case.world.workshop.images:
                    return f"the image of {service}'s good release v{number} was removed"
        return None
