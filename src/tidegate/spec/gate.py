"""The keys of `gate`: which images may run."""

from typing import Annotated, ClassVar

from tidegate.core import model
from tidegate.core.model import GateMode
from tidegate.spec.keys import Keys, Short, key, part
from tidegate.spec.kinds import Kind, one_of, refuse

GATE = dict(model.GatePolicy().limits)


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

    def core(self) -> model.GatePolicy:
        """As the core knows it."""
        return model.GatePolicy(GateMode(self.mode), self.limits.core())
