"""Which of the engine's events wake the watcher."""

from types import SimpleNamespace
from typing import Any

import pytest

from tidegate.local.containers.events import Events


class Told:
    """A stream of the engine's events."""

    def __init__(self, *actions: str) -> None:
        self.actions = actions
        self._response = SimpleNamespace(close=lambda: None)

    def __iter__(self) -> Any:
        return iter([{"Action": action} for action in self.actions])


@pytest.mark.parametrize(
    ("actions", "wakes"),
    [
        (("start",), 1),
        (("die", "stop"), 2),
        (("died", "remove"), 2),
        (("create", "kill", "exec_start: /bin/true", "exec_die"), 0),
    ],
)
def test_only_what_changes_a_container_wakes(actions: tuple[str, ...], wakes: int) -> None:
    woken: list[None] = []
    client: Any = SimpleNamespace(api=SimpleNamespace(events=lambda **_: Told(*actions)))
    Events(client, {}, lambda: woken.append(None))._listen()
    assert len(woken) == 1 + wakes  # once for what happened before it listened
