"""The network of an app's tasks: the engine's own where that parts them, else one of the app's."""

from types import SimpleNamespace
from typing import Any

import pytest

from tidegate.local.containers import network
from tidegate.local.containers.network import DEFAULT, TALK, Network

OWN = "tidegate-me"


class Engine:
    """A container engine's networks, by name, with their options."""

    def __init__(self, **options: Any) -> None:
        self.there: dict[str, Any] = {DEFAULT: options or None}
        self.looks = 0
        self.networks = SimpleNamespace(list=self._list, create=self._create)

    def _list(self, names: list[str]) -> list[Any]:
        self.looks += 1
        return [
            SimpleNamespace(name=name, attrs={"Options": options})
            for name, options in self.there.items()
            if f"^{name}$" in names
        ]

    def _create(self, name: str, options: dict[str, str], **_: Any) -> None:
        self.there[name] = options


def of(engine: Any) -> Network:
    return Network(engine, "me")


def test_tasks_that_start_together_share_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(network, "monotonic", lambda: now)
    engine = Engine()
    tasks = of(engine)
    assert [tasks.ensure(), tasks.ensure(), tasks.ensure()] == [OWN] * 3
    assert engine.looks == 1
    del engine.there[OWN]  # somebody removed it
    now += network.FRESH_S
    assert tasks.ensure() == OWN
    assert OWN in engine.there


@pytest.mark.parametrize("options", [{}, {TALK: "true"}, {"another": "false"}])
def test_a_network_that_lets_its_containers_talk_is_not_for_tasks(options: dict[str, str]) -> None:
    engine = Engine(**options)
    assert of(engine).ensure() == OWN
    assert engine.there[OWN] == {TALK: "false"}


def test_the_engine_s_own_network_will_do_where_it_parts_its_containers() -> None:
    engine = Engine(**{TALK: "false"})
    assert of(engine).ensure() == DEFAULT
    assert OWN not in engine.there


def test_an_engine_may_have_no_network_of_its_own() -> None:
    engine = Engine()
    engine.there.clear()
    assert of(engine).ensure() == OWN
