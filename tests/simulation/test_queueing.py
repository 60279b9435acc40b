"""The formulas against requests that are followed one by one, through the same world."""

from itertools import product
from math import sqrt
from typing import Any

import pytest

from tidegate.core import decision as d
from tidegate.core.metrics import BUCKET_BOUNDS_US, merge, percentile_us
from tidegate.core.model import Colour
from tidegate.core.seen import Routing
from tidegate.simulator.behaviour import Behaviour, draws_of
from tidegate.simulator.fluid import Fluid
from tidegate.simulator.queueing import (
    SATURATED,
    Balance,
    Group,
    Work,
    answer_times,
    erlang_c,
    mean_of,
    percentile_of,
    service_times,
    waiting,
)
from tidegate.simulator.scenarios import QUICKLY, SERVICE, change
from tidegate.simulator.traffic import Traffic
from tidegate.simulator.world import AnyWorld, ClientsOf

CATS = QUICKLY.services[0]
MEAN_US = 20_000


def answered(clients: ClientsOf[Any], group: Group, seconds: int) -> tuple[float, float, float]:
    """Mean, p95 and p99 (ms) of a world whose blue target group is this one, so long."""
    world = AnyWorld(change(3, app=QUICKLY), clients)
    world.traffic.balance = group.balance
    world.traffic.established.add(SERVICE)
    work = Work(MEAN_US, group.concurrency, group.cs2)
    world.workshop.images["sha256:1"] = Behaviour(work=work)
    world.balancer.serve(QUICKLY)
    world.balancer.route(Routing(SERVICE, 0))
    for number in range(group.tasks):
        world.fleet.start(d.StartTask(f"t{number}", CATS, 1, "sha256:1"))
    world.clock.run_for(3_000)
    for number in range(group.tasks):
        world.balancer.register(d.RegisterTarget(f"t{number}", SERVICE, Colour.BLUE, "x"))
    world.traffic.begin(SERVICE, group.utilisation * group.tasks * work.most_rps)
    for _ in range(seconds):
        world.clock.run_for(1_000)
        world.settle()
    until_ms = world.clock.now() - 2_000
    total = merge(world.meter.truth((SERVICE, Colour.BLUE), 0, until_ms))
    mean = sum(BUCKET_BOUNDS_US[b] * n for b, n in total.latency) / total.requests / 1.025
    p95, p99 = (percentile_us(total, p) or 0 for p in (95, 99))
    return mean / 1000, p95 / 1000, p99 / 1000


CASES = [
    *(
        Group(tasks, workers, use, 1.0, balance)
        for (tasks, workers), use, balance in product(
            ((4, 1), (3, 4)), (0.5, 0.8), (Balance.ROUNDROBIN, Balance.LEASTCONN)
        )
    ),
    Group(3, 2, 0.8, 0.3, Balance.ROUNDROBIN),
    Group(2, 4, 0.7, 1.0, Balance.RANDOM),
    *(Group(3, 4, SATURATED, 1.0, balance) for balance in Balance),
]


@pytest.mark.parametrize("group", CASES, ids=str)
def test_the_flow_and_the_single_requests_agree_below_saturation(group: Group) -> None:
    requests = 100_000 if group.utilisation == SATURATED else 16_000  # queues change slowly there
    seconds = round(requests / (group.utilisation * group.tasks * group.concurrency * 50))
    each = answered(Traffic, group, seconds)
    flow = answered(Fluid, group, seconds)
    assert flow[0] == pytest.approx(each[0], rel=0.10)
    assert flow[1] == pytest.approx(each[1], rel=0.20)
    assert flow[2] == pytest.approx(each[2], rel=0.20)


@pytest.mark.parametrize(
    ("servers", "offered", "chance"), [(1, 0.5, 0.5), (2, 1.0, 1 / 3), (10, 5.0, 0.03611)]
)
def test_erlangs_chance_to_wait_is_the_one_of_the_tables(
    servers: int, offered: float, chance: float
) -> None:
    assert erlang_c(servers, offered) == pytest.approx(chance, rel=1e-3)


@pytest.mark.parametrize("use", [0.1, 0.5, 0.9])
def test_one_task_with_one_worker_waits_as_pollaczek_and_khinchine_say(use: float) -> None:
    for cs2 in (0.0, 0.5, 1.0, 2.0):
        group = Group(1, 1, use, cs2, Balance.RANDOM)
        assert waiting(group)[1] == pytest.approx(use / (1 - use) * (1 + cs2) / 2)


def test_the_layers_have_the_mean_of_the_formula_and_all_requests() -> None:
    for cs2, use in product((0.0, 0.3, 1.0, 3.0), (0.0, 0.4, 0.9)):
        group = Group(3, 2, use, cs2)
        layers = answer_times(group)
        assert sum(share for share, _ in layers) == pytest.approx(1)
        assert mean_of(layers) == pytest.approx(1 + waiting(group)[1])
        assert list(layers) == sorted(layers, key=lambda layer: layer[1])


def test_service_times_are_drawn_with_the_mean_and_the_variation_that_were_asked_for() -> None:
    for cs2 in (0.2, 1.0):
        times = draws_of(20_000, cs2)
        mean = sum(times) / len(times)
        spread = sqrt(sum((t - mean) ** 2 for t in times) / len(times)) / mean
        assert mean == pytest.approx(20_000, rel=0.001)
        assert spread == pytest.approx(sqrt(cs2), rel=0.05)
        assert percentile_of(service_times(cs2), 50) == pytest.approx(1 / sqrt(1 + cs2), rel=0.02)


def test_fewer_connections_beat_taking_turns_and_both_beat_chance() -> None:
    waits = [waiting(Group(4, 2, 0.8, 1.0, balance))[1] for balance in (
        Balance.LEASTCONN, Balance.ROUNDROBIN, Balance.RANDOM)]  # fmt: skip
    assert waits == sorted(waits)
    assert len(set(waits)) == 3
