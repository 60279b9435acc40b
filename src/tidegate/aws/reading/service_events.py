"""What happened to a service, in ECS's own words: the Events tab of its console."""

from tidegate.aws.account import Account
from tidegate.aws.names import ServiceOutput as Out
from tidegate.aws.reading.service import Place, ms
from tidegate.engine.views.service_events import ServiceEventView


def service_events(account: Account, place: Place) -> tuple[ServiceEventView, ...]:
    """As far as ECS remembers (a hundred), the oldest first; numbered by their time."""
    ask = {"cluster": place.cluster, "services": [place.outputs[Out.SERVICE_NAME]]}
    found = account.ask("ecs", "describe_services", **ask)["services"]
    told = sorted(found[0].get("events", ()), key=lambda one: one["createdAt"]) if found else []
    views: list[ServiceEventView] = []
    for one in told:
        at = ms(one["createdAt"])
        seq = max(at * 10, views[-1].seq + 1 if views else 0)
        views.append(ServiceEventView(seq, at, place.service, str(one["message"])))
    return tuple(views)
