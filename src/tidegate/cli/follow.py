"""An execution as it is told to who waits for it: by `tidegate deploy`, and by `git push`."""

import re
from collections.abc import Callable, Iterable, Iterator

from tidegate.core.errors import InternalError
from tidegate.engine.messages import End, Happened, Message

REFUSED = 5
ROLLED_BACK = 6
_BETWEEN = re.compile(r" entered (PRE|POST)_")
_MORE = {"RollbackStarted": "tidegate report", "TaskStopped": "tidegate logs"}
"""What tells more of the deployment, or the last task, that an event names first."""
_BAD = frozenset({"StageFailed", "Rejected", "RollbackStarted", "TaskStopped"})


def follow(messages: Iterable[Message], execution: str, say: Callable[[str], None]) -> int:
    """Say each message at once, and each reason of a failure once; the exit code of the last.

    Ctrl-C ends the telling, not the work; then the exit code is 7 (still running).
    """
    bad: dict[str, str] = {}
    given: set[str] = set()
    try:
        for message in messages:
            if not _is_said_elsewhere(message):
                say(_unsaid(words(message), given) if _is_failure(message) else words(message))
                given.update(_endings(_text(message)))
            if message["kind"] == "event" and message["type"] in _MORE:
                bad[message["type"]] = message["text"].split()[0]
            if message["kind"] == "end":
                if message["exit_code"] == REFUSED:
                    say(f"       why: tidegate gate explain {execution}")
                if message["exit_code"] == ROLLED_BACK and bad:
                    told = [f"{_MORE[kind]} {name}" for kind, name in sorted(bad.items())]
                    say(f"       why: {', '.join(told)}")
                return message["exit_code"]
    except KeyboardInterrupt:
        say(f"=====> detached; {execution} goes on: tidegate status, tidegate logs {execution}")
        return 7
    raise InternalError(
        f"the daemon ended the story of {execution} in the middle",
        remedy=f"see how it went: tidegate executions, tidegate logs {execution}",
        code="TG940",
    )


def words(message: Message) -> str:
    """One message as one line, marked like Heroku's: `----->` step, ` !     ` trouble."""
    match message["kind"]:
        case "line":
            return f"       {message['text']}"
        case "event":
            return f"{_mark(message)} {message['text']}"
        case "end":
            return f"=====> {_ending(message)}"


def _is_said_elsewhere(message: Message) -> bool:
    """The end says how the execution finished; the next main stage says that hooks are passed."""
    if message["kind"] != "event":
        return False
    between = message["type"] == "StageEntered" and _BETWEEN.search(message["text"])
    return bool(between) or message["type"] == "ExecutionFinished"


def _is_failure(message: Message) -> bool:
    if message["kind"] == "end":
        return message["exit_code"] != 0
    return message["kind"] == "event" and message["type"] == "StageFailed"


def _text(message: Message) -> str:
    return message["reason"] if message["kind"] == "end" else message["text"]


def _endings(text: str) -> Iterator[str]:
    """The text, and what stands behind each of its colons: what it may be the reason of."""
    rest = text.strip()
    while rest:
        yield rest
        rest = rest.partition(": ")[2]


def _unsaid(text: str, told: set[str]) -> str:
    """The text without a reason that was given before: a log, an event and the end may all say it.

    What is cut away begins behind a colon, so what failed is always said.
    """
    cut = next((end for end in _endings(text.partition(": ")[2]) if end in told), None)
    return text.removesuffix(f": {cut}") if cut else text


def _mark(event: Happened) -> str:
    alarm = event["type"] == "AlarmChanged" and " is ALARM" in event["text"]
    return " !    " if alarm or event["type"] in _BAD else "----->"


def _ending(end: End) -> str:
    if end["outcome"] is None:
        return f"accepted: {end['reason']}"
    return f"{end['outcome']}: {end['reason']}" if end["reason"] else end["outcome"]
