"""The network of an app's tasks: looked for once for tasks that start together."""

from types import SimpleNamespace
from typing import Any

import pytest

from tidegate.local.containers import network
from tidegate.local.containers.network import Network


class Engine:
    """A container engine's networks."""

    def __init__(self) -> None:
        self.there = False
        self.looks = self.made = 0
        self.networks = SimpleNamespace(list=self._list, create=self._create)

    def _list(self, names: list[str]) -> list[str]:
        self.looks += 1
        return names if self.there else []

    def _create(self, name: str, **options: Any) -> None:
        self.made += 1
        self.there = True


def test_tasks_that_start_together_share_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(network, "monotonic", lambda: now)
    engine = Engine()
    one: Any = engine
    tasks = Network(one, "me")
    tasks.ensure()
    tasks.ensure()
    tasks.ensure()
    assert (engine.looks, engine.made) == (2, 1)
    engine.there = False  # somebody removed it
    now += network.FRESH_S
    tasks.ensure()
    assert (engine.looks, engine.made) == (3, 2)
