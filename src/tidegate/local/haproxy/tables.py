"""What HAProxy's runtime API answers, as data.

Source: HAProxy 2.6 management guide, §9.1 (statistics) and §9.3 (the commands).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tidegate.local.haproxy.routing import of_group

Row = dict[str, str]

_STAT = ("pxname", "svname", "status", "scur", "req_tot")
_STATE = ("be_name", "srv_name", "srv_addr", "srv_port", "srv_admin_state", "srv_uweight")
_MAINTENANCE = 0x01  # SRV_ADMF_FMAINT, set by the runtime API
_DRAIN = 0x08  # SRV_ADMF_FDRAIN, set by the runtime API


@dataclass(frozen=True, slots=True)
class Held:
    """A target as one worker holds it. `active` counts requests and tunnels under way.

    `retired` targets are out: they get nothing, and only wait to be deleted.
    """

    address: str
    up: bool
    draining: bool
    retired: bool
    active: int


@dataclass(frozen=True, slots=True)
class GroupLoad:
    """A target group in one worker: requests since its start, and those under way now."""

    requests: int
    under_way: int


Targets = Mapping[tuple[str, str], Held]
"""By group and task."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker: its process id, its targets, and the load of its groups by name."""

    pid: int
    targets: Targets
    groups: Mapping[str, GroupLoad]


@dataclass(frozen=True, slots=True)
class Look:
    """All workers at one moment: the one that serves, and the old ones that end their work.

    `mark` is what the serving one was configured with, `services` its map (`routing`).
    """

    mark: str
    services: Mapping[str, str]
    serving: Worker
    old: tuple[Worker, ...]

    @property
    def workers(self) -> tuple[Worker, ...]:
        """The serving one first."""
        return (self.serving, *self.old)

    def active(self, key: tuple[str, str]) -> int:
        """Requests and tunnels under way to a target (group, task), in all workers."""
        return sum(w.targets[key].active for w in self.workers if key in w.targets)


def parse_look(pids: Sequence[int], answers: Sequence[str], old: Sequence[Sequence[str]]) -> Look:
    """All workers, by the answers of the serving one (the first) and of each old one.

    Raises `ValueError` or `KeyError` for answers that are not whole, or not of that worker.
    """
    info_text, services, state, stat = answers
    info = dict(line.split(": ", 1) for line in info_text.splitlines() if ": " in line)
    serving = parse_worker(int(info["Pid"]), state, stat)
    if serving.pid != pids[0]:
        raise ValueError(f"worker {serving.pid} answered for {pids[0]}")
    ending = [
        parse_worker(pid, state, stat) for pid, (state, stat) in zip(pids[1:], old, strict=True)
    ]
    return Look(info["description"], parse_map(services), serving, tuple(ending))


def parse_workers(text: str) -> tuple[int, ...]:
    """The answer to `show proc`: process ids, the serving worker first.

    Raises `ValueError` when none serves.
    """
    serving: list[int] = []
    old: list[int] = []
    section = serving
    for line in text.splitlines():
        words = line.split()
        if line.startswith("#"):
            section = old if line.strip("# ") == "old workers" else serving
        elif len(words) > 1 and words[1] == "worker":
            section.append(int(words[0]))
    if not serving:
        raise ValueError("no worker serves")
    return (*serving, *old)


def parse_worker(pid: int, state: str, stat: str) -> Worker:
    """A worker by its answers to `show servers state` and `show stat -1 6 -1`."""
    counts = {(row["pxname"], row["svname"]): row for row in parse_rows(stat, ",", _STAT)}
    targets = {}
    for row in parse_rows(state, " ", _STATE):
        key = (row["be_name"], row["srv_name"])
        if of_group(key[0]) and key in counts:
            targets[key] = _held(row, counts[key])
    groups = {
        name: GroupLoad(int(row["req_tot"] or 0), int(row["scur"] or 0))
        for (name, kind), row in counts.items()
        if kind == "BACKEND" and of_group(name)
    }
    return Worker(pid, targets, groups)


def _held(row: Row, count: Row) -> Held:
    admin = int(row["srv_admin_state"])
    return Held(
        address=f"{row['srv_addr']}:{row['srv_port']}",
        up=count["status"].startswith("UP"),
        draining=bool(admin & _DRAIN) or row["srv_uweight"] == "0",
        retired=bool(admin & _MAINTENANCE),
        active=int(count["scur"] or 0),
    )


def parse_sessions(text: str, key: tuple[str, str]) -> tuple[str, ...]:
    """From the answer to `show sess`, the ids of those under way to a target (group, task)."""
    words = (line.split() for line in text.splitlines())
    wanted = {f"be={key[0]}", f"srv={key[1]}"}
    return tuple(w[0].rstrip(":") for w in words if wanted <= set(w))


def parse_rows(text: str, separator: str, wanted: Sequence[str]) -> list[Row]:
    """The wanted columns of a table: the line that starts with `# ` names them all.

    Raises `ValueError` when one is missing, or a row is cut short.
    """
    places: list[tuple[str, int]] = []
    rows: list[Row] = []
    for line in text.splitlines():
        cells = line.split(separator)
        if line.startswith("# "):
            names = line.removeprefix("# ").split(separator)
            places = [(name, names.index(name)) for name in wanted]
        elif places and line:
            if len(cells) < len(names):
                raise ValueError(f"a row of {len(cells)} cells under {len(names)} names")
            rows.append({name: cells[place] for name, place in places})
    return rows


def parse_map(text: str) -> Row:
    """The answer to `show map`: an address, a key and a value in each line."""
    return {key: value for key, (_, value) in parse_places(text).items()}


def parse_places(text: str) -> dict[str, tuple[str, str]]:
    """The answer to `show map`: the address and the value of each key."""
    lines = (line.split(" ", 2) for line in text.splitlines())
    return {words[1]: (words[0], words[2]) for words in lines if len(words) == 3}
