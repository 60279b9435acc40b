"""Feed every parser of untrusted bytes with files that are almost right, for as long as you like.

    python -m tests.support.fuzz --minutes 10 [--parser dpkg] [--seed 1] [--finds FOLDER]

A valid file is changed at a few places. A file that made the parser answer in a way not seen before
joins those that are changed, so that the search goes deeper. A find is any exception that is not
the parser's own refusal, an answer that takes seconds, or memory out of all proportion; it is
written to the folder and told. Exit code 1 when there is one.
"""

import argparse
import hashlib
import json
import random
import re
import resource
import struct
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.parser import Parser
from tests.support.parsers import PARSERS, REFUSALS
from tidegate.core.errors import TidegateError

SLOW_S = 5.0
MOST_GROWTH_KIB = 768 * 1024
MOST_CORPUS = 400
MOST_BYTES = 256 * 1024
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_PIECES = (b"\0", b"\n\n", b"\0" * 16, b"\x80", b"[" * 2000, b"../", b"\xed\xa0\x80", b"9" * 30)
_VALUES: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    1e308,
    10**25,
    "",
    "0",
    "\ud800",
    "x" * 600,
    [],
    {},
    [[]],
    [{}],
)


@dataclass
class Run:
    """One parser's run: how many files, how many kinds of answers, what was found."""

    name: str
    files: int = 0
    seconds: float = 0.0
    corpus: list[bytes] = field(default_factory=list)
    answers: set[str] = field(default_factory=set)
    finds: dict[str, bytes] = field(default_factory=dict)


def fuzz(run: Run, parser: Parser, seconds: float, rng: random.Random) -> None:
    """Feed one parser for so long, in seconds of CPU time; go on where the run stands."""
    run.corpus = run.corpus or list(parser.seeds)
    began = time.process_time()
    while time.process_time() - began < seconds:
        data = change(rng.choice(run.corpus), run.corpus, rng)
        if parser.tar and rng.random() < 0.8:
            data = mended(data)
        answer = _feed(parser, data, run)
        run.files += 1
        if answer not in run.answers and len(run.answers) < 5_000:
            run.answers.add(answer)
            if len(run.corpus) < MOST_CORPUS:
                run.corpus.append(data)
            else:
                run.corpus[rng.randrange(len(parser.seeds), MOST_CORPUS)] = data
    run.seconds += time.process_time() - began


def _feed(parser: Parser, data: bytes, run: Run) -> str:
    """What kind of answer the parser gives; a find is kept."""
    before, began = _memory_kib(), time.monotonic()
    try:
        answer = f"read {_shape(repr(parser.read(data))[:2000])}"
    except REFUSALS as error:
        cause = error.cause if isinstance(error, TidegateError) else ""
        answer = f"{type(error).__name__} {_shape(f'{error} {cause}')[:200]}"
    except Exception as error:  # noqa: BLE001  # that is what is looked for
        place = traceback.extract_tb(error.__traceback__)[-1]
        answer = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
        run.finds.setdefault(answer, data)
    took, grown = time.monotonic() - began, _memory_kib() - before
    if took > SLOW_S:
        run.finds.setdefault(f"{took:.0f} s", data)
    if grown > MOST_GROWTH_KIB:
        run.finds.setdefault(f"{grown // 1024} MiB", data)
    return answer


def change(seed: bytes, corpus: list[bytes], rng: random.Random) -> bytes:
    """The file, changed at a few places; JSON also in its structure."""
    if seed[:1] in (b"{", b"[") and rng.random() < 0.6:
        try:
            return json.dumps(_other(json.loads(seed), rng, 0.15)).encode()
        except (ValueError, RecursionError):
            pass
    data = bytearray(seed)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        _edit(data, corpus, rng)
    return bytes(data[:MOST_BYTES])


def _edit(data: bytearray, corpus: list[bytes], rng: random.Random) -> None:
    at = rng.randrange(len(data) + 1)
    match rng.randrange(8):
        case 0:
            data[at : at + 1] = bytes([rng.randrange(256)])
        case 1 if data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        case 2:
            number = struct.pack(rng.choice("<>") + rng.choice("HIQ"), rng.choice(_NUMBERS[:6]))
            data[at : at + len(number)] = number
        case 3:
            number = struct.pack(rng.choice("<>") + "I", rng.choice(_NUMBERS))
            data[at : at + 4] = number
        case 4:
            data[at:at] = rng.choice(_PIECES)
        case 5:
            del data[at : at + rng.choice((1, 4, 64, 512))]
        case 6:
            other = rng.choice(corpus)
            begin = rng.randrange(len(other) + 1)
            data[at:at] = other[begin : begin + rng.choice((8, 64, 512, 4096))]
        case _:
            del data[at : at + (len(data) if rng.random() < 0.3 else 2)]


def _other(value: object, rng: random.Random, rate: float) -> object:
    """The same JSON with some of its values exchanged, taken away or doubled."""
    if rng.random() < rate:
        return rng.choice(_VALUES)
    if isinstance(value, dict):
        kept = {k: _other(v, rng, rate) for k, v in value.items() if rng.random() > rate / 3}
        return kept
    if isinstance(value, list):
        return [_other(v, rng, rate) for v in value for _ in range(1 + (rng.random() < rate))]
    return value


def mended(data: bytes) -> bytes:
    """A tar whose headers' checksums are right again, as far as its sizes lead."""
    tar, at = bytearray(data), 0
    while at + 512 <= len(tar):
        block = tar[at : at + 512]
        if any(block):
            block[148:156] = b" " * 8
            tar[at + 148 : at + 156] = b"%06o\0 " % sum(block)
        size = bytes(block[124:135]).strip(b" \0")
        content = int(size, 8) if re.fullmatch(b"[0-7]{1,11}", size) else 0
        at += 512 + (content + 511) // 512 * 512
    return bytes(tar)


def _shape(text: str) -> str:
    """The text without what differs from file to file."""
    text = re.sub(r"0x[0-9a-f]+|[0-9a-f]{8,}", "#", text)
    text = re.sub(r"[0-9]+", "0", text)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _memory_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def runs(names: Sequence[str], minutes: float, seed: int) -> Iterator[Run]:
    """Each parser for so many minutes of CPU time, in turns of up to a minute."""
    left = dict.fromkeys(names, minutes * 60)
    every = {name: Run(name) for name in names}
    rngs = {name: random.Random(f"{seed} {name}") for name in names}
    while left:
        for name in list(left):
            turn = min(left[name], 60.0)
            fuzz(every[name], PARSERS[name], turn, rngs[name])
            yield every[name]
            left[name] -= turn
            if left[name] <= 0:
                del left[name]


def main() -> int:
    """Run, and tell of each parser."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="of CPU, for each parser")
    parser.add_argument("--parser", action="append", choices=PARSERS, help="may be repeated")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--finds", type=Path, default=Path("fuzz-finds"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    told: set[tuple[str, str]] = set()
    for run in runs(options.parser or list(PARSERS), options.minutes, options.seed):
        for what, data in run.finds.items():
            if (run.name, what) not in told:
                told.add((run.name, what))
                options.finds.mkdir(parents=True, exist_ok=True)
                name = f"{run.name}-{hashlib.sha256(data).hexdigest()[:12]}".replace(" ", "-")
                (options.finds / name).write_bytes(data)
                print(f"FOUND {run.name}: {what}: {options.finds / name}", flush=True)
        minutes = f"{run.seconds / 60:.1f} min of CPU"
        print(f"{run.name}: {minutes}, {run.files:,} files, {len(run.answers)} answers", flush=True)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
