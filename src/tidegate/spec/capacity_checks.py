"""What must hold between `capacity` and the services that it is for: ECS's rules of a strategy."""

from collections.abc import Iterator

from tidegate.spec.app import AppKeys
from tidegate.spec.capacity import CapacityKeys, StrategyItemKeys
from tidegate.spec.describe import nearest
from tidegate.spec.problems import Path, Problem, dotted
from tidegate.spec.service import ServiceKeys


def capacity(app: AppKeys) -> Iterator[Problem]:
    """Every fault of the strategies, and tasks that are larger than any instance."""
    if app.capacity is not None:
        yield from _strategy(
            app.capacity, ("capacity", "default_strategy"), app.capacity.default_strategy
        )
    for name, service in app.services.items():
        path: Path = ("services", name, "capacity_provider_strategy")
        if app.capacity is None and service.capacity_provider_strategy:
            yield Problem(
                path,
                f"{dotted(path)}: there are no capacity providers",
                "the file has no `capacity`",
                "add `capacity:` with `providers:`, or leave the strategy out",
            )
        elif app.capacity is not None:
            yield from _strategy(app.capacity, path, service.capacity_provider_strategy)
            yield from _too_large(app.capacity, name, service)


def _strategy(
    capacity: CapacityKeys, path: Path, strategy: list[StrategyItemKeys]
) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, item in enumerate(strategy):
        provider = item.capacity_provider
        place: Path = (*path, number, "capacity_provider")
        if provider not in capacity.providers:
            near = nearest(provider, capacity.providers)
            yield Problem(
                place,
                f"{dotted(place)}: there is no capacity provider {provider}",
                f"the providers are {', '.join(capacity.providers)}",
                f"did you mean `{near}`?" if near else "name one of them",
            )
        elif provider in seen:
            what = f"{dotted(place)}: {provider} is named twice"
            yield Problem(place, what, "a strategy names each provider once", "keep one of them")
        seen.add(provider)
    yield from _numbers(path, strategy)


def _numbers(path: Path, strategy: list[StrategyItemKeys]) -> Iterator[Problem]:
    if sum(item.base > 0 for item in strategy) > 1:
        what = f"{dotted(path)}: more than one item has a base"
        yield Problem(path, what, "only one may, as in ECS", "keep one base")
    if strategy and not any(item.weight for item in strategy):
        what = f"{dotted(path)}: every weight is 0"
        remedy = "give one provider a weight above 0"
        yield Problem(path, what, "then no task beyond the base goes anywhere", remedy)


def _too_large(capacity: CapacityKeys, name: str, service: ServiceKeys) -> Iterator[Problem]:
    strategy = service.capacity_provider_strategy or capacity.default_strategy
    named = [item.capacity_provider for item in strategy] or list(capacity.providers)[:1]
    for provider in named:
        if provider not in capacity.providers:
            continue
        made = capacity.providers[provider].core(provider)
        if service.cpu <= made.cpu_units and service.memory <= made.memory_mib:
            continue
        path: Path = ("services", name)
        yield Problem(
            path,
            f"{dotted(path)}: a task does not fit on an instance of {provider}",
            f"it reserves {service.cpu} CPU units and {service.memory} MiB; an instance has "
            f"{made.cpu_units} and {made.memory_mib}",
            "make the instances larger, or the task smaller",
        )
