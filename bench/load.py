"""What load generators hold, what it costs them, and whether a stall can hide from them.

One HAProxy on loopback answers by itself. Each tool is one process, started anew, its whole CPU
time counted, start and reckoning included. Tools take turns within a round, so that the neighbours
on the machine hit all alike. Where that is allowed (root), the server and all tools go before
other programs, and ours takes the lowest real-time class as it always does there; what other
programs took is told beside each run.

    rates    1,000, 5,000 and 20,000 requests/s for 3 s (quick: the last): replies per second of the
             rate asked for, failures, CPU, and, of those that tell it, how late the requests left;
             beside the last rate a loop that only reads the clock, which shows what the machine
             itself made late
    stall    the server is frozen 200 ms in every second at 1,000 requests/s. A fifth of requests
             wait 0 to 200 ms, so the true 99th percentile is 190 ms: what does each tool say?
    wrk      flat out, for it has no rate: what a request costs in C without any waiting
"""

import os
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

from bench.claims import Claim, Goal
from bench.generators import CLOCK, OURS, Ask, Said, Tool, tools, wrk
from bench.images import say
from bench.machine import before_others, busy_ns, least_stolen, processors_s
from bench.measured import measured
from bench.ports import free_ports
from bench.size import Size
from tidegate.local.haproxy.machine import find_binary

GOAL_RATE, GOAL_LATE_MS, GOAL_HELD, GOAL_OFF_MS = 20_000, 0.2, 99.0, 10.0
RATES = (1_000, 5_000, GOAL_RATE)
SECONDS, STALL_SECONDS = 3, 3
STALL_RATE, TRUE_P99_MS = 1_000, 190.0
MOST_STOLEN, TRIES = 4.0, 4
"""A run at the goal's rate is taken again, at most so often, when the host kept more (%) of the
machine's time."""
MOST_STOLEN_IN_TIME, TRIES_IN_TIME = 0.2, 40
"""The same for those that tell how late they were: one tick of the kernel's. What is not
sent in a pause of the host's has to be caught up with."""
HAPROXY = """
global
  nbthread 1
  maxconn 6000
defaults
  mode http
  timeout client 30s
  timeout connect 1s
  timeout server 30s
frontend f
  bind 127.0.0.1:{port} backlog 6000
  http-request return status 200 content-type text/plain string "{body}"
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One run of one tool. `held` is replies in percent of those asked for, `cpu` percent of a core
    for each 1,000 requests/s, `others` what other programs took of the machine, in percent, and
    `stolen` what its host kept of the time asked for."""

    held: float
    failed: float
    cpu: float
    others: float
    said: Said
    stolen: float = 0.0


@dataclass(frozen=True, slots=True)
class Target:
    """The server under load; it has one thread."""

    url: str
    pid: int


Rows = dict[tuple[int, str], list[Row]]


def measure(size: Size) -> list[Claim]:
    """Every tool at every rate, in turns, then each against a stall."""
    found = list(tools())
    say(f"generators: {', '.join(tool.name for tool in found)}")
    rates = RATES if size.thorough else (GOAL_RATE,)
    with before_others(), server() as target:
        rows = in_turns([*found, CLOCK], target, rates, size.loads)
        flat_out = wrk()
        peak = one(flat_out, target, GOAL_RATE, SECONDS) if flat_out else None
        with frozen(target.pid):
            stalled = in_turns(found, target, (STALL_RATE,), 1)
    claims = [*_rates(rows), *_stall(stalled)]
    if peak:
        claims.append(_flat_out(rows, peak))
    return claims


def in_turns(found: Sequence[Tool], target: Target, rates: Sequence[int], rounds: int) -> Rows:
    """So many rounds; within each, every tool at every rate."""
    rows: Rows = {}
    for _, rate, tool in product(range(rounds), rates, found):
        if tool is CLOCK and rate != GOAL_RATE:
            continue
        tells = tool.name in (OURS, CLOCK.name)
        most, tries = (MOST_STOLEN_IN_TIME, TRIES_IN_TIME) if tells else (MOST_STOLEN, TRIES)
        take = partial(one, tool, target, rate, SECONDS)
        taken, stolen = least_stolen(take, most if rate == GOAL_RATE else 100, tries)
        row = replace(taken, stolen=stolen)
        rows.setdefault((rate, tool.name), []).append(row)
        late = "" if row.said.late_ms is None else f", 1 % later than {row.said.late_ms:.2f} ms"
        words = f"{row.held:.1f} % held, {row.failed} failed, {row.cpu:.2f} % of a core"
        beside = f"others {row.others:.0f} %, host {stolen:.0f} %"
        say(f"{tool.name} at {rate:,}/s: {words}{late}; {beside}")
    return rows


