"""The app's stacks into the account: plan, show, execute, follow.

The platform first, then what else is shared, then the services beside each other. What is live is
read before each change set is made. Nothing is executed in a dry run, and nothing of it stays.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tidegate.aws import live
from tidegate.aws.account import Account
from tidegate.aws.deploy import bucket, changes, cost, drift, preflight, price_list, stacks
from tidegate.aws.deploy.following import Run, Say, follow
from tidegate.aws.names import TAG_APP, TASK_PARTS, TASK_TEMPLATE, Names, PlatformOutput
from tidegate.aws.pace import Pace
from tidegate.aws.template import MOST_BODY_BYTES
from tidegate.core.errors import TidegateError, UsageError
from tidegate.core.model import App

Templates = Callable[[App], Mapping[str, Mapping[str, Any]]]
"""The stacks of an app: CloudFormation templates by the stacks' names, the platform first."""


@dataclass(frozen=True, slots=True)
class Options:
    """`confirm` is asked when a diff deserves a look; `bucket` is for templates over 51,200 bytes.

    `parameters` are values for the templates' parameters by name.
    """

    dry_run: bool = False
    confirm: Callable[[Sequence[changes.Diff]], bool] = lambda _: True
    bucket: str = ""
    role_arn: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Planned:
    """One stack: what would change, and what it costs before and after."""

    diff: changes.Diff
    before: cost.Cost
    after: cost.Cost
    change_set: stacks.ChangeSet | None = None


