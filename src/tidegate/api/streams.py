"""What is told as it happens: lines of JSON, and server-sent events."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.responses import StreamingResponse

from tidegate.api.problems import to_json
from tidegate.core.errors import TidegateError

Item = TypeVar("Item")

FOLLOWERS = 64
"""So many wait at once in threads of their own; more take turns, a second or so each."""

_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


class Streams:
    """Makes responses out of iterators that block, each step in one of its threads."""

    def __init__(self) -> None:
        self._threads = CapacityLimiter(FOLLOWERS)

    def lines(self, items: Iterator[Any]) -> StreamingResponse:
        """One JSON object a line; an empty line is a beat, a last `{"error"}` a failure."""
        told = self._told(items, lambda item: json.dumps(item, ensure_ascii=False) + "\n", "\n")
        return StreamingResponse(told, media_type="application/x-ndjson", headers=_HEADERS)

    def events(
        self, items: Iterator[Item | None], write: Callable[[Item], tuple[int, Any]]
    ) -> StreamingResponse:
        """Server-sent events; `write` gives each one's id and data. A comment is a beat."""

        def event(item: Item) -> str:
            number, data = write(item)
            return f"id: {number}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"

        told = self._told(items, event, ": beat\n\n", failure="event: failure\ndata: {}\n\n")
        return StreamingResponse(told, media_type="text/event-stream", headers=_HEADERS)

    async def _told(
        self,
        items: Iterator[Item | None],
        write: Callable[[Item], str],
        beat: str,
        failure: str = "{}\n",
    ) -> AsyncIterator[str]:
        ended = object()
        try:
            while True:
                item: Any = await to_thread.run_sync(next, items, ended, limiter=self._threads)
                if item is ended:
                    return
                yield beat if item is None else write(item)
        except TidegateError as error:
            yield failure.format(json.dumps(to_json(error), ensure_ascii=False))
        finally:
            close = getattr(items, "close", None)
            if close:
                close()
