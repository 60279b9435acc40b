"""What a parser is to the fuzzer."""

from collections.abc import Callable
from dataclasses import dataclass

Read = Callable[[bytes], object]


@dataclass(frozen=True)
class Parser:
    """A parser, good files of its format, and whether they are tars with checksums to be mended."""

    read: Read
    seeds: tuple[bytes, ...]
    tar: bool = False
