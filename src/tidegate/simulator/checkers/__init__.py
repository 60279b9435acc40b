"""One checker for each promise of a deployment, against the simulated truth."""

from collections.abc import Mapping
from types import MappingProxyType

from tidegate.simulator.checkers.abort import AbortAlwaysWins
from tidegate.simulator.checkers.capacity import StableStaysFull, WeightWithinCapacity
from tidegate.simulator.checkers.case import Case, Checker
from tidegate.simulator.checkers.cost import CostIsExplained
from tidegate.simulator.checkers.counts import CountsWithinBounds, OneAtATime
from tidegate.simulator.checkers.evidence import FailClosed
from tidegate.simulator.checkers.images import NothingUnscannedRuns, WayBackIsKept
from tidegate.simulator.checkers.instances import (
    CostNeverDecreases,
    InstancesWithinBounds,
    NoInstanceOverfilled,
    PlacedWhereItMay,
)
from tidegate.simulator.checkers.measured import NothingGoesUnmeasured
from tidegate.simulator.checkers.promotion import TestedTasksArePromoted
from tidegate.simulator.checkers.requests import NoDroppedRequest
from tidegate.simulator.checkers.rest import bound_ms, left_over, under_way

CHECKERS: Mapping[int, tuple[type[Checker], ...]] = MappingProxyType(
    {
        1: (NoDroppedRequest,),
        2: (NothingUnscannedRuns,),
        3: (WeightWithinCapacity, StableStaysFull),
        4: (AbortAlwaysWins,),
        5: (TestedTasksArePromoted,),
        6: (FailClosed,),
        7: (WayBackIsKept,),
        8: (OneAtATime,),
        9: (
            CountsWithinBounds,
            InstancesWithinBounds,
            PlacedWhereItMay,
            NoInstanceOverfilled,
            CostNeverDecreases,
            CostIsExplained,
            NothingGoesUnmeasured,
        ),
    }
)
"""By the number of the promise. The tenth, the same journal every time, is a test of two runs."""

__all__ = ["CHECKERS", "Case", "Checker", "bound_ms", "left_over", "under_way"]
