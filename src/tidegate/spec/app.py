"""The keys at the top of the app file, of its listener and of its pipeline."""

import ipaddress
from typing import Annotated

from pydantic import Field, model_validator

from tidegate.core import model
from tidegate.spec.alarm import AlarmKeys
from tidegate.spec.aws import AwsKeys
from tidegate.spec.capacity import CapacityKeys
from tidegate.spec.deployment import DeploymentKeys
from tidegate.spec.gate import GateKeys
from tidegate.spec.keys import Keys, conflict, key, named, needed, part
from tidegate.spec.kinds import (
    FilePath,
    HeaderName,
    Kind,
    Label,
    Name,
    Span,
    Switch,
    refuse,
    shaped,
)
from tidegate.spec.service import ServiceKeys
from tidegate.spec.units import time_text

LISTENER = model.Listener()
PIPELINE = model.PipelinePolicy()


def _address(value: object) -> object:
    if isinstance(value, str):
        try:
            return str(ipaddress.IPv4Address(value))
        except ValueError as error:
            raise refuse() from error
    return value


Address = Annotated[
    str,
    Kind(
        "an IPv4 address of this machine",
        (("type", "string"), ("pattern", r"^([0-9]{1,3}\.){3}[0-9]{1,3}$")),
        _address,
    ),
]
Port = Annotated[int, Field(ge=1, le=65_535)]


class ListenerKeys(Keys):
    """Where the app answers."""

    address: Address = key(
        LISTENER.address, "The address to listen on; `0.0.0.0` is every one.", "0.0.0.0"
    )
    port: Port = key(LISTENER.port, "The port for production traffic.", 80)
    test_port: Port = key(
        LISTENER.test_port, "The port that reaches the candidate while it is tested.", 8443
    )
    test_header: HeaderName = key(
        LISTENER.test_header,
        "A request on the production port with this header reaches the candidate.",
        "x-canary",
    )
    certificate: FilePath | None = key(
        None, "A PEM file with certificate and key, for HTTPS.", "/etc/catsndogs/tls.pem"
    )

    @model_validator(mode="after")
    def _two_ports(self) -> "ListenerKeys":
        if self.port == self.test_port:
            raise conflict(
                f"port and test_port are both {self.port}", "give the test listener another port"
            )
        return self

    def core(self) -> model.Listener:
        """As the core knows it."""
        return model.Listener(
            self.address, self.port, self.test_port, self.test_header.lower(), self.certificate
        )


class PipelineKeys(Keys):
    """What a push goes through before it is deployed."""

    branch: Annotated[
        str,
        shaped(
            r"(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)))[A-Za-z0-9_][A-Za-z0-9._/-]*(?<![./])",
            "the name of a branch",
        ),
    ] = key(PIPELINE.branch, "The branch whose pushes are deployed.", "production")
    approval: Switch = key(
        PIPELINE.approval, "Whether somebody must say `tidegate approve` before the deploy.", True
    )
    approval_timeout: Span = key(
        time_text(PIPELINE.approval_timeout_ms), "Not approved in this time is refused.", "24h"
    )
    stage_timeout: Span = key(
        time_text(PIPELINE.stage_timeout_ms), "How long build, test and scan may take, each.", "10m"
    )

    def core(self) -> model.PipelinePolicy:
        """As the core knows it."""
        return model.PipelinePolicy(
            self.branch, self.approval, self.approval_timeout, self.stage_timeout
        )


class AppKeys(Keys):
    """The whole of `tidegate.yaml`."""

    app: Name = needed("The app's name.", "catsndogs")
    services: Annotated[dict[Name, ServiceKeys], Field(min_length=1)] = needed(
        "The services, by name.", {"cats": {"build": "cats", "route": "/cats"}}
    )
    listener: ListenerKeys = part(ListenerKeys, "Where the app answers.", {"port": 80})
    deployment: DeploymentKeys = part(
        DeploymentKeys,
        "How every service moves to a candidate; a service may say otherwise, key by key.",
        {"strategy": "ECSLinear10PercentEvery1Minutes", "bake": "5m"},
    )
    alarms: dict[Label, AlarmKeys] = named(
        "Alarms by name: those that stop a deployment and roll it back, those that scale.",
        {"errors": {"metric": "ErrorPercent", "threshold": 1}},
    )
    gate: GateKeys = part(GateKeys, "The scan gate: which images may run.", {"limits": {"HIGH": 5}})
    pipeline: PipelineKeys = part(
        PipelineKeys, "What a push goes through before it is deployed.", {"approval": True}
    )
    retention: Annotated[int, Field(ge=1, le=100)] = key(
        5, "How many good releases of each service are kept to go back to.", 10
    )
    aws: AwsKeys = part(
        AwsKeys, "The same app on AWS.", {"region": "eu-central-1", "controller": "codedeploy"}
    )
    capacity: CapacityKeys | None = key(
        None,
        "Instances that tasks run on; left out, they run on this machine as it is.",
        {"providers": {"spot": {"kind": "spot", "max": 4}}},
    )

    def core(self) -> model.App:
        """As the core knows it."""
        services = (s.core(name, self.deployment) for name, s in self.services.items())
        policies = (policy for s in self.services.values() for policy in s.scaling.policies)
        invoking = {policy.Alarm for policy in policies}
        return model.App(
            self.app,
            tuple(services),
            self.listener.core(),
            tuple(alarm.core(name, name in invoking) for name, alarm in self.alarms.items()),
            self.gate.core(),
            self.pipeline.core(),
            self.retention,
            self.aws.core(),
            self.capacity.core() if self.capacity else None,
        )
