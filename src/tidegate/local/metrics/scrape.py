"""One page of metrics: what the collector has counted and what HAProxy says now."""

import time

from tidegate.local.haproxy.balancer import HAProxyBalancer
from tidegate.local.metrics.collector import Collector
from tidegate.local.metrics.loss import Loss
from tidegate.local.metrics.prometheus import render

_APART_S = 1.0
"""Lines take some hundredths of a second; looks so far apart can be compared."""


class Scrape:
    """The page for Prometheus; lost lines are found by comparing one scrape with another."""

    def __init__(self, collector: Collector, balancer: HAProxyBalancer) -> None:
        self._collector = collector
        self._balancer = balancer
        self._loss = Loss()
        self._compared = float("-inf")

    def page(self) -> str:
        """The page as of now."""
        counted = self._collector.counted()
        look = self._balancer.look()
        if look is not None and time.monotonic() - self._compared > _APART_S:
            self._compared = time.monotonic()
            self._loss.look(look.serving, counted.lines)
        return render(counted, look, self._loss.lines)
