"""A `compose.yaml` read into drafts, by the Compose Specification's words."""

import posixpath
import re
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

from tidegate.spec.dockerfile import read_facts, with_facts
from tidegate.spec.draft import Draft, Variables, fits, slug, sound, speaks, url_path
from tidegate.spec.files import mapping, number, read_yaml, sequence

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")

_CARRIED = {
    "build", "image", "ports", "expose", "environment", "command", "deploy", "healthcheck", "user",
    "read_only", "cpus", "mem_limit", "scale", "container_name", "restart", "logging", "init",
}  # fmt: skip
"""Keys that are read, or that Tidegate does by itself."""

_MIB = {"": 1 / 1_048_576, "b": 1 / 1_048_576, "k": 1 / 1_024, "m": 1, "g": 1_024}
_REFERENCE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")
_DEFAULT = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*:?-([^${}]*)\}")


def read_compose(path: Path) -> tuple[list[Draft], list[str]]:
    """A draft for each service that can answer HTTP, and notes on what was left out.

    Raises `AppFileError` when the file cannot be read.
    """
    data = read_yaml(path)
    services = {name: mapping(value) for name, value in mapping(data.get("services")).items()}
    served = {n: s for n, s in services.items() if _publishes(s)} or services
    notes = [
        f"{name} ({_image(service)}) publishes no port, so it is not carried over."
        for name, service in services.items()
        if name not in served
    ]
    left = sorted(set(data) & {"volumes", "networks", "configs", "secrets"})
    notes += [f"Not carried over from {path.name}: {', '.join(left)}"] if left else []
    drafts: list[Draft] = []
    for name, service in served.items():
        drafts.append(_draft(slug(name, [d.name for d in drafts]), service, path.parent))
    return drafts, notes


def _publishes(service: dict[str, Any]) -> bool:
    return any(service.get(key) for key in ("ports", "expose", "build"))


def _image(service: dict[str, Any]) -> str:
    return str(service.get("image") or "built here")


def _draft(name: str, service: dict[str, Any], folder: Path) -> Draft:
    resources = mapping(mapping(mapping(service.get("deploy")).get("resources")).get("limits"))
    variables = _variables(service.get("environment"))
    user = str(service.get("user", ""))
    draft = Draft(
        name,
        port=_port(sequence(service.get("ports")) + sequence(service.get("expose"))),
        health=_health(mapping(service.get("healthcheck"))),
        cpu=_cpu(resources.get("cpus", service.get("cpus"))),
        memory_mib=_memory(resources.get("memory", service.get("mem_limit"))),
        tasks=_tasks(mapping(service.get("deploy")).get("replicas", service.get("scale"))),
        command=_command(service.get("command")),
        environment=tuple(variables.environment),
        secrets=tuple(variables.secrets),
        user=user if fits("user", user) else None,
        read_only=True if service.get("read_only") is True else None,
    )
    left = sorted(set(service) - _CARRIED)
    left += ["command"] if service.get("command") and not draft.command else []
    left += [f"environment.{one}" for one in variables.left]
    if left:
        draft = draft.noting(f"Not carried over: {', '.join(left)}")
    return _with_image(draft, service, folder)


def _with_image(draft: Draft, service: dict[str, Any], folder: Path) -> Draft:
    build = service.get("build")
    image = service.get("image")
    if build is None and isinstance(image, str) and fits("image", image):
        noted = draft if draft.port else draft.noting("It publishes no port; 80 is a guess.")
        return replace(noted, image=image, port=draft.port or 80)
    build = build if isinstance(build, dict) else {"context": build}
    context = posixpath.normpath(str(build.get("context") or "."))
    dockerfile = build.get("dockerfile")
    if not fits("build", context):
        draft, context = draft.noting("Its build context is outside the revision."), "."
    if dockerfile is not None and not fits("build", dockerfile):
        draft, dockerfile = draft.noting("Its Dockerfile is outside the build folder."), None
    args = _variables(build.get("args"))
    if args.secrets or args.left:
        draft = draft.noting("Build arguments without a value are not carried over.")
    draft = replace(draft, build=context, dockerfile=dockerfile, args=tuple(args.environment))
    return with_facts(draft, read_facts(folder / context / (dockerfile or "Dockerfile")))


def _variables(said: Any) -> Variables:
    """From a mapping, or a list of `NAME=value` and `NAME`."""
    pairs = dict(said) if isinstance(said, dict) else {}
    for item in sequence(said):
        name, equals, value = str(item).partition("=")
        pairs[name] = value if equals else None
    variables = Variables()
    for name, value in pairs.items():
        text = None if value is None else str(value)
        reference = _REFERENCE.fullmatch(text or "")
        if reference:
            variables.secret(name, reference[1], "")
        elif text and _REFERENCE.search(text.replace("$$", "")) and not _DEFAULT.fullmatch(text):
            variables.left.append(name)
        else:
            default = _DEFAULT.fullmatch(text or "")
            variables.add(name, default[1] if default else text and text.replace("$$", "$"))
    return variables


def _port(said: list[Any]) -> int | None:
    """The port in the container, of the first that is published."""
    for item in said:
        text = str(item.get("target") if isinstance(item, dict) else item)
        match = re.search(r"(?:^|:)([0-9]{1,5})(?:-[0-9]+)?(?:/tcp)?$", text)
        if match and 1 <= int(match[1]) <= 65_535:
            return int(match[1])
    return None


def _health(said: dict[str, Any]) -> str | None:
    test = said.get("test")
    return url_path(" ".join(map(str, test)) if isinstance(test, list) else str(test))


def _command(said: Any) -> str | tuple[str, ...]:
    """The command; none of it when Compose would put in a variable, or a secret is in it."""
    words = [said] if isinstance(said, str) else [str(word) for word in sequence(said)]
    text = " ".join(words)
    if _REFERENCE.search(text.replace("$$", "")) or not sound(text) or speaks(text):
        return ()
    plain = [word.replace("$$", "$") for word in words]
    command = plain[0] if isinstance(said, str) else tuple(plain)
    return command if fits("command", command) else ()


def _cpu(said: Any) -> int | None:
    cpus = number(said)
    return min(max(round(cpus * 1_024), 16), 196_608) if cpus and cpus < 1_000_000 else None


def _memory(said: Any) -> int | None:
    match = re.fullmatch(r"([0-9.]{1,20}) ?([bkmg]?)i?b?", str(said), re.I)
    amount = number(match[1]) if match else None
    if match is None or amount is None:
        return None
    return min(max(ceil(amount * _MIB[match[2].lower()]), 6), 1_048_576)


def _tasks(said: Any) -> int | None:
    return min(said, 1_000) if type(said) is int and said >= 1 else None
