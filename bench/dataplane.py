"""Our data plane beside bare HAProxy with a static configuration, in turns.

Both have one thread and the same four targets, which another HAProxy plays. Ours has its whole
configuration (routes, splits, retries) and a collector that counts every request, as in the daemon;
the bare one has neither. A second bare one repeats what a dying target left unanswered, as ours
does: what that promise alone costs. A third has its memory as ours has it (freed buffers kept, huge
pages): what is owed to that and not to our configuration. `steady`: no deployment runs. `shift`:
half of the traffic goes to the other target group, and the weights change twice a second. The
client and the targets go before other programs, where that is allowed, so that the HAProxy under
test sets the pace.
"""

import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from bench import machine, wrk
from bench.claims import Claim, Goal
from bench.images import say
from bench.ports import free_ports
from bench.size import Size
from tidegate.core.actions import RegisterTarget
from tidegate.core.model import App, Colour, Listener, Service
from tidegate.core.seen import Routing
from tidegate.load import Background, Plan, Target, constant, summarise
from tidegate.local.haproxy.balancer import HAProxyBalancer
from tidegate.local.haproxy.machine import find_binary
from tidegate.local.haproxy.process import HUGE_PAGES, KEEP_BUFFERS
from tidegate.local.metrics.collector import Collector
from tidegate.precedence import go_before

SERVICE = "web"
SECONDS = 2
FIXED_RATE = 4_000
STEADY, SHIFT, BARE = "ours, steady", "ours, during a shift", "bare HAProxy"
SAFE = "bare HAProxy that repeats"
MEMORY = "bare HAProxy with our memory"
_REPEATS = """\
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response
"""
_TIMEOUTS = """\
defaults
  mode http
  timeout connect 100ms
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 60s
"""
_TARGETS = """\
global
  nbthread 1
  maxconn 4000
{timeouts}
frontend targets
{binds}
  http-request return status 200 content-type text/plain string "{body}"
"""
_STATIC = """\
global
  nbthread 1
  maxconn 8000
{timeouts}{repeats}
  http-reuse always
frontend production
  bind 127.0.0.1:{port}
  default_backend web
backend web
  balance roundrobin
{servers}
"""
MOST_STOLEN = 4.0
"""A pass is taken again when the host kept more (%) of the machine's time."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One run of one side. CPU is of HAProxy alone, in microseconds a request."""

    per_second: float
    saturated_p99_ms: float
    cpu_us: float
    p99_ms: float
    stolen_percent: float = 0.0


@dataclass
class Planes:
    """All sides, running: the port and process id of each."""

    sides: dict[str, tuple[int, int]]
    balancer: HAProxyBalancer
    collector: Collector
    passes: dict[str, list[Pass]] = field(default_factory=dict)

    def measure(self, name: str) -> None:
        """One pass of this side."""
        done, stolen = machine.least_stolen(lambda: self._pass(name), MOST_STOLEN)
        self.passes.setdefault(name, []).append(replace(done, stolen_percent=stolen))
        say(f"  of that pass the host kept {stolen:.0f} %")

    def _pass(self, name: str) -> Pass:
        port, pid = self.sides[name]
        begun = machine.busy_ns(pid)
        said = wrk.load(port, SECONDS)
        cpu_us = (machine.busy_ns(pid) - begun) / 1_000 / (said.per_second * SECONDS)
        if said.failed:
            raise SystemExit(f"{name}: {said.failed} requests failed")
        p99_ms = fixed_p99_ms(port)
        done = Pass(said.per_second, said.p99_ms, cpu_us, p99_ms)
        say(
            f"{name}: {done.per_second:,.0f} requests/s, {cpu_us:.1f} us each, p99 "
            f"{p99_ms:.2f} ms at {FIXED_RATE:,} requests/s"
        )
        return done

    def split(self, green_bp: int, test: Colour | None = None) -> None:
        """Set the weights of ours."""
        self.balancer.route(Routing(SERVICE, green_bp, test))


def fixed_p99_ms(port: int) -> float:
    """The p99 of latency at a fixed rate that either side bears easily."""
    plan = Plan((Target(f"http://127.0.0.1:{port}/"),), constant(FIXED_RATE, 2))
    with Background(plan) as load:
        return summarise(load.wait(30)).latency.percentile_us(99) / 1_000


