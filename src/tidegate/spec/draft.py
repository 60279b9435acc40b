"""A service as `init` found it, and the commented app file that is written of such drafts."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import yaml
from pydantic_core import PydanticCustomError

from tidegate.core.model import Listener
from tidegate.spec.app import AppKeys
from tidegate.spec.describe import find, written
from tidegate.spec.problems import shown

_SECRET_NAME = re.compile(
    r"secret|passw|pwd|token|api_?key|private|credential|auth|(^|_)(key|dsn|salt)($|_)", re.I
)
_CREDENTIALS = re.compile(r"://[^/\s@]*:[^/\s@]+@")
_SPOKEN = re.compile(r"(passw\w*|secret|token|api_?key)[= ]\S", re.I)
_URL = re.compile(r"https?://[^/\s\"'|;&]+(/[^\s\"'|;&]*)?")


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known of one service. `notes` are lines for people; None is "nothing was said"."""

    name: str
    build: str | None = None
    dockerfile: str | None = None
    args: tuple[tuple[str, str], ...] = ()
    image: str | None = None
    port: int | None = None
    health: str | None = None
    cpu: int | None = None
    memory_mib: int | None = None
    tasks: int | None = None
    command: str | tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str, str], ...] = ()
    user: str | None = None
    read_only: bool | None = None
    notes: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    """Commented-out lines at the service's end, such as hooks with a place for a command."""

    def noting(self, *notes: str) -> "Draft":
        """The same with more notes."""
        return replace(self, notes=self.notes + notes)


@dataclass
class Variables:
    """Environment variables sorted into what may stand in the file and what may not.

    `secrets` holds (name, variable of the daemon's environment, comment).
    """

    environment: list[tuple[str, str]] = field(default_factory=list)
    secrets: list[tuple[str, str, str]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)

    def add(self, name: str, value: str | None) -> None:
        """Sort in one variable; a value that may be a secret goes no further than here."""
        if value is None or _SECRET_NAME.search(name) or _CREDENTIALS.search(value):
            self.secret(name, name, "")
        elif self._take(name) and sound(value):
            self.environment.append((name, value))
        else:
            self.left.append(shown(name, 60))

    def secret(self, name: str, source: str, comment: str) -> None:
        """A variable that is read from the daemon's environment."""
        if fits("environment", source) and self._take(name):
            self.secrets.append((name, source, comment))
        else:
            self.left.append(shown(name, 60))

    def _take(self, name: str) -> bool:
        """Whether this can be a variable's name, and none has it yet."""
        fresh = name not in self._known and fits("environment", name)
        self._known.add(name)
        return fresh


def fits(key: str, value: object) -> bool:
    """Whether a service's key takes this value; of `environment`, whether it takes this name."""
    probe = {"environment": ("secrets", "x", "from_env"), "user": ("security", "user")}
    place = find(AppKeys, ("services", "x", *probe.get(key, (key,))))
    if key in ("build", "health"):
        place = find(AppKeys, ("services", "x", key, "context" if key == "build" else "path"))
    if not isinstance(value, str | tuple):
        return False
    try:
        return bool(place and place.kind and place.kind.read(value) is not None)
    except PydanticCustomError:
        return False


def sound(text: str) -> bool:
    """Whether the app file can hold this text."""
    return not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text)


def speaks(text: str) -> bool:
    """Whether a command seems to have a secret in it."""
    return bool(_CREDENTIALS.search(text) or _SPOKEN.search(text))


def url_path(text: str) -> str | None:
    """The path of the first http address in a health check's command, or None."""
    match = _URL.search(text)
    path = (match[1] or "/") if match else ""
    return path if fits("health", path) else None


def slug(text: str, taken: Iterable[str] = ()) -> str:
    """A name for the app file that is like this text, and not among those taken."""
    base = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    base = re.sub(r"^[^a-z]+", "", base)[:36].strip("-") or "web"
    known = set(taken)
    numbered = (f"{base}-{n}" for n in range(2, len(known) + 3))
    return base if base not in known else next(name for name in numbered if name not in known)


