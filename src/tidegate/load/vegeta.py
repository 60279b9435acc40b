"""Reading Vegeta's targets files, both formats (Vegeta README, "-targets" and "-format").

http: a line `METHOD URL`, then header lines, then perhaps `@FILE` with the body; a blank line or
the next method ends a target; lines that begin with `#` are comments. json: one object a line
with `method`, `url`, `header` (lists of values) and `body` (base64). As an addition of ours, a
json target may have a `weight`. Targets are asked in turn, as Vegeta does.
"""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tidegate.core.errors import UsageError
from tidegate.load.target import Header, Target

METHOD_LINE = re.compile(r"([A-Z]+)[ \t]+(\S+)")


def read_targets(path: Path) -> tuple[Target, ...]:
    """All targets of a file, in its order. Raises `UsageError` with the place of what is wrong."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read", cause=str(error), code="TG158") from error
    first = next((line for line in lines if line.strip()), "")
    read = _json_targets if first.lstrip().startswith("{") else _http_targets
    targets = tuple(read(path, lines))
    if not targets:
        raise UsageError(f"{path} has no targets", code="TG158")
    return targets


def _json_targets(path: Path, lines: list[str]) -> Iterator[Target]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _from_json(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise _wrong(path, number, line, f"{type(error).__name__}: {error}") from error
        except UsageError as error:
            raise _wrong(path, number, line, error.what) from error


def _from_json(data: dict[str, Any]) -> Target:
    headers = [
        Header(name, value) for name, values in data.get("header", {}).items() for value in values
    ]
    body = base64.b64decode(data.get("body", ""), validate=True)
    weight = int(data.get("weight", 1))
    return Target(data["url"], data["method"], tuple(headers), body, weight)


def _http_targets(path: Path, lines: list[str]) -> Iterator[Target]:
    method, url, headers, body, since = "", "", list[Header](), b"", 0

    def made() -> Target:
        try:
            return Target(url, method, tuple(headers), body)
        except UsageError as error:
            raise _wrong(path, since, lines[since - 1], error.what) from error

    for number, line in enumerate(map(str.strip, lines), 1):
        start = METHOD_LINE.fullmatch(line)
        if method and (start or not line):
            yield made()
            method = ""
        if start:
            method, url, headers, body, since = start[1], start[2], [], b"", number
        elif not line or line.startswith("#"):
            continue
        elif method and line.startswith("@"):
            body = _body(path, number, line)
        elif method and not body:
            headers.append(_header(path, number, line))
        else:
            raise _wrong(path, number, line, "a target begins with METHOD URL")
    if method:
        yield made()


def _header(path: Path, number: int, line: str) -> Header:
    name, colon, value = line.partition(":")
    if not colon or not value.strip():
        raise _wrong(path, number, line, "a header is NAME: VALUE")
    return Header(name.strip(), value.strip())


def _body(path: Path, number: int, line: str) -> bytes:
    try:
        return Path(line[1:]).read_bytes()
    except OSError as error:
        raise _wrong(path, number, line, str(error)) from error


def _wrong(path: Path, number: int, line: str, cause: str) -> UsageError:
    return UsageError(
        f"this is no target: {line.strip()[:60]}",
        cause=cause,
        where=f"{path}:{number}",
        code="TG158",
    )
