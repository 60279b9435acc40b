"""The status as a tree: app, services, target groups, tasks."""

from rich.markup import escape
from rich.tree import Tree

from tidegate.cli.render.capacity import cost
from tidegate.cli.render.words import commit, share, span, state
from tidegate.core.words import counted
from tidegate.engine.views.deployments import DeploymentView
from tidegate.engine.views.executions import ExecutionView
from tidegate.engine.views.groups import GroupView, TaskView
from tidegate.engine.views.status import AlarmView, ServiceView, StatusView

_SETTLED = "healthy"


def tree(view: StatusView) -> Tree:
    """The whole status. The counts of a group are desired/running/healthy."""
    if not view.app:
        top = Tree("nothing is deployed yet: git push tidegate main")
    else:
        top = Tree(f"[bold]{escape(view.app)}[/]  {view.url}", guide_style="dim")
    if view.cost:
        top.add(f"capacity  {cost(view.cost)}")
    if view.trouble:
        top.add(f"[red]✗ trouble[/]  {escape(view.trouble)}")
    if view.balancer:
        top.add(f"[yellow]! balancer[/]  {escape(view.balancer)}")
    for execution in view.executions:
        top.add(_execution(execution, view.at))
    for service in view.services:
        _service(top, service, view.at)
    return top


def _execution(one: ExecutionView, now: int) -> str:
    stage = one.stages[-1] if one.stages else None
    doing = f"{stage.stage} for {span(max(0, now - stage.started_at))}" if stage else "queued"
    subject = escape(one.subject)
    return f"{state('running')}  {one.id}  {commit(one.commit)} {subject}  {escape(doing)}"


def _service(top: Tree, one: ServiceView, now: int) -> None:
    branch = top.add(f"[bold]{escape(one.name)}[/]  {_summary(one)}")
    for group in one.groups:
        _group(branch, group, now)
    if one.deployment:
        branch.add(_deployment(one.deployment, now))
    if one.waiting:
        branch.add(f"{state('waiting')}  v{one.waiting.release}, by {escape(one.waiting.by)}")
    for alarm in one.alarms:
        branch.add(_alarm(alarm))


def _summary(one: ServiceView) -> str:
    if one.deployment:
        verb = "rolling back" if one.deployment.rolling_back else "deploying"
        verb = "cleaning up after" if one.deployment.promoted else verb
        return f"[cyan]● {verb}[/] v{one.deployment.candidate} ({one.deployment.id})"
    if one.stable is None:
        return "[yellow]◌ never deployed[/]  tidegate executions tells why"
    stable = next((group for group in one.groups if group.role == "stable"), None)
    if stable and stable.healthy >= one.desired:
        return f"{state('healthy')}  {one.url}"
    return f"[yellow]◌ not all tasks healthy[/]  {one.url}"


def _group(branch: Tree, one: GroupView, now: int) -> None:
    release = f"v{one.release}" if one.release is not None else "-"
    counts = f"{one.desired}/{one.running}/{one.healthy}"
    weight = share(one.weight_bp)
    if one.weight_bp is not None and one.weight_bp != one.wanted_bp:
        weight += f" (to be {share(one.wanted_bp)})"
    part = state(one.role) if one.role else "· unused"
    part += " " * (len("candidate") - len(one.role or "unused"))
    if one.release is None:
        weight = "-"
    text = f"{one.colour:<6}{release:<6}{part}  {weight:>6}  {counts}  {_traffic(one)}"
    group = branch.add(text.rstrip())
    for task in one.tasks:
        if task.phase != _SETTLED or one.healthy < one.desired:
            group.add(_task(task, now))


def _traffic(one: GroupView) -> str:
    if one.traffic is None:
        return "traffic unknown"
    if not one.traffic.requests:
        return "no requests"
    requests, errors = one.traffic.requests, one.traffic.errors
    p95 = f"  p95 {one.traffic.p95_ms:.0f} ms" if one.traffic.p95_ms is not None else ""
    return f"{counted(requests, 'request')}  errors {100 * errors / requests:.2f} %{p95}"


def _task(one: TaskView, now: int) -> str:
    busy = f"  {counted(one.active, 'request')} under way" if one.active else ""
    where = f"  {one.address}" if one.address else ""
    return f"{one.id}  {state(one.phase)}  {span(max(0, now - one.since))}{where}{busy}"


def _deployment(one: DeploymentView, now: int) -> str:
    if one.rolling_back:
        return f"[red]✗ rolling back[/]  {escape(one.rolling_back)}"
    step = f"  step {one.step}/{one.steps}" if one.stage == "PRODUCTION_TRAFFIC_SHIFT" else ""
    left = f"  next in {span(max(0, one.next_at - now))}" if one.next_at is not None else ""
    return f"{one.stage}{step}{left}  {escape(one.reason)}"


def _alarm(one: AlarmView) -> str:
    return f"alarm {escape(one.name)}  {state(one.state)}  {escape(one.reason)}"
