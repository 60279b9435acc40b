"""What load generators hold, what it costs them, and whether a stall can hide from them.

    python bench/load.py [--quick] [--rounds 3] [--locust PATH] [--json]

One HAProxy on loopback answers by itself. Each tool is one process, started anew, its whole CPU
time counted. Tools take turns within a round, so that the neighbours on the machine hit all alike.

    rates    1,000, 5,000 and 20,000 requests/s for 2 s: replies per second of the rate asked for,
             failures, CPU per request, p99 latency as the tool tells it; and, which no other tool
             tells, how late the requests left
    stall    the server is frozen 200 ms in every second at 1,000 requests/s. A fifth of requests
             wait 0 to 200 ms, so the true p95 is 150 ms and p99 190 ms: what does each tool say?

    flat out wrk, which has no rate: what a request costs a generator in C that never waits

hey, h2load, wrk (Debian: hey, nghttp2-client, wrk) and Locust (PyPI) are used when they are
installed. Vegeta is in neither registry, so it is not here.
"""

import argparse
import json
import os
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path

from tidegate.load.report import from_json

GOAL_RATE, GOAL_LATE_MS, GOAL_HELD = 20_000, 0.2, 0.99
RATES = (1_000, 5_000, GOAL_RATE)
STALL_RATE, TRUE_P95_MS, TRUE_P99_MS = 1_000, 150.0, 190.0
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
LOCUSTFILE = """
from locust import FastHttpUser, constant_throughput, task
class User(FastHttpUser):
    wait_time = constant_throughput(100)
    @task
    def get(self):
        self.client.get("/")
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What a tool told of its run; `late_p99_ms` is None for tools that don't tell it.

    `own_s` is how long a tool sent that does not keep to the seconds that it was given.
    """

    replies: int
    failed: int
    p95_ms: float
    p99_ms: float
    late_p99_ms: float | None = None
    own_s: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One tool at one rate, medians over the rounds. `held` is replies of those asked for.

    `late_best_ms` is the p99 of lateness in the best round, the one with the fewest neighbours.
    """

    tool: str
    rate: int
    held: float
    failed: float
    cpu_us: float
    p95_ms: float
    p99_ms: float
    late_p99_ms: float | None
    late_best_ms: float | None = None


Tool = Callable[[str, int, int], Said]


def run(*words: str) -> str:
    """The output of a command; its failure ends the bench."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=90, check=False)
    if done.returncode:
        raise SystemExit(f"{words[0]} failed: {done.stderr[-500:]}")
    return done.stdout


def tidegate(url: str, rate: int, seconds: int) -> Said:
    """Ours, as a command: parent, sender and the reckoning of the report."""
    words = ("-m", "tidegate.load", url, "--rate", str(rate), "--for", f"{seconds}s", "--json")
    report = from_json(run(sys.executable, *words))
    p95, p99 = (us / 1000 for us in report.latency.percentiles_us((95, 99)))
    late = report.scheduling.percentile_us(99) / 1000
    return Said(report.counts.ok, report.counts.failed, p95, p99, late)


def hey(url: str, rate: int, seconds: int) -> Said:
    """Closed: each worker waits for its reply, then for its next turn."""
    workers = 50 if rate <= 5_000 else 100
    text = run("hey", "-z", f"{seconds}s", "-c", f"{workers}", "-q", f"{rate / workers:g}", url)
    codes = re.findall(r"\[(\d+)\]\t(\d+) responses", text)
    replies = sum(int(n) for _, n in codes)
    failed = sum(map(int, re.findall(r"\[(\d+)\]\t", text.partition("Error distribution:")[2])))
    p95, p99 = (
        1000 * float(found[1]) if (found := re.search(rf"{percent}% in ([\d.]+) secs", text)) else 0
        for percent in (95, 99)
    )
    return Said(replies, failed, p95, p99)


def h2load(url: str, rate: int, seconds: int) -> Said:
    """Each client at its own rate, one request at a time; HTTP/1.1."""
    with tempfile.NamedTemporaryFile() as log:
        words = ("--h1", "-c", "50", "-D", str(seconds), "--rps", f"{rate / 50:g}")
        text = run("h2load", *words, f"--log-file={log.name}", url)
        times = sorted(int(line.split()[2]) for line in Path(log.name).read_text().splitlines())
    counts = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", text)
    ok, *failed = (int(n) for n in counts.groups()) if counts else (0, 0)
    return Said(ok, sum(failed), *(_at(times, share) / 1000 for share in (0.95, 0.99)))


def flat_out(url: str, seconds: int) -> str:
    """What wrk does without a rate: replies per second and CPU for each, in one line."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = run("wrk", "-t1", "-c64", f"-d{seconds}s", url)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    found = re.search(r"(\d+) requests in", text)
    replies = int(found[1]) if found else 0
    if not replies:
        return "wrk, flat out: it got no reply"
    return f"wrk, flat out: {replies / seconds:,.0f} replies/s, {1e6 * cpu_s / replies:.0f} us/req"


def locust(path: str) -> Tool:
    """Closed: 100 requests/s a user, all users spawned at once."""

    def tool(url: str, rate: int, seconds: int) -> Said:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "locustfile.py"
            file.write_text(LOCUSTFILE)
            users = str(rate // 100)
            words = ("-f", str(file), "--headless", "-u", users, "-r", users, "-t", f"{seconds}s")
            quiet = ("--json", "--exit-code-on-error", "0", "--loglevel", "ERROR")
            (total,) = json.loads(run(path, *words, *quiet, "-H", url.rstrip("/")))
        failed = total["num_failures"]
        counts = total["response_times"].items()
        times = sorted(ms for text, n in counts for ms in [float(text)] * n)
        replies = total["num_requests"] - failed
        own_s = total["last_request_timestamp"] - total["start_time"]
        return Said(replies, failed, _at(times, 0.95), _at(times, 0.99), own_s=own_s)

    return tool


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    """An HAProxy that answers 128 bytes; its URL and process id."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "haproxy.cfg"
        config.write_text(HAPROXY.format(port=port, body="x" * 128))
        process = subprocess.Popen(["haproxy", "-db", "-q", "-f", str(config)])
        try:
            while process.poll() is None and not _answers(port):
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}/", process.pid
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


