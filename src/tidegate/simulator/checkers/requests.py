"""Promise 1: no dropped request."""

from tidegate.simulator.checkers.case import Case


class NoDroppedRequest:
    """No request fails that would have succeeded without the controller.

    It may be refused by a release that fails, or lost to a mishap; it may be cut at the end of a
    drain that was given its whole time. Everything else is the controller's doing.
    """

    def check(self, case: Case) -> str | None:
        """The first request that was dropped."""
        dropped = case.world.traffic.ledger.dropped
        if not dropped:
            return None
        first = dropped[0]
        return f"a request to {first.service} was dropped at {first.at_ms} ms: {first.why}"
