"""One page of metrics: what the collector has counted and what HAProxy says now."""

from tidegate.local.haproxy.balancer import HAProxyBalancer
from tidegate.local.metrics.collector import Collector
from tidegate.local.metrics.loss import Loss
from tidegate.local.metrics.prometheus import render


class Scrape:
    """The page for Prometheus; lost lines are found by comparing one scrape with the next."""

    def __init__(self, collector: Collector, balancer: HAProxyBalancer) -> None:
        self._collector = collector
        self._balancer = balancer
        self._loss = Loss()

    def page(self) -> str:
        """The page as of now."""
        counted = self._collector.counted()
        look = self._balancer.look()
        if look is not None:
            self._loss.look(look.serving, counted.lines)
        return render(counted, look, self._loss.lines)