def one(tool: Tool, target: Target, rate: int, seconds: int) -> Row:
    """One run, with the CPU time of all its processes."""
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        ask = Ask(target.url, rate, seconds, Path(folder))
        before, server_ns = processors_s(), busy_ns(target.pid)
        done = measured(tool.words(ask))
        spent = processors_s().since(before)
        others_s = spent.worked - done.cpu_s - (busy_ns(target.pid) - server_ns) / 1e9
        said = tool.said(ask, done.output.decode())
    held = 100 * said.replies / (rate * (said.own_s or seconds))
    cpu = 100 * 1000 * done.cpu_s / said.replies if said.replies else float("inf")
    return Row(held, said.failed, cpu, max(0.0, 100 * others_s / sum(spent)), said)


def _rates(rows: Rows) -> Iterator[Claim]:
    """The goal, then ours beside each of the others."""
    ours = rows[GOAL_RATE, OURS]
    late_ms = [row.said.late_ms or 0.0 for row in ours]
    yield Claim(
        f"load, {GOAL_RATE:,} requests/s held",
        _middle(row.held for row in ours),
        unit="%",
        goal=Goal(GOAL_HELD, at_least=True),
        note=f"medians of {len(ours)} runs of {SECONDS} s in turns, of all generators; "
        f"{sum(row.failed for row in ours):g} failed; beside it the machine's other programs took "
        f"{_middle(row.others for row in ours):.0f} % of it",
    )
    note = f"behind the intended time, at {GOAL_RATE:,}/s; best {min(late_ms):.3g} ms, worst "
    note += f"{max(late_ms):.3g} ms; of the machine the host kept at most "
    note += f"{max(row.stolen for row in ours):.1f} %"
    goal = Goal(GOAL_LATE_MS)
    yield Claim("load, 1 % sent later than", _middle(late_ms), unit="ms", goal=goal, note=note)
    names = [name for rate, name in rows if rate == GOAL_RATE and name != OURS]
    for name in names:
        late = [row.said.late_ms for row in rows[GOAL_RATE, name] if row.said.late_ms is not None]
        if late:
            claim = f"load, 1 % sent later than (peer: {name})"
            yield Claim(claim, _middle(late_ms), _middle(late), "ms")
        if name == CLOCK.name:
            continue
        yield Claim(
            f"load, CPU for 1,000 requests/s of {GOAL_RATE:,} (peer: {name})",
            _middle(row.cpu for row in ours),
            _middle(row.cpu for row in rows[GOAL_RATE, name]),
            "% of a core",
            note=_beside(rows, name),
        )


def _beside(rows: Rows, name: str) -> str:
    """What it held, and the cost at the lower rates."""
    theirs = rows[GOAL_RATE, name]
    held, failed = (_middle(getattr(row, what) for row in theirs) for what in ("held", "failed"))
    parts = [f"the peer held {held:.1f} %, {failed:g} failed"]
    for rate, its in rows:
        if its == name and rate != GOAL_RATE:
            ours, peer = (_middle(row.cpu for row in rows[rate, one]) for one in (OURS, name))
            parts.append(f"at {rate:,}/s {ours:.1f} and {peer:.1f} % of a core")
    return "; ".join(parts)


def _stall(rows: Rows) -> Iterator[Claim]:
    """How far off each is from the truth about a target that freezes."""
    off_ms = {name: abs(row.said.p99_ms - TRUE_P99_MS) for (_, name), (row,) in rows.items()}
    ours, said = off_ms.pop(OURS), _told(rows, OURS)
    note = f"the truth is {TRUE_P99_MS:g} ms; ours said {said}"
    subject = "load, a target that freezes, error of its 99th percentile"
    yield Claim(subject, ours, unit="ms", goal=Goal(GOAL_OFF_MS), note=note)
    for name, theirs in off_ms.items():
        note = f"the peer said {_told(rows, name)}"
        yield Claim(f"{subject} (peer: {name})", ours, theirs, "ms", note=note)


def _told(rows: Rows, name: str) -> str:
    (row,) = rows[STALL_RATE, name]
    return f"{row.said.p99_ms:.1f} ms and held {row.held:.1f} %"


def _flat_out(rows: Rows, peak: Row) -> Claim:
    note = f"wrk has no rate: {peak.said.replies / SECONDS:,.0f} replies/s"
    ours = _middle(row.cpu for row in rows[GOAL_RATE, OURS])
    name = "load, CPU for 1,000 requests/s (peer: wrk, flat out)"
    return Claim(name, ours, peak.cpu, "% of a core", note=note)


def _middle(values: Iterable[float]) -> float:
    return statistics.median(values)


@contextmanager
def server() -> Iterator[Target]:
    """An HAProxy that answers 128 bytes."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        config = Path(folder) / "haproxy.cfg"
        config.write_text(HAPROXY.format(port=port, body="x" * 128))
        process = subprocess.Popen([find_binary(None), "-db", "-q", "-f", str(config)])
        try:
            while not _answers(port):
                if process.poll() is not None:
                    raise SystemExit(f"HAProxy ended with exit code {process.returncode}")
                time.sleep(0.05)
            yield Target(f"http://127.0.0.1:{port}/", process.pid)
        finally:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process for the first 200 ms of every second."""
    over = threading.Event()

    def freeze() -> None:
        while not over.is_set():
            time.sleep(1.0 - time.monotonic() % 1.0)
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.2)
            os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=freeze)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
