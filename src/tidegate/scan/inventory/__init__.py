"""What is in an image: its layers read or remembered, put on top of each other, and named.

image ──► layers ──► facts of each (cached) ──► merge ──► packages, notes, base
"""

from tidegate.scan.inventory.base import KnownBase
from tidegate.scan.inventory.cache import LayerCache
from tidegate.scan.inventory.take import of_folder, of_image

__all__ = ["KnownBase", "LayerCache", "of_folder", "of_image"]
