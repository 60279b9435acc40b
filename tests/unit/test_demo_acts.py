"""The walk-through, where it does not go well."""

from typing import cast

import pytest

from tidegate.demo import acts
from tidegate.demo.report import Act, facts
from tidegate.demo.walk import Check, Walk


class Broken:
    """A walk in a workspace whose every push is refused."""

    port = 1

    def __init__(self) -> None:
        self.space = self.ledger = self
        self.said: list[str] = []
        self.stopped = False

    def tidegate(self, *words: str) -> None:
        """Nothing."""

    def push(self) -> int:
        return 1

    def until_deployed(self, services: int) -> bool:
        raise AssertionError("there is nothing to wait for")

    def start(self, name: str) -> None:
        """No request is sent."""

    def answers(self) -> dict[str, int]:
        return {}

    def say(self, line: str) -> None:
        self.said.append(line)

    def act(self, name: str, check: Check, detail: dict[str, object]) -> Act:
        return Act(name, not check.broken, 0, 0, 0, detail={"broken": check.broken})

    def stop(self) -> None:
        self.stopped = True


def test_when_the_app_does_not_come_up_the_walk_ends_there_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    walk, begun = Broken(), list[str]()
    played = list(acts.play(cast(Walk, walk), begun.append))
    assert begun == ["deployed"]
    assert played[0].detail["broken"][0] == "the first push was refused"
    assert not facts(played, "")["ok"]
    assert not [line for line in walk.said if "answer" in line]
    assert walk.stopped
