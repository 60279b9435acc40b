"""Promises 2 and 7: nothing unscanned runs, and a way back is kept."""

from tidegate.core.decision import StablePromoted
from tidegate.core.model import GateMode
from tidegate.simulator.checkers.case import Case


class NothingUnscannedRuns:
    """Only a digest that a finished scan found clean starts, and it is its release's digest."""

    def check(self, case: Case) -> str | None:
        """A task that should never have been started."""
        gate_off = case.options.app.gate.mode is GateMode.OFF
        passed = case.world.workshop.passed
        for task in case.world.fleet.tasks.values():
            if not gate_off and task.digest not in passed:
                return f"{task.id} runs an image that no scan has passed"
            release = case.progress.releases.get(task.release)
            if release is None or release.digest != task.digest:
                return f"{task.id} runs another image than its release v{task.release}"
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
