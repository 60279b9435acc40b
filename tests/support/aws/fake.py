"""The machinery: real clients whose calls end in methods of fakes, named by operation."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.validate import ParamValidator

from tidegate.aws.account import Account
from tidegate.aws.pace import Pace

REGION, NUMBER = "eu-west-1", "123456789012"
NOW = 1_790_000_000_000


class Refused(Exception):
    """What a fake raises to be refused with an error of AWS."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


@dataclass
class Call:
    """One call as it was made."""

    service: str
    operation: str
    parameters: dict[str, Any]


@dataclass
class Clock:
    """Time that passes when somebody sleeps. `at_sleep` is called each time with the count."""

    now: int = NOW
    sleeps: int = 0
    at_sleep: Callable[[int], None] = lambda _: None

    def sleep(self, seconds: float) -> None:
        self.now += round(seconds * 1_000)
        self.sleeps += 1
        self.at_sleep(self.sleeps)


_ENDS: dict[str, FakeAws] = {}


@cache
def _client(service: str) -> Any:
    """boto3 takes a third of a second for one, so each is made once for all tests."""
    keys = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "secret"}
    made = boto3.Session(**keys, region_name=REGION).client(service)

    def keep(params: Any, context: Any, **_: Any) -> None:
        context["given"] = copy.deepcopy(params)

    def end(model: Any, context: Any, **_: Any) -> Any:
        return _ENDS[service]._answer(service, model, context["given"])

    made.meta.events.register_first("before-parameter-build.*.*", keep)
    made.meta.events.register_last("before-call.*.*", end)
    return made


@dataclass
class FakeAws:
    """`parts` maps a service's name to an object with a method for each operation.

    `refusals` are answered instead, each once and in order, by `service:Operation`.
    """

    parts: dict[str, Any]
    clock: Clock = field(default_factory=Clock)
    calls: list[Call] = field(default_factory=list)
    refusals: dict[str, list[Refused]] = field(default_factory=dict)

    def account(self) -> Account:
        """The account, as the code under test has it."""
        return Account(_Session(self), REGION)

    @property
    def pace(self) -> Pace:
        """A pace of this clock."""
        return Pace(lambda: self.clock.now, self.clock.sleep, 2.0)

    def refuse(self, what: str, code: str, message: str = "") -> None:
        """Refuse the next call of `service:Operation`."""
        self.refusals.setdefault(what, []).append(Refused(code, message))

    def asked(self, what: str) -> list[dict[str, Any]]:
        """The parameters of every call of `service:Operation`."""
        return [c.parameters for c in self.calls if f"{c.service}:{c.operation}" == what]

    def client(self, service: str) -> Any:
        """A real client that ends here, until another fake asks for the same one."""
        _ENDS[service] = self
        return _client(service)

    def _answer(self, service: str, model: Any, given: dict[str, Any]) -> Any:
        self.calls.append(Call(service, model.name, given))
        waiting = self.refusals.get(f"{service}:{model.name}")
        try:
            if waiting:
                raise waiting.pop(0)
            method = getattr(self.parts[service], model.name)
            answer = method(**given) or {}
        except Refused as no:
            error = {"Code": no.code, "Message": no.message}
            return _Http(no.status), {"Error": error, "ResponseMetadata": {}}
        if model.output_shape is not None:
            wrong = _wrong(answer, model.output_shape)
            assert not wrong, f"{service}:{model.name}: {wrong}"
        return _Http(200), {**copy.copy(answer), "ResponseMetadata": {}}


def _wrong(answer: Any, shape: Any) -> str:
    """What does not fit the model; lengths and ranges are promises of callers, not of AWS."""
    report = ParamValidator().validate(answer, shape).generate_report()
    bounds = ("Invalid length", "Invalid range")
    return "\n".join(line for line in report.splitlines() if not line.startswith(bounds))


@dataclass
class _Http:
    status_code: int


@dataclass
class _Session:
    fake: FakeAws

    def client(self, service: str, **options: Any) -> Any:
        return self.fake.client(service)
