"""The two operations that a push needs. A hook starts at every push: this imports little."""

from collections.abc import Iterator
from typing import BinaryIO, Unpack

from tidegate.api.wire import Place, Wire, part
from tidegate.engine.messages import Message, Revision, Until


class Pushing:
    """Starts an execution in the daemon of the same state directory, and follows it.

    Each raises what the daemon raised, `SetupError` when none is running, `StillRunning` when it
    goes away while it tells something.
    """

    def __init__(self, home: Place) -> None:
        self._wire = Wire(home)

    def start_execution(self, tar: BinaryIO, **revision: Unpack[Revision]) -> str:
        """Put a revision into the pipeline; `tar` is its source. Answers the execution's id."""
        facts = {name: str(value) for name, value in revision.items()}
        return str(self._wire.send("/v1/executions", tar, **facts)["execution"])

    def stream(self, execution: str, until: Until = "end") -> Iterator[Message]:
        """An execution: log lines as they are written, events, and an end."""
        path = f"/v1/executions/{part(execution)}/stream"
        for item in self._wire.lines(path, {"until": until}):
            message: Message = item
            yield message