def measure(size: Size) -> list[Claim]:
    """Passes of each side in turns, and what they come to."""
    wrk.ensure()
    folder = Path(tempfile.mkdtemp(prefix="tgb-", dir="/tmp"))
    try:
        with machine.before_others(), _planes(folder) as planes:
            for _ in range(size.pairs):
                planes.measure(BARE)
                planes.measure(SAFE)
                planes.measure(MEMORY)
                planes.split(0)
                planes.measure(STEADY)
                with _shifting(planes):
                    planes.measure(SHIFT)
            return claims_of(planes.passes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def claims_of(passes: dict[str, list[Pass]]) -> list[Claim]:
    """Medians over the passes; a ratio is of two medians."""

    def middle(name: str, of: Callable[[Pass], float]) -> float:
        return statistics.median(of(one) for one in passes[name])

    most = max(one.stolen_percent for side in passes.values() for one in side)
    note = f"medians of {len(passes[BARE])} passes in turns, at most {most:.0f} % of a pass stolen"
    goals = {
        STEADY: Goal(0.9, "ratio", at_least=True),
        SHIFT: Goal(0.7, "ratio", at_least=True),
        SAFE: None,
        MEMORY: None,
    }
    claims = []
    for name, goal in goals.items():
        for what, unit, of in _FIGURES:
            its_goal = goal if what == "throughput" else None
            numbers = (middle(name, of), middle(BARE, of))
            claims.append(Claim(f"{what}, {name}", *numbers, unit, its_goal, note))
    return claims


_FIGURES: tuple[tuple[str, str, Callable[[Pass], float]], ...] = (
    ("throughput", "requests/s", lambda one: one.per_second),
    ("CPU a request", "us", lambda one: one.cpu_us),
    ("p99 at capacity", "ms", lambda one: one.saturated_p99_ms),
    (f"p99 at {FIXED_RATE:,} requests/s", "ms", lambda one: one.p99_ms),
)


# --- the two sides --------------------------------------------------------------------------------


@contextmanager
def _planes(folder: Path) -> Iterator[Planes]:
    bare_port, safe_port, memory_port, our_port, test_port, *targets = free_ports(9)
    servers = "\n".join(f"  server s{n} 127.0.0.1:{port}" for n, port in enumerate(targets))
    binds = "\n".join(f"  bind 127.0.0.1:{port}" for port in targets)
    behind = _TARGETS.format(timeouts=_TIMEOUTS, binds=binds, body="x" * 128)
    common = {"timeouts": _TIMEOUTS, "servers": servers}
    static = _STATIC.format(**common, repeats="", port=bare_port)
    repeating = _STATIC.format(**common, repeats=_REPEATS, port=safe_port)
    with_memory = _STATIC.format(**common, repeats="", port=memory_port)
    balancer = HAProxyBalancer(folder / "ours")
    collector = Collector(folder / "ours")
    with (
        _haproxy(folder / "targets.cfg", behind),
        _haproxy(folder / "bare.cfg", static) as bare,
        _haproxy(folder / "safe.cfg", repeating) as safe,
        _haproxy(folder / "memory.cfg", with_memory, KEEP_BUFFERS, tunables=HUGE_PAGES) as memory,
    ):
        try:
            collector.start()
            listener = Listener(port=our_port, test_port=test_port)
            balancer.serve(App("bench", (Service(SERVICE),), listener))
            for colour in Colour:
                for number, port in enumerate(targets):
                    address = f"127.0.0.1:{port}"
                    task = f"{colour}{number}"
                    balancer.register(RegisterTarget(task, SERVICE, colour, address))
            look = balancer.look()
            if look is None:
                raise SystemExit("our HAProxy gives no answer")
            ours = (our_port, look.serving.pid)
            for peer in (bare, safe, memory):  # ours goes before other work; so must they
                go_before(os.getpriority(os.PRIO_PROCESS, ours[1]), peer)
            others = {BARE: (bare_port, bare), SAFE: (safe_port, safe)}
            sides = {**others, MEMORY: (memory_port, memory), STEADY: ours, SHIFT: ours}
            yield Planes(sides, balancer, collector)
        finally:
            balancer.stop()
            collector.close()


@contextmanager
def _haproxy(
    path: Path, text: str, *options: str, tunables: Mapping[str, str] = MappingProxyType({})
) -> Iterator[int]:
    """One with that configuration, in a session of its own, as ours; its process id."""
    path.write_text(text)
    words = [find_binary(None), "-db", "-q", *options, "-f", str(path)]
    process = subprocess.Popen(words, env={**tunables, **os.environ}, start_new_session=True)
    try:
        time.sleep(0.5)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _shifting(planes: Planes) -> Iterator[None]:
    """A shift under way: both groups have traffic, and the weights change twice a second."""
    over = threading.Event()

    def change() -> None:
        weights = (4_500, 5_000, 5_500)
        number = 0
        while not over.is_set():
            planes.split(weights[number % len(weights)], Colour.GREEN)
            number += 1
            over.wait(0.5)

    planes.split(5_000, Colour.GREEN)
    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
