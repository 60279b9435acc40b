"""What a run is to be: targets, profile, limits; and the targets made ready to send."""

import re
from dataclasses import dataclass, field

from tidegate.core.errors import UsageError
from tidegate.load.profile import Profile
from tidegate.load.target import IDEMPOTENT, Address, Tag, Target

MAX_TAGS = 1_000


@dataclass(frozen=True, slots=True)
class Limits:
    """`timeout_s` runs from the sending. `requests` ends the run early (None: the profile does).

    `resend`: an idempotent request whose reused connection dies without a byte of reply is sent
    once more on a new one, as browsers do; counted apart. Without it that is a failure.
    """

    timeout_s: float = 10.0
    connections: int = 4_000
    requests: int | None = None
    resend: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A run to be: what is asked, when, and within which limits.

    `hosts` (names or `host:port`) may be loaded although they are not loopback; see `permit`.
    `first`: in a process of its own, the sender goes before other programs where it may.
    `note` is what a person is told of the plan before it runs.
    """

    targets: tuple[Target, ...]
    profile: Profile
    title: str = "load"
    tag: Tag = field(default_factory=Tag)
    limits: Limits = field(default_factory=Limits)
    hosts: frozenset[str] = frozenset()
    first: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A target made ready: its bytes, where they go, and how its reply is read."""

    request: bytes
    address: Address
    idempotent: bool
    to_head: bool
    tag_header: str
    body_tag: re.Pattern[bytes] | None


@dataclass(slots=True)
class Tags:
    """The names that replies carried, in order of appearance; the first is "" for none."""

    names: list[str] = field(default_factory=lambda: [""])
    _index: dict[bytes, int] = field(default_factory=lambda: {b"": 0})

    def index(self, value: bytes) -> int:
        """Raises `UsageError` when there are so many that it cannot be a tag."""
        found = self._index.get(value)
        if found is None:
            found = self._index[value] = len(self.names)
            self.names.append(value.decode("latin-1"))
            if found > MAX_TAGS:
                raise UsageError(
                    f"replies carry more than {MAX_TAGS} different tags",
                    remedy="choose a header or a pattern with few values",
                    code="TG156",
                )
        return found


def ask(target: Target, address: Address, tag: Tag) -> Asked:
    """Make a target ready. Raises `UsageError` for a pattern that is none."""
    idempotent, to_head = target.method in IDEMPOTENT, target.method == "HEAD"
    return Asked(target.request(), address, idempotent, to_head, tag.header, pattern(tag.body))


def pattern(text: str) -> re.Pattern[bytes] | None:
    """Compile a body tag. Raises `UsageError`."""
    if not text:
        return None
    try:
        pattern = re.compile(text.encode())
    except re.error as error:
        raise UsageError(f"{text!r} is no pattern", cause=str(error), code="TG156") from error
    if pattern.groups != 1:
        raise UsageError(f"{text!r} needs one group, which is the tag", code="TG156")
    return pattern
