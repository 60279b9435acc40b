"""One look at one deployment: all that its rules may ask, and what they all answer with."""

from dataclasses import dataclass

from tidegate.core.decision import Decision, StageEntered
from tidegate.core.metrics import merge
from tidegate.core.model import ALL_BP, DeploymentPolicy, LifecycleStage, Service
from tidegate.core.progress import Deployment, Progress
from tidegate.core.routing import settled
from tidegate.core.seen import Seen
from tidegate.core.task import carrying, ready
from tidegate.core.traffic import hold_ms


@dataclass(frozen=True, slots=True)
class Look:
    """The deployment, the settings of its candidate, the world, and the time (ms)."""

    progress: Progress
    deployment: Deployment
    service: Service
    seen: Seen
    now: int

    @property
    def policy(self) -> DeploymentPolicy:
        """How the candidate is to be deployed."""
        return self.service.deployment

    @property
    def desired(self) -> int:
        """How many tasks the service should have, of each release."""
        return self.progress.services[self.service.name].desired

    @property
    def healthy(self) -> int:
        """Candidate tasks that are healthy and ready in the balancer."""
        tasks = self.progress.tasks_of(self.service.name, self.deployment.candidate)
        return sum(ready(task, self.seen) for task in tasks)

    def carrying(self, release: int) -> int:
        """Tasks of the release of which nothing bad is known and which the balancer uses."""
        tasks = self.progress.tasks_of(self.service.name, release)
        return sum(carrying(task, self.seen) for task in tasks)

    @property
    def trusted(self) -> bool:
        """A known-good release, or the first one: nothing to compare with, or nothing to earn."""
        return self.deployment.known_good or self.deployment.stable is None

    @property
    def steps(self) -> tuple[int, ...]:
        """The weights (bp) of the timetable; a trusted candidate takes all at once."""
        if self.trusted:
            return (ALL_BP,)
        return tuple(step.weight_bp for step in self.policy.shift.steps)

    @property
    def hold_ms(self) -> int:
        """How long the current step lasts once it is observed."""
        if self.deployment.step < 0 or self.trusted:
            return 0
        return hold_ms(self.policy.shift, self.deployment.step) or 0

    @property
    def settled(self) -> bool:
        """Whether the balancer is observed to route as it should."""
        return settled(self.progress, self.seen, self.service.name)

    @property
    def candidate_counts(self) -> tuple[int, int]:
        """Requests and errors that the candidate has answered since its first traffic."""
        since = self.deployment.shifted_at
        if since is None or self.seen.metrics is None:
            return 0, 0
        seconds = self.seen.metrics.get((self.service.name, self.deployment.colour), ())
        total = merge(s for s in seconds if s.at_ms >= since - 1000)
        return total.requests, total.errors

    def wait(self, what: str, until: int | None = None) -> Decision:
        """Nothing to do now, and why; `until` (ms) is when time alone will change that."""
        return Decision(reason=self.say(what), look_again_at=until)

    def enter(self, stage: LifecycleStage, reason: str) -> Decision:
        """Go on to the next stage."""
        entered = StageEntered(self.deployment.id, stage, reason)
        return Decision(events=(entered,), reason=self.say(f"{stage}: {reason}"))

    def say(self, what: str) -> str:
        """A reason with the name of what moves in front."""
        return f"{self.service.name} v{self.deployment.candidate}: {what}"


def percent(weight_bp: int) -> str:
    """`weight_bp` for a person: 1,250 is `12.5 %`."""
    return f"{weight_bp / 100:g} %"


def seconds(span_ms: int) -> str:
    """`span_ms` for a person: 1,500 is `1.5 s`."""
    return f"{span_ms / 1000:.1f} s"
