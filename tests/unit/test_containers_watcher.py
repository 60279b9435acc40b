"""What the watcher knows of containers that the engine lists before it can tell of them."""

from typing import Any

from docker.errors import NotFound
from requests import Response

from tidegate.core.decision import StartTask
from tidegate.core.model import Service
from tidegate.core.seen import TaskState
from tidegate.local.containers.labels import labels_of
from tidegate.local.containers.watcher import Known, Watcher

LABELS = labels_of("me", "shop", StartTask("t1", Service("cats"), 1, "sha256:0"))
NEVER = "0001-01-01T00:00:00Z"


class Engine:
    """One container that was just created. It is told of from the second question on."""

    def __init__(self, labels: dict[str, str]) -> None:
        self.api = self
        self.labels = labels
        self.questions = 0

    def containers(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Id": "c1", "State": "created", "Labels": self.labels}]

    def inspect_container(self, container: str) -> dict[str, Any]:
        self.questions += 1
        if self.questions == 1:
            missing = Response()
            missing.status_code = 404
            raise NotFound("No such container: c1", response=missing)
        state = {"Status": "created", "StartedAt": NEVER, "FinishedAt": NEVER}
        return {
            "Image": "sha256:0",
            "Config": {"Labels": self.labels},
            "State": state,
            "NetworkSettings": {"Ports": None},
        }


def test_a_container_that_is_listed_before_it_can_be_read_is_read_by_the_next_look() -> None:
    told: list[Known] = []
    engine: Any = Engine(LABELS)
    watcher: Any = Watcher(engine, "me", told.append)
    watcher._look()
    assert watcher.known() == {}
    watcher._look()
    assert watcher.known()["t1"].seen.state is TaskState.PENDING
    watcher._look()
    assert engine.questions == 2  # its state is no news
    assert [list(known) for known in told] == [["t1"]]


def test_damaged_labels_are_read_once() -> None:
    engine: Any = Engine(LABELS | {name: "?" for name in LABELS if name.endswith("release")})
    watcher: Any = Watcher(engine, "me", lambda known: None)
    for _ in range(4):
        watcher._look()
    assert watcher.known() == {}
    assert engine.questions == 2
