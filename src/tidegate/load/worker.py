"""The sender's own process: `python -m tidegate.load.worker`, started by `background`.

Standard input: 8 bytes of length and a pickled `Plan`, then commands as JSON lines: `{"mark":
NAME}`, `{"stop": true}`. End of input means stop. Standard output: JSON lines `{"progress": …}`
four times a second and `{"marked": …}`; then `{"pickle": LENGTH}` and a pickled `Result`, or a
pickled `TidegateError`. Both sides are this package, at one version, under one user.
"""

import json
import os
import pickle
import sys
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from tidegate.core.errors import TidegateError
from tidegate.load.generate import Generator
from tidegate.load.plan import Plan
from tidegate.load.undisturbed import StepBack, undisturbed

PROGRESS_US = 250_000
STDIN, STDOUT = 0, 1


class Commands:
    """What the parent says, read from within the sender's loop."""

    def __init__(self) -> None:
        self._generator: Generator | None = None
        self._buffer = b""
        self._next_us = 0
        self._step_back = StepBack()

    def serve(self, generator: Generator) -> None:
        """Obey from now on, and tell that the run begins."""
        self._generator = generator
        generator.watch(STDIN, self)
        tell({"started": True})

    def ready(self) -> None:
        """There is something to read."""
        if self._generator is None:
            return
        data = os.read(STDIN, 4096)
        if not data:
            self._generator.unwatch(STDIN)
            self._generator.stop()
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            command = json.loads(line)
            if "mark" in command:
                self._mark(self._generator, command["mark"])
            else:
                self._generator.stop()

    def progress(self) -> None:
        """Tell the counts, four times a second."""
        self._step_back.look()
        if self._generator and self._generator.now_us() >= self._next_us:
            self._next_us = self._generator.now_us() + PROGRESS_US
            tell({"progress": progress_of(self._generator)})

    def _mark(self, generator: Generator, name: str) -> None:
        try:
            tell({"marked": asdict(generator.mark(name))})
        except TidegateError as error:
            tell({"marked": {"error": error.what}})


def progress_of(generator: Generator) -> dict[str, Any]:
    """`at_us`, and every request so far by act, kind and tag: `[act, kind, tag, n]`."""
    return {
        "at_us": generator.now_us(),
        "tally": [[*key, n] for key, n in generator.tally().items()],
    }


def tell(message: dict[str, Any]) -> None:
    """One line to the parent."""
    _write(json.dumps(message).encode() + b"\n")


def main() -> None:
    """Read the plan, run it, hand over the result."""
    plan = pickle.loads(_read(int.from_bytes(_read(8), "big")))
    assert isinstance(plan, Plan)
    commands = Commands()
    try:
        generator = Generator(plan, commands.progress)
        first = undisturbed(plan.first)
        commands.serve(generator)
        outcome: object = generator.run(first)
    except TidegateError as error:
        outcome = error
    data = pickle.dumps(outcome, protocol=5)
    tell({"pickle": len(data)})
    _write(data)


def _read(length: int) -> bytes:
    data = b""
    while len(data) < length:
        part = os.read(STDIN, length - len(data))
        if not part:
            sys.exit("the parent has gone before it gave a plan")
        data += part
    return data


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(STDOUT, view) :]


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # the parent has gone: nobody wants the result
        main()
