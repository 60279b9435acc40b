"""The one place that puts the parts together. Nothing else builds them."""

from tidegate.wiring.daemon import serve

__all__ = ["serve"]
