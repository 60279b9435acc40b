"""An ECS `taskdef.json` and its CodeDeploy `appspec.yaml`, read into a draft."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from tidegate.core.model import LifecycleStage
from tidegate.spec.dockerfile import read_facts, with_facts
from tidegate.spec.draft import Draft, Variables, fits, slug, sound, speaks, url_path
from tidegate.spec.files import mapping, number, read_json, read_yaml, sequence

TASKDEF = "taskdef.json"
APPSPECS = ("appspec.yaml", "appspec.yml")

STAGES = {
    "BeforeInstall": LifecycleStage.PRE_SCALE_UP,
    "AfterInstall": LifecycleStage.POST_SCALE_UP,
    "AfterAllowTestTraffic": LifecycleStage.POST_TEST_TRAFFIC_SHIFT,
    "BeforeAllowTraffic": LifecycleStage.PRE_PRODUCTION_TRAFFIC_SHIFT,
    "AfterAllowTraffic": LifecycleStage.POST_PRODUCTION_TRAFFIC_SHIFT,
}
"""CodeDeploy's hooks for ECS, and the lifecycle stage at which each of them runs here."""

_CARRIED = {
    "name", "image", "essential", "portMappings", "cpu", "memory", "memoryReservation", "command",
    "environment", "secrets", "healthCheck", "user", "readonlyRootFilesystem", "logConfiguration",
}  # fmt: skip


def read_taskdef(folder: Path) -> tuple[list[Draft], list[str]]:
    """A draft of the container that takes the traffic, and notes on the rest.

    Raises `AppFileError` when one of the files cannot be read.
    """
    data = read_json(folder / TASKDEF)
    data = mapping(data.get("taskDefinition")) or data
    appspec = next((folder / name for name in APPSPECS if (folder / name).is_file()), None)
    spec = read_yaml(appspec) if appspec else {}
    containers = [mapping(c) for c in sequence(data.get("containerDefinitions"))] or [{}]
    balanced = _balanced(spec)
    container = _main(containers, balanced.get("ContainerName"))
    others = [str(c.get("name")) for c in containers if c is not container]
    draft = _draft(data, container, balanced.get("ContainerPort"))
    draft = _with_image(draft, container, folder, _hooks(spec))
    notes = [f"A task is one container here. Not carried over: {', '.join(others)}"]
    return [draft], notes if others else []


def _balanced(spec: dict[str, Any]) -> dict[str, Any]:
    """The appspec's LoadBalancerInfo: which container takes the traffic, at which port."""
    for resource in sequence(spec.get("Resources")):
        for target in mapping(resource).values():
            info = mapping(mapping(mapping(target).get("Properties")).get("LoadBalancerInfo"))
            if info:
                return info
    return {}


def _main(containers: list[dict[str, Any]], named: Any) -> dict[str, Any]:
    by_name = [c for c in containers if c.get("name") == named]
    with_port = [c for c in containers if c.get("portMappings")]
    return (by_name or with_port or containers)[0]


def _draft(data: dict[str, Any], container: dict[str, Any], port: Any) -> Draft:
    variables = _variables(container)
    left = sorted(k for k, v in container.items() if v not in ([], None) and k not in _CARRIED)
    left += [f"environment.{name}" for name in variables.left]
    read_only = container.get("readonlyRootFilesystem")
    user = str(container.get("user", ""))
    memory = container.get("memory") or container.get("memoryReservation") or data.get("memory")
    command = tuple(str(word) for word in sequence(container.get("command")))
    text = " ".join(command)
    usable = sound(text) and not speaks(text)
    left += [] if usable else ["command"]
    draft = Draft(
        slug(str(container.get("name") or data.get("family") or "web")),
        port=_port(container, port),
        health=url_path(" ".join(map(str, sequence(_health(container).get("command"))))),
        cpu=_amount(container.get("cpu") or data.get("cpu"), "vcpu", 16, 196_608),
        memory_mib=_amount(memory, "gb", 6, 1_048_576),
        command=command if usable else (),
        environment=tuple(variables.environment),
        secrets=tuple(variables.secrets),
        user=user if fits("user", user) else None,
        read_only=read_only if isinstance(read_only, bool) else None,
    )
    return draft.noting(f"Not carried over: {', '.join(left)}") if left else draft


def _health(container: dict[str, Any]) -> dict[str, Any]:
    return mapping(container.get("healthCheck"))


def _with_image(
    draft: Draft, container: dict[str, Any], folder: Path, later: tuple[str, ...]
) -> Draft:
    """The Dockerfile beside it, if there is one; else the image, if it is more than a place."""
    draft = replace(draft, later=later)
    image = str(container.get("image"))
    if (folder / "Dockerfile").is_file():
        return with_facts(replace(draft, build="."), read_facts(folder / "Dockerfile"))
    if fits("image", image):
        return replace(draft, image=image, port=draft.port or 80)
    noted = draft.noting(f"Its image is {image}: build it here, or name an image.")
    return replace(noted, build=".", port=draft.port or 80)


def _variables(container: dict[str, Any]) -> Variables:
    variables = Variables()
    for pair in map(mapping, sequence(container.get("environment"))):
        variables.add(str(pair.get("name")), str(pair.get("value", "")))
    for pair in map(mapping, sequence(container.get("secrets"))):
        name = str(pair.get("name"))
        variables.secret(name, name, f"was {_arn_name(str(pair.get('valueFrom')))}")
    return variables


def _arn_name(arn: str) -> str:
    """The last part of an ARN of Secrets Manager or Parameter Store: what the secret is called."""
    last = arn.split(":", 5)[-1].rstrip(":")
    return re.sub(r"^(secret:|parameter/?)", "", last)


def _port(container: dict[str, Any], said: Any) -> int | None:
    ports = [
        said,
        *(mapping(p).get("containerPort") for p in sequence(container.get("portMappings"))),
    ]
    return next((p for p in ports if type(p) is int and 1 <= p <= 65_535), None)


def _amount(said: Any, unit: str, least: int, most: int) -> int | None:
    """`512`, `"512"`, `"1 vCPU"` or `"2 GB"`; with the unit a number counts 1,024 times."""
    match = re.fullmatch(rf"([0-9.]{{1,12}}) ?({unit})?", str(said), re.I)
    amount = number(match[1]) if match else None
    if match is None or not amount:
        return None
    return min(max(round(amount * (1_024 if match[2] else 1)), least), most)


def _hooks(spec: dict[str, Any]) -> tuple[str, ...]:
    """Commented lines: where each hook would go. A Lambda function cannot run here."""
    hooks = [pair for hook in sequence(spec.get("Hooks")) for pair in mapping(hook).items()]
    known = [(event, function) for event, function in hooks if event in STAGES]
    if not known:
        return ()
    lines = ["The appspec's hooks are Lambda functions, which cannot run here. Put a command:"]
    lines += ["deployment:", "  hooks:"]
    for event, function in known:
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", event).lower()
        lines.append(f"    # {event}: {function}")
        lines.append(f"    - {{stage: {STAGES[event]}, name: {name}, command: ./{name}}}")
    return tuple(lines)
