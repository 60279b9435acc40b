"""The kinds of value that the app file knows beyond pydantic's own, each with its words.

A kind is put on a field with `Annotated`. It checks what was written, says in `words` what is
expected there (the errors and the reference use it), and gives the JSON Schema of what is written.
"""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from tidegate.spec.units import SIZE_PATTERN, TIME_PATTERN, size_mib, time_ms

HOUR_MS = 3_600_000


def refuse() -> PydanticCustomError:
    """The error of a value that is not of its kind; the key's `words` say the rest."""
    return PydanticCustomError("wrong_kind", "not what is expected here")


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of value: `words` for people, `schema` for editors, `read` from what is written."""

    words: str
    schema: tuple[tuple[str, Any], ...]
    read: Callable[[object], object]

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return dict(self.schema)


def shaped(pattern: str, words: str, most: int = 200) -> Kind:
    """Text of at most `most` characters that a pattern (Python's and JSON Schema's) holds."""
    compiled = re.compile(pattern, re.ASCII)

    def read(value: object) -> object:
        if isinstance(value, str) and not (len(value) <= most and compiled.fullmatch(value)):
            raise refuse()
        return value

    schema = (("type", "string"), ("pattern", f"^(?:{pattern})$"), ("maxLength", most))
    return Kind(words, schema, read)


def one_of(*choices: str) -> Kind:
    """One of these words."""
    known = [str(choice) for choice in choices]

    def read(value: object) -> object:
        if isinstance(value, str) and value not in known:
            raise refuse()
        return value

    listed = ", ".join(f"`{choice}`" for choice in known)
    return Kind(f"one of {listed}", (("type", "string"), ("enum", known)), read)


def time(least_ms: int, most_ms: int, words: str) -> Kind:
    """A time within bounds; `0` needs no unit where it is allowed. Read as milliseconds."""

    def read(value: object) -> object:
        ms = 0 if value == 0 and type(value) is int else None
        ms = time_ms(value) if isinstance(value, str) else ms
        if ms is None or not least_ms <= ms <= most_ms:
            raise refuse()
        return ms

    text = {"type": "string", "pattern": TIME_PATTERN}
    schema = (("anyOf", [text, {"const": 0}]),) if least_ms == 0 else tuple(text.items())
    return Kind(words, schema, read)


def _memory(value: object) -> object:
    mib = size_mib(value) if isinstance(value, str) else value
    if type(mib) is not int or not 6 <= mib <= 1_048_576:
        raise refuse()
    return mib


def _percent(value: object) -> object:
    """Basis points. A hundredth of a percent is the finest that the balancer splits."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 100:
        raise refuse()
    if abs(value * 100 - round(value * 100)) > 1e-6:
        raise refuse()
    return round(value * 100)


_SWITCH = {"on": True, "yes": True, "off": False, "no": False}


def _switch(value: object) -> object:
    return _SWITCH.get(value, value) if isinstance(value, str) else value


def _command(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return shlex.split(value)
    except ValueError as error:  # an open quote
        raise refuse() from error


TEXT = {"type": ["string", "number", "boolean"]}
"""The schema of text that is taken as written, so that `1.10` stays `1.10`."""

Moment = Annotated[int, time(0, 168 * HOUR_MS, "a time such as `500ms`, `2s`, `10m`, up to `168h`")]
Span = Annotated[int, time(1, 336 * HOUR_MS, "a time such as `500ms`, `2s`, `10m`, up to `336h`")]
Beat = Annotated[int, time(100, HOUR_MS, "a time such as `500ms`, `2s`, from `100ms` to `1h`")]
Period = Annotated[int, time(1_000, 24 * HOUR_MS, "a time such as `10s`, `1m`, from `1s` to `24h`")]
Memory = Annotated[
    int,
    Kind(
        "a size such as `128`, `512MiB` or `2GiB`, from `6MiB` to `1024GiB`",
        (
            (
                "anyOf",
                [{"type": "integer", "minimum": 6, "maximum": 1_048_576},
                 {"type": "string", "pattern": SIZE_PATTERN}],
            ),
        ),
        _memory,
    ),
]  # fmt: skip
Percent = Annotated[
    int,
    Kind(
        "a percentage above 0, up to 100, in steps of 0.01",
        (("type", "number"), ("exclusiveMinimum", 0), ("maximum", 100)),
        _percent,
    ),
]
Switch = Annotated[
    bool,
    Kind(
        "`true` or `false`",
        (("anyOf", [{"type": "boolean"}, {"enum": sorted(_SWITCH)}]),),
        _switch,
    ),
]
Written = Annotated[str, Kind("text", tuple(TEXT.items()), lambda value: value)]
Command = Annotated[
    tuple[str, ...],
    Kind(
        "a command: a list of words, or one line that is split as a shell splits it",
        (("anyOf", [{"type": "string"}, {"type": "array", "items": TEXT}]),),
        lambda value: tuple(got) if isinstance(got := _command(value), list) else got,
    ),
]
Name = Annotated[
    str,
    shaped(
        "[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?",
        "a name of up to 40 lower-case letters, digits and inner hyphens, beginning with a letter",
    ),
]
Label = Annotated[
    str,
    shaped("[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "a name of letters, digits and `.`, `_`, `-`"),
]
Variable = Annotated[str, shaped("[A-Za-z_][A-Za-z0-9_.-]*", "the name of an environment variable")]
UrlPath = Annotated[
    str, shaped(r"/[A-Za-z0-9._~!$&()*+,;=:@%/-]*", "a path that begins with `/`, such as `/cats`")
]
UrlTarget = Annotated[
    str,
    shaped(r"/[A-Za-z0-9._~!$&()*+,;=:@%/?-]*", "a path that begins with `/`, such as `/health`"),
]
HeaderName = Annotated[
    str, shaped("[A-Za-z0-9][A-Za-z0-9_-]*", "a header's name, such as `x-beta`")
]
HeaderValue = Annotated[
    str,
    Kind(
        "a header's value: printable ASCII without spaces at its ends",
        tuple(TEXT.items()),
        shaped("[!-~](?:[ -~]*[!-~])?", "").read,
    ),
]
Folder = Annotated[
    str,
    shaped(
        r"(?!(?:.*/)?\.\.(?:/|$))[A-Za-z0-9._@+-][A-Za-z0-9._@+/ -]*",
        "a path inside the revision: relative, without `..`",
    ),
]
FilePath = Annotated[
    str, shaped(r"[^\s\x00-\x1f\x7f\"'\\#]+", "the path of a file, without spaces")
]
