"""MiniStack, an emulator of AWS on loopback, and our templates without what it does not know.

It keeps change sets, events, rollback and CloudFormation's limits like AWS; traffic shifting,
CodeDeploy, CodePipeline, scaling it does not know. What it lacks is taken out of the templates,
and what refers to it becomes a text.
"""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.ports import free_port

LACKS = re.compile(
    r"AWS::(ApplicationAutoScaling|CodeDeploy|CodePipeline|CodeStarConnections|Budgets)::.*|"
    r"AWS::EC2::(EIP|NatGateway|FlowLog|SecurityGroup(In|E)gress)|"
    r"AWS::ECS::(CapacityProvider|ClusterCapacityProviderAssociations)|"
    r"AWS::CloudWatch::CompositeAlarm"
)
_START_S = 60.0


def without_what_it_lacks(template: dict[str, Any]) -> dict[str, Any]:
    """The template for the emulator."""
    gone = {k for k, r in template["Resources"].items() if LACKS.fullmatch(r["Type"])}

    def clean(value: Any) -> Any:
        if isinstance(value, list):
            return [clean(one) for one in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"Ref"} and value["Ref"] in gone:
            return f"no-{value['Ref']}"
        if value.keys() == {"Fn::GetAtt"} and value["Fn::GetAtt"][0] in gone:
            return "192.0.2.1" if "Ip" in value["Fn::GetAtt"][1] else "no-attribute"
        if value.keys() == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str):
            names = "|".join(sorted(gone)) or "(?!)"
            return {"Fn::Sub": re.sub(rf"\$\{{({names})\}}", r"no-\1", value["Fn::Sub"])}
        return {k: clean(v) for k, v in value.items() if not (k == "DependsOn" and _all(v, gone))}

    kept = {k: clean(r) for k, r in template["Resources"].items() if k not in gone}
    for resource in kept.values():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            _without_maths(resource["Properties"])
        if isinstance(resource.get("DependsOn"), list):
            resource["DependsOn"] = [one for one in resource["DependsOn"] if one not in gone]
    return {**clean({k: v for k, v in template.items() if k != "Resources"}), "Resources": kept}


def _without_maths(alarm: dict[str, Any]) -> None:
    """It knows no metric maths: the alarm reads the first of its metrics."""
    first = alarm.pop("Metrics")[0]["MetricStat"]
    alarm.update(first["Metric"], Period=first["Period"], Statistic="Sum")


def _all(names: Any, gone: set[str]) -> bool:
    return isinstance(names, str) and names in gone


@contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """The emulator's URL while it runs."""
    port = free_port()
    root = str(Path(__file__).parents[2])
    here = {"MINISTACK_HOST": "127.0.0.1", "BIND_HOST": "127.0.0.1", "PYTHONPATH": root}
    environment = {**os.environ, **here, "GATEWAY_PORT": str(port)}
    with (folder / "ministack.log").open("wb") as log:
        command = [sys.executable, "-m", "tests.support.emulator"]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
        try:
            _wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("ministack does not start")
