"""The app's bare repository: what a push does to it, and how a webhook's commit is fetched."""

from tidegate.local.git.repository import Repository

__all__ = ["Repository"]
