"""A bench that runs within the private engine's network namespace: its options, its answer."""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from docker import DockerClient

from bench.claims import Claim
from bench.size import Size, add_size, size_of
from tidegate.local import engine_socket


@dataclass(frozen=True, slots=True)
class Inside:
    """Where and how big: the engine's URL, a client of it, and a folder for files."""

    engine: str
    client: DockerClient
    folder: Path
    size: Size


def main(measure: Callable[[Inside], Sequence[Claim]]) -> None:
    """Measure, and print the claims as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", required=True, help="the URL of the private engine")
    add_size(parser)
    options = parser.parse_args()
    engines = Path(options.engine.removeprefix("unix://")).parent
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=engines))
    try:
        client = engine_socket.connect(options.engine)
        claims = measure(Inside(options.engine, client, folder, size_of(options)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    json.dump({"claims": [asdict(claim) for claim in claims]}, sys.stdout)