def render(app: str, origin: str, drafts: Sequence[Draft], notes: Sequence[str] = ()) -> str:
    """The whole file. `origin` says what it was made from."""
    head = [
        f"# Proposed from {shown(origin, 200)}. Every key: docs/reference/app-file.md",
        "# Check it with: tidegate plan",
        *(f"# {shown(note, 200)}" for note in notes),
        f"app: {app}",
        "",
        "services:",
    ]
    front = next((d for d in drafts if d.name in _FRONT), drafts[0] if len(drafts) == 1 else None)
    services = [line for draft in drafts for line in _service(draft, draft is front)]
    return "\n".join([*head, *services, _TAIL])


PORTS = (Listener().port, Listener().test_port)
"""The listener's, unless the file says otherwise."""

_FRONT = {"home", "web", "www", "front", "frontend", "index", "root", "site", "ui"}
"""Names of the service that answers `/` when there are several."""

_TAIL = """
# Every image is scanned before it runs. Without a network: tidegate advisories import FOLDER
# gate: {limits: {CRITICAL: 0, HIGH: 0}}

# How traffic moves to a new release; ECSAllAtOnce when left out.
# deployment:
#   strategy: ECSLinear10PercentEvery1Minutes
#   bake: 5m

# What rolls a deployment back. A quiet app has no data, which speaks against nothing here; without
# `treat_missing_data` a deployment would wait for requests, then go back.
# alarms:
#   errors: {metric: ErrorPercent, threshold: 1, treat_missing_data: notBreaching}
"""


def listening(ports: tuple[int, int]) -> str:
    """The end of a file for a machine where another app has the usual ports."""
    port, test_port = ports
    return (
        f"\n# {PORTS[0]} or {PORTS[1]} was taken when this was written.\n"
        f"listener: {{port: {port}, test_port: {test_port}}}\n"
    )


def _service(draft: Draft, front: bool) -> list[str]:
    lines = [f"  {draft.name}:"]
    lines += [f"    # {shown(note, 200)}" for note in draft.notes]
    lines += [f"    {line}" for line in (*_image(draft), *_settings(draft, front))]
    if draft.environment:
        lines.append("    environment:")
    lines += [f"      {name}: {_text(value)}" for name, value in draft.environment]
    if draft.secrets:
        lines.append("    secrets:")
    for name, source, comment in draft.secrets:
        said = f"  # {shown(comment, 120)}" if comment else ""
        lines.append(f"      {name}: {{from_env: {_text(source)}}}{said}")
    lines += [f"    # {shown(line, 200)}" for line in draft.later]
    return lines


def _image(draft: Draft) -> list[str]:
    if draft.image is not None and draft.build is None:
        return [f"image: {_text(draft.image)}"]
    if draft.dockerfile is None and not draft.args:
        return [f"build: {_text(draft.build or '.')}"]
    lines = ["build:", f"  context: {_text(draft.build or '.')}"]
    lines += [f"  dockerfile: {_text(draft.dockerfile)}"] if draft.dockerfile else []
    lines += ["  args:"] if draft.args else []
    return lines + [f"    {name}: {_text(value)}" for name, value in draft.args]


def _settings(draft: Draft, front: bool) -> list[str]:
    security = {"user": draft.user, "read_only": draft.read_only}
    said = {name: value for name, value in security.items() if value is not None}
    command = draft.command if isinstance(draft.command, str) else list(draft.command)
    rows = (
        ("port", draft.port),
        ("route", "/" if front else f"/{draft.name}"),
        ("health", draft.health),
        ("cpu", draft.cpu),
        ("memory", f"{draft.memory_mib}MiB" if draft.memory_mib else None),
        ("tasks", draft.tasks),
        ("command", command or None),
        ("security", said or None),
    )
    lines = [f"{name}: {_text(value)}" for name, value in rows if value is not None]
    if draft.health is None:
        lines.insert(2, "# health: /health  # a path that answers 200; `/` is asked for now")
    return lines


def _text(value: object) -> str:
    """YAML in one line. What has line breaks or other unprintable characters is escaped."""
    if isinstance(value, str) and not value.isprintable():
        text: str = yaml.safe_dump(value, default_style='"', width=10_000_000)
        return text.strip()
    return written(value)
