"""A line of text that comes from strangers, for a terminal."""

import re

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_CONTROL = {code: None for code in (*range(32), 127) if code != 9}


def clean(line: str) -> str:
    """The line without terminal escapes and control characters, for it comes from strangers."""
    return _COLOUR.sub("", line).translate(_CONTROL).rstrip()
