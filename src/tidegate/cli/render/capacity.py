"""Capacity as text: a line for each provider, its instances below it, and the money."""

from rich.markup import escape
from rich.tree import Tree

from tidegate.cli.render.words import span, state
from tidegate.core.cost import dollars
from tidegate.core.words import counted
from tidegate.engine.views.capacity import CapacityView, CostView, InstanceView, ProviderView


def capacity(view: CapacityView) -> Tree:
    """The whole of it."""
    if not view.providers and not view.instances:
        return Tree("no capacity providers: tasks run on this machine as it is")
    top = Tree(f"[bold]capacity[/]  {cost(view.cost)}", guide_style="dim")
    if view.note:
        top.add(f"[yellow]! {escape(view.note)}[/]")
    for service, why in view.waiting:
        top.add(f"{state('waiting')}  tasks of {escape(service)}: {escape(why)}")
    for provider in view.providers:
        branch = top.add(_provider(provider, view.at))
        for instance in view.instances:
            if instance.provider == provider.name:
                branch.add(_instance(instance, view.at))
    known = {provider.name for provider in view.providers}
    for instance in view.instances:
        if instance.provider not in known:
            top.add(_instance(instance, view.at))
    return top


def cost(view: CostView) -> str:
    """What it costs, and what on-demand alone would have cost."""
    text = f"{dollars(view.micros)} so far"
    if view.on_demand_micros > view.micros:
        text += f" (all on-demand: {dollars(view.on_demand_micros)})"
    return f"{text}, {dollars(view.per_hour_micros)} an hour"


def _provider(one: ProviderView, now: int) -> str:
    counts = [f"{one.ready} ready"]
    for number, what in (
        (one.launching, "launching"),
        (one.draining, "draining"),
        (one.terminating, "terminating"),
    ):
        counts += [f"{number} {what}"] if number else []
    parts = [
        f"[bold]{escape(one.name)}[/] {one.kind}",
        f"{', '.join(counts)} of {one.minimum} to {one.maximum}",
        f"CPU {one.cpu_reserved}/{one.cpu_units}",
        f"memory {one.memory_reserved_mib}/{one.memory_mib} MiB",
        f"CapacityProviderReservation {one.reservation}",
        dollars(one.cost_micros),
    ]
    parts += [f"{counted(one.pending, 'task')} waiting"] if one.pending else []
    if one.closed_until is not None:
        parts.append(f"[yellow]closed for {span(max(0, one.closed_until - now))}[/]")
    return "  ".join(parts)


def _instance(one: InstanceView, now: int) -> str:
    text = f"{one.id}  {state(one.phase)}  zone {escape(one.zone)}"
    text += f"  CPU {one.cpu_reserved}/{one.cpu_units}"
    text += f"  memory {one.memory_reserved_mib}/{one.memory_mib} MiB  {dollars(one.cost_micros)}"
    if one.deadline is not None:
        text += f"  [red]taken back in {span(max(0, one.deadline - now))}[/]"
    return text + (f"  {' '.join(one.tasks)}" if one.tasks else "  empty")
