"""From a load step to enough healthy tasks on real containers, and whether the count then rests.

The example app with the recommended controller at its default settings; cats get three times their
load at once. AWS's figures are published ones, for ECS on its 60 s and 20 s metrics
(aws/containers-roadmap 2113): they were not measured here. Docker Swarm does not scale by load.
"""

import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.shop import FAST, Shop

from bench.claims import Claim, Goal
from bench.images import say
from bench.size import Size
from tidegate.api.client import Client
from tidegate.load import Generator, Limits, Plan, Target, constant

STEP_RPS = 380
"""Beside the 200 a second that cats get from the usual clients; 150 are for one task."""
ENOUGH = 4
DEFAULTS = {**FAST, ", scale_in_after: 20s": ""}
AWS_S, AWS_QUICK_S = 386.0, 109.0
GOAL_S = 25.0


def measure(size: Size) -> Sequence[Claim]:
    """One step, then `size.scaled_s` of the same load."""
    with TemporaryDirectory() as folder:
        shop = Shop(Path(folder) / "app")
        try:
            shop.open(DEFAULTS)
            return _step(shop, size.scaled_s)
        finally:
            shop.close()


def _step(shop: Shop, rest_s: float) -> tuple[Claim, ...]:
    time.sleep(20)  # some beats of the load before it
    load = Generator(
        Plan(
            (Target(f"http://127.0.0.1:{shop.space.port}/cats"),),
            constant(STEP_RPS),
            limits=Limits(10),
        )
    )
    thread = threading.Thread(target=load.run)
    began = time.monotonic()
    thread.start()
    try:
        shop.until(lambda: _healthy(shop) >= ENOUGH, f"{ENOUGH} healthy tasks", 180)
        took_s = time.monotonic() - began
        say(f"{took_s:.1f} s to {ENOUGH} healthy tasks")
        time.sleep(rest_s)
    finally:
        load.stop()
        thread.join()
    (known,) = Client(shop.home).scaling("cats")
    outs = [one.after > (one.before or 0) for one in known.activities]
    turns = sum(a != b for a, b in pairwise(outs))
    failed = sum(load.records.outcome[n] != 200 for n in range(len(load.records)))
    failed += shop.clients.counts("all", faulty="crimson").dropped
    name = "load step to enough healthy tasks"
    step = f"200 to {200 + STEP_RPS} requests/s on cats, 2 to {ENOUGH} tasks of the recommended one"
    aws = "peer: published by AWS for ECS, not measured here"
    return (
        Claim(f"{name} (peer: ECS, 60 s metrics)", took_s, AWS_S, "s", Goal(GOAL_S),
              f"{step}; {aws}"),
        Claim(f"{name} (peer: ECS, 20 s metrics)", took_s, AWS_QUICK_S, "s", Goal(GOAL_S), aws),
        Claim("changes of direction under constant load", turns, goal=Goal(1),
              note=f"{len(outs)} scaling activities in {rest_s:.0f} s after the step"),
        Claim("requests failed while it scaled", failed, goal=Goal(0),
              note=f"of {len(load.records):,} of the step, and the usual clients'"),
    )  # fmt: skip


def _healthy(shop: Shop) -> int:
    found = next(s for s in Client(shop.home).status().services if s.name == "cats")
    return sum(group.healthy for group in found.groups)
