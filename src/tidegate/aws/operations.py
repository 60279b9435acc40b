"""The operations of `tidegate.operations` on an app in an account: the same questions and views.

Nothing of ours runs there between two calls: each method asks AWS, and answers. What AWS cannot do
is refused with what to do instead.
"""

from collections.abc import Iterator
from typing import BinaryIO, Unpack

from tidegate.aws import logs, steering
from tidegate.aws.account import Account
from tidegate.aws.deploy.down import Down
from tidegate.aws.measured import Measuring
from tidegate.aws.names import PlatformOutput
from tidegate.aws.names import ServiceOutput as Out
from tidegate.aws.pace import Pace
from tidegate.aws.reading import codedeploy, deployments, executions, gate, history, releases
from tidegate.aws.reading import status as reading
from tidegate.aws.reading.service import ServiceSeen, codedeploy_ids
from tidegate.aws.sourcing import upload
from tidegate.aws.stream import messages
from tidegate.core.errors import NotFound, UsageError
from tidegate.core.model import App
from tidegate.engine.drills import Drill
from tidegate.engine.messages import LogLine, Message, Revision, Until
from tidegate.engine.views.deployments import ReportView
from tidegate.engine.views.events import EventView, Moment
from tidegate.engine.views.executions import ExecutionView
from tidegate.engine.views.gate import GateView
from tidegate.engine.views.releases import ReleaseDetail, ReleaseView
from tidegate.engine.views.status import StatusView
from tidegate.spec import Plan


