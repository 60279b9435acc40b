"""The keys of `gate`: which images may run."""

from typing import Annotated, ClassVar

from pydantic import model_validator

from tidegate.core import model
from tidegate.core.model import GateMode, ScannerName, UnknownRule
from tidegate.spec.days import NEVER, Days, DaysOrNever, days_text
from tidegate.spec.keys import Keys, Short, conflict, key, many, part
from tidegate.spec.kinds import Folder, Kind, Switch, one_of, refuse
from tidegate.spec.waiver import WaiverKeys

POLICY = model.GatePolicy()
GATE = dict(POLICY.limits)


def _limit(value: object) -> object:
    """A count, or -1 for no limit."""
    if value == "unlimited":
        return -1
    if type(value) is not int or not 0 <= value <= 1_000_000:
        raise refuse()
    return value


Limit = Annotated[
    int,
    Kind(
        "a whole number from 0, or `unlimited`",
        (("anyOf", [{"type": "integer", "minimum": 0, "maximum": 1_000_000},
                    {"const": "unlimited"}]),),
        _limit,
    ),
]  # fmt: skip


def _most(severity: str, example: int | str) -> Limit:
    limit: Limit = key(
        GATE.get(severity, "unlimited"), f"The most findings of severity {severity}.", example
    )
    return limit


class LimitKeys(Keys):
    """How many findings of each severity are let through."""

    CRITICAL: Limit = _most("CRITICAL", 1)
    HIGH: Limit = _most("HIGH", 5)
    MEDIUM: Limit = _most("MEDIUM", 50)
    LOW: Limit = _most("LOW", 100)
    NEGLIGIBLE: Limit = _most("NEGLIGIBLE", 100)
    UNKNOWN: Limit = _most("UNKNOWN", 0)

    def core(self) -> tuple[tuple[str, int], ...]:
        """As the core knows it, the worst first."""
        pairs = ((name, getattr(self, name)) for name in type(self).model_fields)
        return tuple((name, most) for name, most in pairs if most >= 0)


def _mode(value: object) -> object:
    """YAML 1.1 and JSON know no `off`, only false."""
    return GateMode.OFF.value if value is False else _MODE.read(value)


_MODE = one_of(*GateMode)
_MODE_SCHEMA = (("enum", [mode.value for mode in GateMode] + [False]),)


def _grace(severity: str, example: str) -> Days:
    days: Days = key("0d", f"How long a published {severity} finding does not count yet.", example)
    return days


class GraceKeys(Keys):
    """Days from its publication in which a finding does not count; without a date it counts."""

    CRITICAL: Days = _grace("CRITICAL", "2d")
    HIGH: Days = _grace("HIGH", "7d")
    MEDIUM: Days = _grace("MEDIUM", "30d")
    LOW: Days = _grace("LOW", "90d")
    NEGLIGIBLE: Days = _grace("NEGLIGIBLE", "90d")
    UNKNOWN: Days = _grace("UNKNOWN", "7d")

    def core(self) -> tuple[tuple[str, int], ...]:
        """As the core knows it, the worst first."""
        pairs = ((name, getattr(self, name)) for name in type(self).model_fields)
        return tuple((name, ms) for name, ms in pairs if ms)


class DataAgeKeys(Keys):
    """How old vulnerability data may be. Data of no known age is too old, unless `fail: never`."""

    warn: DaysOrNever = key(
        days_text(POLICY.data_warn_ms), "From this age on the gate warns.", "1d"
    )
    fail: DaysOrNever = key(
        days_text(POLICY.data_unknown_ms), "From this age on every verdict is UNKNOWN.", "7d"
    )

    @model_validator(mode="after")
    def _in_order(self) -> "DataAgeKeys":
        if NEVER not in (self.warn, self.fail) and self.warn > self.fail:
            raise conflict("it warns later than it fails", "write warn ≤ fail")
        return self


class GateKeys(Short):
    """The scan gate. A plain value is `mode`, so that `gate: off` switches it off."""

    short: ClassVar[str] = "mode"
    mode: Annotated[str, Kind(_MODE.words, _MODE_SCHEMA, _mode)] = key(
        GateMode.ENFORCE.value,
        "Whether the gate judges. `off` lets everything through unscanned.",
        "off",
    )
    limits: LimitKeys = part(
        LimitKeys, "How many findings of each severity are let through.", {"HIGH": 5}
    )
    only_fixable: Switch = key(
        POLICY.only_fixable, "Whether only findings count that a newer version mends.", False
    )
    new_only: Switch = key(
        POLICY.new_only, "Whether only findings count that the running release lacks.", False
    )
    on_unknown: Annotated[str, one_of(*UnknownRule)] = key(
        POLICY.on_unknown.value, "What becomes of an image that nobody can judge.", "warn"
    )
    grace: GraceKeys = part(
        GraceKeys, "How long a finding of each severity does not count yet.", {"HIGH": "7d"}
    )
    data_age: DataAgeKeys = part(
        DataAgeKeys, "How old vulnerability data may be.", {"warn": "1d", "fail": "7d"}
    )
    waivers: list[WaiverKeys] = many(
        "Findings that may stand for a while; `tidegate waive` writes them.",
        [{"id": "CVE-2026-0001", "reason": "not reachable", "owner": "ann",
          "expires": "2026-12-31"}],
    )  # fmt: skip
    vex: list[Folder] = many("Files with OpenVEX or CycloneDX VEX.", ["security/app.vex.json"])
    scanner: Annotated[str, one_of(*ScannerName)] = key(
        POLICY.scanner.value,
        "Who looks at the images. All but `tidegate` are programs that you install.",
        "trivy",
    )

    def core(self) -> model.GatePolicy:
        """As the core knows it."""
        return model.GatePolicy(
            GateMode(self.mode),
            self.limits.core(),
            self.only_fixable,
            self.new_only,
            UnknownRule(self.on_unknown),
            self.grace.core(),
            None if self.data_age.warn == NEVER else self.data_age.warn,
            None if self.data_age.fail == NEVER else self.data_age.fail,
            tuple(waiver.core() for waiver in self.waivers),
            tuple(self.vex),
            ScannerName(self.scanner),
        )
