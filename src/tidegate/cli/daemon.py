"""The daemon: started by `tidegate up`, in the background, with its output in the daemon's log."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

from tidegate.api.problems import class_of
from tidegate.cli.here import Here
from tidegate.core.errors import SetupError, TidegateError
from tidegate.engine.journal import RESERVE_BYTES

PATIENCE_S = 60.0
"""So long a daemon may take from its start until it answers."""
POLL_S = 0.1
_ROOM_BYTES = 2 * RESERVE_BYTES
"""With less than this the journal and its reserve have no room."""


def serve(folder: Path, foreground: bool) -> int:
    """Run the app's daemon in this process until it is told to stop; its exit code."""
    from tidegate import wiring

    try:
        wiring.serve(folder, foreground)
    except TidegateError as error:
        print(error, file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def start(here: Here) -> None:
    """Start it in the background and wait until it answers.

    Raises what it ended with instead, or `SetupError` with the end of its log when that tells
    nothing, or it does not answer in time.
    """
    log = here.home.daemon_log
    log.parent.mkdir(parents=True, exist_ok=True)
    begin = log.stat().st_size if log.exists() else 0
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tidegate.cli.daemon", str(here.folder)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    give_up_at = time.monotonic() + PATIENCE_S
    while not here.client.alive():
        if process.poll() is not None:
            _failed(log, begin, f"it ended with exit code {process.returncode}")
        if time.monotonic() > give_up_at:
            _failed(log, begin, f"it did not answer within {PATIENCE_S:g} s")
        time.sleep(POLL_S)


def wait_until_gone(here: Here) -> bool:
    """Wait until the daemon has ended; False when it has not at the end of patience."""
    give_up_at = time.monotonic() + PATIENCE_S
    while here.client.alive() or here.home.daemon.exists():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(POLL_S)
    return True


def _failed(log: Path, begin: int, what: str) -> NoReturn:
    with log.open("rb") as file:
        file.seek(begin)
        said = file.read().decode("utf-8", "replace").strip()
    told = _TOLD.search(said)
    if told:
        parts = dict(_PART.findall(told["parts"]))
        raise class_of(told["code"])(
            told["what"],
            cause=parts.get("cause", ""),
            where=parts.get("where", str(log)),
            remedy=parts.get("remedy", ""),
            code=told["code"],
        )
    cause = "\n          ".join([what, *said.splitlines()[-6:]])
    remedy = "see what this machine lacks: tidegate doctor"
    free = shutil.disk_usage(log.parent).free
    if not said and free < _ROOM_BYTES:
        cause = f"{free >> 10} KiB are free on the disk of {log.parents[1]}; its log is empty, too"
        remedy = "free some space there, then: tidegate up"
    raise SetupError(
        "the controller did not start", cause=cause, where=str(log), remedy=remedy, code="TG243"
    )


_TOLD = re.compile(
    r"^error (?P<code>TG\d{3}): (?P<what>.*)\n?(?P<parts>(?:  .*\n?)*)\Z", re.MULTILINE
)
"""The error that a daemon ended with, as `TidegateError` shows itself."""
_PART = re.compile(r"^  (cause|where|remedy) +(.*(?:\n   +.*)*)", re.MULTILINE)


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1]), foreground=False))