def measure(name: str, tool: Tool, url: str, rate: int, seconds: int) -> Row:
    """One run of one tool, with the CPU time of its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = tool(url, rate, seconds)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    held, cpu_us = said.replies / (rate * (said.own_s or seconds)), 1e6 * cpu_s / said.replies
    times = {name: getattr(said, name) for name in ("p95_ms", "p99_ms", "late_p99_ms")}
    return Row(name, rate, held, said.failed, cpu_us, **times)


def in_turns(
    tools: dict[str, Tool], url: str, rates: Sequence[int], rounds: int, seconds: int
) -> list[Row]:
    """Every tool at every rate, in turns: medians over the rounds."""
    found: dict[tuple[int, str], list[Row]] = {}
    for _, rate, name in product(range(rounds), rates, tools):
        row = measure(name, tools[name], url, rate, seconds)
        found.setdefault((rate, name), []).append(row)
    return [median(found[rate, name]) for rate, name in product(rates, tools)]


def median(rows: Sequence[Row]) -> Row:
    """The medians of the same tool at the same rate."""
    late = [row.late_p99_ms for row in rows if row.late_p99_ms is not None]
    middle = {
        name: statistics.median(getattr(row, name) for row in rows)
        for name in ("held", "failed", "cpu_us", "p95_ms", "p99_ms")
    }
    middle_late, best_late = (statistics.median(late), min(late)) if late else (None, None)
    return replace(rows[0], **middle, late_p99_ms=middle_late, late_best_ms=best_late)


def table(rows: Sequence[Row], stalled: Sequence[Row]) -> str:
    """Both tables, and the goal."""
    lines = [f"{'tool':<9} {'rate':>7} {'held':>7} {'failed':>7} {'CPU us/req':>11} {'p99 ms':>8}"]
    lines[0] += f" {'late p99 ms (best)':>19}"
    for r in rows:
        late = f"{r.late_p99_ms:.3f} ({r.late_best_ms:.3f})" if r.late_best_ms else "not told"
        line = f"{r.tool:<9} {r.rate:>7,} {r.held:>7.1%} {r.failed:>7,.0f} {r.cpu_us:>11.0f}"
        lines.append(f"{line} {r.p99_ms:>8.2f} {late:>19}")
    lines += ["", f"frozen 200 ms in every second, {STALL_RATE:,} requests/s"]
    lines.append(f"{'tool':<9} {'held':>7} {'p95 ms':>8} {'p99 ms':>8}")
    lines.append(f"{'(truth)':<9} {'100.0%':>7} {TRUE_P95_MS:>8.0f} {TRUE_P99_MS:>8.0f}")
    for r in stalled:
        lines.append(f"{r.tool:<9} {r.held:>7.1%} {r.p95_ms:>8.1f} {r.p99_ms:>8.1f}")
    goal = f"goal: {GOAL_RATE:,} requests/s held, p99 of lateness under {GOAL_LATE_MS} ms: "
    return "\n".join([*lines, "", goal + ("met" if met(rows) else "missed")])


def met(rows: Sequence[Row]) -> bool:
    """Whether ours holds the goal's rate in time."""
    (ours,) = (row for row in rows if row.tool == "tidegate" and row.rate == GOAL_RATE)
    late = (ours.late_p99_ms or 0.0) >= GOAL_LATE_MS
    return ours.held >= GOAL_HELD and not ours.failed and not late


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round, one rate, about 20 s")
    parser.add_argument("--locust", default=shutil.which("locust"), help="its path")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    tools: dict[str, Tool] = {"tidegate": tidegate}
    tools |= {tool.__name__: tool for tool in (hey, h2load) if shutil.which(tool.__name__)}
    if options.locust:
        tools["locust"] = locust(options.locust)
    began = time.monotonic()
    rounds, rates = (1, (GOAL_RATE,)) if options.quick else (options.rounds, RATES)
    with server() as (url, pid):
        rows = in_turns(tools, url, rates, rounds, 2)
        peak = flat_out(url, 2) if shutil.which("wrk") else "wrk is not installed"
        with frozen(pid):
            stalled = in_turns(tools, url, (STALL_RATE,), 1, 3)
    took_s = round(time.monotonic() - began)
    if options.json:
        facts = {"took_s": took_s, "cpus": os.cpu_count(), "goal_met": met(rows), "peak": peak}
        tables = {"rates": [asdict(row) for row in rows], "stall": [asdict(row) for row in stalled]}
        sys.stdout.write(json.dumps(facts | tables, indent=2) + "\n")
        return
    missing = sorted({"hey", "h2load", "locust"} - tools.keys())
    without = f"; not installed: {', '.join(missing)}" if missing else ""
    foot = f"{os.cpu_count()} CPUs, {rounds} rounds of 2 s, {took_s} s{without}"
    sys.stdout.write(f"{table(rows, stalled)}\n{peak}\n{foot}\n")


if __name__ == "__main__":
    main()
