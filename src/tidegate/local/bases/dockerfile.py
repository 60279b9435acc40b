"""The FROM lines of a Dockerfile: which images it needs from outside, and how to exchange them.

Source: Dockerfile reference, "FROM", "Understand how ARG and FROM interact", "Parser directives".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

SCRATCH = "scratch"

_INSTRUCTION = re.compile(r"\s*(FROM|ARG)\s+(.*)", re.IGNORECASE | re.DOTALL)
_FROM = re.compile(
    r"(?P<flags>(?:--\S+\s+)*)(?P<image>\S+)(?:\s+AS\s+(?P<stage>\S+))?\s*$", re.IGNORECASE
)
_VARIABLE = re.compile(
    r"\$(?:(?P<plain>\w+)|\{(?P<braced>\w+)(?:(?P<mode>:[-+])(?P<other>[^}]*))?\})"
)
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
_ESCAPE = re.compile(r"#\s*escape\s*=\s*([\\`])\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class From:
    """An image that a FROM line takes from outside the file.

    `first` and `last` are its lines, from 0. `image` has its variables filled in; `platform` is
    "" when the line names none or leaves it to the builder.
    """

    first: int
    last: int
    image: str
    platform: str = ""
    stage: str = ""

    def line(self) -> str:
        """The FROM line again, without a platform."""
        return f"FROM {self.image}" + (f" AS {self.stage}" if self.stage else "")


def outside_images(text: str, args: Mapping[str, str]) -> tuple[From, ...]:
    """Every FROM that names neither `scratch` nor an earlier stage.

    `args` are build arguments; they win over the defaults of the ARG lines before the first FROM.
    """
    found: list[From] = []
    stages: set[str] = set()
    values: dict[str, str] = {}
    begun = False
    for first, last, instruction in _instructions(text):
        kind, rest = instruction
        if kind == "ARG" and not begun:
            values |= _declared(rest, values, args)
        elif kind == "FROM" and (match := _FROM.match(rest)):
            begun = True
            image = _filled(match["image"], values)
            stage = match["stage"] or ""
            if image.lower() != SCRATCH and image.lower() not in stages:
                platform = _platform(match["flags"], values)
                found.append(From(first, last, image, platform, stage))
            stages.add(stage.lower())
    return tuple(found)


def exchange(text: str, images: Mapping[From, str]) -> str:
    """The text with these FROM lines naming other images. Line numbers stay as they are."""
    lines = text.split("\n")
    for found, image in images.items():
        lines[found.first] = replace(found, image=image).line()
        for blank in range(found.first + 1, found.last + 1):
            lines[blank] = "#"
    return "\n".join(lines)


def _instructions(text: str) -> Iterator[tuple[int, int, tuple[str, str]]]:
    """FROM and ARG instructions with their first and last line, continued lines joined."""
    lines = text.split("\n")
    escape = _escape(lines)
    number = 0
    while number < len(lines):
        first, joined = number, lines[number].rstrip()
        while _continues(joined, escape) and number + 1 < len(lines):
            number += 1
            following = lines[number].strip()
            kept = "" if following.startswith("#") else following
            joined = joined[:-1] + " " + kept if kept else joined
        if match := _INSTRUCTION.match(joined):
            yield first, number, (match[1].upper(), match[2].strip())
        elif not joined.lstrip().startswith("#"):
            number = _past_heredocs(lines, number, joined)
        number += 1


def _continues(line: str, escape: str) -> bool:
    return line.endswith(escape) and not line.lstrip().startswith("#")


def _past_heredocs(lines: list[str], number: int, instruction: str) -> int:
    for end in _HEREDOC.findall(instruction):
        for at in range(number + 1, len(lines)):
            if lines[at].strip() == end:
                number = at
                break
    return number


def _escape(lines: list[str]) -> str:
    for line in lines:
        if not line.startswith("#"):
            break
        if match := _ESCAPE.match(line):
            return match[1]
    return "\\"


def _declared(rest: str, values: Mapping[str, str], args: Mapping[str, str]) -> dict[str, str]:
    """`ARG NAME=default NAME2` → what each is worth."""
    declared = {}
    for word in rest.split():
        name, _, default = word.partition("=")
        declared[name] = args.get(name, _filled(default.strip("\"'"), values))
    return declared


def _filled(text: str, values: Mapping[str, str]) -> str:
    """With `$NAME`, `${NAME}`, `${NAME:-other}` and `${NAME:+other}` filled in."""

    def value(match: re.Match[str]) -> str:
        known = values.get(match["plain"] or match["braced"], "")
        match match["mode"]:
            case ":-":
                return known or match["other"]
            case ":+":
                return match["other"] if known else ""
            case _:
                return known

    return _VARIABLE.sub(value, text.strip("\"'"))


def _platform(flags: str, values: Mapping[str, str]) -> str:
    for flag in flags.split():
        name, _, value = flag.partition("=")
        if name.lower() == "--platform":
            return _filled(value, values)
    return ""
