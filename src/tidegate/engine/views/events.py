"""The journal's entries as a person and a program read them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tidegate.core.decision import Event
from tidegate.engine.codec import decode, encode
from tidegate.engine.journal import Entry
from tidegate.engine.views.sentences import sentence


@dataclass(frozen=True, slots=True)
class EventView:
    """One entry: its number, when (ms), the event itself, and its sentence."""

    seq: int
    at: int
    event: Event
    text: str

    @property
    def type(self) -> str:
        """The event's name."""
        return type(self.event).__name__


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of a story, `after_ms` since the story began; `type` is the event's name."""

    seq: int
    at: int
    after_ms: int
    type: str
    text: str


def moment(entry: Entry, began_at: int) -> Moment:
    """The entry as part of a story that began at `began_at` (ms)."""
    kind = type(entry.event).__name__
    return Moment(entry.seq, entry.at, entry.at - began_at, kind, sentence(entry.event))


def view_event(entry: Entry) -> EventView:
    """The entry with its sentence."""
    return EventView(entry.seq, entry.at, entry.event, sentence(entry.event))


def event_json(view: EventView) -> dict[str, Any]:
    """`{"seq", "at", "type", "text", "event"}`; `event` is as the journal keeps it."""
    kept = json.loads(encode(view.event))
    return {"seq": view.seq, "at": view.at, "type": view.type, "text": view.text, "event": kept}


def event_of_json(value: Mapping[str, Any]) -> EventView:
    """What `event_json` was made from. Raises `JournalError` for an event of another version."""
    event = decode(json.dumps(value["event"]))
    return EventView(value["seq"], value["at"], event, value["text"])
