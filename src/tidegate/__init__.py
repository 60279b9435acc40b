"""Tidegate delivers containers safely. `docs/architecture.md` is the map."""

__version__ = "0.1.0"
