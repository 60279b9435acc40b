"""Tidegate delivers containers safely. `docs/architecture.md` is the map."""

__version__ = "0.1.0"

FILE_NAME = "tidegate.yaml"
"""What an app's file is called. Here, because whoever looks for it need not be able to read it."""
