"""What a scanner that is another program is, for those who run it: its words and its answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from tidegate.core.findings import Finding, Severity
from tidegate.scan.adapters.program import Said


class BadAnswer(ValueError):
    """The program failed, or what it said cannot be read. The text says how, for a person."""


@dataclass(frozen=True, slots=True)
class Job:
    """One scan: the image's archive, a folder to work in, where the tool's data lies."""

    program: str
    archive: Path
    folder: Path
    data: Path


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool says of an image, in our words. Fields as in `core.findings.ScanReport`.

    A finding's origin has a path and a layer, as far as the tool tells them.
    """

    findings: tuple[Finding, ...]
    packages: int = 0
    version: str = ""
    data: str = ""
    data_at: int | None = None
    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Tool(Protocol):
    """One scanner. `name` is its word in the app file and its program; its data is a folder."""

    @property
    def name(self) -> str: ...

    @property
    def data(self) -> str: ...

    def words(self, job: Job) -> list[str]:
        """The command. It may prepare the job's folder."""
        ...

    def read(self, said: Said, job: Job) -> Answer:
        """Its answer. Raises `BadAnswer`."""
        ...


class Json(BaseModel):
    """A part of a tool's JSON: what is named must be there and be of its type, the rest may be.

    The tools are written in Go, whose empty lists and objects come as null: null is "not there".
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_null(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: one for name, one in value.items() if one is not None}


Model = TypeVar("Model", bound=Json)


def parsed(model: type[Model], text: bytes) -> Model:
    """The JSON as this model. Raises `BadAnswer`."""
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        cause = f"{place}: {first['msg']}" if place else first["msg"]
        raise BadAnswer(f"its JSON cannot be read: {cause}"[:300]) from error


def succeeded(said: Said, *codes: int) -> bytes:
    """The output of a program that ended as it should. Raises `BadAnswer`."""
    if said.code not in codes:
        lines = [line for line in said.complaint.splitlines() if line.strip()]
        raise BadAnswer(f"it ended with {said.code}: {' '.join(lines[-3:])[-500:]}")
    return said.output


def severity(word: str) -> Severity:
    """A tool's word; UNKNOWN for one that is none of ours."""
    found: Mapping[str, Severity] = {level.value: level for level in Severity}
    return found.get(word.upper(), Severity.UNKNOWN)


def time_ms(text: str) -> int | None:
    """An RFC 3339 time in ms since the epoch, or None: Go's zero time and the like say nothing."""
    short = re.sub(r"(\.\d{1,6})\d*", r"\1", text.strip())
    try:
        found = datetime.fromisoformat(short)
    except ValueError:
        return None
    if found.year < 1980:
        return None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1_000)


@dataclass(slots=True)
class Gathered:
    """Findings as they are read: the same one twice counts once."""

    findings: dict[Finding, None] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        """Take one."""
        self.findings[finding] = None

    def all(self) -> tuple[Finding, ...]:
        """In an order of their own, whatever the tool's."""
        order = sorted(
            self.findings, key=lambda f: (f.package, f.version, f.id, f.origin.path, f.purl)
        )
        return tuple(order)