@dataclass(frozen=True, slots=True)
class Up:
    """One run of `up` for an app."""

    account: Account
    app: App
    templates: Mapping[str, Mapping[str, Any]]
    options: Options
    say: Say
    pace: Pace

    @property
    def names(self) -> Names:
        """What is called what."""
        return Names(self.app.name)

    def run(self) -> dict[str, str]:
        """Bring the account to what the app file says; the platform's outputs.

        Raises `AccountError` before anything is changed, `Busy` while something moves,
        `UsageError` when the person says no, `DeploymentError` with the root cause, `StillRunning`
        on Ctrl-C.
        """
        wanted = self.templates[self.names.platform_stack]
        checks = preflight.preflight(self.account, self.names, wanted)
        self._tell(checks)
        preflight.demand(checks)
        platform, *groups = self._groups()
        first = stacks.seen(self.account, platform[0])
        if first is None or first.stub:
            outputs = self._create(platform, groups, checks)
        else:
            for group in (platform, *groups):
                self._apply(group)
            outputs = {} if self.options.dry_run else self._outputs(platform[0])
        known = first.outputs if first else {}
        self._tell(preflight.connection(self.account, outputs, known))  # it is made PENDING
        return outputs

    def _groups(self) -> list[list[str]]:
        """Stacks by turns: the platform, what else is shared, the services."""
        services = [name for name in self.templates if self._service(name)]
        shared = [name for name in self.templates if name not in services]
        return [group for group in (shared[:1], shared[1:], services) if group]

    def _create(
        self,
        platform: Sequence[str],
        groups: Sequence[Sequence[str]],
        checks: tuple[preflight.Check, ...],
    ) -> dict[str, str]:
        """A first creation: the others import what the platform exports, so they are only told."""
        told = [self._from_template(name) for group in groups for name in group]
        planned = self._propose(platform)
        if not self._agreed([*planned, *told]):
            return {}
        preflight.make_roles(self.account, checks)
        self._execute(planned)
        for group in groups:
            self._apply(group, agreed=True)
        return self._outputs(platform[0])

    def _tell(self, checks: Iterable[preflight.Check]) -> None:
        """Each check as a line, and what a person has to do where it is not as it must be."""
        for check in checks:
            mark = {True: "✓", False: "✗", None: "?"}[check.ok]
            todo = f"; {check.remedy}" if check.remedy and not check.ok else ""
            self.say(f"{mark} {check.name}: {check.what}{todo}")

    def _apply(self, names: Sequence[str], agreed: bool = False) -> None:
        planned = self._propose(names)
        if planned and (agreed or self._agreed(planned)):
            self._execute(planned)

    # --- plan --------------------------------------------------------------------------------

    def _propose(self, names: Sequence[str]) -> list[Planned]:
        """Change sets of those that would change; none is left when one cannot be made."""
        planned: list[Planned] = []
        try:
            for name in names:
                if one := self._planned(name):
                    planned.append(one)
                else:
                    self.say(f"✓ {name}: nothing to change")
        except TidegateError:
            self._withdraw(planned)
            raise
        return planned

    def _planned(self, name: str) -> Planned | None:
        known = stacks.seen(self.account, name)
        stacks.ready(known)
        running = self._live(name, known)
        found = self._wanted(name, known, running)
        change_set = stacks.propose(self.account, found, self.pace)
        if change_set and running and running.image and renews(change_set.changes):
            stacks.give_up(self.account, change_set, self.pace)
            found = self._wanted(name, known, running, renewed=True)
            change_set = stacks.propose(self.account, found, self.pace)
        if change_set is None:
            return None
        shown = changes.diff(name, change_set.creates, change_set.changes)
        before = cost.Cost(0.0)
        if not change_set.creates:
            shown = self._with_drift(shown, change_set)
            ask = {"StackName": name, "TemplateStage": "Original"}
            body = self.account.ask("cloudformation", "get_template", **ask)["TemplateBody"]
            before = self._cost(name, body if isinstance(body, Mapping) else {})
        return Planned(shown, before, self._cost(name, found.template), change_set)

    def _with_drift(self, shown: changes.Diff, change_set: stacks.ChangeSet) -> changes.Diff:
        what = (change_set.stack, change_set.changes)
        lost, unknown = drift.overwritten(self.account, *what, self.pace)
        if unknown:
            self.say(f"? {shown.stack}: what was changed outside it is not known: {unknown}")
        return changes.drifted(shown, lost)

    def _wanted(
        self,
        name: str,
        known: stacks.StackSeen | None,
        running: live.Live | None,
        renewed: bool = False,
    ) -> stacks.Wanted:
        template = self.templates[name]
        kept = known.parameters if known else {}
        given = dict(self.options.parameters)
        given |= running.parameters(kept, renewed) if running else {}
        tags = {TAG_APP: self.app.name}
        wanted = stacks.Wanted(name, template, given, tags, role_arn=self.options.role_arn)
        if self.options.bucket and len(wanted.body.encode()) > MOST_BODY_BYTES:
            url = bucket.put_template(self.account, self.options.bucket, wanted.body)
            return stacks.Wanted(name, template, given, tags, url, self.options.role_arn)
        return wanted

    def _live(self, name: str, known: stacks.StackSeen | None) -> live.Live | None:
        """What is live of a service that is there, or None."""
        service = self._service(name)
        if service is None or known is None or known.stub:
            return None
        platform = self._outputs(self.names.platform_stack)
        cluster = platform[PlatformOutput.CLUSTER_NAME]
        return live.read(self.account, service, known.outputs, cluster)

    def _service(self, stack: str) -> str | None:
        names = (service.name for service in self.app.services)
        return next((n for n in names if self.names.service_stack(n) == stack), None)

    def _from_template(self, name: str) -> Planned:
        template = self.templates[name]
        diff = changes.of_template(name, template)
        return Planned(diff, cost.Cost(0.0), self._cost(name, template))

    def _cost(self, name: str, template: Mapping[str, Any]) -> cost.Cost:
        service = self.app.service(self._service(name) or "")
        tasks = service.count.desired if service else 0
        return cost.monthly(template, tasks, price_list.prices(self.account))

    # --- show --------------------------------------------------------------------------------

    def _agreed(self, planned: Sequence[Planned]) -> bool:
        """Show what would happen, and whether it is to. Raises `UsageError` for a no."""
        for one in planned:
            for line in changes.lines(one.diff):
                self.say(line)
        self.say(self._cost_line(planned))
        if self.options.dry_run:
            self._withdraw(planned)
            self.say("dry run: nothing was changed, and nothing of it is left in the account")
            return False
        if any(one.diff.notable for one in planned):
            diffs = [one.diff for one in planned]
            if not self.options.confirm(diffs):
                self._withdraw(planned)
                raise UsageError(
                    "nothing was changed",
                    cause="nobody said yes to the changes that deserve a look",
                    remedy="look at them, then: tidegate up --target aws --yes",
                    code="TG181",
                )
        return True

    def _cost_line(self, planned: Sequence[Planned]) -> str:
        prices = price_list.prices(self.account)
        before = _sum([one.before for one in planned])
        after = _sum([one.after for one in planned])
        today = datetime.fromtimestamp(self.pace.now() / 1_000, UTC).date()
        known = bool(prices.table)
        return "cost: " + cost.words(before, after, prices.caveat(today), known)

    def _withdraw(self, planned: Sequence[Planned]) -> None:
        for one in planned:
            if one.change_set:
                stacks.give_up(self.account, one.change_set, self.pace)

    # --- execute -----------------------------------------------------------------------------

    def _execute(self, planned: Sequence[Planned]) -> None:
        runs = [self._begin(one.change_set) for one in planned if one.change_set]
        follow(self.account, runs, self.say, self.pace)

    def _begin(self, change_set: stacks.ChangeSet) -> Run:
        token = f"tidegate-{self.pace.now()}"
        started = self.pace.now()
        self.account.ask(
            "cloudformation",
            "execute_change_set",
            ChangeSetName=change_set.id,
            StackName=change_set.stack_id,
            ClientRequestToken=token,
        )
        return Run(change_set.stack, change_set.stack_id, token, started)

    def _outputs(self, name: str) -> dict[str, str]:
        known = stacks.seen(self.account, name)
        return dict(known.outputs) if known else {}


def renews(made: Iterable[Mapping[str, Any]]) -> bool:
    """Whether these changes of a service's stack make its tasks other than those that run.

    What is only `Dynamic` comes from a resource that is touched beside it, and stays the same.
    """
    for change in made:
        one = change.get("ResourceChange") or {}
        if one.get("LogicalResourceId") in TASK_PARTS and one.get("Replacement") == "True":
            return True
        if one.get("LogicalResourceId") == TASK_TEMPLATE:
            values = [d for d in one.get("Details") or () if _is_value(d.get("Target") or {})]
            return any(detail.get("Evaluation") != "Dynamic" for detail in values)
    return False


def _is_value(target: Mapping[str, Any]) -> bool:
    return target.get("Attribute") == "Properties" and target.get("Name") == "Value"


def _sum(costs: Sequence[cost.Cost]) -> cost.Cost:
    unpriced = {kind for one in costs for kind in one.unpriced}
    return cost.Cost(sum(one.usd_month for one in costs), tuple(sorted(unpriced)))
