"""Run another program on somebody else's bytes: bounded in time and output, and told little."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PIECE = 64 * 1024
_TAIL = 2_000


class ProgramFailed(Exception):
    """It did not start, did not end in time, or said too much. The text is for a person."""


@dataclass(frozen=True, slots=True)
class Said:
    """How a program ended: its exit code, its output, and the end of what it complained of."""

    code: int
    output: bytes
    complaint: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a program may take, and how much it may say."""

    seconds: float = 600.0
    output_bytes: int = 256 * 1024 * 1024


USUAL = Bounds()


def run(words: Sequence[str], folder: Path, bounds: Bounds) -> Said:
    """Run it in `folder`, which is also its home; it and all that it started end with it.

    Its environment is PATH, HOME and TMPDIR, and nothing of ours. Raises `ProgramFailed`.
    """
    try:
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise ProgramFailed(f"it does not start: {error}") from error
    with process:
        try:
            return _listen(process, bounds)
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def _environment(folder: Path) -> Mapping[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "TMPDIR": str(folder),
    }


def _listen(process: subprocess.Popen[bytes], bounds: Bounds) -> Said:
    """Read both of its outputs until they end, or one of the bounds is reached."""
    ends_at = time.monotonic() + bounds.seconds
    output, complaint = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, into in ((process.stdout, output), (process.stderr, complaint)):
            assert pipe is not None
            selector.register(pipe, selectors.EVENT_READ, into)
        while selector.get_map():
            left = ends_at - time.monotonic()
            if left <= 0:
                raise ProgramFailed(f"it did not end within {bounds.seconds:g} s")
            for key, _ in selector.select(left):
                if not _take(key.fileobj, key.data):  # type: ignore[arg-type]  # a pipe
                    selector.unregister(key.fileobj)
            del complaint[:-_TAIL]
            if len(output) > bounds.output_bytes:
                raise ProgramFailed(f"it said more than {bounds.output_bytes:,} bytes")
    try:
        code = process.wait(max(0.0, ends_at - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise ProgramFailed(f"it did not end within {bounds.seconds:g} s") from error
    return Said(code, bytes(output), complaint.decode("utf-8", "replace"))


def _take(pipe: IO[bytes], into: bytearray) -> bool:
    piece = os.read(pipe.fileno(), _PIECE)
    into += piece
    return bool(piece)