class AwsOperations(Measuring):
    """Implements `tidegate.operations.Operations` over an account."""

    def __init__(self, account: Account, app: App, pace: Pace | None = None) -> None:
        super().__init__(account, app, pace or Pace(every_s=5.0))
        self._followed = False
        self._last: StatusView | None = None

    # --- questions -----------------------------------------------------------------------------

    def status(self) -> StatusView:
        """Where everything stands now; while `events` is followed, as of the last few seconds.

        Who watches asks each second, and an account answers only so many calls.
        """
        now, last = self._pace.now(), self._last
        if self._followed and last and now - last.at < self._pace.every_s * 1_000:
            return last
        self._last = reading.status(self._account, self._app, self._places(), now)
        return self._last

    def events(self, after: int = 0, follow: bool = False) -> Iterator[EventView | None]:
        """What has happened lately, as far as AWS remembers; with `follow`, what comes as well."""
        self._followed = follow
        while True:
            for view in history.views(self._told()):
                if view.seq > after:
                    after = view.seq
                    yield view
            if not follow:
                return
            yield from self._beats()

    def executions(self) -> tuple[ExecutionView, ...]:
        """The newest runs of every service's pipeline, the newest first."""
        found = [one for p in self._places() for one in executions.executions(self._account, p)]
        return tuple(sorted(found, key=lambda one: -one.started_at))

    def execution(self, execution: str) -> ExecutionView:
        """One of them. Raises `NotFound`."""
        named = executions.named(self._places(), execution)
        return executions.execution(self._account, named)

    def stream(self, execution: str, until: Until = "end") -> Iterator[Message | None]:
        """Executions as their stages come and go, and an end. Raises `NotFound`."""
        known = self._places()
        named = [executions.named(known, one) for one in execution.split("+")]
        return messages(self._account, named, until, self._pace)

    def releases(self) -> tuple[ReleaseView, ...]:
        """The newest releases of every service, the newest first."""
        found = [one for seen in self._seen() for one in releases.releases(self._account, seen)]
        return tuple(sorted(found, key=lambda one: -one.made_at))

    def show(self, release: int) -> ReleaseDetail:
        """The release of that number. Raises `NotFound`, and `UsageError` when several have it."""
        every = [(seen, r) for seen in self._seen() for r in releases.releases(self._account, seen)]
        found = [(seen, one) for seen, one in every if one.number == release]
        if not found:
            newest = ", ".join(f"{one.service} v{one.number}" for _, one in every[:5])
            raise NotFound(f"no release v{release}", remedy=newest or "push first", code="TG721")
        if len(found) > 1:
            raise UsageError(
                f"v{release} is a release of {', '.join(one.service for _, one in found)}",
                cause="on AWS every service counts its own releases",
                remedy="see them all: tidegate releases --target aws",
                code="TG184",
            )
        seen, one = found[0]
        family = seen.place.outputs[Out.TASK_FAMILY]
        made = releases.definition(self._account, f"{family}:{release}")
        settings = releases.settings(one.service, made)
        return ReleaseDetail(one, settings, self._history(seen, release, one.made_at))

    def report(self, deployment: str) -> ReportView:
        """What one deployment went through. Raises `NotFound`."""
        known: list[str] = []
        for seen in self._seen():
            if seen.place.codedeploy:
                kept = codedeploy.find(self._account, seen, deployment)
                if kept:
                    story = history.story(codedeploy.told(seen, kept))
                    return codedeploy.report(seen, kept, story)
                known += codedeploy_ids(self._account, seen.place)[:5]
            for one in seen.deployments:
                known.append(deployments.id_of(one))
                if known[-1] == deployment:
                    pair = deployments.releases_of(one, seen.revisions)
                    story = history.story(history.of_deployment(seen, one))
                    return deployments.report(seen.place.service, one, story, pair)
        raise NotFound(
            f"no deployment {deployment}",
            remedy=f"the latest: {', '.join(known[:5]) or 'none that AWS remembers'}",
            code="TG722",
        )

    def explain_gate(self, subject: str) -> tuple[GateView, ...]:
        """The gate's word on a release (`v42`) or an execution. Raises `NotFound`."""
        return gate.explain(self._account, self._places(), subject)

    def logs(self, subject: str, follow: bool = False) -> Iterator[LogLine | None]:
        """The log of a service's tasks, of a task, or of an execution's stage."""
        return logs.lines(self._account, self._places(), subject, follow, self._pace)

    def plan(self, text: str, commit: str) -> Plan:
        """Not on AWS: a change set says it better, with what is replaced and what it costs."""
        raise UsageError(
            "the plan of an app on AWS is a change set",
            remedy="see it, and change nothing: tidegate up --target aws --dry-run",
            code="TG185",
        )

    # --- requests ------------------------------------------------------------------------------

    def start_execution(self, tar: BinaryIO, **revision: Unpack[Revision]) -> str:
        """Start every service's pipeline; the ids of the executions, joined by `+`.

        With `source` in the app file the commit must be at the git host; without, `tar` is
        uploaded as the source of all pipelines.
        """
        found = [place for place in self._places() if Out.PIPELINE_NAME in place.outputs]
        if not found:
            raise self.nothing_here()
        commit = revision["commit"]
        if self._app.aws.source is None:
            upload(self._account, found[0].platform[PlatformOutput.ARTIFACTS_BUCKET_NAME], tar)
            commit = ""
        return "+".join(steering.start(self._account, place, commit) for place in found)

    def approve(self, execution: str, by: str) -> None:
        """Let an execution that waits for approval go on."""
        named = executions.named(self._places(), execution)
        steering.decide_approval(self._account, named, True, f"approved by {by}")

    def reject(self, execution: str, by: str, reason: str = "") -> None:
        """End an execution that waits for approval."""
        named = executions.named(self._places(), execution)
        said = f"rejected by {by}: {reason}".removesuffix(": ")
        steering.decide_approval(self._account, named, False, said)

    def pause(self, service: str, by: str) -> None:
        """Hold the deployment after its step."""
        steering.pause(self._account, self._names, self._one(service), by)

    def resume(self, service: str, by: str) -> None:
        """Go on with a paused deployment."""
        steering.resume(self._account, self._names, self._one(service))

    def promote(self, service: str, by: str) -> None:
        """Go on from a pause hook, or CodeDeploy's wait."""
        steering.promote(self._account, self._names, self._one(service))

    def abort(self, service: str, by: str) -> None:
        """Take all traffic back to stable."""
        steering.abort(self._account, self._one(service))

    def rollback(self, service: str, release: int | None, by: str) -> None:
        """Go back to a good release: the one before stable when None."""
        steering.roll_back(self._account, self._names, self._one(service), release)

    def scale(self, service: str, desired: int, by: str) -> None:
        """Have so many tasks, within the app file's bounds."""
        settings = self._app.service(service)
        if settings is None:
            raise self._no_service(service)
        steering.scale(self._account, self._one(service), desired, settings.count)

    def interrupt(self, drill: Drill, by: str) -> tuple[str, ...]:
        """Not by us on AWS: its own service takes spot instances back."""
        raise UsageError(
            "spot capacity on AWS is taken back by AWS alone",
            cause="a drill there is an experiment of AWS Fault Injection Service",
            remedy="aws fis start-experiment, with aws:ec2:send-spot-instance-interruptions",
            code="TG180",
        )

    def down(self, everything: bool = False) -> None:
        """Delete the app's stacks; with `everything`, what they keep as well."""
        services = tuple(service.name for service in self._app.services)
        Down(self._account, self._names, services, lambda _: None, self._pace, everything).run()

    # --- within --------------------------------------------------------------------------------

    def _told(self) -> Iterator[history.Told]:
        for seen in self._seen():
            names = seen.place.list_of(Out.ALARM_NAMES)
            yield from history.of_deployments(self._account, seen)
            yield from history.of_alarms(self._account, seen.place.service, names)
            for one in executions.executions(self._account, seen.place, 5):
                yield from history.of_execution(one)

    def _history(self, seen: ServiceSeen, release: int, made_at: int) -> tuple[Moment, ...]:
        """What the deployments of that release went through, and those that took it away."""
        told: list[history.Told] = []
        for one in seen.deployments:
            if release in deployments.releases_of(one, seen.revisions):
                told += history.of_deployment(seen, one)
        for kept in codedeploy.recent(self._account, seen) if seen.place.codedeploy else ():
            if release in kept.releases:
                told += codedeploy.told(seen, kept)
        return history.moments(told, made_at)

    def _beats(self) -> Iterator[None]:
        """A None each second until the next look is due."""
        until = self._pace.now() + self._pace.every_s * 1_000
        while self._pace.now() < until:
            yield None
            self._pace.sleep(1.0)
